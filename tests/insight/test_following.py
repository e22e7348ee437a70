"""What came after a decision: purchases by themselves, applications and restrictions through their line."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from applicants import SOUND, TABLES, accepted, applied
from worlds import DAY, at, buy, locked, night, nights, open_line, pay

from whiteslip import complaints, decisions, exits, lines, packs
from whiteslip.base import Refusal
from whiteslip.billing import chargeoff
from whiteslip.billing.store import lateness
from whiteslip.complaints import Topic
from whiteslip.decisions import policies
from whiteslip.decisions.backtest import Backtest, Later
from whiteslip.exits import Office
from whiteslip.exits.model import Channel, Identity
from whiteslip.identity import Person, Vault
from whiteslip.insight.store import what_followed
from whiteslip.store import Database

SUMMER = date(2026, 7, 1)
OFFICE = Office(TABLES, "Test")
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
        follow = partial(what_followed, tx, day=SUMMER)
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
        assert what_followed(tx, [_decision(late.decision)], SUMMER) == {late.decision: Later(days)}
    assert days >= 90
    ran = held_against_the_past(db)
    swap = [
        (c.old, c.new, c.count, c.minor, c.followed, c.late_30, c.late_90) for c in ran.cells if c.is_change
    ]
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
        assert what_followed(tx, made, SUMMER) == {made[0]: Later(13), made[1]: Later(0)}


def to_the_desk() -> dict[str, Any]:
    """The table of exits, but nobody goes straight through."""
    whole = json.dumps(dict(TABLES["exit-routing"].content))
    return json.loads(whole.replace('\\"straight_through\\"', '\\"desk\\"'))


def test_exits_are_followed_to_what_became_of_those_who_left(db: Database):
    owing, clean = open_line(db), open_line(db)
    buy(db, owing, 90_000)
    night(db, date(2026, 2, 5))
    now, vault = at(date(2026, 2, 10)), Vault(bytes(32))
    with db.transaction() as tx:
        for line in (owing, clean):
            case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", now, Identity.VERIFIED)
            assert not isinstance(case, Refusal)
        who = lines.get_line(tx, owing)
        assert not isinstance(who, Refusal)
        later = at(date(2026, 3, 1))
        complaints.file(
            tx, vault, packs.load("cn"), "Test", who.customer, Topic.FEE, "portal", "customer", later
        )
        found = tx.conn.execute(
            "SELECT d.id, c.line FROM decisions.v_decision AS d JOIN exits.v_case AS c ON c.id = d.subject"
            " WHERE d.table_name = 'exit-routing'"
        ).fetchall()
        by_line = {row["line"]: row["id"] for row in found}
        followed = what_followed(tx, list(by_line.values()), SUMMER)
        before = what_followed(tx, [by_line[clean]], date(2026, 2, 9))
    assert (followed[by_line[clean]], before[by_line[clean]].became) == (Later(0, ("closed",)), ())
    assert followed[by_line[owing]].became == ("complained",)
    assert followed[by_line[owing]].days >= 90
    now = at(SUMMER)
    with db.transaction() as tx:
        drafted = policies.draft(tx, TABLES, "exit-routing", to_the_desk(), "staff:maker", now)
        assert not isinstance(drafted, Refusal), drafted
        table = policies.table_of(tx, TABLES, "exit-routing", drafted.version, now)
        assert not isinstance(table, Refusal)
        follow = partial(what_followed, tx, day=SUMMER)
        ran = policies.run_backtest(tx, TABLES, table, "staff:maker", now, follow=follow)
    assert isinstance(ran, Backtest), ran
    (swap,) = (cell for cell in ran.cells if cell.is_change)
    assert (swap.old, swap.new, swap.followed, swap.late_90) == ("straight_through", "desk", 2, 1)
    assert swap.became == {"closed": 1, "complained": 1}


def test_an_exit_is_followed_to_being_held_and_to_its_debt_being_charged_off(db: Database):
    doubted, lost = open_line(db), open_line(db)
    buy(db, lost, 90_000)
    night(db, date(2026, 2, 5))
    now = at(date(2026, 2, 10))
    with db.transaction() as tx:
        for line, proof in ((doubted, Identity.DOUBTED), (lost, Identity.VERIFIED)):
            case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", now, proof)
            assert not isinstance(case, Refusal)
    written_off = date(2027, 3, 20)
    for who in ("ann", "ben"):
        with db.transaction() as tx:
            done = chargeoff.charge_off(tx, locked(tx, lost), who, at(written_off))
            assert not isinstance(done, Refusal), done
    with db.transaction() as tx:
        found = tx.conn.execute(
            "SELECT d.id, c.line FROM decisions.v_decision AS d JOIN exits.v_case AS c ON c.id = d.subject"
            " WHERE d.table_name = 'exit-routing'"
        ).fetchall()
        by_line = {row["line"]: row["id"] for row in found}
        followed = what_followed(tx, list(by_line.values()), written_off)
        day_before = what_followed(tx, list(by_line.values()), written_off - timedelta(days=1))
        too_early = what_followed(tx, list(by_line.values()), date(2026, 2, 9))
    assert followed[by_line[doubted]].became == ("held",)
    assert followed[by_line[lost]].became == ("charged_off",)
    assert day_before[by_line[lost]].became == ()
    assert [each.became for each in too_early.values()] == [(), ()]
