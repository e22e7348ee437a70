"""What an applicant could have given otherwise is what applying again with it leads to."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from applicants import BURDENED, LENDER, NOON, SOUND, TABLES

from whiteslip.applications import Asked, rules
from whiteslip.applications.model import Outcome
from whiteslip.applications.otherwise import better
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
