"""Facilities at a terminal: an example in force, a night, and what a funder is told."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from worlds import DAY, at, buy, open_line

from whiteslip import funding
from whiteslip.app import cli
from whiteslip.app.settings import load
from whiteslip.app.wiring import prepare_home
from whiteslip.identity import access
from whiteslip.identity.model import Role
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock

STATED = (
    "commitment_minor=1000000",
    "begins_on=2026-01-01",
    "revolving_until=2026-12-31",
    "ends_on=2026-12-31",
    "cure_days=2",
    "reference_bps=425",
    "eligibility.charged_off_from_days=90",
    "triggers.delinquency_3m_at_most_bps=1000",
)


@pytest.fixture
def run(
    fresh_url: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in a home where somebody owes USD 600."""
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", fresh_url())
    prepare_home(load({"WHITESLIP_HOME": str(tmp_path / "home")}))
    database = Database(load(os.environ).text("database_url"), size=2)
    with database.transaction() as tx:
        StoredClock(tx).set(at(DAY))
        access.create_staff(tx, "ann", Role.REVIEWER, None, at(DAY))
    buy(database, open_line(database, currency="USD", pack="us"), 60_000, 3)
    database.close()

    def command(*tokens: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.run(tokens)
        out, err = capsys.readouterr()
        return code, out, err

    return command


def test_an_example_asks_for_what_no_public_text_gives(run: Callable[..., tuple[int, str, str]]):
    code, _, told = run("funding", "load", "sezzle-2019", "--by", "ann")
    assert code == 2
    assert "- cure_days is required: no public text gives it, state it" in told
    assert run("funding", "base", "sezzle-2019")[0] == 3


def test_from_a_deal_to_a_funders_report(run: Callable[..., tuple[int, str, str]], tmp_path: Path):
    stated = [token for pair in STATED for token in ("--set", pair)]
    code, _, told = run("funding", "load", "sezzle-2019", "--by", "ann", *stated)
    assert code == 0, told
    assert (
        json.loads(run("funding", "fill", "sezzle-2019", "1000000", "--by", "ann", "--json")[1])[
            "pledged_minor"
        ]
        == 60_000
    )
    assert run("funding", "position", "sezzle-2019", "--debt-minor", "54001", "--by", "ann")[0] == 0
    assert json.loads(run("funding", "base", "sezzle-2019", "--now", "--json")[1])["available_minor"] == -1
    database = Database(load(os.environ).text("database_url"), size=1)
    with database.transaction() as tx:
        funding.run_night(tx, DAY, at(DAY, 23))
    database.close()
    kept = json.loads(run("funding", "base", "sezzle-2019", "--json")[1])
    assert (kept["base_minor"], kept["available_minor"]) == (54_000, -1)
    # A deal that contradicts itself is refused, and the night that was kept still answers.
    contrary = [each.replace("revolving_until=2026", "revolving_until=2025") for each in stated]
    code, _, told = run("funding", "load", "sezzle-2019", "--by", "ann", *contrary)
    assert (code, "revolving_until" in told) == (2, True), told
    assert json.loads(run("funding", "base", "sezzle-2019", "--json")[1]) == kept
    assert run("funding", "check", "sezzle-2019")[:2] == (0, "the proof gives the base\n")
    for ending in ("csv", "pdf", "json"):
        assert run("funding", "report", "sezzle-2019", "--out", str(tmp_path / f"r.{ending}"))[0] == 0
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = {row["item"]: row for row in csv.DictReader(file)}
    assert rows["borrowing base"]["value"] == "54000"
    assert (rows["borrowing_base"]["headroom"], rows["delinquency_3m"]["headroom"]) == ("-1", "")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
    proof = (tmp_path / "r.json").read_bytes()
    assert hashlib.sha256(proof).hexdigest() == kept["proof_sha256"] == rows["pool"]["proof_sha256"]
    assert "sezzle-2019" in run("funding", "list")[1]
