"""A book of lines to measure on, and the batches that the workers send to it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from random import Random
from typing import Final
from uuid import UUID

from benchmarks.bench import Bench, Measure
from whiteslip import ledger, lines, packs, purchases
from whiteslip.app.wiring import settle
from whiteslip.base import new_id
from whiteslip.decisions import Tables
from whiteslip.ledger import Account, Transfer
from whiteslip.lines import Customer
from whiteslip.lines.acts import open_house
from whiteslip.lines.model import Agreement, NewLine
from whiteslip.purchases import Purchase, Request
from whiteslip.store import Database

DAY: Final = date(2026, 1, 15)
NOON: Final = datetime(2026, 1, 15, 4, tzinfo=UTC)
LINES: Final = 20_000
# So many that nobody comes near the twenty purchases a day that the policy allows.
DRAWN: Final = 60_000
SHOPS: Final = 200
BATCH: Final = 500
SOLD: Final = 1_000
_SHOPS: Final = [f"shop-{n}" for n in range(SHOPS)]
_AMOUNTS: Final = range(100, 2_000)
_AT_ONCE: Final = 5_000


def open_book(database: Database, count: int) -> list[UUID]:
    """``count`` lines of as many customers, with statement days spread over the month."""
    agreement = Agreement.of(packs.load("cn"))
    opened: list[NewLine] = []
    for first in range(0, count, _AT_ONCE):
        people = [Customer(new_id(NOON), None, "en", NOON) for _ in range(min(_AT_ONCE, count - first))]
        some = [NewLine(new_id(NOON), p.id, 5_000_000, n % 28 + 1, DAY) for n, p in enumerate(people)]
        with database.transaction() as tx:
            open_house(tx, agreement.currency)
            lines.open_customers(tx, people, NOON)
            lines.open_lines(tx, agreement, some, "benchmark", NOON)
        opened += some
    return [line.id for line in opened]


def buy(database: Database, tables: Tables, asked: Sequence[Request]) -> list[UUID]:
    """Authorise a batch in one transaction; the purchases that were granted."""
    with database.transaction() as tx:
        answers = purchases.authorise(tx, tables, asked, "benchmark", datetime.now(UTC))
    return [answer.id for answer in answers if isinstance(answer, Purchase)]


@functools.cache
def _tools(url: str) -> tuple[Database, Tables, Random]:
    """What a worker keeps between rounds, settled as a server's process is."""
    kept = Database(url, 1), Tables.load(), Random(17)
    settle()
    return kept


def _until(seconds: float, batch: Callable[[], int]) -> tuple[int, list[float]]:
    now = time.perf_counter()
    end, done = now + seconds, 0
    took: list[float] = []
    while (began := now) < end:
        done += batch()
        now = time.perf_counter()
        took.append(now - began)
    return done, took


def _authorise(url: str, ids: Sequence[UUID], seconds: float) -> tuple[int, list[float]]:
    database, tables, dice = _tools(url)

    def batch() -> int:
        drawn = dice.sample(ids, SOLD), dice.choices(_SHOPS, k=SOLD), dice.choices(_AMOUNTS, k=SOLD)
        return len(buy(database, tables, [Request(*each, 3) for each in zip(*drawn, strict=True)]))

    return _until(seconds, batch)


def _post(url: str, ids: Sequence[UUID], seconds: float) -> tuple[int, list[float]]:
    database, _, dice = _tools(url)

    def batch() -> int:
        pairs = [dice.sample(ids, 2) for _ in range(BATCH)]
        transfers = [
            Transfer(new_id(NOON), debit, "benchmark", debit, credit, dice.randrange(100, 2_000))
            for debit, credit in pairs
        ]
        with database.transaction() as tx:
            ledger.post(tx, transfers, DAY, NOON)
        return len(transfers)

    return _until(seconds, batch)


def posting(bench: Bench) -> Measure:
    """Transfers between random accounts, one commit per batch."""
    url = bench.whiteslip("posting")
    accounts = [Account(new_id(NOON), "benchmark", new_id(NOON), "CNY") for _ in range(LINES)]
    database = Database(url, 1)
    with database.transaction() as tx:
        ledger.open_accounts(tx, accounts)
    ours, theirs, took = bench.in_turn(_post, url, [account.id for account in accounts])
    with database.transaction() as tx:
        offences = ledger.violations(tx)
    database.close()
    if offences:
        raise RuntimeError(f"the books broke while measuring: {offences[0]}")
    notes = {"batch": BATCH, "a batch took": took, "accounts": LINES, "invariants after": "hold"}
    return Measure("post", "transfers/s", "pgbench TPC-B", "transactions/s", ours, theirs, 8, notes)


def authorising(bench: Bench) -> Measure:
    """Purchases on random lines: policy table, limit, hold and journal, one commit per batch."""
    url = bench.whiteslip("authorising")
    database = Database(url, 1)
    ids = open_book(database, DRAWN)
    buy(database, Tables.load(), [Request(ids[n], shop, 100, 1) for n, shop in enumerate(_SHOPS)])
    ours, theirs, took = bench.in_turn(_authorise, url, ids)
    with database.transaction() as tx:
        offences = ledger.violations(tx)
    database.close()
    if offences:
        raise RuntimeError(f"the books broke while measuring: {offences[0]}")
    notes = {"batch": SOLD, "a batch took": took, "lines": DRAWN, "shops": SHOPS, "invariants after": "hold"}
    return Measure("authorise", "purchases/s", "pgbench TPC-B", "transactions/s", ours, theirs, 4, notes)
