"""What packs promise in minutes and days, held against the rows."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from bureaus import ask, open_us_line
from purchases.test_disputes import bought
from worlds import DAY, at, buy, pay

from whiteslip import exits, packs
from whiteslip.decisions import Tables
from whiteslip.exits import Office, owed
from whiteslip.exits.promises import broken, is_overdue
from whiteslip.purchases import disputes
from whiteslip.purchases.model import Dispute, Ground
from whiteslip.store import Database

OFFICE = Office(Tables.load(), "Test Lender")


def offences(db: Database, day: date) -> list[str]:
    with db.transaction() as tx:
        return [each.split(":")[0] for each in broken(tx, at(day))]


def test_drawing_that_stops_later_than_the_packs_minutes_is_found(db: Database):
    line = open_us_line(db)
    buy(db, line, 10_000)
    ask(db, line, DAY)
    assert offences(db, DAY) == []
    with db.transaction() as tx:
        tx.conn.execute(
            "UPDATE lines.lock SET set_at = set_at + '61 s' WHERE kind = 'exit' AND line = %s",
            [line],
        )
    assert offences(db, DAY) == ["drawing stops in time"]


def told(db: Database, line: UUID, quietly: bool) -> Dispute:
    purchase = bought(db, line, 10_000)
    with db.transaction() as tx:
        args = (purchase.id, 10_000, Ground.NOT_RECEIVED, "customer", at(DAY))
        done = disputes.dispute(tx, *args) if quietly else owed.dispute(tx, OFFICE, *args)
    assert isinstance(done, Dispute)
    return done


def test_a_dispute_that_nobody_acknowledged_in_time_is_found(db: Database):
    told(db, open_us_line(db), quietly=False)
    assert offences(db, DAY + timedelta(days=60)) == []
    told(db, open_us_line(db), quietly=True)
    assert offences(db, DAY + timedelta(days=30)) == []
    assert offences(db, DAY + timedelta(days=31)) == ["a dispute is acknowledged in time"]


def test_a_case_that_owes_nothing_for_longer_than_the_packs_days_is_found(db: Database):
    line = open_us_line(db)
    buy(db, line, 10_000)
    ask(db, line, DAY)
    assert offences(db, DAY + timedelta(days=90)) == [], "it owes something"
    pay(db, line, 10_000, DAY + timedelta(days=1))
    assert offences(db, DAY + timedelta(days=15)) == []
    assert offences(db, DAY + timedelta(days=40)) == ["what owes nothing is closed in time"]
    with db.transaction() as tx:
        exits.review(tx, OFFICE, at(DAY + timedelta(days=7)), None)
    assert offences(db, DAY + timedelta(days=40)) == []


@pytest.mark.parametrize(
    ("pack", "last"),
    # Fifteen business days from a Friday; in China around the holidays of the Spring Festival.
    [("us", date(2026, 3, 2)), ("cn", date(2026, 3, 5)), ("uk", date(2026, 2, 27))],
)
def test_business_days_are_those_of_the_packs_calendar(pack: str, last: date):
    law, zero_on = packs.load(pack), date(2026, 2, 6)
    assert not is_overdue(law, zero_on, last)
    assert is_overdue(law, zero_on, last + timedelta(days=1))
