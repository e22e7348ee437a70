"""Covenants: figures by hand, headroom, and the day on which it is gone."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from random import Random

import msgspec
import pytest
from deals import deal, receivable
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.funding import covenants
from whiteslip.funding.covenants import Figures
from whiteslip.funding.model import (
    Advance,
    Base,
    LossStep,
    Performance,
    Phase,
    Position,
    Receivable,
    Step,
    Test,
    Triggers,
    Verdict,
)

DAY = date(2026, 3, 31)
HISTORY = [
    Figures(date(2026, 1, 15), 90_000, 0, 100, 1_000, 500),
    Figures(date(2026, 1, 31), 100_000, 1_001, 0, 2_000, 500),
    Figures(date(2026, 2, 28), 110_000, 2_200, 500, 30_000, 1_500),
    Figures(date(2026, 3, 31), 90_000, 2_700, 150, 22_000, 1_500),
]


def a_base(debt: int = 50_000, pool: int = 80_000, base: int = 60_000) -> Base:
    return Base(Phase.REVOLVING, pool, pool, 0, 0, 8_500, 0, base, debt, (), ())


def test_three_months_of_figures_by_hand():
    found = covenants.performance(deal(funding_cost_bps=600), HISTORY, [])
    # 1.001 % -> 101 bps up, 200 and 300: the mean is 200.33, up to 201.
    assert found.delinquency_3m_bps == 201
    # 750 lost in three months is 3,000 a year of a mean pool of 100,000.
    assert found.annualised_loss_3m_bps == 300
    # 4,000 earned is 16,000 a year: 1,600 less 300 less 600.
    assert found.excess_spread_3m_bps == 700
    # 22,000 came in in March on 110,000.
    assert found.payment_rate_bps == 2_000
    assert found.vintage_loss_bps is None


def test_before_three_months_are_over_nothing_is_told():
    assert covenants.performance(deal(), HISTORY[:3], []) == Performance()
    early = Figures(date(2026, 3, 30), 90_000, 2_700, 150, 22_000, 1_500)
    assert covenants.performance(deal(), [*HISTORY[:3], early], []) == Performance()


def test_a_month_that_has_begun_changes_nothing_until_it_is_over():
    agreed = deal(funding_cost_bps=600)
    known = covenants.performance(agreed, HISTORY, [])
    begun = Figures(date(2026, 4, 1), 5, 5, 5, 0, 0)
    assert covenants.performance(agreed, [*HISTORY, begun], []) == known, "not 0 % paid on the first day"
    over = Figures(date(2026, 4, 30), 90_000, 900, 0, 9_000, 0)
    found = covenants.performance(agreed, [*HISTORY, begun, over], [])
    assert (found.payment_rate_bps, found.delinquency_3m_bps) == (1_000, 200)


def test_what_is_charged_off_counts_on_one_night_and_is_not_delinquent():
    ages = {29: 1, 30: 2, 89: 4, 90: 8, 91: 16}
    proof = [
        Verdict(receivable(number, minor, days_past_due=days), None)
        for number, (days, minor) in enumerate(ages.items(), 1)
    ]
    found = covenants.figures(deal(), proof, 5, 6, DAY)
    assert (found.pool_minor, found.delinquent_minor, found.charged_off_minor) == (7, 6, 8)


def test_the_latest_seasoned_vintages_are_weighted_by_what_was_lent():
    stepped = deal(advance=Advance(8_500, (Step(300, 9_000),), vintages=2, seasoned_months=2))
    pool = [
        receivable(1, 1_000, opened_on=date(2025, 11, 3), principal_minor=1_000, days_past_due=200),
        receivable(2, 1_000, opened_on=date(2025, 12, 3), principal_minor=30, days_past_due=90),
        receivable(3, 3_000, opened_on=date(2026, 1, 3), principal_minor=81, days_past_due=95),
        receivable(4, 9_000, opened_on=date(2026, 2, 3), days_past_due=90),
    ]
    proof = [Verdict(each, None) for each in pool]
    # 111 of 4,000 is 2.775 %, up to 278: the oldest vintage is no more and the newest not yet looked at.
    assert covenants.performance(stepped, HISTORY, proof).vintage_loss_bps == 278


@pytest.mark.parametrize(
    ("day", "age", "limit"),
    [(date(2026, 2, 14), 0, 100), (date(2026, 2, 15), 1, 100), (date(2026, 4, 14), 2, 300),
     (date(2026, 4, 15), 3, 900), (date(2027, 4, 15), 15, 900)],
)  # fmt: skip
def test_a_net_loss_since_the_deal_began_by_hand(day: date, age: int, limit: int):
    steps = (LossStep(2, 100), LossStep(3, 300), LossStep(12, 900))
    agreed = deal(begins_on=date(2026, 1, 15), triggers=Triggers(cumulative_loss=steps))
    nights = [
        Figures(date(2026, 2, 1), 90_000, 0, 4_000, 0, 0),
        Figures(date(2026, 2, 2), 90_000, 0, 2_000, 0, 0, recovered_minor=1_000),
        Figures(day, 90_000, 0, 0, 0, 0, recovered_minor=500),
    ]
    # 6,000 were charged off and 1,500 came back: 4,500 of 149,000 that were ever pledged is 3.0201 %, up.
    found = covenants.performance(agreed, nights, [], 149_000)
    assert (found.cumulative_loss_bps, found.age_months) == (303, age)
    (tested,) = [
        each
        for each in covenants.tests(agreed, a_base(), Position(), found)
        if each.test is Test.CUMULATIVE_LOSS
    ]
    assert (tested.limit, tested.headroom) == (limit, limit - 303)
    assert covenants.performance(deal(), nights, [], 149_000).cumulative_loss_bps is None, "not in the deal"


def test_every_covenant_has_its_headroom():
    limits = Triggers(
        delinquency_3m_at_most_bps=300,
        annualised_loss_3m_at_most_bps=299,
        excess_spread_3m_at_least_bps=0,
        payment_rate_at_least_bps=2_000,
        pool_at_least_minor=80_001,
        cumulative_loss=(LossStep(2, 90), LossStep(12, 100)),
    )
    agreed = deal(triggers=limits, reserve_bps=25, minimum_use_minor=60_000)
    how = covenants.performance(deal(funding_cost_bps=600, triggers=limits), HISTORY, [], 74_000)
    found = {each.test: each for each in covenants.tests(agreed, a_base(), Position(reserve_minor=125), how)}
    assert {test: each.headroom for test, each in found.items()} == {
        Test.BORROWING_BASE: 10_000,
        Test.RESERVE: 0,
        Test.MINIMUM_USE: -10_000,
        Test.POOL: -1,
        Test.DELINQUENCY: 99,
        Test.ANNUALISED_LOSS: -1,
        # 750 of 74,000 is 101.4, up to 102 bps; the deal is two months old.
        Test.CUMULATIVE_LOSS: -2,
        Test.EXCESS_SPREAD: 700,
        Test.PAYMENT_RATE: 0,
    }
    assert {test for test, each in found.items() if each.is_breached} == {
        Test.MINIMUM_USE,
        Test.POOL,
        Test.ANNUALISED_LOSS,
        Test.CUMULATIVE_LOSS,
    }
    assert [each.test for each in covenants.tests(deal(), a_base(), Position(), Performance())] == [
        Test.BORROWING_BASE
    ], "a limit that is not in the deal is not tested"


# Nights of four months in multiples of three, whose mean needs no rounding; a third and more may be late.
_NIGHTS = st.lists(st.tuples(*[st.integers(1, 30_000).map(lambda n: 3 * n)] * 5), min_size=4, max_size=4).map(
    lambda drawn: [
        Figures(date(2026, month, 28 if month == 2 else 30), pool, min(late, pool), lost, paid, earned)
        for month, (pool, late, lost, paid, earned) in zip((1, 2, 3, 4), drawn, strict=True)
    ]
)
_POOL = st.lists(
    st.builds(
        receivable,
        st.integers(1, 10_000),
        st.integers(1, 50_000),
        opened_on=st.dates(date(2025, 9, 1), DAY),
        days_past_due=st.sampled_from([0, 29, 30, 90, 120]),
    ),
    max_size=10,
    unique_by=lambda each: each.plan,
)


def _times(night: Figures, by: int) -> Figures:
    day, *amounts = dataclasses.astuple(night)
    return Figures(day, *(minor * by for minor in amounts))


@given(_NIGHTS, _POOL, st.integers(1, 99), st.integers(0, 900), st.randoms(use_true_random=False))
def test_ratios_are_of_parts_and_no_unit_of_money_or_order_changes_them(
    nights: list[Figures], pool: list[Receivable], by: int, cost: int, dice: Random
):
    scheduled = Triggers(cumulative_loss=(LossStep(99, 500),))
    stepped = deal(
        triggers=scheduled,
        funding_cost_bps=cost,
        advance=Advance(8_500, (Step(300, 9_000),), vintages=2, seasoned_months=1),
    )
    proof = [Verdict(each, None) for each in pool]
    found = covenants.performance(stepped, nights, proof, 999_999)
    times = [_times(night, by) for night in nights]
    assert found == covenants.performance(stepped, times, proof, 999_999 * by)
    assert found == covenants.performance(stepped, nights, dice.sample(proof, len(proof)), 999_999)
    assert found.cumulative_loss_bps is not None
    recovered = [dataclasses.replace(night, recovered_minor=by) for night in nights]
    less = covenants.performance(stepped, recovered, proof, 999_999).cumulative_loss_bps
    assert less is not None
    assert 0 <= less <= found.cumulative_loss_bps
    assert found.delinquency_3m_bps is not None
    assert 0 <= found.delinquency_3m_bps <= 10_000
    assert found.vintage_loss_bps is None or 0 <= found.vintage_loss_bps <= 10_000
    assert found.annualised_loss_3m_bps is not None
    assert (found.payment_rate_bps or 0) >= 0
    # What is earned is lost, costs, or is left over.
    free = covenants.performance(deal(funding_cost_bps=0), [_without_loss(night) for night in nights], [])
    assert free.excess_spread_3m_bps == (
        (found.excess_spread_3m_bps or 0) + (found.annualised_loss_3m_bps or 0) + cost
    )


def _without_loss(night: Figures) -> Figures:
    return dataclasses.replace(night, charged_off_minor=0)


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.lists(st.integers(-9_000, 9_000), min_size=8, max_size=8),
    st.integers(0, 500),
    st.integers(0, 20),
)
def test_headroom_is_what_is_left_whatever_the_figures(
    debt: int, good: int, drawn: list[int], by: int, age: int
):
    how = Performance(*drawn[:4], cumulative_loss_bps=by, age_months=age)
    limits = Triggers(
        delinquency_3m_at_most_bps=drawn[4],
        annualised_loss_3m_at_most_bps=drawn[5],
        excess_spread_3m_at_least_bps=drawn[6],
        payment_rate_at_least_bps=drawn[7],
        pool_at_least_minor=7_000,
        cumulative_loss=(LossStep(6, 120), LossStep(12, 700)),
    )
    agreed = deal(triggers=limits, reserve_bps=25, minimum_use_minor=60_000)
    found = covenants.tests(agreed, a_base(debt, good, good), Position(reserve_minor=9), how)
    assert {each.test for each in found} == set(Test) - {Test.MATURITY}
    assert next(each.limit for each in found if each.test is Test.CUMULATIVE_LOSS) == (
        120 if age < 6 else 700
    )
    for each in found:
        assert each.actual is not None
        most = each.test in (Test.DELINQUENCY, Test.ANNUALISED_LOSS, Test.CUMULATIVE_LOSS)
        assert each.headroom == (each.limit - each.actual if most else each.actual - each.limit)
        assert each.is_breached == (each.actual > each.limit if most else each.actual < each.limit)
    # A pool that is smaller by an amount has that much less headroom, and nothing else changes.
    less = covenants.tests(agreed, a_base(debt, good - by, good), Position(reserve_minor=9), how)
    changed = [
        (one.test, (one.headroom or 0) - (two.headroom or 0)) for one, two in zip(found, less, strict=True)
    ]
    assert {test: gap for test, gap in changed if gap} == ({Test.POOL: by} if by else {})
    (last,) = covenants.tests(
        agreed, msgspec.structs.replace(a_base(debt), phase=Phase.MATURED), Position(), how
    )
    assert (last.test, last.headroom, last.is_breached) == (Test.MATURITY, -debt, debt > 0)


@given(st.integers(1, 50), st.integers(0, 1_000), st.integers(5, 40))
def test_headroom_that_shrinks_by_the_same_every_night_is_gone_when_it_is_used_up(
    fall: int, left: int, count: int
):
    line = [(DAY + timedelta(days=n), left + fall * (count - 1 - n)) for n in range(count)]
    assert covenants.days_to_breach(line) == left // fall


def test_no_day_is_told_where_headroom_grows_is_gone_or_is_hardly_known():
    def line(*headroom: int) -> list[tuple[date, int]]:
        return [(DAY + timedelta(days=n), each) for n, each in enumerate(headroom)]

    assert covenants.days_to_breach(line(1, 2, 3, 4, 5)) is None
    assert covenants.days_to_breach(line(5, 5, 5, 5, 5)) is None
    assert covenants.days_to_breach(line(5, 4, 3, 2)) is None
    assert covenants.days_to_breach(line(3, 2, 1, 0, -1)) is None
    assert covenants.days_to_breach(line(9, 8, 7, 6, 5)) == 5
