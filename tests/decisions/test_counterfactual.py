"""A decision says what would have made it another, and deciding again agrees."""

from __future__ import annotations

import worlds
from decisions.test_reasons import TABLES, every_facts
from hypothesis import given, settings
from hypothesis import strategies as st

from whiteslip.decisions.backtest import deciding_outcome
from whiteslip.decisions.counterfactual import otherwise, together

FACTS = worlds.PURCHASE_FACTS | {"velocity_24h": 25}


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


def test_where_two_things_stood_in_the_way_the_smallest_pair_is_told():
    """Too many purchases, and an amount above what is left: each alone leaves the other."""
    table = TABLES["purchase-authorisation"]
    facts = FACTS | {"available_minor": 9_000}
    assert otherwise(TABLES.engine, table, facts) == []
    pair = together(TABLES.engine, table, facts)
    assert pair
    told = {each.fact: (each.to, each.said) for each in pair}
    assert told["velocity_24h"] == (19, True)
    (amount,) = set(told) - {"velocity_24h"}
    assert told[amount] in {(9_000, True), (10_000, True)}, "one of them at the other"


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_a_pair_that_is_told_changes_the_decision_and_neither_of_the_two_does_alone(data: st.DataObject):
    table = TABLES[
        data.draw(st.sampled_from(["purchase-authorisation", "exit-routing", "application-limit"]))
    ]
    facts = data.draw(every_facts(table))
    if otherwise(TABLES.engine, table, facts):
        return
    pair = together(TABLES.engine, table, facts)
    if pair is None:
        return
    key = pair[0].key
    was = TABLES.engine.run(table, facts)[1][key]
    moved = facts | {each.fact: each.to for each in pair}
    assert TABLES.engine.run(table, moved)[1][key] == pair[0].said == pair[1].said != was
    for each in pair:
        assert TABLES.engine.run(table, facts | {each.fact: each.to})[1][key] == was
