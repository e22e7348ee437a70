"""Hardship plans: never dearer, never a better class, and broken only by a written rule."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
import worlds
from worlds import DAY, at

from whiteslip import billing
from whiteslip.base import Refusal, add_months
from whiteslip.billing import hardship, rules, store
from whiteslip.billing.model import Debt, Hardship, Relief, RiskClass
from whiteslip.store import Database
from whiteslip.store.database import journal_of

DUE = date(2026, 2, 25)
LATE = DUE + timedelta(days=100)


def in_arrears(db: Database, until: date = LATE, instalments: int = 12) -> UUID:
    """A line with 1,200.00 at 18 % of which nothing was ever paid; it has a late fee."""
    line = worlds.open_line(db)
    worlds.buy(db, line, 120_000, instalments)
    worlds.nights(db, DAY, until - timedelta(days=1))
    return line


def agree(db: Database, line: UUID, relief: Relief, day: date, foreseen: bool = False) -> Hardship | Refusal:
    with db.transaction() as tx:
        return hardship.agree(tx, worlds.locked(tx, line), relief, "customer", at(day), foreseen)


def agreed(db: Database, line: UUID, relief: Relief, day: date) -> Hardship:
    made = agree(db, line, relief, day)
    assert isinstance(made, Hardship), made
    return made


def debt(db: Database, line: UUID, day: date) -> Debt:
    with db.transaction() as tx:
        return billing.debt(tx, line, day)


def kinds(db: Database, line: UUID) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, [line])]


@pytest.mark.parametrize(
    ("relief", "count", "first_due"),
    [
        (Relief.LONGER, 24, date(2026, 7, 25)),
        (Relief.HOLIDAY, 12, date(2026, 10, 25)),
        (Relief.REDUCED, 12, date(2026, 7, 25)),
    ],
)
def test_a_plan_replaces_what_is_open_and_asks_for_no_more_than_is_owed(
    db: Database, relief: Relief, count: int, first_due: date
):
    line = in_arrears(db, date(2026, 6, 10))
    owed = worlds.quote(db, line, date(2026, 6, 10))
    price = owed.interest_minor + owed.fee_minor + owed.accrued_minor
    assert price > 0
    agreed(db, line, relief, date(2026, 6, 10))
    items = worlds.items(db, line)
    assert {item.kind for item in items} == {"hardship"}
    assert (len(items), items[0].due_on) == (count, first_due)
    assert items[-1].due_on == add_months(first_due, count - 1)
    expected = owed.principal_minor if relief is Relief.REDUCED else owed.total_minor
    assert sum(item.total_minor for item in items) == expected
    assert max(i.total_minor for i in items) - min(i.total_minor for i in items) < 10
    worlds.nights(db, date(2026, 6, 10), date(2026, 8, 1))
    assert worlds.line_of(db, line).owed_minor == expected, "it bears no interest"
    assert worlds.offences(db) == []


@pytest.mark.parametrize("relief", Relief)
def test_days_past_due_stand_still_and_the_class_stays_while_it_is_kept(db: Database, relief: Relief):
    line = in_arrears(db)
    before = debt(db, line, LATE)
    assert before.days_past_due == 100
    agreed(db, line, relief, LATE)
    for later in (LATE, LATE + timedelta(days=20)):
        now = debt(db, line, later)
        assert now.days_past_due == 100
        assert (rules.class_of(now), rules.stage_of(now)) == (RiskClass.SUBSTANDARD, 3)


def test_who_asked_before_anything_was_late_is_watched_as_restructured(db: Database):
    line = in_arrears(db, date(2026, 2, 6), 3)  # without interest: a plan loses nothing of its value
    assert agree(db, line, Relief.LONGER, date(2026, 2, 6)) == Refusal("hardship.not_past_due")
    assert isinstance(agree(db, line, Relief.LONGER, date(2026, 2, 6), foreseen=True), Hardship)
    now = debt(db, line, date(2026, 2, 6))
    assert now.days_past_due == 0
    assert (rules.class_of(now), rules.stage_of(now)) == (RiskClass.SPECIAL_MENTION, 2)


def test_a_missed_instalment_breaks_the_plan_after_its_grace_and_the_days_go_on(db: Database):
    line = in_arrears(db)
    agreed(db, line, Relief.LONGER, LATE)
    fees = kinds(db, line).count("fee.charged")
    first_due = worlds.items(db, line)[0].due_on
    worlds.nights(db, LATE, first_due + timedelta(days=14))
    assert "hardship.broken" not in kinds(db, line)
    worlds.night(db, first_due + timedelta(days=15))
    assert kinds(db, line).count("hardship.broken") == 1
    assert debt(db, line, first_due + timedelta(days=15)).days_past_due == 115
    assert kinds(db, line).count("fee.charged") == fees, "a hardship plan has none"
    again = agree(db, line, Relief.HOLIDAY, first_due + timedelta(days=16))
    assert isinstance(again, Hardship)
    assert again.frozen_days == 116
    assert worlds.offences(db) == []


def test_observation_lasts_a_year_and_two_paid_instalments_however_good_the_customer(db: Database):
    line = in_arrears(db)
    made = agreed(db, line, Relief.LONGER, LATE)
    assert made.observed_until == add_months(LATE, 12)
    day = LATE
    while day <= made.observed_until:
        worlds.night(db, day)
        for item in worlds.items(db, line):
            if item.billed and item.due_on == day + timedelta(days=1):
                worlds.pay(db, line, item.total_minor, day)
        if day == made.observed_until - timedelta(days=1):
            assert rules.class_of(debt(db, line, day)) is RiskClass.SUBSTANDARD
            assert rules.stage_of(debt(db, line, day)) == 3
        day += timedelta(days=1)
    assert "hardship.observed" in kinds(db, line)
    now = debt(db, line, day)
    assert (now.forborne, now.days_past_due, rules.class_of(now)) == (None, 0, RiskClass.NORMAL)
    assert rules.stage_of(now) == 1
    assert now.owed_minor > 0


def test_agreeing_twice_is_the_same_as_once(db: Database):
    line = in_arrears(db)
    first = agreed(db, line, Relief.LONGER, LATE)
    assert agreed(db, line, Relief.HOLIDAY, LATE) == first
    assert kinds(db, line).count("hardship.agreed") == 1


def test_nothing_owed_needs_no_relief_and_no_price_is_no_reason_to_forgive_one(db: Database):
    line = worlds.open_line(db)
    assert agree(db, line, Relief.LONGER, DAY) == Refusal("hardship.nothing_owed")
    worlds.buy(db, line, 30_000, 3)
    refused = agree(db, line, Relief.REDUCED, DAY, foreseen=True)
    assert isinstance(refused, Refusal)
    assert refused.code == "hardship.option_not_offered"


def test_a_payment_from_before_that_comes_back_is_owed_again_beside_the_plan(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 120_000, 12)
    worlds.night(db, date(2026, 2, 5))
    paid = worlds.pay(db, line, 3_000, DUE)
    worlds.nights(db, date(2026, 2, 6), LATE - timedelta(days=1))
    agreed(db, line, Relief.LONGER, LATE)
    owed = worlds.line_of(db, line).owed_minor
    worlds.give_back(db, paid, LATE + timedelta(days=5))
    assert worlds.line_of(db, line).owed_minor == owed + 3_000
    with db.transaction() as tx:
        assert store.hardship(tx, line) is not None
    now = debt(db, line, LATE + timedelta(days=5))
    assert (now.days_past_due, now.past_due_minor) == (100, 0), "the plan is kept, and this has its own day"
    assert worlds.offences(db) == []


def test_days_of_a_restructured_debt_stand_still_in_the_books_total_too(db: Database):
    line = in_arrears(db, DUE + timedelta(days=40))
    agreed(db, line, Relief.LONGER, DUE + timedelta(days=40))
    later = DUE + timedelta(days=140)
    assert debt(db, line, later).days_past_due == 40
    with db.transaction() as tx:
        store.take_book_total(tx, later, 90)
        total = store.book_total(tx, "CNY", later)
    assert total
    assert (total.past_due_minor, total.npl_minor) == (0, 0)
