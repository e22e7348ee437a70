"""A decision says what would have made it another, and deciding again agrees."""

from __future__ import annotations

from typing import Any

from decisions.test_reasons import TABLES, every_facts
from hypothesis import given, settings
from hypothesis import strategies as st

from whiteslip.decisions.backtest import deciding_outcome
from whiteslip.decisions.counterfactual import otherwise

FACTS: dict[str, Any] = {
    "amount_minor": 10_000,
    "available_minor": 500_000,
    "lock": "none",
    "lifecycle": "active",
    "dpd_days": 0,
    "velocity_24h": 25,
    "per_purchase_cap_minor": 200_000,
    "instalments": 3,
}


def test_too_many_purchases_would_have_passed_at_one_below_the_threshold():
    table = TABLES["purchase-authorisation"]
    found = {each.fact: each for each in otherwise(TABLES.engine, table, FACTS)}
    assert set(found) == {"velocity_24h"}, "nothing else would have helped alone"
    assert (found["velocity_24h"].to, found["velocity_24h"].said) == (19, True)


@settings(max_examples=15)
@given(st.data())
def test_each_thing_said_to_change_a_decision_changes_it(data: st.DataObject):
    table = TABLES[
        data.draw(st.sampled_from(["purchase-authorisation", "exit-routing", "application-limit"]))
    ]
    facts = data.draw(every_facts(table))
    was = TABLES.engine.run(table, facts)[1][deciding_outcome(table.contract)]
    for each in otherwise(TABLES.engine, table, facts):
        again = TABLES.engine.run(table, facts | {each.fact: each.to})[1]
        assert again[each.key] == each.said != was
