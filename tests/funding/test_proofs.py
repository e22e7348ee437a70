"""Each figure of a facility's night is worked out by hand, holds for any pool, and is computed twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
from funding import test_covenants as covenants
from funding import test_maturity as maturity
from funding import test_rules as rules
from funding.test_independent import SQL

from whiteslip.funding.model import Base, Covenant, Performance, Test

Proof = Callable[..., Any]
_PARTS: Final = rules.test_parts_sum_and_nothing_is_taken_beyond_what_there_is
_ADVANCE: Final = rules.test_the_base_is_never_above_the_advance_on_what_is_eligible
_RATIOS: Final = covenants.test_ratios_are_of_parts_and_no_unit_of_money_or_order_changes_them
_HEADROOM: Final = covenants.test_headroom_is_what_is_left_whatever_the_figures
_SEZZLE: Final = rules.test_sezzle_2024_lends_85_percent_and_90_while_the_latest_vintages_lose_under_3_percent
_THREE_MONTHS: Final = covenants.test_three_months_of_figures_by_hand
_COVENANTS: Final = covenants.test_every_covenant_has_its_headroom
_LIMITS: Final = rules.test_two_limits_on_the_same_receivable_take_nothing_twice
_VINTAGES: Final = covenants.test_the_latest_seasoned_vintages_are_weighted_by_what_was_lent
_SCHEDULE: Final = covenants.test_a_net_loss_since_the_deal_began_by_hand

# Figure -> worked out by hand; what holds for any pool; the query that computes it a second time.
PROOFS: Final[Mapping[str, tuple[Proof, Proof, str]]] = {
    "pool_minor": (_SEZZLE, _PARTS, "base"),
    "eligible_minor": (_SEZZLE, _PARTS, "base"),
    "ineligible": (_SEZZLE, _PARTS, "pool"),
    "excess_minor": (_LIMITS, _PARTS, "base"),
    "excesses": (_LIMITS, _PARTS, "limit"),
    "held_back_minor": (
        rules.test_affrm_2024_b_keeps_back_its_target_and_more_of_it_when_it_amortises,
        rules.test_what_is_kept_back_is_never_lent_and_keeping_more_lends_no_more,
        "base",
    ),
    "advance_bps": (_SEZZLE, _ADVANCE, "base"),
    "cash_minor": (_SEZZLE, _ADVANCE, "base"),
    "base_minor": (_SEZZLE, _ADVANCE, "base"),
    "debt_minor": (_SEZZLE, _HEADROOM, "base"),
    "delinquency_3m_bps": (_THREE_MONTHS, _RATIOS, "ratios"),
    "annualised_loss_3m_bps": (_THREE_MONTHS, _RATIOS, "ratios"),
    "excess_spread_3m_bps": (_THREE_MONTHS, _RATIOS, "ratios"),
    "payment_rate_bps": (_THREE_MONTHS, _RATIOS, "ratios"),
    "vintage_loss_bps": (_VINTAGES, _RATIOS, "base"),
    "cumulative_loss_bps": (_SCHEDULE, _RATIOS, "cumulative"),
    "age_months": (_SCHEDULE, _RATIOS, "cumulative"),
    **{test.value: (_COVENANTS, _HEADROOM, "tests") for test in Test if test is not Test.MATURITY},
    "maturity": (
        maturity.test_from_its_last_day_a_base_is_the_cash_alone_and_each_receivable_says_why,
        _HEADROOM,
        "tests",
    ),
}


def test_every_figure_of_a_night_has_its_three_proofs():
    told = {*Base.__struct_fields__} - {"phase"} | {*Performance.__struct_fields__} | {*Test}
    assert set(PROOFS) == told
    assert {"actual", "limit", "headroom"} < set(Covenant.__slots__), "what is compared of each test"


@pytest.mark.parametrize("name", PROOFS)
def test_a_second_computation_names_the_figure(name: str):
    by_hand, holds, query = PROOFS[name]
    assert not hasattr(by_hand, "hypothesis"), "worked out by hand"
    assert hasattr(holds, "hypothesis"), "on pools drawn by lot"
    written = {"ineligible": "rule", "excesses": "counted_minor"}.get(name, name)
    assert re.search(rf"\b{written}\b", SQL[query].decode()), name
