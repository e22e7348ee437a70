"""What came after a decision: purchases by themselves, applications and restrictions through their line."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from applicants import SOUND, TABLES, accepted, applied
from worlds import DAY, at, buy, night, nights, open_line, pay

from whiteslip import decisions
from whiteslip.base import Refusal
from whiteslip.billing.store import lateness
from whiteslip.decisions import policies
from whiteslip.decisions.backtest import Backtest
from whiteslip.identity import Person
from whiteslip.insight.store import later_lateness
from whiteslip.store import Database

SUMMER = date(2026, 7, 1)
OTHER = Person("Li Na", "440524188001010014", "+8613900000022", "b@example.com")


def of_one_month() -> dict[str, Any]:
    """The table of applications, but good points carry one month of free income instead of four."""
    content: dict[str, Any] = copy.deepcopy(dict(TABLES["application-limit"].content))
    (rule,) = (
        rule
        for node in content["nodes"]
        if node["type"] == "decisionTableNode"
        for rule in node["content"]["rules"]
        if rule["_id"] == "score_good"
    )
    rule["months"] = "1"
    return content


def held_against_the_past(db: Database) -> Backtest:
    now = at(SUMMER)
    with db.transaction() as tx:
        drafted = policies.draft(tx, TABLES, "application-limit", of_one_month(), "staff:maker", now)
        assert not isinstance(drafted, Refusal), drafted
        table = policies.table_of(tx, TABLES, "application-limit", drafted.version, now)
        assert not isinstance(table, Refusal)
        follow = partial(later_lateness, tx, day=SUMMER)
        ran = policies.run_backtest(tx, TABLES, table, "staff:maker", now, follow=follow)
    assert isinstance(ran, Backtest), ran
    return ran


def test_applications_are_followed_through_their_line_and_a_smaller_limit_is_a_change(db: Database):
    late, prompt = applied(db), applied(db, replace(SOUND, wanted_minor=5_000_000), OTHER)
    applied(db, replace(SOUND, wanted_minor=400_000), replace(OTHER, id_number="11010519491231002X"))
    assert (late.limit_minor, prompt.limit_minor) == (500_000, 1_600_000)
    bought = buy(db, accepted(db, late), 90_000)
    accepted(db, prompt)
    night(db, date(2026, 2, 5))
    with db.transaction() as tx:
        days = lateness(tx, [bought], SUMMER)[bought]
        assert later_lateness(tx, [_decision(late.decision)], SUMMER) == {late.decision: days}
    assert days >= 90
    ran = held_against_the_past(db)
    swap = [(c.old, c.new, c.count, c.minor, c.followed, c.late_30, c.late_90) for c in ran.swaps]
    assert swap == [("approve", "counter_offer", 1, 500_000, 1, 1, 1)]
    assert [case.decision for case in ran.cases] == [late.decision]
    smaller = ran.adjusted
    assert (smaller.count, smaller.minor) == (1, 5_000_000)
    assert (smaller.followed, smaller.late_30) == (1, 0), "whose line was never late"
    (case,) = smaller.cases
    assert (case.decision, case.old, case.new) == (
        prompt.decision,
        "limit_minor 1600000",
        "limit_minor 400000",
    )
    assert (ran.decisions, ran.changed, ran.reworded, ran.money) == (3, 2, 0, "wanted_minor")


def _decision(found: UUID | None) -> UUID:
    assert found
    return found


def test_a_restriction_is_followed_by_its_line_from_the_day_it_was_decided(db: Database):
    line = open_line(db)
    bought = buy(db, line, 90_000)
    nights(db, DAY, date(2026, 3, 9))
    pay(db, line, 100_000, date(2026, 3, 10))
    facts = {"measure": "stop", "owed_minor": 90_000, "from_alert": False}
    with db.transaction() as tx:
        made = [
            decisions.decide(tx, TABLES, "issuer-restriction", line, facts, at(day)).id
            for day in (date(2026, 3, 5), date(2026, 3, 20))
        ]
        assert lateness(tx, [bought], SUMMER) == {bought: 13}
        assert later_lateness(tx, made, SUMMER) == {made[0]: 13, made[1]: 0}
