"""Objections: marked while they are open, on a clock, answered one way or the other."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from bureaus import OFFICE, OPENED, VAULT, ask, codes, exit_of, open_us_line, said, step, told
from worlds import at, buy, night, open_line, pay, refund

from whiteslip import bureau
from whiteslip.base import Refusal, end_of_day
from whiteslip.bureau import Ground, Objection, Outcome, Subject, store
from whiteslip.day import Ports
from whiteslip.day.timers import run_one
from whiteslip.exits.model import State
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.database import journal_of

JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in range(1, 5))


def object_to(
    db: Database,
    line: UUID,
    day: date,
    subject: Subject = Subject.PAYMENT_HISTORY,
    ground: Ground = Ground.RECORD,
    disputed_minor: int | None = None,
    month: date | None = None,
) -> Objection:
    with db.transaction() as tx:
        made = bureau.object_to(tx, "Test", line, subject, "customer", at(day), ground, disputed_minor, month)
    assert not isinstance(made, Refusal), made
    return made


def answer(db: Database, objection: Objection, outcome: Outcome, day: date) -> None:
    with db.transaction() as tx:
        done = bureau.resolve(tx, "Test", objection.id, outcome, "staff", at(day))
    assert not isinstance(done, Refusal), done


def fall_due(db: Database, now: datetime) -> int:
    """Deadlines of objections that fall due by then."""
    done = 0
    while run_one(db, Ports(OFFICE, VAULT, DemoPhone(db)), now, ["bureau.objection_due"]):
        done += 1
    return done


def late_line(db: Database) -> UUID:
    """A line with 120 dollars due on 25 February and not paid."""
    line = open_us_line(db)
    buy(db, line, 12_000, 1, date(2026, 1, 10))
    night(db, date(2026, 2, 5))
    return line


@pytest.mark.parametrize(
    ("ground", "is_closed", "marked", "stays"),
    [
        (Ground.RECORD, False, "XB", "XC"),
        (Ground.RECORD, True, "XD", "XE"),
        (Ground.BILLING_ERROR, False, "XF", "XG"),
        (Ground.BILLING_ERROR, True, "XJ", "XE"),
    ],
)
def test_an_open_objection_is_marked_and_so_is_that_it_was_looked_into(
    db: Database, ground: Ground, is_closed: bool, marked: str, stays: str
):
    line = late_line(db)
    if is_closed:
        ask(db, line, date(2026, 2, 10))
    minor = 5_000 if ground is Ground.BILLING_ERROR else None
    objection = object_to(db, line, date(2026, 2, 20), Subject.BALANCE, ground, minor)
    assert codes(said(db, line, FEBRUARY))[2] == marked
    answer(db, objection, Outcome.STAYS, date(2026, 3, 15))
    record = said(db, line, MARCH)
    assert codes(record)[2] == stays
    assert record.numbers["correction_indicator"] == 0


def test_a_correction_takes_the_mark_back_and_says_that_it_corrects(db: Database):
    line = late_line(db)
    objection = object_to(db, line, date(2026, 3, 10), Subject.ACCOUNT_STATUS)
    assert codes(said(db, line, MARCH)) == ("71", "", "XB")
    answer(db, objection, Outcome.CORRECTED, date(2026, 4, 15))
    record = said(db, line, APRIL)
    assert codes(record) == ("11", "", "XR")
    assert record.numbers["correction_indicator"] == 1
    assert record.texts["payment_history"].startswith("000B")
    after = said(db, line, date(2026, 5, 1))
    assert codes(after) == ("11", "", "")
    assert after.numbers["correction_indicator"] == 0


def test_a_correction_of_one_month_leaves_the_others(db: Database):
    line = late_line(db)
    pay(db, line, 12_000, date(2026, 5, 6))
    before = said(db, line, date(2026, 5, 1))
    assert before.texts["payment_history"].startswith("2100B")
    objection = object_to(db, line, date(2026, 6, 2), month=MARCH)
    answer(db, objection, Outcome.CORRECTED, date(2026, 6, 3))
    assert said(db, line, date(2026, 6, 1)).texts["payment_history"].startswith("E2000B")


def test_a_correction_of_a_line_that_has_ended_is_told_once_more(db: Database):
    line = late_line(db)
    case = ask(db, line, date(2026, 4, 1))
    pay(db, line, 12_000, date(2026, 4, 2))
    assert step(db, case, date(2026, 4, 20)).state is State.CLOSED
    assert codes(said(db, line, APRIL)) == ("13", "1", "XA")
    assert told(db, line, date(2026, 5, 1)) is None
    objection = object_to(db, line, date(2026, 6, 2))
    assert codes(said(db, line, date(2026, 6, 1)))[2] == "XD"
    answer(db, objection, Outcome.CORRECTED, date(2026, 7, 13))
    record = said(db, line, date(2026, 7, 1))
    assert codes(record) == ("13", "0", "XA")
    assert record.numbers["correction_indicator"] == 1
    assert "1" not in record.texts["payment_history"]
    assert told(db, line, date(2026, 8, 1)) is None


def disputing_leaver(db: Database) -> tuple[UUID, UUID, Objection]:
    """A bill of 300 of which 120 is disputed; the customer closes and pays 180."""
    line = open_us_line(db)
    buy(db, line, 18_000, 1, date(2026, 1, 10))
    wrong = buy(db, line, 12_000, 1, date(2026, 1, 11))
    night(db, date(2026, 2, 5))
    minor = 12_000
    objection = object_to(db, line, date(2026, 2, 8), Subject.AMOUNT_PAST_DUE, Ground.BILLING_ERROR, minor)
    ask(db, line, date(2026, 2, 9))
    pay(db, line, 18_000, date(2026, 2, 20))
    for month in (FEBRUARY, MARCH):
        record = said(db, line, month)
        assert codes(record) == ("11", "", "XJ"), "what is disputed is neither late nor paid off"
        assert record.numbers["current_balance"] == 120
        assert record.numbers["amount_past_due"] == 0
        assert record.texts["payment_history"][0] == "0"
    return line, wrong, objection


def test_a_leaver_who_wins_a_dispute_ends_paid_and_closed_with_a_clean_history(db: Database):
    """Edge case 8 where a bureau forwards it: the objection carries it, a refund settles it."""
    line, wrong, objection = disputing_leaver(db)
    refund(db, line, wrong, 12_000, date(2026, 4, 10))
    answer(db, objection, Outcome.CORRECTED, date(2026, 4, 10))
    assert step(db, exit_of(db, line), date(2026, 4, 11)).state is State.CLOSED
    record = said(db, line, APRIL)
    assert codes(record) == ("13", "0", "XA")
    assert record.texts["payment_history"] == "000" + "B" * 21
    assert record.days["date_closed"] == date(2026, 2, 9)


def test_a_leaver_who_loses_a_dispute_has_a_fresh_due_day(db: Database):
    """Edge case 8: twenty days from the answer; only then does lateness begin."""
    line, _, objection = disputing_leaver(db)
    answer(db, objection, Outcome.STAYS, date(2026, 4, 10))  # fresh due day 30 April
    assert codes(said(db, line, APRIL)) == ("11", "", "XE")
    assert codes(said(db, line, date(2026, 5, 1))) == ("71", "", "XE")
    assert said(db, line, date(2026, 5, 1)).days["first_delinquency"] == date(2026, 5, 30)
    pay(db, line, 12_000, date(2026, 6, 2))
    step(db, exit_of(db, line), date(2026, 6, 20))
    assert codes(said(db, line, date(2026, 6, 1))) == ("13", "1", "XE")


def test_what_is_late_beside_a_disputed_sum_is_late(db: Database):
    line = late_line(db)
    object_to(db, line, date(2026, 2, 20), Subject.BALANCE, Ground.BILLING_ERROR, 5_000)
    record = said(db, line, MARCH)
    assert codes(record) == ("71", "", "XF")
    assert record.numbers["amount_past_due"] == 70


def test_the_clock_is_the_packs_and_nobodys_answer_is_a_correction(db: Database):
    american, chinese = late_line(db), open_line(db)
    day = date(2026, 3, 10)
    ours = object_to(db, american, day, Subject.ACCOUNT_STATUS)
    assert ours.due_at == end_of_day(day + timedelta(days=30), "Asia/Shanghai")
    bill = object_to(db, american, day, Subject.BALANCE, Ground.BILLING_ERROR, 100)
    assert bill.due_at == end_of_day(day + timedelta(days=90), "Asia/Shanghai")
    theirs = object_to(db, chinese, day)
    assert theirs.due_at == end_of_day(day + timedelta(days=20), "Asia/Shanghai")
    assert fall_due(db, ours.due_at - timedelta(seconds=1)) == 1
    with db.transaction() as tx:
        assert [each.id for each in store.objections(tx, True, 9)] == [ours.id, bill.id]
    assert fall_due(db, ours.due_at) == 1
    with db.transaction() as tx:
        assert [each.id for each in store.objections(tx, True, 9)] == [bill.id]
        ended = [r["data"] for r in journal_of(tx, [american]) if r["kind"] == "bureau.objection_resolved"]
    assert [(each["outcome"], each["why"]) for each in ended] == [("corrected", "not_answered_in_time")]


def test_an_answer_in_time_stops_the_clock(db: Database):
    line = late_line(db)
    objection = object_to(db, line, date(2026, 3, 10), Subject.ACCOUNT_STATUS)
    answer(db, objection, Outcome.STAYS, date(2026, 3, 11))
    assert fall_due(db, objection.due_at) == 0
    assert codes(said(db, line, APRIL)) == ("78", "", "XC")


def test_what_cannot_be_objected_to_or_answered_is_refused(db: Database):
    line = open_us_line(db)
    objection = object_to(db, line, OPENED)
    with db.transaction() as tx:
        now = at(OPENED)

        def tried(subject: Subject, ground: Ground = Ground.RECORD, minor: int | None = None) -> object:
            return bureau.object_to(tx, "Test", line, subject, "x", now, ground, minor)

        assert tried(Subject.PAYMENT_HISTORY) == Refusal(
            "bureau.objection_open", {"field": "payment_history"}
        )
        assert isinstance(tried(Subject.LIMIT), Objection), "another field is another objection"
        assert tried(Subject.BALANCE, Ground.BILLING_ERROR) == Refusal("bureau.amount_missing")
        assert tried(Subject.BALANCE, Ground.BILLING_ERROR, 0) == Refusal("bureau.amount_missing")
        assert tried(Subject.BALANCE, Ground.RECORD, 5) == Refusal("bureau.amount_missing")
        nobody = bureau.object_to(tx, "Test", uuid4(), Subject.LIMIT, "x", now)
        assert nobody == Refusal("line.not_found")
        unknown = bureau.resolve(tx, "Test", uuid4(), Outcome.STAYS, "x", now)
        assert unknown == Refusal("bureau.objection_not_found")
        bureau.resolve(tx, "Test", objection.id, Outcome.STAYS, "x", now)
        again = bureau.resolve(tx, "Test", objection.id, Outcome.CORRECTED, "x", now)
        assert again == Refusal("bureau.objection_not_open")
