"""A payoff quote is binding: paid on or before its day, nothing is owed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import worlds
from hypothesis import given
from hypothesis import strategies as st
from worlds import DAY, at

from whiteslip import billing
from whiteslip.base import Money
from whiteslip.billing import rules
from whiteslip.billing.earning import accrued, settled, unearned
from whiteslip.billing.model import OpenItem
from whiteslip.billing.schedule import make_schedule
from whiteslip.lines.model import Product
from whiteslip.store import Database

FEB, MAR = date(2026, 2, 5), date(2026, 3, 5)


def test_a_quote_names_its_parts(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 60_000, 6)
    worlds.pay(db, line, 1, DAY)
    worlds.night(db, FEB)
    quote = worlds.quote(db, line, FEB + timedelta(days=14))
    # The second month, 5 February to 5 March, is half over; the first is billed.
    assert (quote.principal_minor, quote.fee_minor, quote.interest_minor) == (59_999, 360, 0)
    assert (quote.accrued_minor, quote.per_day_minor, quote.credit_minor) == (180, 13, 0)
    assert quote.total_minor == 59_999 + 360 + 180


def test_on_the_day_of_purchase_nothing_has_been_earned(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 120_000, 12)
    assert worlds.quote(db, line, DAY).total_minor == 120_000


def test_credit_lowers_the_quote_and_is_used_when_it_is_paid(db: Database):
    line = worlds.open_line(db)
    worlds.pay(db, line, 30_000, DAY)
    worlds.buy(db, line, 120_000, 12)
    quote = worlds.quote(db, line, DAY)
    assert (quote.total_minor, quote.credit_minor) == (90_000, 30_000)
    worlds.pay(db, line, 90_000, DAY)
    found = worlds.line_of(db, line)
    assert (found.owed_minor, found.credit_minor) == (0, 0)
    assert worlds.offences(db) == []


@pytest.mark.parametrize(
    ("good_for", "paid_after"), [(0, 0), (1, 0), (10, 1), (10, 9), (21, 21), (30, 21), (60, 9), (60, 45)]
)
@pytest.mark.parametrize("instalments", [3, 6, 12])
def test_paying_the_quote_on_or_before_its_day_leaves_nothing_owed(
    db: Database, good_for: int, paid_after: int, instalments: int
):
    line = worlds.open_line(db)
    worlds.buy(db, line, 123_457, instalments)
    quote = worlds.quote(db, line, DAY, DAY + timedelta(days=good_for))
    day = min(DAY + timedelta(days=paid_after), quote.good_through)
    worlds.nights(db, DAY, day - timedelta(days=1))
    worlds.pay(db, line, quote.total_minor, day)
    assert worlds.line_of(db, line).owed_minor == 0
    assert worlds.items(db, line) == []
    assert worlds.offences(db) == []


def test_a_quote_ends_where_a_late_fee_may_come_and_a_payment_of_that_day_undoes_the_fee(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 60_000, 6)
    due_on = min(item.due_on for item in worlds.items(db, line))
    worlds.nights(db, DAY, due_on)
    asked = due_on + timedelta(days=1)
    quote = worlds.quote(db, line, asked, asked + timedelta(days=30))
    grace = worlds.line_of(db, line).terms.late_fee_grace_days
    assert quote.good_through == due_on + timedelta(days=grace)
    worlds.nights(db, asked, quote.good_through)
    assert [item for item in worlds.items(db, line) if item.kind == "late_fee"]
    told = quote.good_through + timedelta(days=1)  # the bank's file is of the morning after
    worlds.pay(db, line, quote.total_minor, told, value_on=quote.good_through)
    assert (worlds.items(db, line), worlds.line_of(db, line).owed_minor) == ([], 0)
    later = worlds.quote(db, line, told, told + timedelta(days=30))
    assert later.good_through == told + timedelta(days=30)
    assert worlds.offences(db) == []


def test_a_day_late_leaves_a_trifle_that_is_waived_and_never_aged(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 120_000, 12)
    good_through = DAY + timedelta(days=8)
    total = worlds.quote(db, line, good_through).total_minor
    next_day = good_through + timedelta(days=1)
    worlds.pay(db, line, total, next_day)
    assert 0 < worlds.line_of(db, line).owed_minor <= 100
    with db.transaction() as tx:
        assert billing.waive_remainder(tx, worlds.locked(tx, line), 100, at(next_day)) == 85
    assert worlds.items(db, line) == []
    worlds.nights(db, next_day, MAR)
    assert worlds.line_of(db, line).owed_minor == 0
    assert worlds.offences(db) == []


def test_a_line_without_debt_is_paid_off_with_nothing(db: Database):
    quote = worlds.quote(db, worlds.open_line(db), DAY)
    assert (quote.total_minor, quote.per_day_minor) == (0, 0)


# The rule behind it, without a database


def plan(minor: int, product: Product, statement_day: int) -> list[OpenItem]:
    rows = make_schedule(Money(minor, "CNY"), product, DAY, statement_day, 20)
    owed = [sum(row.principal_minor for row in rows[place:]) for place in range(len(rows))]
    return [
        OpenItem(
            plan=worlds.SHOP,
            no=row.no,
            line=worlds.SHOP,
            bill_on=row.bill_on,
            due_on=row.due_on,
            billed=False,
            charged=False,
            principal_minor=row.principal_minor,
            interest_minor=row.interest_minor,
            fee_minor=row.fee_minor,
            scheduled_interest_minor=row.interest_minor,
            scheduled_fee_minor=row.fee_minor,
            outstanding_minor=outstanding,
            opened_on=DAY,
        )
        for row, outstanding in zip(rows, owed, strict=True)
    ]


plans = st.builds(
    plan,
    st.integers(1, 10**7),
    st.one_of(
        st.builds(Product, st.integers(1, 36), st.integers(0, 150)),
        st.builds(Product, st.integers(1, 36), st.just(0), st.integers(1, 3_600)),
    ),
    st.integers(1, 28),
)
days = st.integers(0, 800).map(lambda days: DAY + timedelta(days=days))


def minor_of(items: list[OpenItem], day: date) -> int:
    return sum(part.amount_minor for part in accrued(items, day))


@given(plans, days)
def test_a_month_earns_its_price_day_by_day_and_no_more(items: list[OpenItem], day: date):
    ends = [item.bill_on for item in items]
    price = {item.bill_on: item.interest_minor + item.fee_minor for item in items}
    earned = minor_of(items, day)
    assert earned <= minor_of(items, day + timedelta(days=1))
    whole = sum(price[end] for end in ends if end <= day)
    running = next((price[end] for end in ends if end > day), 0)
    assert whole <= earned <= whole + running
    assert minor_of(items, DAY) == 0


@given(plans, days, days, st.integers(1, 10**7))
def test_prepaying_in_two_steps_costs_no_less_than_the_days_and_no_more_than_the_schedule(
    items: list[OpenItem], one: date, two: date, minor: int
):
    first, second = sorted((one, two))
    scheduled = sum(item.total_minor for item in items)
    paid = 0
    for day, amount in ((first, minor), (second, 10**12)):
        parts = [part for part in rules.allocate(amount, items, day) if part.component != "credit"]
        paid += sum(part.amount_minor for part in parts)
        after = settled(items, parts)
        items = settled(after, unearned(items, after, day))
        assert all(min(i.principal_minor, i.interest_minor, i.fee_minor) >= 0 for i in items)
    assert sum(item.total_minor for item in items) == 0
    assert paid <= scheduled


@given(plans, days)
def test_paying_the_quote_settles_every_item(items: list[OpenItem], day: date):
    parts = rules.allocate(rules.payoff_quote(items, 0, day).total_minor, items, day)
    assert not [part for part in parts if part.component == "credit"]
    after = settled(items, parts)
    assert sum(i.total_minor for i in settled(after, unearned(items, after, day))) == 0


@given(plans, days, st.integers(1, 10**7))
def test_a_refund_never_raises_the_price_of_a_month(items: list[OpenItem], day: date, minor: int):
    parts = [p for p in rules.allocate_refund(minor, items, None) if p.component != "credit"]
    after = settled(items, parts)
    left = settled(after, unearned(items, after, day))
    assert all(new.interest_minor <= old.interest_minor for new, old in zip(left, items, strict=True))
    assert all(new.fee_minor <= old.fee_minor for new, old in zip(left, items, strict=True))
    principal = sum(item.principal_minor for item in left)
    assert rules.payoff_quote(left, 0, day).total_minor >= principal
    if principal == 0:
        assert sum(item.total_minor for item in left) == 0
