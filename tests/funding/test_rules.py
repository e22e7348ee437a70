"""The borrowing base: worked examples by hand, and what holds for any pool."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from deals import DAY, STATED, deal, receivable
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.funding import deals, rules
from whiteslip.funding.model import (
    Base,
    Bucket,
    Concentration,
    Deal,
    Overcollateralisation,
    Phase,
    Position,
    Receivable,
)

HERE = UUID(int=77)
ELSEWHERE = UUID(int=78)
LIMITS = (
    Concentration(Bucket.MERCHANT, 2_000),
    Concentration(Bucket.OBLIGOR, 1_500),
    Concentration(Bucket.TERM, 3_000, above_days=90),
    Concentration(Bucket.VINTAGE, 6_000),
)


def stated(name: str, **more: str) -> Deal:
    text = deals.example(name)
    asked = {key: STATED[key] for key in STATED if f'{key.split(".")[-1]} = "required"' in text}
    return deals.read(text, asked | {key.replace("__", "."): value for key, value in more.items()})


def base(
    found: Deal,
    pool: list[Receivable],
    position: Position | None = None,
    current: Phase = Phase.REVOLVING,
    loss: int | None = None,
) -> Base:
    return rules.base_of(found, rules.prove(found, HERE, pool, DAY), position or Position(), current, loss)


def test_sezzle_2024_lends_85_percent_and_90_while_the_latest_vintages_lose_under_3_percent():
    sezzle = stated(
        "sezzle-2024",
        eligibility__days_past_due_below="15",
        advance__seasoned_months="3",
        triggers__annualised_loss_3m_at_most_bps="1500",
    )
    pool = [
        receivable(1, 10_000),
        receivable(2, 20_001, days_past_due=14),
        receivable(3, 40_000, days_past_due=15),
        receivable(4, 80_000, days_past_due=90),
        receivable(5, 160_000, disputed=True),
    ]
    position = Position(debt_minor=26_000, cash_minor=500)
    # 10,000 + 20,001 = 30,001 eligible; 85 % of it is 25,500.85, rounded down, and 500 of cash.
    at_85 = base(sezzle, pool, position, loss=300)
    assert (at_85.eligible_minor, at_85.advance_bps, at_85.base_minor) == (30_001, 8_500, 26_000)
    assert (at_85.available_minor, at_85.deficiency_minor) == (0, 0)
    assert at_85.ineligible == (("charged_off", 80_000), ("disputed", 160_000), ("past_due", 40_000))
    # 90 % of 30,001 is 27,000.9.
    assert base(sezzle, pool, position, loss=299).base_minor == 27_500
    assert base(sezzle, pool, position, loss=None).base_minor == 26_000, "what nobody knows is not good"
    assert sezzle.minimum_use_minor == 6_000_000_000


def test_sezzle_2019_lends_90_percent_of_what_is_under_30_days_past_due():
    sezzle = stated("sezzle-2019", commitment_minor="3000000")
    pool = [receivable(1, 999_999, days_past_due=29), receivable(2, 500_000, days_past_due=30)]
    # 90 % of 999,999 is 899,999.1.
    assert base(sezzle, pool).base_minor == 899_999
    assert base(sezzle, [receivable(1, 9_000_000)]).base_minor == 3_000_000, "never above the commitment"


def test_affrm_2024_b_keeps_back_its_target_and_more_of_it_when_it_amortises():
    affirm = stated(
        "affrm-2024-b",
        eligibility__days_past_due_below="30",
        reserve_bps="25",
        overcollateralisation__initial_pool_minor="52000000001",
        triggers__annualised_loss_3m_at_most_bps="1000",
        triggers__excess_spread_3m_at_least_bps="0",
    )
    pool = [receivable(1, 51_000_000_000), receivable(2, 1_000_000_000, days_past_due=30)]
    # 2.65 % of 520,000,000.01 is 13,780,000.000265, rounded up to 13,780,000.01; with 6,200,000 of
    # yield supplement 19,980,000.01 are kept back of 510,000,000.
    revolving = base(affirm, pool)
    assert (revolving.held_back_minor, revolving.base_minor) == (1_998_000_001, 49_001_999_999)
    # 5.15 % is 26,780,000.000515, so 32,980,000.01.
    amortising = base(affirm, pool, current=Phase.AMORTISING)
    assert (amortising.held_back_minor, amortising.base_minor) == (3_298_000_001, 47_701_999_999)


def test_what_no_public_text_gives_has_no_default_and_each_example_says_which():
    for name in deals.examples():
        with pytest.raises(deals.DealError) as refused:
            deals.read(deals.example(name))
        assert "cure_days is required: no public text gives it, state it" in refused.value.faults
    assert deals.examples() == ["affrm-2024-b", "sezzle-2019", "sezzle-2024"]


def test_two_limits_on_the_same_receivable_take_nothing_twice():
    # 1,000 eligible, 600 of it one shop's, all of that one person's. The shop may be 40 %: 200 go.
    # The person may be 30 %: of the 400 that are left, 100 go; not 300 again.
    limits = (Concentration(Bucket.MERCHANT, 4_000), Concentration(Bucket.OBLIGOR, 3_000))
    pool = [
        receivable(1, 300, merchant="big", obligor=UUID(int=5), opened_on=date(2026, 1, 1)),
        receivable(2, 300, merchant="big", obligor=UUID(int=5), opened_on=date(2026, 2, 1)),
        receivable(3, 200, merchant="a", obligor=UUID(int=6)),
        receivable(4, 200, merchant="b", obligor=UUID(int=7)),
    ]
    limited = deal(currency="USD", concentrations=limits)
    found = base(limited, pool)
    assert found.excesses == ((1, 200), (2, 100))
    assert (found.excess_minor, found.base_minor) == (300, 595)
    taken = {v.receivable.plan.int: v.excess for v in rules.prove(limited, HERE, pool, DAY) if v.excess}
    assert taken == {2: ((1, 200), (2, 100))}, "the newest first"


pools = st.lists(
    st.builds(
        receivable,
        st.integers(1, 10_000),
        st.integers(0, 50_000),
        obligor=st.integers(1, 4).map(lambda n: UUID(int=n)),
        merchant=st.sampled_from("abc"),
        term_days=st.sampled_from([30, 180, 400]),
        opened_on=st.dates(date(2025, 11, 1), DAY),
        days_past_due=st.sampled_from([0, 0, 0, 29, 30, 95]),
        disputed=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda each: each.plan,
)
ANY = deal(currency="USD", commitment_minor=10**12, concentrations=LIMITS)


@given(pools, st.integers(0, 10_000))
def test_the_base_is_never_above_the_advance_on_what_is_eligible(pool: list[Receivable], cash: int):
    found = base(ANY, pool, Position(cash_minor=cash))
    assert cash <= found.base_minor <= rules.share(found.eligible_minor, 8_500) + cash


@given(pools)
def test_parts_sum_and_nothing_is_taken_beyond_what_there_is(pool: list[Receivable]):
    found, proof = base(ANY, pool), rules.prove(ANY, HERE, pool, DAY)
    kept_out = sum(minor for _, minor in found.ineligible)
    assert found.pool_minor == found.eligible_minor + kept_out == sum(r.principal_minor for r in pool)
    assert found.excess_minor == sum(minor for _, minor in found.excesses)
    assert sum(v.counted_minor for v in proof) == found.eligible_minor - found.excess_minor
    assert all(0 <= v.counted_minor <= v.receivable.principal_minor for v in proof)


@given(pools)
def test_after_all_limits_no_bucket_is_above_its_share(pool: list[Receivable]):
    proof = rules.prove(ANY, HERE, pool, DAY)
    eligible = sum(v.receivable.principal_minor for v in proof if v.rule is None)
    for shop in "abc":
        counted = sum(v.counted_minor for v in proof if v.receivable.merchant == shop)
        assert counted <= rules.share(eligible, 2_000)


@given(pools, st.randoms(use_true_random=False))
def test_the_order_of_receivables_does_not_matter(pool: list[Receivable], dice: object):
    mixed = list(pool)
    dice.shuffle(mixed)  # type: ignore[attr-defined]
    assert rules.prove(ANY, HERE, mixed, DAY) == rules.prove(ANY, HERE, pool, DAY)


@given(pools)
def test_a_receivable_that_is_not_eligible_changes_nothing(pool: list[Receivable]):
    before = base(ANY, pool)
    more = base(ANY, [*pool, receivable(20_000, 999_999, days_past_due=30)])
    assert (more.eligible_minor, more.excesses, more.base_minor) == (
        before.eligible_minor,
        before.excesses,
        before.base_minor,
    )


@given(pools, st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 50_000))
def test_what_is_kept_back_is_never_lent_and_keeping_more_lends_no_more(
    pool: list[Receivable], low: int, more: int, supplement: int
):
    high = min(10_000, low + more)
    over = Overcollateralisation(90_001, low, high, yield_supplement_minor=supplement)
    keeps = deal(currency="USD", commitment_minor=10**12, advance=None, overcollateralisation=over)
    revolving, amortising = base(keeps, pool), base(keeps, pool, current=Phase.AMORTISING)
    assert supplement <= revolving.held_back_minor <= amortising.held_back_minor
    assert revolving.base_minor == max(0, revolving.eligible_minor - revolving.held_back_minor)
    assert amortising.base_minor <= revolving.base_minor
