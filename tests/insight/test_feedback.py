"""What a month's figures propose, at the bounds of each rule, on the tables that ship."""

from __future__ import annotations

import pytest

from whiteslip.decisions import Tables
from whiteslip.decisions.grid import Grid, grids_of
from whiteslip.insight import feedback
from whiteslip.insight.feedback import Alarm
from whiteslip.insight.intervals import newcombe, wilson
from whiteslip.insight.model import Change, ProposalKind, Row

TABLES = Tables.load()


def shipped(name: str) -> Grid:
    (grid,) = (grid for grid in grids_of(TABLES[name]) if not grid.is_named)
    return grid


def sent(cases: int, let_go: int, rule: str = "dispute_open") -> list[Row]:
    return [{"rule": rule, "cases": cases, "let_go": let_go}]


def test_a_rule_whose_cases_the_desk_lets_go_is_proposed_to_send_none_there():
    routing = shipped("exit-routing")
    (found,) = feedback.routing("exit-routing", routing, sent(80, 80))
    assert (found.kind, found.about) == (ProposalKind.ROUTE, "dispute_open")
    assert found.evidence == {"cases": 80, "let_go": 80}
    assert found.effect == wilson(80, 80)
    assert found.change == Change(
        "exit-routing", routing.node, "dispute_open", "route", '"desk"', '"straight_through"'
    )


@pytest.mark.parametrize(
    ("cases", "let_go", "proposed"),
    [(40, 40, False), (72, 72, False), (73, 73, True), (400, 390, True), (400, 388, False)],
)
def test_a_route_is_proposed_where_even_the_lower_bound_is_95_in_a_hundred(
    cases: int, let_go: int, proposed: bool
):
    routing = shipped("exit-routing")
    assert bool(feedback.routing("exit-routing", routing, sent(cases, let_go))) is proposed


@pytest.mark.parametrize("rule", ["legal_freeze", "payment_clearing", "a rule of another table"])
def test_only_a_rule_that_sends_to_the_desk_is_proposed_to_send_none_there(rule: str):
    assert not feedback.routing("exit-routing", shipped("exit-routing"), sent(400, 400, rule))


def given_by(exits: int | None, others: int, reason: str = "too_expensive") -> list[Row]:
    return [{"reason": reason, "exits": exits}, {"reason": "no_longer_needed", "exits": others}]


def test_a_reason_about_the_product_that_rose_on_the_month_before_is_proposed_with_its_rise():
    (found,) = feedback.product(given_by(40, 160), given_by(10, 190))
    assert (found.kind, found.about, found.change) == (ProposalKind.PRODUCT, "too_expensive", None)
    assert found.evidence == {"exits": 200, "gave_it": 40, "month_before": 10, "share": 0.2}
    rise = newcombe(40, 200, 10, 200)
    assert found.effect.value == pytest.approx(30), "so many exits came of the rise"
    assert (found.effect.low, found.effect.high) == pytest.approx((rise.low * 200, rise.high * 200))
    assert found.effect.low > 0


def test_what_did_not_rise_is_proposed_only_where_it_is_common_and_never_about_a_life():
    assert not feedback.product(given_by(40, 160), given_by(38, 162)), "neither rose nor common"
    assert not feedback.product(given_by(40, 160), []), "no month before is no rise"
    assert not feedback.product(given_by(40, 160, "no_longer_needed"), given_by(1, 199, "found_better"))
    assert not feedback.product(given_by(None, 160), given_by(10, 190)), "a small group is not told"
    (common,) = feedback.product(given_by(80, 120), given_by(80, 120))
    assert common.effect.value == pytest.approx(80), "so many exits came of the reason"


def watched(rule: str, fact: str, wrong: int, right: int) -> list[Alarm]:
    """80 alarms: what ``fact`` is where they were wrong, and where they were right."""
    return [Alarm(rule, n % 4 > 1, {fact: right if n % 4 > 1 else wrong}) for n in range(80)]


def test_a_fact_that_a_rule_does_not_look_at_fills_its_empty_cell():
    watch = shipped("watch-monitor")
    (row,) = (row for row in watch.rows if row["_id"] == "rush")
    assert row["minimum_streak"] == ""
    alarms = watched("rush", "minimum_streak", wrong=0, right=3)
    (found,) = feedback.early_warning("watch-monitor", watch, alarms)
    assert (found.kind, found.about) == (ProposalKind.FEATURE, "rush")
    assert found.change == Change("watch-monitor", watch.node, "rush", "minimum_streak", "", ">= 3")
    assert found.evidence["false_removed"] == found.evidence["false"] == 20
    assert found.evidence["right_kept"] == found.evidence["right"] == 20
    # The other way round it is an upper bound.
    (turned,) = feedback.early_warning("watch-monitor", watch, watched("rush", "minimum_streak", 3, 0))
    assert turned.change
    assert turned.change.then == "<= 0"


def test_no_cell_is_filled_by_a_fact_that_does_not_tell_false_from_right_or_by_few_alarms():
    watch = shipped("watch-monitor")
    assert not feedback.early_warning("watch-monitor", watch, watched("rush", "minimum_streak", 2, 2))
    few = watched("rush", "minimum_streak", wrong=0, right=3)[:39]
    assert not feedback.early_warning("watch-monitor", watch, few)
