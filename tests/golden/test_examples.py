"""What the examples print is committed, and this is how they keep printing it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_leavers_runs_in_a_home_that_passes():
    words = [sys.executable, "examples/leavers.py", "--leavers", "9", "--months", "1"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "9 asked to leave, from every debt state; 32 nights were sealed\n" in done.stdout
    assert done.stdout.endswith("journal: 0 faults; decisions: 0 differ when decided again\n")


def test_leavers_prints_what_is_committed_though_run_server_and_database_are_killed():
    words = [sys.executable, "-m", "benchmarks.killing"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "6 times kill -9 (2 of the run, 2 of the server, 2 of PostgreSQL, seed" in done.stdout
    assert "as leavers.txt says" in done.stdout


def test_three_deals_prints_what_is_committed_and_a_pencil_agrees():
    done = subprocess.run(
        [sys.executable, "examples/three_deals.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "examples" / "three_deals.txt").read_text()
    said = [(line[:36].strip(), line[36:].strip()) for line in done.stdout.splitlines() if line[36:].strip()]
    figures = [(label, Decimal(amount.replace(",", ""))) for label, amount in said if amount[-3:-2] == "."]
    eligible = [amount for label, amount in figures if label == "eligible"]
    lent = [amount for label, amount in figures if label.startswith("advance")]
    shares = ["0.90", "0.85", "0.90", "1.00", "1.00"]
    assert lent == [amount * Decimal(share) for amount, share in zip(eligible, shares, strict=True)]
    kept = [amount for label, amount in figures if label == "less held back"]
    # 2.65 % and 5.15 % of USD 12 m, and USD 6.2 m for contracts under 18 %.
    assert kept == [-Decimal("318000.00") - 6_200_000, -Decimal("618000.00") - 6_200_000]


def test_the_portfolio_example_prints_what_is_committed_and_a_spreadsheet_agrees(tmp_path: Path):
    lines = tmp_path / "lines.csv"
    done = subprocess.run(
        [sys.executable, "examples/portfolio_uci.py", "--lines", str(lines)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if name != "WHITESLIP_UCI"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "examples" / "portfolio.txt").read_text()
    assert lines.read_text() == (ROOT / "examples" / "portfolio-lines.csv").read_text()
    _, npl, roll_rates, vintages = (
        list(csv.DictReader(part.splitlines()[1:])) for part in done.stdout.split("\n\n")
    )
    rows = list(csv.DictReader(lines.read_text().splitlines()))

    def sumifs(column: str, wanted: dict[str, str], least: int = 0) -> int:
        """SUMIFS over the rows, of those at least so many days past due."""
        found = (r for r in rows if int(r["dpd"]) >= least and all(r[k] == v for k, v in wanted.items()))
        return sum(int(row[column]) for row in found)

    for row in npl:
        assert int(row["book_minor"]) == sumifs("owed_minor", {"on_day": row["on_day"]})
        assert int(row["npl_minor"]) == sumifs("owed_minor", {"on_day": row["on_day"]}, 91)
    for row in roll_rates:
        begun = {"on_day": row["on_day"], "bucket_before": row["from_bucket"]}
        rate = sumifs("owed_minor", begun | {"bucket": row["to_bucket"]}) / sumifs("owed_before", begun)
        assert float(row["rate"]) == round(rate, 6)
    for row in vintages:
        late = sumifs("owed_minor", {"on_day": row["on_day"], "opened": row["opened"]}, 30)
        assert int(row["dpd_30_minor"]) == late
    assert min(len(npl), len(roll_rates), len(vintages)) > 5
