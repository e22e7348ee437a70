"""Withdrawing in the first days: the contract is undone, principal and interest are repaid."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from worlds import DAY, at, buy, items, line_of, nights, open_line, open_lines, pay, quote

from whiteslip import billing, day, exits, notices
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office
from whiteslip.exits.model import Channel, Kind, Route, State
from whiteslip.exits.withdrawal import withdraw
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Database
from whiteslip.store.database import journal_of

OFFICE = Office(Tables.load(), "Test Lender")


def out(db: Database, line: UUID, now: datetime) -> Exit | Refusal:
    with db.transaction() as tx:
        return withdraw(tx, OFFICE, line, Channel.PORTAL, "customer", now)


def case_of(answer: Exit | Refusal) -> Exit:
    assert not isinstance(answer, Refusal), answer
    return answer


def sound(db: Database) -> bool:
    with db.transaction() as tx:
        return day.every_violation(tx) == []


def letters(db: Database, case: Exit) -> list[str]:
    with db.transaction() as tx:
        return [notice.kind for notice in notices.of_subject(tx, case.id)]


def advanced(db: Database, case: Exit, now: datetime) -> Exit:
    with db.transaction() as tx:
        return case_of(exits.advance(tx, OFFICE, case.id, now))


def test_who_drew_nothing_is_out_at_once_with_a_receipt(db: Database):
    line = open_line(db)
    case = case_of(out(db, line, at(DAY)))
    assert (case.kind, case.state, case.route) == (Kind.WITHDRAW, State.CLOSED, Route.STRAIGHT_THROUGH)
    assert letters(db, case) == ["withdrawal.received", "withdrawal.settled"]
    with db.transaction() as tx:
        (closed,) = [row for row in journal_of(tx, [line]) if row["kind"] == "line.closed"]
    assert closed["data"]["ground"] == "withdrawal"


def test_principal_and_the_interest_earned_are_due_in_thirty_days(db: Database):
    """Edge case 13: withdrawing on day 13 with 500.00 drawn."""
    line = open_line(db)
    buy(db, line, 50_000, 12)  # 18 % a year
    on = DAY + timedelta(days=13)
    owed = quote(db, line, on)
    interest = 320  # 18 % a year for thirteen days, and not the price of the first month
    assert owed.accrued_minor > interest
    case = case_of(out(db, line, at(on)))
    assert case.state is State.RUN_OFF
    (item,) = items(db, line)
    assert (item.principal_minor, item.interest_minor) == (50_000, interest)
    assert (item.fee_minor, item.due_on) == (0, on + timedelta(days=30))
    pay(db, line, 50_000 + interest, on + timedelta(days=20))
    done = advanced(db, case, at(on + timedelta(days=40)))
    assert done.state is State.CLOSED
    assert line_of(db, line).lifecycle is Lifecycle.CLOSED
    assert letters(db, case) == ["withdrawal.received", "withdrawal.settled"]
    assert sound(db)


def test_who_was_not_informed_of_the_right_has_it_for_twelve_months_and_fourteen_days(db: Database):
    line, late = open_lines(db, 2, day=date(2026, 2, 28), informed=False)
    last = date(2027, 2, 28) + timedelta(days=14)
    assert (line_of(db, line).withdrawable_until, line_of(db, late).withdrawable_until) == (last, last)
    assert case_of(out(db, line, at(last))).kind is Kind.WITHDRAW
    refused = out(db, late, at(last + timedelta(days=1)))
    assert refused == Refusal("withdraw.too_late", {"until": last.isoformat()})
    informed = open_line(db, day=date(2026, 2, 28))
    assert line_of(db, informed).withdrawable_until == date(2026, 3, 14)


def test_of_interest_that_a_bill_charged_ahead_only_what_the_days_have_earned_is_asked_for(db: Database):
    billed, paid = open_line(db, statement_day=20), open_line(db, statement_day=20)
    for line in (billed, paid):
        buy(db, line, 50_000, 12)
    nights(db, DAY, date(2026, 1, 21))
    pay(db, paid, 4_584, date(2026, 1, 22))  # the first part, its interest first
    on = date(2026, 1, 28)
    for line in (billed, paid):
        case_of(out(db, line, at(on)))
    ((item,), (rest,)) = items(db, billed), items(db, paid)
    assert (item.principal_minor, item.interest_minor) == (50_000, 320)
    assert (rest.principal_minor, rest.interest_minor) == (50_000 - (4_584 - 750), 0)
    assert line_of(db, paid).credit_minor == 750 - 295, "paid for a month; earned in thirteen days"
    with db.transaction() as tx:
        kinds = [row["kind"] for row in journal_of(tx, [billed])]
    assert kinds.count("interest.given_back") == 1
    assert sound(db)


def test_fees_are_given_up_and_fees_that_were_paid_go_back(db: Database):
    line = open_line(db, statement_day=20)
    buy(db, line, 60_000, 6)  # 0.6 % of 600.00 a month
    nights(db, DAY, date(2026, 1, 21))
    pay(db, line, 10_360, date(2026, 1, 22))
    assert line_of(db, line).owed_minor == 50_000
    case = case_of(out(db, line, at(date(2026, 1, 23))))
    after = line_of(db, line)
    assert (after.owed_minor, after.credit_minor) == (50_000, 360)
    pay(db, line, 49_640, date(2026, 1, 25))
    done = advanced(db, case, at(date(2026, 2, 10)))
    assert done.state is State.CLOSED
    assert line_of(db, line).credit_minor == 0
    assert sound(db)


def test_said_on_the_last_day_is_in_time_and_the_day_after_is_not(db: Database):
    in_time, late = open_line(db), open_line(db)
    assert case_of(out(db, in_time, at(DAY + timedelta(days=14), 23))).kind is Kind.WITHDRAW
    refused = out(db, late, at(DAY + timedelta(days=15), 0))
    assert isinstance(refused, Refusal)
    assert refused.code == "withdraw.too_late"
    assert line_of(db, late).lifecycle is Lifecycle.ACTIVE


def test_withdrawing_twice_is_the_same_as_once_and_there_is_no_way_back(db: Database):
    line = open_line(db)
    buy(db, line, 50_000)
    first, second = case_of(out(db, line, at(DAY))), case_of(out(db, line, at(DAY)))
    assert first.id == second.id
    assert len(items(db, line)) == 1
    with db.transaction() as tx:
        refused = exits.cancel(tx, OFFICE, first.id, "customer", at(DAY))
    assert isinstance(refused, Refusal)


def test_who_began_to_close_may_still_withdraw(db: Database):
    line = open_line(db)
    buy(db, line, 50_000, 6)
    with db.transaction() as tx:
        closing = case_of(exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", at(DAY)))
    case = case_of(out(db, line, at(DAY + timedelta(days=1))))
    assert (case.id, case.kind, case.state) == (closing.id, Kind.WITHDRAW, State.RUN_OFF)
    assert letters(db, case) == ["exit.acknowledged", "withdrawal.received"]
    with db.transaction() as tx:
        assert billing.debt(tx, line, DAY + timedelta(days=1)).days_past_due == 0
    assert sound(db)


@pytest.mark.parametrize("instalments", [1, 3, 6, 12])
def test_the_books_agree_whatever_was_bought(db: Database, instalments: int):
    line = open_line(db)
    for amount in (10_001, 33_333):
        buy(db, line, amount, instalments)
    nights(db, DAY, DAY + timedelta(days=5))
    case_of(out(db, line, at(DAY + timedelta(days=6))))
    assert sound(db)
