"""The bureau at a terminal."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import metro2
import pytest
from bureaus import ask, open_us_line
from worlds import at, buy, open_line

from whiteslip.app import cli
from whiteslip.app.settings import load
from whiteslip.app.wiring import prepare_home
from whiteslip.base.ids import public
from whiteslip.identity import access
from whiteslip.identity.model import Role
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock


@pytest.fixture
def home(fresh_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home over a database in which it is 5 February 2026."""
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", fresh_url())
    monkeypatch.setenv("WHITESLIP_ISSUER_NAME", "Test & Lender")
    prepare_home(load({"WHITESLIP_HOME": str(tmp_path / "home")}))
    return tmp_path


@pytest.fixture
def db(home: Path) -> Iterator[Database]:
    database = Database(load(os.environ).text("database_url"), size=2)
    with database.transaction() as tx:
        StoredClock(tx).set(at(date(2026, 2, 5)))
        access.create_staff(tx, "ann", Role.REVIEWER, None, at(date(2026, 2, 5)))
    yield database
    database.close()


def run(capsys: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = cli.run(tokens)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_file_is_there_whole_for_its_owner_only_and_lists_whom_it_leaves_out(
    db: Database, home: Path, capsys: pytest.CaptureFixture[str]
):
    line, out = open_us_line(db, enrol=False), home / "file.txt"
    code, printed, told = run(
        capsys, "bureau", "file", "--month", "2026-01", "--out", str(out), "--by", "ann", "--json"
    )
    assert code == 0, told
    left_out = [{"line": public("line", line), "code": "identity.not_found"}]
    assert json.loads(printed)["left_out"] == left_out
    assert f"left out: {public('line', line)} (identity.not_found)" in told
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert metro2.read(out.read_text()) == {}
    assert metro2.header(out.read_text()).texts["reporter_name"] == "TEST & LENDER"
    assert sorted(path.name for path in home.iterdir()) == ["file.txt", "home"]


def test_a_refused_file_leaves_nothing_and_an_older_one_alone(
    db: Database, home: Path, capsys: pytest.CaptureFixture[str]
):
    out = home / "file.txt"
    out.write_text("the older one")
    code, _, told = run(capsys, "bureau", "file", "--month", "2026-03", "--out", str(out), "--by", "ann")
    assert (code, "bureau.month_not_begun" in told) == (4, True)
    assert out.read_text() == "the older one"
    assert sorted(path.name for path in home.iterdir()) == ["file.txt", "home"]
    with db.transaction() as tx:
        assert tx.conn.execute("SELECT FROM bureau.submission").fetchone() is None


def test_a_place_that_cannot_be_written_is_named_and_left_as_it_was(
    db: Database, home: Path, capsys: pytest.CaptureFixture[str]
):
    for out in (home / "nowhere" / "file.txt", home / "home"):
        code, _, told = run(capsys, "bureau", "file", "--month", "2026-01", "--out", str(out), "--by", "ann")
        assert (code, f"{out} cannot be written" in told) == (1, True)
    assert [path.name for path in home.iterdir()] == ["home"]


@pytest.mark.parametrize("month", ["2026-13", "January", "2026-1"])
def test_a_month_is_written_in_one_way(
    db: Database, home: Path, capsys: pytest.CaptureFixture[str], month: str
):
    code, _, told = run(capsys, "bureau", "file", "--month", month, "--out", str(home / "x"), "--by", "ann")
    assert (code, "2026-10" in told) == (2, True)


def test_programs_that_no_bureau_has_are_named(
    db: Database, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WHITESLIP_BUREAU_PROGRAMS", "equifax=1,acme=2")
    code, _, told = run(
        capsys, "bureau", "file", "--month", "2026-01", "--out", str(home / "x"), "--by", "ann"
    )
    assert (code, "acme=2" in told) == (2, True)


def test_events_are_json_lines(db: Database, capsys: pytest.CaptureFixture[str]):
    line = open_line(db)
    buy(db, line, 30_000, 3)
    ask(db, line, date(2026, 1, 20))
    code, printed, told = run(capsys, "bureau", "events", "--since", "2026-01-20", "--by", "ann")
    assert code == 0, told
    (event,) = [json.loads(text) for text in printed.splitlines()]
    assert (event["agreement"], event["closed_on"]) == (public("line", line), "2026-01-20")


def test_objections_are_opened_listed_and_answered(db: Database, capsys: pytest.CaptureFixture[str]):
    line = public("line", open_us_line(db))
    asked = ("bureau", "objections", "open", line, "--field", "balance", "--by", "ann", "--json")
    code, printed, told = run(capsys, *asked)
    assert code == 0, told
    opened = json.loads(printed)
    assert run(capsys, *asked)[0] == 4
    assert json.loads(run(capsys, "bureau", "objections", "list", "--json")[1]) == [opened]
    answered = ("bureau", "objections", "resolve", opened["id"], "stays", "--by", "ann", "--json")
    assert json.loads(run(capsys, *answered)[1])["outcome"] == "stays"
    assert run(capsys, *answered)[0] == 4
    assert json.loads(run(capsys, "bureau", "objections", "list", "--json")[1]) == []
    assert len(json.loads(run(capsys, "bureau", "objections", "list", "--every", "--json")[1])) == 1
    for unknown in ("objection_nonsense", public("objection", uuid4())):
        assert run(capsys, "bureau", "objections", "resolve", unknown, "stays", "--by", "ann")[0] == 3


def test_a_line_deemed_never_made_is_in_no_file(db: Database, home: Path, capsys: pytest.CaptureFixture[str]):
    line, out = public("line", open_us_line(db, day=date(2026, 1, 28))), home / "file.txt"
    assert run(capsys, "bureau", "never-made", line, "--by", "ann")[0] == 0
    assert run(capsys, "bureau", "never-made", "line_nonsense", "--by", "ann")[0] == 3
    run(capsys, "bureau", "file", "--month", "2026-01", "--out", str(out), "--by", "ann")
    assert metro2.read(out.read_text()) == {}
