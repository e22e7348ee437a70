"""Nights of a large book: bills, late fees, the book's totals, checks and the seal."""

from __future__ import annotations

import multiprocessing
import resource
import time
from datetime import date, timedelta
from typing import Any, Final

import psycopg

from benchmarks.bench import Bench, Measure
from benchmarks.book import DAY, NOON, buy, open_book
from whiteslip import day, purchases
from whiteslip.base import end_of_day
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Capture, Request
from whiteslip.store import Database

ZONE: Final = "Asia/Shanghai"
_BATCH: Final = 1_000
_PRICE: Final = 30_001
_READ: Final = "SELECT count(*), sum(principal_minor + interest_minor + fee_minor) FROM lines.v_line"


def _fill(url: str, count: int) -> None:
    """Every line has one purchase in three instalments."""
    database, tables = Database(url, 1), Tables.load()
    ids = open_book(database, count)
    for first in range(0, count, _BATCH):
        some = ids[first : first + _BATCH]
        granted = buy(
            database, tables, [Request(line, f"shop-{n % 50}", _PRICE, 3) for n, line in enumerate(some)]
        )
        with database.transaction() as tx:
            purchases.capture(tx, [Capture(purchase, _PRICE) for purchase in granted], "benchmark", NOON)
    database.close()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")


def _nights(url: str, first: date, count: int, answer: Any) -> None:
    """In a process of its own, so that its memory is that of a night and nothing else."""
    database = Database(url, 4)
    ports = day.Ports(Office(Tables.load(), "benchmark"), Vault(bytes(32)), DemoPhone(database))
    ours: list[float] = []
    theirs: list[float] = []
    for step in range(count):
        with psycopg.connect(url) as conn:
            began = time.perf_counter()
            conn.execute(_READ)  # type: ignore[arg-type]
            theirs.append(time.perf_counter() - began)
        night = first + timedelta(days=step)
        began = time.perf_counter()
        day.seal(database, ports, night, ZONE, end_of_day(night, ZONE))
        ours.append(time.perf_counter() - began)
    database.close()
    answer.put((ours, theirs, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))


def sealing(bench: Bench, count: int) -> Measure:
    """Seconds per night over five weeks: each line's bill falls into one of them, two checks are whole."""
    url = bench.whiteslip("night")
    _fill(url, count)
    context = multiprocessing.get_context("spawn")
    answer: Any = context.Queue()
    process = context.Process(target=_nights, args=(url, DAY, 35, answer))
    process.start()
    ours, theirs, megabytes = answer.get(timeout=3_600)
    process.join(60)
    notes = {"lines": f"{count:,}", "nights": len(ours), "peak memory": f"{megabytes} MB"}
    return Measure("seal", "s per night", "one read of all lines", "s", ours, theirs, None, notes)
