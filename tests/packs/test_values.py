"""What the numbers of the packs must be to each other, and to the rooms that know them too."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip import packs
from whiteslip.billing import rules
from whiteslip.billing.model import RiskClass
from whiteslip.packs import Pack, Unit
from whiteslip.packs.costs import too_dear, worth

every_pack = pytest.mark.parametrize("name", packs.names())


@every_pack
def test_the_terms_a_pack_offers_cost_less_than_its_cap(name: str):
    pack = packs.load(name)
    assert too_dear(pack.terms, pack.bps("line.yearly_cost_bps")) == []


def test_the_cap_would_find_terms_that_cost_more():
    dear = {"instalments": 12, "monthly_fee_bps": 120, "apr_bps": 0}
    assert worth(dear, 2400) > 1
    assert worth({"instalments": 12, "monthly_fee_bps": 0, "apr_bps": 2400}, 2400) == 1
    assert too_dear({"products": [dear, dear | {"monthly_fee_bps": 0}]}, 2400) == ["12 instalments"]


@given(st.sampled_from(packs.names()), st.integers(0, 800))
def test_classes_and_stages_in_billing_are_those_of_the_packs(name: str, days: int):
    pack = packs.load(name)
    steps = [
        (pack.days("debt.loss_after_days") + 1, RiskClass.LOSS),
        (pack.days("debt.doubtful_after_days") + 1, RiskClass.DOUBTFUL),
        (pack.days("debt.substandard_after_days") + 1, RiskClass.SUBSTANDARD),
        (pack.days("debt.watch_days"), RiskClass.SPECIAL_MENTION),
        (0, RiskClass.NORMAL),
    ]
    assert rules.risk_class(days) is next(found for least, found in steps if days >= least)
    stage = (
        1 + (days > pack.days("debt.stage_two_after_days")) + (days > pack.days("debt.default_after_days"))
    )
    assert rules.ifrs_stage(days) == stage


@every_pack
def test_clocks_that_belong_together_agree(name: str):
    pack = packs.load(name)
    assert pack.days("complaint.answer_days") <= pack.days("complaint.complex_days")
    assert pack.days("dispute.acknowledge_days") <= pack.days("dispute.resolve_days")
    assert pack.days("lock.shortest_days") <= pack.days("lock.longest_days")
    assert pack.months("exit.longest_notice_months") <= 1
    assert pack.months("exit.longest_notice_months") <= pack.months("issuer.notice_months")
    assert pack.months("exit.longest_notice_months") <= pack.months("statement.access_months")
    assert pack.days("exit.direct_debit_refund_days") <= 28 * pack.months("exit.tail_months")
    assert pack.days("exit.cancel_days") >= pack.days("exit.step_up_days")


@every_pack
def test_records_are_within_reach_as_long_as_they_are_kept(name: str):
    pack = packs.load(name)
    assert pack.months("statement.access_months") == 12 * pack.years("retention.transactions_years")
    assert pack.years("retention.statements_years") == pack.years("retention.transactions_years")
    assert pack.months("retention.adverse_action_months") <= pack.months("retention.decisions_months")


@pytest.mark.parametrize(
    ("name", "key", "unit", "value"),
    [
        ("cn", "complaint.answer_days", Unit.DAYS, 15),
        ("cn", "complaint.special_extra_days", Unit.DAYS, 30),
        ("cn", "bureau.objection_days", Unit.DAYS, 20),
        ("cn", "retention.identity_years", Unit.YEARS, 10),
        ("cn", "line.most_minor", Unit.MINOR, 200_000_00),
        ("cn", "line.yearly_cost_bps", Unit.BPS, 2400),
        ("eu", "issuer.notice_months", Unit.MONTHS, 2),
        ("eu", "mandate.lapse_months", Unit.MONTHS, 36),
        ("eu", "exit.direct_debit_refund_days", Unit.DAYS, 56),
        ("uk", "complaint.answer_days", Unit.DAYS, 56),
        ("uk", "statement.part_payment_business_days", Unit.BUSINESS_DAYS, 7),
        ("us", "exit.credit_payout_business_days", Unit.BUSINESS_DAYS, 7),
        ("us", "issuer.adverse_action_days", Unit.DAYS, 30),
        ("us", "retention.adverse_action_months", Unit.MONTHS, 25),
        ("us", "bureau.free_report_days", Unit.DAYS, 60),
    ],
)
def test_a_number_of_the_law_is_as_the_law_has_it(name: str, key: str, unit: Unit, value: int):
    pack: Pack = packs.load(name)
    assert getattr(pack, unit)(key) == value
    assert pack.parameters[key].pack == name


@every_pack
def test_contact_data_is_new_for_no_longer_than_a_credit_may_take(name: str):
    pack = packs.load(name)
    first = date(2026, 1, 1)
    for day in (first + timedelta(days=count) for count in range(730)):
        paid_by = pack.calendar.add_business_days(day, pack.business_days("exit.credit_payout_business_days"))
        assert day + timedelta(days=pack.days("exit.contact_change_days")) <= paid_by
