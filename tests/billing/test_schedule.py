"""Schedules are exact, and payments go where the order says."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.base import Money
from whiteslip.billing import rules
from whiteslip.billing.model import Bucket, OpenItem, RiskClass
from whiteslip.billing.schedule import level_payment, make_schedule, next_statement
from whiteslip.lines.model import Product

DAY = date(2026, 1, 15)
products = st.one_of(
    st.builds(Product, st.integers(1, 36), st.integers(0, 150)),
    st.builds(Product, st.integers(1, 36), st.just(0), st.integers(1, 3600)),
)


@given(st.integers(1, 10**9), products, st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 28))
def test_a_schedule_repays_the_principal_exactly(minor: int, product: Product, day: date, statement: int):
    rows = make_schedule(Money(minor, "CNY"), product, day, statement, 20)
    assert sum(row.principal_minor for row in rows) == minor
    assert all(row.principal_minor >= 0 and row.interest_minor >= 0 for row in rows)
    assert [row.bill_on for row in rows] == sorted({row.bill_on for row in rows})
    assert rows[0].bill_on > day


@given(st.integers(10_000, 10**9), st.integers(1, 3600), st.integers(2, 36))
def test_only_the_last_instalment_with_interest_differs(minor: int, apr: int, count: int):
    rows = make_schedule(Money(minor, "CNY"), Product(count, 0, apr), DAY, 5, 20)
    assert len({row.total_minor for row in rows[:-1]}) == 1
    assert rows[-1].total_minor <= rows[0].total_minor


def test_a_purchase_of_100_in_three_is_33_33_and_33_34():
    rows = make_schedule(Money(10_000, "CNY"), Product(3), DAY, 5, 20)
    assert [(r.due_on, r.total_minor) for r in rows] == [
        (date(2026, 2, 25), 3333),
        (date(2026, 3, 25), 3333),
        (date(2026, 4, 25), 3334),
    ]


def test_a_monthly_fee_is_on_the_original_amount():
    rows = make_schedule(Money(120_000, "CNY"), Product(12, monthly_fee_bps=60), DAY, 5, 20)
    assert {row.fee_minor for row in rows} == {720}


def test_the_level_payment_of_a_textbook_loan():
    # 100,000.00 over 12 months at 12 % a year: the annuity formula gives 8,884.88.
    assert level_payment(10_000_000, 1200, 12) == 888_488


def test_a_purchase_on_the_statement_day_is_billed_the_month_after():
    assert next_statement(date(2026, 1, 5), 5) == date(2026, 2, 5)


def item(
    due: date, billed: bool, principal: int, interest: int = 0, fee: int = 0, plan: UUID | None = None
) -> OpenItem:
    bill_on = due - timedelta(days=20)
    return OpenItem(
        plan=plan or uuid4(),
        no=1,
        line=uuid4(),
        bill_on=bill_on,
        due_on=due,
        billed=billed,
        charged=billed,
        principal_minor=principal,
        interest_minor=interest,
        fee_minor=fee,
        scheduled_interest_minor=interest,
        scheduled_fee_minor=fee,
        outstanding_minor=principal,
        opened_on=bill_on - timedelta(days=20),
    )


def test_a_payment_settles_the_oldest_bill_first_and_in_it_fee_interest_principal():
    old, new = item(date(2026, 1, 25), True, 100, 10, 5), item(date(2026, 2, 25), True, 100)
    parts = rules.allocate(120, [new, old], DAY)
    assert [(p.plan, p.component, p.amount_minor) for p in parts] == [
        (old.plan, "fee", 5),
        (old.plan, "interest", 10),
        (old.plan, "principal", 100),
        (new.plan, "principal", 5),
    ]


items = st.lists(
    st.builds(
        item,
        st.dates(date(2026, 1, 1), date(2026, 12, 31)),
        st.booleans(),
        st.integers(0, 10_000),
        st.integers(0, 500),
        st.integers(0, 500),
    ),
    max_size=8,
)


@given(st.integers(1, 10**6), items)
def test_a_payment_is_allocated_to_its_last_minor_unit_and_overpays_nothing(
    amount: int, open_items: list[OpenItem]
):
    parts = rules.allocate(amount, open_items, DAY)
    assert sum(part.amount_minor for part in parts) == amount
    owed = {(i.plan, c.value): i.of(c) for i in open_items for c in rules.SETTLEMENT_ORDER}
    for part in parts:
        if part.plan:
            assert part.amount_minor <= owed[(part.plan, part.component)]


@given(items)
def test_paying_the_quote_leaves_no_principal_and_nothing_billed(open_items: list[OpenItem]):
    quote = rules.payoff_quote(open_items, 0, DAY)
    parts = rules.allocate(quote.total_minor, open_items, DAY) if quote.total_minor else []
    settled = rules.by_component(parts)
    assert settled.get("credit", 0) == 0
    assert settled.get("principal", 0) == sum(i.principal_minor for i in open_items)


@given(st.integers(1, 10**6), items)
def test_a_refund_is_spread_to_its_last_minor_unit(amount: int, open_items: list[OpenItem]):
    parts = rules.allocate_refund(amount, open_items, open_items[0].purchase if open_items else None)
    assert sum(part.amount_minor for part in parts) == amount


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, RiskClass.NORMAL),
        (1, RiskClass.SPECIAL_MENTION),
        (90, RiskClass.SPECIAL_MENTION),
        (91, RiskClass.SUBSTANDARD),
        (271, RiskClass.DOUBTFUL),
        (361, RiskClass.LOSS),
    ],
)
def test_the_five_level_class_follows_order_2023_1(days: int, expected: RiskClass):
    assert rules.risk_class(days) is expected


@pytest.mark.parametrize(("days", "stage"), [(30, 1), (31, 2), (90, 2), (91, 3)])
def test_the_ifrs_stage_follows_its_presumptions(days: int, stage: int):
    assert rules.ifrs_stage(days) == stage


def test_a_debt_of_nothing_has_no_bucket():
    assert rules.bucket(rules.debt_on(DAY, None, 0, 0, 0)) is Bucket.NONE
    assert rules.bucket(rules.debt_on(DAY, date(2026, 1, 14), 5, 5, 0)) is Bucket.DPD_1_29
