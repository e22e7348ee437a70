"""Facilities at the desk: the base step by step, its proof, covenants with headroom, and the papers."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from datetime import date, timedelta
from html import unescape

from deals import deal
from web.console.conftest import Desk
from worlds import DAY, TIMEZONE, at, buy, open_line, pay, refund

from whiteslip import funding
from whiteslip.base import Refusal, end_of_day
from whiteslip.base.ids import public
from whiteslip.funding import store
from whiteslip.funding.model import Position
from whiteslip.identity.model import Role
from whiteslip.ledger.acts import seal, trial_balance

LIMITS = """delinquency_3m_at_most_bps = 500
pool_at_least_minor = 40_000
[[concentrations]]
by = "obligor"
at_most_bps = 6_000
"""


def lent(desk: Desk) -> None:
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
    desk.sign_in(Role.ANALYST)
    assert "not of the newest day" not in desk.get("/console/funding/warehouse")
    later = date(2026, 1, 31)
    with desk.db.transaction() as tx:
        seal(tx, later, trial_balance(tx), end_of_day(later, TIMEZONE))
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
