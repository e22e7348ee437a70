"""Five thousand customers leave at once while shops go on selling."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from random import Random
from threading import Event
from typing import Final
from uuid import UUID

from benchmarks.bench import Bench, Measure
from benchmarks.book import SHOPS, buy, open_book
from whiteslip import day, exits, identity, lines, purchases
from whiteslip.base import Refusal
from whiteslip.day import Ports, every_violation
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits.model import Channel, Identity
from whiteslip.identity import Vault
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Purchase, Request
from whiteslip.store import Database
from whiteslip.world.population import person

LEAVERS: Final = 5_000
STAYERS: Final = 5_000
_DOORS: Final = 2
_BATCH: Final = 50
_KEY: Final = bytes(32)


def _leave(url: str, ids: Sequence[UUID]) -> list[float]:
    """Ask to leave, one after the other; seconds from the wish to the committed stop."""
    database, office = Database(url, 1), Office(Tables.load(), "Benchmark")
    took: list[float] = []
    for line in ids:
        began = time.perf_counter()
        with database.transaction() as tx:
            now = datetime.now(UTC)
            case = exits.request(tx, office, line, Channel.API, "benchmark", now, Identity.VERIFIED)
        if isinstance(case, Refusal):
            raise RuntimeError(f"somebody was refused: {case.code}")
        took.append(time.perf_counter() - began)
    database.close()
    return took


def _sell(url: str, ids: Sequence[UUID], stop: Event) -> int:
    """Authorise until everybody has left; how many were granted."""
    database, tables, dice, granted = Database(url, 1), Tables.load(), Random(7), 0
    while not stop.is_set():
        asked = [Request(line, f"shop-{dice.randrange(SHOPS)}", 500) for line in dice.sample(ids, _BATCH)]
        with database.transaction() as tx:
            answers = purchases.authorise(tx, tables, asked, "benchmark", datetime.now(UTC))
        granted += sum(isinstance(answer, Purchase) for answer in answers)
    database.close()
    return granted


def _town(database: Database) -> list[UUID]:
    """Lines of people whom the vault knows; a tenth has bought something."""
    ids = open_book(database, LEAVERS + STAYERS)
    dice, vault = Random(11), Vault(_KEY)
    with database.transaction() as tx:
        found = lines.get_lines(tx, ids)
        people = [(found[line].customer, person(dice, n)) for n, line in enumerate(ids)]
        identity.enrol_many(tx, vault, people, "benchmark", datetime.now(UTC))
    buy(database, Tables.load(), [Request(line, "shop-0", 900) for line in ids[::10]])
    return ids


def rushing(bench: Bench) -> Measure:
    """Exits per second while purchases go on; the slowest stop, and how long letters take to follow.

    Raises RuntimeError when an invariant breaks: that a purchase was authorised after its line's stop
    is one of them. A deadlock or a refusal ends the run.
    """
    ours: list[float] = []
    theirs: list[float] = []
    notes: dict[str, object] = {"leavers": LEAVERS, "lines": LEAVERS + STAYERS}
    for number in range(min(bench.rounds, 3)):
        url = bench.whiteslip("rush")
        database = Database(url, 4)
        ids = _town(database)
        theirs.append(bench.tpc_b())
        leavers = ids[:LEAVERS]
        context = multiprocessing.get_context("spawn")
        with context.Manager() as manager, ProcessPoolExecutor(_DOORS + 1, context) as pool:
            stop = manager.Event()
            selling = pool.submit(_sell, url, ids, stop)
            began = time.perf_counter()
            leaving = [pool.submit(_leave, url, leavers[n::_DOORS]) for n in range(_DOORS)]
            took = sorted(seconds for future in leaving for seconds in future.result())
            seconds = time.perf_counter() - began
            stop.set()
            sold = selling.result()
        ours.append(LEAVERS / seconds)
        began = time.perf_counter()
        ports = Ports(Office(Tables.load(), "Benchmark"), Vault(_KEY), DemoPhone(database))
        letters = day.run_due(database, ports, datetime.now(UTC))
        notes |= {
            f"round {number + 1}": f"all stopped in {seconds:.1f} s; a stop took "
            f"{took[len(took) // 2] * 1e3:.0f} ms, p99 {took[-len(took) // 100] * 1e3:.0f} ms, slowest "
            f"{took[-1] * 1e3:.0f} ms; {sold:,} purchases meanwhile; {letters:,} letters in "
            f"{time.perf_counter() - began:.0f} s after"
        }
        with database.transaction() as tx:
            offences = every_violation(tx)
        database.close()
        if offences:
            raise RuntimeError(f"the books broke in the rush: {offences[0]}")
    return Measure("rush", "exits/s", "pgbench TPC-B", "transactions/s", ours, theirs, None, notes)
