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
from worlds import DAY, TIMEZONE, at, buy, open_line, pay

from whiteslip import funding
from whiteslip.base import Refusal, end_of_day
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
