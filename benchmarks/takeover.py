"""A portfolio of twelve hundred customers is taken over, again and again."""

from __future__ import annotations

import csv
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import psycopg

from benchmarks.bench import Bench, Measure
from whiteslip import intake
from whiteslip.intake import Options
from whiteslip.store import Database

CUSTOMERS: Final = 1_200
MONTHS: Final = 6
NOW: Final = datetime(2005, 9, 30, 16, tzinfo=UTC)


def _write(path: Path) -> None:
    """A file in the columns of the public data set, with balances that rise and fall by dice."""
    dice = Random(6)
    status = ["PAY_0", *(f"PAY_{n}" for n in range(2, MONTHS + 1))]
    bills, paid = [[f"{kind}{n}" for n in range(1, MONTHS + 1)] for kind in ("BILL_AMT", "PAY_AMT")]
    people = ["ID", "LIMIT_BAL", "SEX", "EDUCATION", "MARRIAGE", "AGE"]
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow([*people, *status, *bills, *paid, "default.payment.next.month"])
        for number in range(1, CUSTOMERS + 1):
            limit = dice.randrange(1, 51) * 10_000
            balances = [dice.randrange(0, limit) for _ in range(MONTHS)]
            payments = [dice.randrange(0, balance + 1) for balance in balances]
            row = [number, limit, 1, 2, 1, dice.randrange(21, 70), *([0] * MONTHS)]
            out.writerow([*row, *balances, *payments, dice.randrange(2)])


def importing(bench: Bench) -> Measure:
    """Customers per second; the yardstick copies the transfers of one such import into a like table."""
    ours: list[float] = []
    theirs: list[float] = []
    transfers = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "portfolio.csv"
        _write(path)
        for _ in range(bench.rounds):
            url = bench.whiteslip("takeover")
            database = Database(url, 4)
            began = time.perf_counter()
            report = intake.run(database, None, "uci-credit-card", path, Options(), NOW)
            ours.append(report.customers_loaded / (time.perf_counter() - began))
            database.close()
            transfers, seconds = _copy(url)
            theirs.append(CUSTOMERS / seconds)
            if report.customers_loaded != CUSTOMERS:
                raise RuntimeError(f"{report.customers_loaded} of {CUSTOMERS} customers were loaded")
    notes = {"customers": CUSTOMERS, "months": MONTHS, "transfers": f"{transfers:,}"}
    yardstick = "COPY of the transfers alone"
    return Measure("import", "customers/s", yardstick, "customers/s", ours, theirs, None, notes)


def _copy(url: str) -> tuple[int, float]:
    """(how many transfers there are, seconds to copy them into a table with the same indexes)."""
    with psycopg.connect(url) as conn:
        with conn.cursor().copy("COPY ledger.transfer TO STDOUT") as copy:
            rows = [bytes(block) for block in copy]
        conn.execute("CREATE TABLE public.yardstick (LIKE ledger.transfer INCLUDING ALL)")
        conn.commit()
        began = time.perf_counter()
        with conn.cursor().copy("COPY public.yardstick FROM STDIN") as copy:
            for row in rows:
                copy.write(row)
        conn.commit()
        return len(rows), time.perf_counter() - began
