"""What a bureau in China was told and is known otherwise since, and objections with their answers."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from bureaus import OFFICE, ask, exit_of
from worlds import DAY, at, buy, night, open_line, pay

from whiteslip import bureau, purchases
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.bureau import Objection, Outcome, Subject, cn
from whiteslip.exits import estates, owed
from whiteslip.exits.model import Channel
from whiteslip.purchases import Capture, Purchase, Request
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Dispute, Ground
from whiteslip.store import Database

CLOSED_ON, LATER = DAY + timedelta(days=3), DAY + timedelta(days=9)


def tell(db: Database, day: date, since: date = DAY) -> list[cn.Event]:
    with db.transaction() as tx:
        return bureau.events_due(tx, since, "test", at(day))


def told_closed(db: Database) -> UUID:
    """A line that owes 300.00 in three parts and was told of as closed."""
    line = open_line(db)
    with db.transaction() as tx:
        asked = [Request(line, "shop", 30_000, 3)]
        (bought,) = purchases.authorise(tx, OFFICE.tables, asked, "shop", at(DAY))
        assert isinstance(bought, Purchase)
        purchases.capture(tx, [Capture(bought.id, 30_000)], "shop", at(DAY))
    ask(db, line, CLOSED_ON)
    (closed,) = tell(db, CLOSED_ON)
    assert isinstance(closed, cn.AgreementEvent)
    assert closed.balance_to_run_off_minor == 30_000
    return line


def corrections(db: Database, day: date) -> list[cn.Correction]:
    return [event for event in tell(db, day) if isinstance(event, cn.Correction)]


def test_a_payment_of_an_earlier_value_date_corrects_what_was_told_to_run_off_once(db: Database):
    line = told_closed(db)
    pay(db, line, 5_000, LATER)
    assert corrections(db, LATER) == [], "paid afterwards: it ran off"
    pay(db, line, 10_000, LATER, value_on=CLOSED_ON - timedelta(days=1))
    (corrected,) = corrections(db, LATER)
    assert corrected == cn.Correction(
        event=cn.Kind.CORRECTED,
        agreement=public("line", line),
        corrected_on=LATER,
        corrects=["balance_to_run_off_minor"],
        closed_on=CLOSED_ON,
        reason="consumer_request",
        balance_to_run_off_minor=20_000,
        deceased=False,
        report_by=LATER + timedelta(days=1),
    )
    assert corrections(db, LATER + timedelta(days=5)) == [corrected], "told once, and shown as it was told"
    pay(db, line, 1_000, LATER + timedelta(days=6), value_on=CLOSED_ON)
    again = corrections(db, LATER + timedelta(days=6))
    assert [each.balance_to_run_off_minor for each in again] == [20_000, 19_000]
    since = LATER + timedelta(days=6)
    assert tell(db, since, since) == again[1:], "since is the day on which it came to be known"


@pytest.mark.parametrize(("won", "balances"), [(True, [18_000]), (False, [])])
def test_a_dispute_that_the_customer_wins_corrects_it_and_one_they_lose_does_not(
    db: Database, won: bool, balances: list[int]
):
    line = told_closed(db)
    with db.transaction() as tx:
        (bought,) = purchases_store.of_line(tx, line)
        opened = owed.dispute(tx, OFFICE, bought.id, 12_000, Ground.NOT_RECEIVED, "customer", at(LATER))
        assert isinstance(opened, Dispute)
    assert corrections(db, LATER) == [], "nobody knows yet who is right"
    with db.transaction() as tx:
        owed.resolve_dispute(tx, OFFICE, opened.id, won, "staff", at(LATER))
    assert [each.balance_to_run_off_minor for each in corrections(db, LATER)] == balances


def test_a_death_that_is_reported_is_told_and_taken_back_where_it_was_an_error(db: Database):
    line = told_closed(db)
    with db.transaction() as tx:
        estates.report(tx, OFFICE, line, Channel.PHONE, "staff:a", at(LATER))
    assert [(each.corrects, each.deceased) for each in corrections(db, LATER)] == [(["deceased"], True)]
    for actor in ("staff:a", "staff:b"):
        with db.transaction() as tx:
            done = estates.undo(tx, OFFICE, exit_of(db, line).id, actor, at(LATER))
            assert not isinstance(done, Refusal)
    assert [each.deceased for each in corrections(db, LATER)] == [True, False]


def objected(db: Database, line: UUID, day: date, month: date | None = None) -> Objection:
    with db.transaction() as tx:
        made = bureau.object_to(tx, "Test", line, Subject.PAYMENT_HISTORY, "customer", at(day), month=month)
    assert isinstance(made, Objection)
    return made


@pytest.mark.parametrize("outcome", Outcome)
def test_an_objection_is_marked_and_its_answer_says_which_months_it_puts_right(
    db: Database, outcome: Outcome
):
    line = open_line(db)
    buy(db, line, 12_000)
    night(db, date(2026, 2, 5))
    asked_on, answered_on = date(2026, 5, 2), date(2026, 5, 9)
    mine = objected(db, line, asked_on, date(2026, 3, 1))
    (marked,) = tell(db, asked_on)
    assert isinstance(marked, cn.ObjectionEvent)
    assert (marked.event, marked.part, marked.month, marked.answered_on, marked.restated) == (
        *(cn.Kind.MARKED, "payment_history", "2026-03"),
        *(None, []),
    )
    with db.transaction() as tx:
        bureau.resolve(tx, "Test", mine.id, outcome, "staff", at(answered_on))
    first, answered = tell(db, answered_on)
    assert isinstance(answered, cn.ObjectionEvent)
    assert first == marked
    assert answered.objection == public("objection", mine.id)
    assert (answered.answered_on, answered.report_by) == (answered_on, answered_on + timedelta(days=1))
    if outcome is Outcome.CORRECTED:
        assert answered.event is cn.Kind.PUT_RIGHT
        assert list(answered.restated) == [cn.Month("2026-03", 12_000, 0, 0)], "April was not objected to"
    else:
        assert (answered.event, answered.restated) == (cn.Kind.STAYS, [])
    assert tell(db, answered_on) == [first, answered]


def test_an_objection_to_all_that_was_told_puts_every_late_month_right(db: Database):
    line = open_line(db)
    buy(db, line, 12_000)
    night(db, date(2026, 2, 5))
    mine = objected(db, line, date(2026, 5, 2))
    with db.transaction() as tx:
        bureau.resolve(tx, "Test", mine.id, Outcome.CORRECTED, "staff", at(date(2026, 5, 9)))
    answered = tell(db, date(2026, 5, 9))[-1]
    assert isinstance(answered, cn.ObjectionEvent)
    assert [each.month for each in answered.restated] == ["2026-02", "2026-03", "2026-04"]
    assert {each.days_past_due for each in answered.restated} == {0}
