"""Refunds that shops promise: a clock of business days, and a dispute where they do not come."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from purchases.test_disputes import OFFICE, bought
from worlds import DAY, at, line_of, open_line

from whiteslip import packs, purchases
from whiteslip.base import Refusal, end_of_day
from whiteslip.exits import owed
from whiteslip.exits.promises import broken
from whiteslip.purchases import Purchase, promises
from whiteslip.purchases.model import Dispute, Outcome, RefundPromise
from whiteslip.store import Database
from whiteslip.store.timers import pop_timer


def promised(db: Database, purchase: Purchase, amount_minor: int) -> RefundPromise | Refusal:
    with db.transaction() as tx:
        return promises.promise(tx, purchase.id, amount_minor, None, "shop", at(DAY))


def when_due(db: Database, made: RefundPromise) -> Dispute | Refusal | None:
    with db.transaction() as tx:
        timer = pop_timer(tx, made.due_at, ["refund.due"])
        assert timer
        assert timer.subject == made.id
        return owed.refund_missed(tx, OFFICE, timer.subject, made.due_at)


def bought_by(db: Database, amount_minor: int = 30_000) -> tuple[UUID, Purchase]:
    line = open_line(db, pack="us", currency="USD", timezone="America/New_York")
    return line, bought(db, line, amount_minor)


def test_the_shops_days_and_then_the_lenders_are_business_days():
    # Ten business days from a Friday, around Presidents' Day.
    due = promises.due_at(packs.load("us"), date(2026, 2, 6), "America/New_York")
    assert due == end_of_day(date(2026, 2, 23), "America/New_York")


def test_a_promised_refund_that_does_not_come_in_time_is_disputed_for_the_customer(db: Database):
    line, purchase = bought_by(db)
    made = promised(db, purchase, 12_000)
    assert isinstance(made, RefundPromise)
    assert line_of(db, line).owed_minor == 30_000, "nothing changes yet"
    with db.transaction() as tx:
        assert owed.refund_missed(tx, OFFICE, made.id, made.due_at - timedelta(seconds=1)) is None
    opened = when_due(db, made)
    assert isinstance(opened, Dispute)
    assert (opened.amount_minor, opened.outcome, opened.told_late) == (12_000, Outcome.OPEN, False)
    assert line_of(db, line).owed_minor == 18_000, "it is not asked for"
    with db.transaction() as tx:
        letters = tx.conn.execute("SELECT kind FROM notices.notice WHERE subject = %s", [line]).fetchall()
        assert broken(tx, made.due_at + timedelta(days=60)) == []
    assert [row["kind"] for row in letters] == ["dispute.refund_missed"]


@pytest.mark.parametrize(("came", "missing"), [(12_000, None), (5_000, 7_000)])
def test_what_came_of_it_is_not_missing(db: Database, came: int, missing: int | None):
    _, purchase = bought_by(db)
    made = promised(db, purchase, 12_000)
    assert isinstance(made, RefundPromise)
    with db.transaction() as tx:
        purchases.refund(tx, purchase.id, came, "shop", at(DAY))
    opened = when_due(db, made)
    assert (opened.amount_minor if isinstance(opened, Dispute) else opened) == missing


def test_no_more_is_promised_than_was_bought_and_no_earlier(db: Database):
    _, purchase = bought_by(db)
    assert isinstance(promised(db, purchase, 20_000), RefundPromise)
    assert promised(db, purchase, 10_001) == Refusal("purchase.over_captured", {"refundable_minor": 10_000})
    assert promised(db, purchase, 0) == Refusal("purchase.amount_invalid")
    with db.transaction() as tx:
        early = promises.promise(tx, purchase.id, 1, DAY - timedelta(days=2), "shop", at(DAY))
    assert isinstance(early, Refusal)
    assert early.code == "refund.value_date_invalid"
