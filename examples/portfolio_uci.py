"""A real portfolio is taken over, and the lake tells its vintages, roll rates and bad loans.

    python examples/portfolio_uci.py [FILE] [--customers N] [--lines lines.csv]

FILE is the public "default of credit card clients" data set (``WHITESLIP_UCI`` by default, else the
sample that ships). ``--lines`` writes the rows behind the figures: a line at the end of a month, with
what it owed and how late it was. A spreadsheet gives the same figures from them (columns A to G):

    npl_minor of a month X      =SUMIFS(C:C, B:B, X, D:D, ">90")
    book_minor of X             =SUMIFS(C:C, B:B, X)
    roll rate of i to j in X    =SUMIFS(C:C, B:B, X, F:F, i, G:G, j) / SUMIFS(E:E, B:B, X, F:F, i)
    dpd_30_minor of vintage V   =SUMIFS(C:C, A:A, V, B:B, X, D:D, ">=30")

What it prints of the sample is in ``portfolio.txt``, the rows in ``portfolio-lines.csv``; of the 24,000
customers of the public file in ``portfolio-uci.txt``.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from whiteslip import intake, lake, portfolio
from whiteslip.app.schema import migrate_all
from whiteslip.base import Refusal, end_of_day
from whiteslip.identity import Vault
from whiteslip.lake import Lake, Snapshot
from whiteslip.ledger.acts import seal
from whiteslip.portfolio import Parameters
from whiteslip.portfolio.book import bucket_name, load
from whiteslip.portfolio.engine import opened
from whiteslip.store import Database, embedded

SAMPLE = Path(intake.__file__).parent / "samples" / "portfolio.csv"
ZONE = "Asia/Shanghai"
# The morning after the file's last statement.
FIRST = {"uci-credit-card": date(2005, 10, 1), "whiteslip-sample": date(2025, 7, 1)}
SHOWN = {
    "npl": ("on_day", "lines", "book_minor", "npl_minor", "npl_ratio"),
    "roll_rates": ("on_day", "from_bucket", "to_bucket", "lines", "opening_minor", "closing_minor", "rate"),
    "vintages": (
        "opened",
        "on_day",
        "lines",
        "originated_minor",
        "owed_minor",
        "dpd_30_minor",
        "dpd_30_rate",
    ),
}
LINES = ("opened", "on_day", "owed_minor", "dpd", "owed_before", "bucket_before", "bucket")


def main(arguments: list[str]) -> int:
    """Take over, take a snapshot, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=Path(os.environ.get("WHITESLIP_UCI", SAMPLE)))
    parser.add_argument("--customers", type=int, help="take over the first N customers only")
    parser.add_argument("--lines", type=Path, help="write the rows behind the figures to this file")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="whiteslip-example-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = embedded.start(home)
        try:
            with psycopg.connect(server.url(), autocommit=True) as conn:
                conn.execute("CREATE DATABASE example")
            migrate_all(server.url("example"))
            db = Database(server.url("example"), durable=False)
            try:
                taken = take(db, Lake(home / "lake", bytes(32)), given.file, given.customers)
            finally:
                db.close()
            show(Lake(home / "lake", bytes(32)))
            if given.lines:
                write_lines(taken, given.lines)
        finally:
            embedded.remove(home)
    return 0


def take(db: Database, place: Lake, file: Path, customers: int | None) -> Snapshot:
    """Import the file, close its day, and take a snapshot that agrees with the ledger."""
    mapping = "whiteslip-sample" if file == SAMPLE else "uci-credit-card"
    first = FIRST[mapping]
    now = datetime.combine(first, time(8), ZoneInfo(ZONE))
    report = intake.run(db, Vault(bytes(range(32))), mapping, file, intake.Options(at_most=customers), now)
    print(f"{report.customers_loaded} customers taken over, {report.customers_rejected} rejected")
    until = end_of_day(first, ZONE)
    with db.transaction() as tx:
        seal(tx, first, until)
    taken = lake.export(db, place, first, until, ZONE, until)
    assert isinstance(taken, Snapshot), taken
    print(f"snapshot of {taken.day}: agrees with the ledger")
    return taken


def show(place: Lake) -> None:
    """Print the measures as CSV, rates with six digits."""
    found = portfolio.compute_all(place, names=tuple(SHOWN))
    assert not isinstance(found, Refusal), found
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for result in found:
        print(f"\n{result.title}")
        columns = SHOWN[result.measure]
        writer.writerow(columns)
        # Before the file's first month nobody owed anything that it tells of.
        for row in (row for row in result.records() if row.get("owed_minor", row.get("lines"))):
            cells = (row[name] for name in columns)
            writer.writerow([f"{cell:.6f}" if isinstance(cell, float) else cell for cell in cells])


def write_lines(taken: Snapshot, path: Path) -> None:
    """Each line at each point, in no order that tells who it is."""
    with opened() as engine:
        panel = load(engine, taken, "none", Parameters()).panel
        rows = engine.rows(
            panel.select(
                "on_day", "owed_minor", "dpd", "owed_before",
                opened=(panel.opened_on.year() * 100 + panel.opened_on.month()).cast("int64"),
                bucket_before=bucket_name(panel.bucket_before),
                bucket=bucket_name(panel.bucket),
            ).filter((panel.owed_minor > 0) | (panel.owed_before > 0))
        )  # fmt: skip
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(LINES)
        writer.writerows(sorted(tuple(row[name] for name in LINES) for row in rows))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
