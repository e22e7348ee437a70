"""What commands have in common: a list of nothing, a file that is not there, a cell that is an order."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from whiteslip.app import cli
from whiteslip.app.terminal import csv_rows, in_words, pairs, table
from whiteslip.base import Refusal
from whiteslip.store import embedded

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def home(
    server: embedded.Server, fresh_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An installation that holds nobody, with somebody who may act."""
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", fresh_url())
    assert cli.run(["init"]) == 0
    assert cli.run(["user", "create", "ann"]) == 0
    return tmp_path


def test_a_list_of_nothing_is_a_sentence_on_stderr_and_an_empty_list_as_json(home: Path, capsys: Capture):
    for tokens in (
        ["complaints", "list"], ["exits", "list"], ["lines", "list"], ["watch", "alerts"],
        ["watch", "labels"], ["funding", "list"], ["debts", "buyers"], ["webhooks", "list"],
        ["applications", "list"], ["capacity", "list"], ["bureau", "objections", "list"],
        ["models", "list"], ["debts", "waiting"], ["insight", "reports"],
    ):  # fmt: skip
        capsys.readouterr()
        assert cli.run(tokens) == 0
        out, err = capsys.readouterr()
        assert (out, bool(err.strip())) == ("", True), tokens
        assert cli.run([*tokens, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == [], tokens


def test_what_is_in_the_home_is_for_its_owner_alone(home: Path):
    kept = [path for path in (home / "home").rglob("*") if path.is_file()]
    assert {"master.key"} <= {path.name for path in kept}
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


def test_a_file_that_is_not_there_is_not_found_whoever_asks_for_it(home: Path, capsys: Capture):
    nowhere, by = str(home / "nowhere.csv"), ["--by", "ann"]
    empty = home / "empty.csv"
    empty.write_text("")
    for tokens in (
        ["packs", "check", nowhere],
        ["import", nowhere, "--mapping", "uci-credit-card"],
        ["import", str(empty), "--mapping", nowhere],
        ["restore", nowhere],
        ["policy", "draft", "exit-routing", nowhere, *by],
        ["models", "enter", nowhere, *by],
        ["exits", "paper", "EX-0000-00", nowhere, *by],
        ["funding", "load", nowhere, *by],
        ["lab", "fit", "behaviour", "--data", nowhere, "--out", str(home)],
        ["lab", "fit", nowhere, "--data", str(empty), "--out", str(home)],
        ["lab", "validate", nowhere, "--data", nowhere, "--recipe", "behaviour"],
        ["lab", "drift", nowhere, nowhere, nowhere, "--recipe", "behaviour"],
        ["lab", "card", nowhere, "--out", str(home)],
        ["lab", "ship", nowhere],
    ):
        capsys.readouterr()
        assert cli.run(tokens) == 3, (tokens, capsys.readouterr().err)
        assert "nowhere.csv" in capsys.readouterr().err


def test_the_packs_are_checked_as_json(home: Path, capsys: Capture):
    assert cli.run(["packs", "check", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["faults"] == []
    assert {"cn", "eu", "uk", "us"} <= set(told["packs"])
    assert len(told["not_served"]) < told["duties"]
    broken = home / "broken.toml"
    broken.write_text("name = 1")
    assert cli.run(["packs", "check", str(broken), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["faults"]


def test_a_backup_that_is_not_there_leaves_no_home_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
):
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "new"))
    assert cli.run(["restore", str(tmp_path / "nowhere.tar")]) == 3
    assert not (tmp_path / "new").exists()


def test_a_cell_is_text_for_a_person_and_not_for_python(capsys: Capture):
    table(["share"], [[0.010761402800356385]])
    assert capsys.readouterr().out.split() == ["share", "0.0107614"]
    pairs({"none": None, "locks": [], "rows": ["a", "b"], "at": datetime(2026, 3, 2, 9, 0, 0, 7, UTC)})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["none"], ["locks"], ["rows", "a,", "b"], ["at", "2026-03-02T09:00:00Z"]]


def test_a_refusal_tells_each_fact_once():
    said = in_words(Refusal("insight.measure_unknown", {"measure": "X", "known": "a, b"}))
    assert said == "There is no measure X. Known are: a, b. [insight.measure_unknown]"
    untold = Refusal("line.not_found", {"line": "line_9"})
    assert in_words(untold) == "There is no such line. [line.not_found (line=line_9)]"


def test_no_cell_orders_a_terminal_or_a_spreadsheet_about(capsys: Capture):
    bad = "\x1b[2J[bold]x[/bold]\x9b1m"
    table(["name"], [[bad]])
    pairs({"name": bad})
    shown = capsys.readouterr().out
    assert "[bold]x[/bold]" in shown, "what looks like markup is text"
    assert shown.count("\N{REPLACEMENT CHARACTER}[2J") == 2
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    csv_rows(["=head", "n"], [["=1+1", -3], ["@x", None]])
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [
        ["'=head", "n"],
        ["'=1+1", "-3"],
        ["'@x", ""],
    ]
