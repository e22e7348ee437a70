"""What an applicant could have given otherwise is what applying again with it leads to."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from applicants import BURDENED, LENDER, NOON, SOUND, TABLES
from hypothesis import given, settings
from hypothesis import strategies as st

from whiteslip.applications import Asked, rules
from whiteslip.applications.model import Outcome
from whiteslip.applications.otherwise import better, better_pair
from whiteslip.decisions import Decision
from whiteslip.decisions.scoring import points_of, score

TABLE = TABLES["application-limit"]


def decided(asked: Asked) -> Decision:
    points = points_of(score(LENDER.scorecard, rules.score_facts(asked)))
    facts = rules.limit_facts(
        asked, points, LENDER.pack, of_age=True, contact_agrees=True, own_exposure_minor=0, own_dpd_days=0
    )
    outcome = TABLES.engine.run(TABLE, facts)[1]
    reasons = tuple(outcome["reasons"])
    return Decision(uuid4(), TABLE.name, TABLE.version, uuid4(), facts, outcome, reasons, None, NOON)


@pytest.mark.parametrize("asked", [BURDENED, replace(SOUND, lenders_elsewhere=6)])
def test_each_change_that_is_told_leads_where_it_says_and_a_smaller_one_does_not(asked: Asked):
    made = decided(asked)
    found = better(asked, LENDER.scorecard, TABLE, made)
    assert found
    for each in found:
        again = decided(replace(asked, **{each.fact: each.to}))
        assert (Outcome(again.outcome["outcome"]), again.outcome["limit_minor"]) == (
            each.outcome,
            each.limit_minor,
        )
        assert each.outcome != made.outcome["outcome"]
    told = {each.fact: each.to for each in found}
    if asked is BURDENED:
        # Half of an income of 10,000 is the threshold of the table.
        assert told["debt_service_minor"] < 500_000
    else:
        assert told["lenders_elsewhere"] == 4


def test_who_got_what_they_wished_for_is_told_nothing():
    assert better(SOUND, LENDER.scorecard, TABLE, decided(SOUND)) == []


# Most of a small income goes into debts, and a bureau's file tells of accounts past due.
TWICE = Asked(100_000, 60_000, 6, 500_000, 3)


def test_where_no_single_fact_is_enough_the_smallest_pair_is_told_and_leads_where_it_says():
    made = decided(TWICE)
    assert better(TWICE, LENDER.scorecard, TABLE, made) == []
    pair = better_pair(TWICE, LENDER.scorecard, TABLE, made)
    assert pair
    again = decided(replace(TWICE, **{each.fact: each.to for each in pair}))
    for each in pair:
        assert (Outcome(again.outcome["outcome"]), again.outcome["limit_minor"]) == (
            each.outcome,
            each.limit_minor,
        )
        alone = decided(replace(TWICE, **{each.fact: each.to}))
        assert alone.outcome["outcome"] == made.outcome["outcome"], "one of the two is not enough"
    assert {each.fact: each.to for each in pair} == {"debt_service_minor": 20_000, "past_due_elsewhere": 0}


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 40), st.integers(0, 40), st.integers(0, 9), st.sampled_from([200_000, 500_000, 2_000_000])
)
def test_a_pair_is_true_and_needs_both(income: int, service: int, lenders: int, wanted: int):
    asked = Asked(income * 50_000, service * 50_000, lenders, wanted)
    made = decided(asked)
    if better(asked, LENDER.scorecard, TABLE, made):
        return
    pair = better_pair(asked, LENDER.scorecard, TABLE, made)
    if pair is None:
        return
    order = [Outcome.DECLINE, Outcome.REFER, Outcome.COUNTER_OFFER, Outcome.APPROVE]
    was = order.index(Outcome(made.outcome["outcome"]))
    again = decided(replace(asked, **{each.fact: each.to for each in pair}))
    assert order.index(Outcome(again.outcome["outcome"])) > was
    for each in pair:
        assert order.index(Outcome(decided(replace(asked, **{each.fact: each.to})).outcome["outcome"])) <= was
