"""Histories become debts, payments and credit: by the rules, to the minor unit, in billing's order."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.base import Money
from whiteslip.billing import rules as billing_rules
from whiteslip.billing.model import OpenItem, Part
from whiteslip.billing.schedule import make_schedule
from whiteslip.intake import load_mapping, plan
from whiteslip.intake.mapping import Schedule
from whiteslip.intake.model import Cut, History, Month, Takeover
from whiteslip.lines.model import Product

MAPPING: Final = load_mapping("uci-credit-card").mapping
CALENDAR: Final = plan.Calendar(MAPPING)
STATUSES: Final = sorted(MAPPING.months_late)

amounts = st.integers(0, 200_000)
histories = st.builds(
    History,
    row=st.just(2),
    reference=st.just("1"),
    language=st.just("en"),
    limit_minor=amounts,
    opened_on=st.none(),
    defaulted=st.booleans(),
    months=st.tuples(
        *(
            st.builds(Month, st.integers(-50_000, 200_000), amounts | st.just(0), st.sampled_from(STATUSES))
            for _ in range(6)
        )
    ),
)


def history(*months: tuple[int, int, int], limit_minor: int = 1_000_000) -> History:
    """Six months of (balance, paid, status); the last one given repeats without payments."""
    given_months = [Month(*month) for month in months]
    given_months += [Month(given_months[-1].balance_minor, 0, 0)] * (6 - len(months))
    return History(2, "1", "en", limit_minor, None, False, tuple(given_months))


def in_full() -> plan.Calendar:
    """The calendar of a mapping in which everything is due with the next bill."""
    return plan.Calendar(msgspec.structs.replace(MAPPING, schedules=[Schedule(opening=1, purchases=1)]))


def applied(made: Takeover) -> dict[str, int]:
    return {rule: count for rule, count in made.rules.items() if count}


def net_after(made: Takeover) -> list[int]:
    """Debt less credit after each month, from what will be booked."""
    net, sums = -made.opening_credit, list[int]()
    for place, flow in enumerate(made.flows):
        net += sum(debt.amount_minor for debt in made.debts if max(debt.month, 0) == place)
        for cuts in (flow.payment, flow.adjustment):
            net -= sum(cut.amount_minor for cut in cuts)
        net -= flow.payment_credit + flow.adjustment_credit
        sums.append(net)
    return sums


@given(histories)
def test_after_every_month_debt_less_credit_is_the_reported_balance(given_history: History):
    made = plan.make(given_history, CALENDAR)
    assert net_after(made) == [month.balance_minor for month in given_history.months]


@given(histories)
def test_a_payment_is_spread_to_its_last_minor_unit(given_history: History):
    made = plan.make(given_history, CALENDAR)
    for month, flow in zip(given_history.months, made.flows, strict=True):
        assert sum(cut.amount_minor for cut in flow.payment) + flow.payment_credit == month.paid_minor


@given(histories)
def test_nothing_is_settled_beyond_its_instalment(given_history: History):
    made = plan.make(given_history, CALENDAR)
    left = {
        (place, row.no): row.principal_minor for place, debt in enumerate(made.debts) for row in debt.rows
    }
    for flow in made.flows:
        for cut in [*flow.payment, *flow.adjustment, *flow.credit_used]:
            assert cut.amount_minor > 0
            left[cut.debt, cut.no] -= cut.amount_minor
    assert min(left.values(), default=0) >= 0


def _items(made: Takeover, left: dict[tuple[int, int], int], month: int, billed: int) -> list[OpenItem]:
    """What is open in ``month`` as billing sees it; statements up to ``billed`` have been made."""
    found: list[OpenItem] = []
    for place, debt in enumerate(made.debts):
        for row in debt.rows:
            minor = left[place, row.no]
            if minor and debt.month < month:
                is_billed = billed >= 0 and row.bill_on <= MAPPING.statement_on(billed)
                found.append(
                    OpenItem(
                        plan=UUID(int=place),
                        no=row.no,
                        line=UUID(int=0),
                        bill_on=row.bill_on,
                        due_on=row.due_on,
                        billed=is_billed,
                        charged=is_billed,
                        principal_minor=minor,
                        interest_minor=0,
                        fee_minor=0,
                        scheduled_interest_minor=0,
                        scheduled_fee_minor=0,
                        outstanding_minor=minor,
                        opened_on=debt.opened_on,
                    )
                )
    return found


def _parts(cuts: list[Cut], credit: int) -> list[Part]:
    parts = [Part("principal", cut.amount_minor, UUID(int=cut.debt), cut.no) for cut in cuts]
    return parts + ([Part("credit", credit)] if credit else [])


@given(histories)
def test_payments_settle_in_the_order_that_billing_gives(given_history: History):
    made = plan.make(given_history, CALENDAR)
    left = {
        (place, row.no): row.principal_minor for place, debt in enumerate(made.debts) for row in debt.rows
    }
    for month, flow in enumerate(made.flows):
        paid = given_history.months[month].paid_minor
        day = MAPPING.day(month, MAPPING.days.payment)
        if paid:
            items = _items(made, left, month, month - 1)
            assert _parts(flow.payment, flow.payment_credit) == billing_rules.allocate(paid, items, day)
        for cut in [*flow.payment, *flow.adjustment]:
            left[cut.debt, cut.no] -= cut.amount_minor
        items = [item for item in _items(made, left, month + 1, month) if item.billed]
        used = sum(cut.amount_minor for cut in flow.credit_used)
        if used:
            assert _parts(flow.credit_used, 0) == billing_rules.allocate(used, items, day)
        for cut in flow.credit_used:
            left[cut.debt, cut.no] -= cut.amount_minor


@given(st.integers(1, 10**9), st.integers(1, 60))
def test_instalments_are_those_of_billing(minor: int, count: int):
    due_days = MAPPING.agreement.terms.due_days
    purchased_on = MAPPING.day(0, MAPPING.days.purchase)
    theirs = make_schedule(
        Money(minor, "TWD"), Product(count), purchased_on, MAPPING.days.statement, due_days
    )
    assert CALENDAR.rows(0, minor, count) == theirs


@given(st.integers(1, 10**9), st.integers(1, 12), st.integers(1, 1_400), st.integers(-1, 5))
def test_a_revolving_line_asks_a_minimum_in_the_file_and_the_rest_after_it(
    minor: int, count: int, minimum_bps: int, month: int
):
    rows = CALENDAR.rows(month, minor, count, minimum_bps)
    asked, rest = rows[: 6 - month], rows[6 - month :]
    assert {row.principal_minor for row in asked} == {minor * minimum_bps // 10_000}
    assert asked[-1].bill_on == MAPPING.statement_on(5)
    assert len(rest) == count
    assert len({row.principal_minor for row in rest[:-1]}) <= 1
    assert sum(row.principal_minor for row in rows) == minor
    assert [row.no for row in rows] == list(range(1, len(rows) + 1))


def test_the_opening_balance_is_the_first_balance_and_its_payment():
    made = plan.make(history((8_000, 2_000, 0)), in_full())
    assert [(debt.month, debt.amount_minor) for debt in made.debts] == [(-1, 10_000)]
    assert made.debts[0].rows[0].bill_on == date(2005, 3, 25)
    assert applied(made) == {
        "opening.rolled_back": 1,
        "status.revolving": 6,
        "statement.asks_nothing": 5,
    }


def test_where_the_first_bill_was_paid_in_full_the_payment_is_what_was_owed_before():
    made = plan.make(history((8_000, 2_000, -1)), in_full())
    assert [(debt.month, debt.amount_minor) for debt in made.debts] == [(-1, 2_000), (0, 8_000)]
    assert applied(made)["opening.paid_in_full"] == 1


def test_a_balance_that_rises_is_a_purchase_of_that_month():
    made = plan.make(history((1_000, 0, 0), (2_500, 1_000, -1)), in_full())
    assert [(debt.month, debt.amount_minor) for debt in made.debts] == [(-1, 1_000), (1, 2_500)]
    assert made.debts[1].opened_on == date(2005, 5, 15)
    assert applied(made)["purchase.derived"] == 1


def test_a_balance_that_falls_without_a_payment_is_adjusted_oldest_debt_first():
    made = plan.make(history((1_000, 0, 0), (1_500, 0, 0), (200, 0, 0)), in_full())
    assert made.flows[2].adjustment == [Cut(0, 1, 1_000), Cut(1, 1, 300)]
    assert applied(made)["balance.adjusted"] == 1


def test_a_negative_balance_is_credit_and_pays_the_next_bill():
    made = plan.make(history((-300, 0, -1), (700, 0, -1)), in_full())
    assert made.opening_credit == 300
    assert made.flows[1].credit_used == [Cut(0, 1, 300)]
    assert applied(made)["balance.credit"] == 1
    assert applied(made)["opening.credit"] == 1


def test_a_payment_above_the_debt_is_credit():
    made = plan.make(history((1_000, 0, 0), (-500, 1_500, -1)), in_full())
    assert made.flows[1].payment == [Cut(0, 1, 1_000)]
    assert made.flows[1].payment_credit == 500
    assert applied(made)["payment.above_debt"] == 1


def test_a_debt_above_the_limit_is_counted():
    made = plan.make(history((1_000, 0, 0), limit_minor=999), in_full())
    assert made.peak_minor == 1_000
    assert applied(made)["balance.over_limit"] == 1


def test_a_statement_without_anything_to_pay_asks_nothing():
    made = plan.make(history((0, 0, -2)), in_full())
    assert [flow.is_billed for flow in made.flows] == [False] * 6
    assert applied(made)["statement.asks_nothing"] == 6


def test_a_status_that_contradicts_the_balance_is_counted_and_changes_nothing():
    contradicting = plan.make(history((0, 0, 2)), in_full())
    plain = plan.make(history((0, 0, -2)), in_full())
    assert applied(contradicting)["status.contradicts"] == 1
    assert (contradicting.debts, contradicting.flows) == (plain.debts, plain.flows)


def test_who_pays_in_full_is_asked_for_all_and_who_revolves_for_a_minimum():
    full = history(*[(10_000, 10_000, -1)] * 6)
    revolving = history(*[(100_000 - 2_500 * step, 2_500, 0) for step in range(6)])
    assert plan.choose(full, MAPPING).label == "1+1"
    assert plan.choose(revolving, MAPPING).minimum_bps


def test_who_stops_paying_is_late_by_as_many_months_as_reported():
    stopped = history(*[(10_000, 0, step + 1) for step in range(6)])
    made = plan.make(stopped, CALENDAR)
    assert made.late_months == [1, 2, 3, 4, 5, 6]
