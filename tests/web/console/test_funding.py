"""Facilities at the desk: the base step by step, its proof, covenants with headroom, and the papers."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from datetime import UTC, date, timedelta
from html import unescape
from pathlib import Path

import psycopg
import pytest
from deals import DEAL, deal
from web.console.conftest import Desk
from worlds import DAY, TIMEZONE, at, buy, open_line, pay, refund

from whiteslip import funding
from whiteslip.app import cli
from whiteslip.app.settings import load
from whiteslip.app.wiring import prepare_home
from whiteslip.base import Refusal, end_of_day
from whiteslip.base.ids import public
from whiteslip.funding import store
from whiteslip.funding.acts import Statement
from whiteslip.funding.model import Position
from whiteslip.funding.serving import serve
from whiteslip.identity.model import Role
from whiteslip.ledger.acts import seal
from whiteslip.store.database import journal_of
from whiteslip.store.timers import StoredClock

LIMITS = """delinquency_3m_at_most_bps = 500
pool_at_least_minor = 40_000
[[concentrations]]
by = "obligor"
at_most_bps = 6_000
"""


def lent(desk: Desk, clock: bool = True) -> None:
    """A facility over two customers for six nights; each night one of them pays a little early."""
    first, second = open_line(desk.db), open_line(desk.db)
    buy(desk.db, first, 60_000, 3)
    buy(desk.db, second, 20_000, 3)
    with desk.db.transaction() as tx:
        funding.load(tx, deal(LIMITS), "treasury", at(DAY))
        funding.state_position(tx, "warehouse", Position(debt_minor=50_000), "treasury", at(DAY))
        funding.fill(tx, "warehouse", 10**9, DAY, "treasury", at(DAY))
    for step in range(6):
        day = DAY + timedelta(days=step)
        if step:
            pay(desk.db, first, 1_000, day)
        with desk.db.transaction() as tx:
            funding.run_night(tx, day, at(day, 23))
    if clock:
        set_clock(desk, DAY + timedelta(days=5))


def set_clock(desk: Desk, day: date) -> None:
    with desk.db.transaction() as tx:
        StoredClock(tx).set(at(day, 23).astimezone(UTC))


def test_a_facility_is_told_from_its_pool_to_what_may_be_drawn_with_proof_and_papers(desk: Desk):
    lent(desk)
    desk.sign_in(Role.ANALYST)
    assert "A warehouse" in desk.get("/console/funding")
    text = unescape(desk.get("/console/funding/warehouse"))
    with desk.db.transaction() as tx:
        told = funding.statement(tx, "warehouse")
        kept = store.proof(tx, funding.facility_id("warehouse"))
    assert not isinstance(told, Refusal)
    assert kept
    for minor in (told.base.pool_minor, told.base.base_minor, told.base.available_minor):
        assert f"{minor / 100:,.2f}" in text
    assert "Excess concentration: one obligor, at most 60%" in text
    assert "The proof gives the base" in text
    assert hashlib.sha256(kept[1]).hexdigest() in text
    # Headroom of the base shrinks night by night: so many days, and the chart draws what the nights kept.
    tested = {str(each.test): each for each in told.covenants}
    assert tested["borrowing_base"].days_to_breach is not None
    assert f"{tested['borrowing_base'].days_to_breach} days" in text
    option = json.loads(
        re.findall(r'data-chart="([^"]*)"', desk.get("/console/funding/warehouse"))[0].replace("&#34;", '"')
    )
    drawn = {series["name"]: series["data"] for series in option["series"]}
    base = told.base
    assert drawn["Borrowing base"][-1] == base.available_minor / base.debt_minor
    rows = list(csv.DictReader(io.StringIO(desk.get("/console/funding/warehouse/headroom.csv"))))
    assert len({row["day"] for row in rows}) == 6
    assert rows[-1]["day"] == str(told.day)
    assert desk.get("/console/funding/warehouse/proof.json").encode() == kept[1]
    figures = {
        (row["section"], row["item"]): row["value"]
        for row in csv.DictReader(io.StringIO(desk.get("/console/funding/warehouse/report.csv")))
    }
    assert figures["base", "borrowing base"] == str(base.base_minor)
    answer = desk.client.get("/console/funding/warehouse/report.pdf")
    assert answer.content.startswith(b"%PDF")
    desk.get("/console/funding/unknown", 404)
    desk.get("/console/funding/warehouse/secrets.csv", 404)


def test_a_remedy_is_endorsed_by_one_approved_by_another_and_its_money_is_in_the_base(desk: Desk):
    line = open_line(desk.db)
    bought = buy(desk.db, line, 60_000, 3)
    with desk.db.transaction() as tx:
        funding.load(tx, deal(), "treasury", at(DAY))
        funding.fill(tx, "warehouse", 10**9, DAY, "treasury", at(DAY))
        funding.run_night(tx, DAY, at(DAY, 23))
    refund(desk.db, line, bought, 6_000, DAY + timedelta(days=1))
    with desk.db.transaction() as tx:
        funding.run_night(tx, DAY + timedelta(days=1), at(DAY + timedelta(days=1), 23))
        (waits,) = store.remedies(tx, funding.facility_id("warehouse"))
    home = "/console/funding/warehouse"
    to = f"{home}/remedies/{public('rem', waits.id)}"
    desk.sign_in(Role.ANALYST)
    assert "Deemed collection" in desk.get(home)
    assert "Turn down" not in desk.get(home)
    assert desk.post(to, home, decision="approve").status_code == 403
    desk.sign_out()
    desk.sign_in(Role.REVIEWER)
    assert "Endorse" in desk.get(home)
    assert desk.post(to, home, decision="approve").status_code == 303
    text = unescape(desk.get(home))
    assert "You proposed or endorsed this; somebody else approves it." in text
    assert desk.post(to, home, decision="approve").status_code == 403
    desk.sign_out()
    desk.sign_in(Role.ADMIN)
    assert desk.post(f"{home}/remedies/rem_nothing", home, decision="approve").status_code == 404
    assert desk.post(to, home, decision="approve").status_code == 303
    with desk.db.transaction() as tx:
        found = funding.find(tx, "warehouse")
        (done,) = store.remedies(tx, funding.facility_id("warehouse"), open_only=False)
    assert not isinstance(found, Refusal)
    assert (done.outcome, found.position.cash_minor) == ("approved", 6_000)
    assert done.endorsed_by != done.decided_by
    assert re.search(r"approved</td>\s*<td[^>]*>admin", desk.get(home))
    assert desk.post(to, home, decision="approve").status_code == 409


def test_a_sealed_day_without_a_base_is_answered_with_the_night_before_and_a_breach_is_named(desk: Desk):
    lent(desk)
    later = date(2026, 1, 31)
    set_clock(desk, later)
    desk.sign_in(Role.ANALYST)
    assert "not of the newest day" not in desk.get("/console/funding/warehouse")
    with desk.db.transaction() as tx:
        seal(tx, later, end_of_day(later, TIMEZONE))
    assert "These are the figures of 20 January 2026, not of the newest day" in desk.get(
        "/console/funding/warehouse"
    )
    with desk.db.transaction() as tx:
        funding.state_position(tx, "warehouse", Position(debt_minor=900_000), "treasury", at(later))
        funding.run_night(tx, later, at(later, 23))
    text = desk.get("/console/funding/warehouse")
    assert "not of the newest day" not in text
    assert "1 covenant is broken" in text
    assert "Broken: Borrowing base." in text


def test_each_fault_of_the_newest_day_is_told_with_the_figures_of_the_night_before(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    lent(desk)
    desk.sign_in(Role.ANALYST)
    home, last = "/console/funding/warehouse", DAY + timedelta(days=5)
    before = f"These are the figures of {last.day - 1} January 2026"
    assert "not of the newest day" not in desk.get(home)
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", desk.db.url)
    prepare_home(load({"WHITESLIP_HOME": str(tmp_path / "home")}))
    desk.staff(Role.ADMIN)
    # A day that has no night is answered by the one before it.
    ahead = last + timedelta(days=3)
    text = unescape(desk.get(f"{home}?day={ahead}"))
    assert f"There is no base of {ahead}" in text
    assert f"These are the figures of {last.day} January 2026" in text
    # A deal file with a contradiction is refused by the command, and its faults stand on the page.
    bad = tmp_path / "deal.toml"
    bad.write_text(DEAL.format(name="warehouse").replace("ends_on = 2027-12-31", "ends_on = 2026-02-01"))
    assert cli.run(["funding", "load", str(bad), "--by", "admin"]) == 2
    assert "follow each other" in capsys.readouterr().err
    text = unescape(desk.get(home))
    assert "The last deal file was refused" in text
    assert "begins_on, revolving_until and ends_on follow each other" in text
    assert cli.run(["funding", "base", "warehouse", "--json"]) == 0
    shown = capsys.readouterr()
    assert "the last deal file was refused" in shown.err
    assert json.loads(shown.out)["day"] == str(last)
    # A proof that was changed after it was kept is not served; the night before is.
    with psycopg.connect(desk.db.url, autocommit=True) as conn:
        conn.execute("ALTER TABLE funding.night DISABLE TRIGGER USER")
        conn.execute("UPDATE funding.night SET sha256 = 'x' WHERE day = %s", [last])
    text = unescape(desk.get(home))
    assert before in text
    assert f"The proof of {last} was changed after it was kept" in text
    assert cli.run(["funding", "base", "warehouse", "--json"]) == 0
    shown = capsys.readouterr()
    assert "[funding.proof_changed] These are the figures of 2026-01-19" in shown.err
    assert json.loads(shown.out)["day"] == str(last - timedelta(days=1))
    # A sound file puts an end to that notice.
    bad.write_text(DEAL.format(name="warehouse").replace("cure_days = 2", "cure_days = 3"))
    assert cli.run(["funding", "load", str(bad), "--by", "admin"]) == 0
    assert "The last deal file was refused" not in desk.get(home)


def test_a_clock_that_went_back_makes_no_base_of_the_past_and_the_page_says_so(desk: Desk):
    lent(desk, clock=False)
    desk.sign_in(Role.ANALYST)
    early = DAY - timedelta(days=3)
    told = deal(LIMITS, begins_on=early)
    with desk.db.transaction() as tx:
        funding.load(tx, told, "treasury", at(DAY))
        assert funding.run_night(tx, early, at(early, 23)) == 0
        assert store.proof(tx, funding.facility_id("warehouse"), early) is None
        kinds = [row["kind"] for row in journal_of(tx, [funding.facility_id("warehouse")])]
        assert kinds[-1] == "funding.night_refused"
        last = store.nights(tx, funding.facility_id("warehouse"))[-1].day
        found = serve(tx, "warehouse", early, None)
    assert isinstance(found, Statement)
    assert found.why == Refusal("funding.clock_backwards", {"at": str(early), "day": str(last)})
    assert found.day == last
    text = unescape(desk.get("/console/funding/warehouse"))
    assert f"The clock went back: it says {DAY}, but the newest base is of {last}" in text
    assert f"These are the figures of {last.day} January 2026" in text


def test_the_end_of_a_facility_stands_on_its_page_with_who_acts_and_by_when(desk: Desk):
    lent(desk)
    home, ends = "/console/funding/warehouse", DAY + timedelta(days=5)
    set_clock(desk, ends + timedelta(days=3))
    desk.sign_in(Role.ANALYST)
    text = unescape(desk.get(home))
    assert "Final maturity" in text
    assert "This facility ends on" not in text
    for days, said in ((30, "This facility ends on"), (0, "Unpaid at final maturity: ")):
        day = ends + timedelta(days=1 + (not days))
        agreed = deal(LIMITS, revolving_until=DAY, ends_on=day + timedelta(days=days))
        with desk.db.transaction() as tx:
            funding.load(tx, agreed, "treasury", at(DAY))
            funding.run_night(tx, day, at(day, 23))
        text = unescape(desk.get(home))
        assert said in text
        assert "Treasury has" in text
    day += timedelta(days=1)
    assert "Not eligible: the facility has matured" in text
    assert "matured" in desk.get("/console/funding")
    with desk.db.transaction() as tx:
        funding.state_position(tx, "warehouse", Position(), "treasury", at(DAY))
        funding.run_night(tx, day, at(day, 23))
    assert "All of it is repaid" in desk.get(home)
