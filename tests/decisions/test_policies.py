"""A policy changes by a draft, a backtest, two people and an instant, and comes back by one command."""

from __future__ import annotations

import copy
import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import worlds

from whiteslip.base import Refusal
from whiteslip.decisions import Decision, Tables, decide, decide_batch, policies, replay
from whiteslip.decisions.backtest import Later, backtest, changed_csv
from whiteslip.decisions.lifecycle import Policy, State
from whiteslip.store import Database, Tx
from whiteslip.store.database import journal_of

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAME = "purchase-authorisation"
SHIPPED = Tables.load()
MAKER, CHECKER = "staff:maker", "staff:checker"
FACTS = worlds.PURCHASE_FACTS | {"velocity_24h": 5}


def strict(most: int = 3) -> dict[str, Any]:
    """The shipped table, but only ``most`` - 1 purchases a day."""
    content: dict[str, Any] = copy.deepcopy(dict(SHIPPED[NAME].content))
    rules = next(n for n in content["nodes"] if n["type"] == "decisionTableNode")["content"]["rules"]
    next(rule for rule in rules if rule["velocity"])["velocity"] = f">= {most}"
    return content


def granted(answer: Policy | Refusal) -> Policy:
    assert isinstance(answer, Policy), answer
    return answer


def approved(tx: Tx, tables: Tables, most: int = 3, now: datetime = NOW) -> str:
    version = granted(policies.draft(tx, tables, NAME, strict(most), MAKER, now)).version
    granted(policies.note_backtest(tx, tables, NAME, version, {}, MAKER, now))
    granted(policies.submit(tx, tables, NAME, version, MAKER, now))
    return granted(policies.approve(tx, tables, NAME, version, CHECKER, now)).version


def ask(db: Database, tables: Tables, now: datetime) -> Decision:
    with db.transaction() as tx:
        return decide_batch(tx, tables, NAME, [(uuid4(), FACTS)], now)[0]


def test_a_running_process_takes_up_an_activation_with_its_next_decision(db: Database):
    running, desk = Tables.load(), Tables.load()
    assert ask(db, running, NOW).outcome["allow"]
    with db.transaction() as tx:
        version = approved(tx, desk)
    assert ask(db, running, NOW).outcome["allow"], "approved is not active"
    with db.transaction() as tx:
        granted(policies.activate(tx, desk, NAME, version, MAKER, NOW + HOUR))
    decided = ask(db, running, NOW + HOUR)
    assert (decided.reasons, decided.version) == (("purchase.too_many",), version)


def test_a_version_acts_from_its_instant_and_not_before(db: Database):
    tables = Tables.load()
    with db.transaction() as tx:
        version = approved(tx, tables)
        found = granted(policies.activate(tx, tables, NAME, version, MAKER, NOW, NOW + 2 * HOUR))
        assert found.state is State.SCHEDULED
    assert ask(db, tables, NOW + 2 * HOUR - timedelta(microseconds=1)).outcome["allow"]
    assert not ask(db, tables, NOW + 2 * HOUR).outcome["allow"]
    with db.transaction() as tx:
        again = policies.policy_of(tx, tables, NAME, version, NOW + 2 * HOUR)
        assert granted(again).state is State.ACTIVE


@pytest.mark.parametrize("by", [MAKER, "staff:who-submitted"])
def test_the_maker_cannot_approve_and_neither_can_who_submitted(db: Database, by: str):
    tables = Tables.load()
    with db.transaction() as tx:
        version = granted(policies.draft(tx, tables, NAME, strict(), MAKER, NOW)).version
        granted(policies.note_backtest(tx, tables, NAME, version, {}, MAKER, NOW))
        granted(policies.submit(tx, tables, NAME, version, "staff:who-submitted", NOW))
        assert policies.approve(tx, tables, NAME, version, by, NOW) == Refusal("policy.same_person")


def test_no_step_can_be_left_out(db: Database):
    tables = Tables.load()
    with db.transaction() as tx:
        version = granted(policies.draft(tx, tables, NAME, strict(), MAKER, NOW)).version
        assert code(policies.submit(tx, tables, NAME, version, MAKER, NOW)) == "policy.not_backtested"
        granted(policies.note_backtest(tx, tables, NAME, version, {}, MAKER, NOW))
        assert code(policies.approve(tx, tables, NAME, version, CHECKER, NOW)) == "policy.not_submitted"
        granted(policies.submit(tx, tables, NAME, version, MAKER, NOW))
        assert code(policies.activate(tx, tables, NAME, version, MAKER, NOW)) == "policy.not_approved"
        assert (
            code(policies.send_back(tx, tables, NAME, version, CHECKER, NOW, " ")) == "policy.reason_missing"
        )
        sent_back = policies.send_back(tx, tables, NAME, version, CHECKER, NOW, "too strict")
        assert granted(sent_back).state is State.DRAFT
        assert code(policies.activate(tx, tables, NAME, version, MAKER, NOW)) == "policy.not_approved"


def code(answer: Policy | Refusal) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def test_a_rollback_brings_back_the_version_before_and_takes_back_what_was_scheduled(db: Database):
    tables = Tables.load()
    with db.transaction() as tx:
        assert code(policies.roll_back(tx, tables, NAME, MAKER, NOW, "why not")) == "policy.no_previous"
        first, second, third = (approved(tx, tables, most) for most in (3, 4, 7))
        granted(policies.activate(tx, tables, NAME, first, MAKER, NOW))
        granted(policies.activate(tx, tables, NAME, second, MAKER, NOW + HOUR))
        granted(policies.activate(tx, tables, NAME, third, MAKER, NOW + HOUR, NOW + 3 * HOUR))
        assert (
            code(policies.roll_back(tx, tables, NAME, MAKER, NOW + 2 * HOUR, "")) == "policy.reason_missing"
        )
        back = granted(policies.roll_back(tx, tables, NAME, MAKER, NOW + 2 * HOUR, "complaints"))
        assert (back.version, back.state) == (first, State.ACTIVE)
        assert policies.active(tx, tables, NAME, NOW + 9 * HOUR).version == first
        back = granted(policies.roll_back(tx, tables, NAME, MAKER, NOW + 10 * HOUR, "more of them"))
        assert back.version == SHIPPED[NAME].version
        assert code(policies.roll_back(tx, tables, NAME, MAKER, NOW + 11 * HOUR, "x")) == "policy.no_previous"
    assert ask(db, tables, NOW + 12 * HOUR).outcome["allow"]


def test_old_decisions_replay_under_the_version_of_their_day_after_each_change(db: Database):
    tables = Tables.load()
    made = [ask(db, tables, NOW)]
    with db.transaction() as tx:
        version = approved(tx, tables)
        granted(policies.activate(tx, tables, NAME, version, MAKER, NOW + HOUR))
    made.append(ask(db, tables, NOW + HOUR))
    with db.transaction() as tx:
        granted(policies.roll_back(tx, tables, NAME, MAKER, NOW + 2 * HOUR, "complaints"))
    made.append(ask(db, tables, NOW + 2 * HOUR))
    with db.transaction() as tx:
        found = replay(tx)
    assert [d.outcome["allow"] for d in made] == [True, False, True]
    assert (found.decisions, found.is_same) == (3, True)


def test_an_activation_that_is_rolled_back_with_its_transaction_is_forgotten(db: Database):
    tables = Tables.load()
    with db.dry_run() as tx:
        granted(policies.activate(tx, tables, NAME, approved(tx, tables), MAKER, NOW))
        assert not decide(tx, tables, NAME, uuid4(), FACTS, NOW).outcome["allow"]
    assert ask(db, tables, NOW).outcome["allow"]


def test_the_shipped_tables_come_into_force_without_ceremony_and_an_own_policy_stays(db: Database):
    tables = Tables.load()
    with db.transaction() as tx:
        assert policies.install(tx, tables, NOW) == [SHIPPED[name].key for name in tables.names]
        assert policies.install(tx, tables, NOW) == []
        version = approved(tx, tables)
        granted(policies.activate(tx, tables, NAME, version, MAKER, NOW))
        assert policies.install(tx, tables, NOW + HOUR) == []
        assert policies.active(tx, tables, NAME, NOW + HOUR).version == version
        kinds = [row["kind"] for row in journal_of(tx, [policies.subject_of(NAME)])]
    steps = ["installed", "drafted", "backtested", "submitted", "approved", "activated"]
    assert kinds == [f"policy.{step}" for step in steps]


def _put(content: dict[str, Any], where: str, value: object) -> dict[str, Any]:
    node = next(n for n in content["nodes"] if n["type"] == "decisionTableNode")["content"]
    node["rules"][0][where] = value
    return content


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({}, "policy.malformed"),
    ({"nodes": 1, "edges": []}, "policy.malformed"),
    ({"nodes": [{"id": 1}], "edges": []}, "policy.malformed"),
    (_put(strict(), "amount", 7), "policy.malformed"),
    (_put(strict(), "amount", "x" * 501), "policy.malformed"),
    (_put(strict(), "amount", "> 10^400"), "policy.malformed"),
    (_put(strict(), "amount", f"> {10**400}"), "policy.malformed"),
    (_put(strict(), "amount", "> 1e400"), "policy.malformed"),
    (strict() | {"padding": ["x" * 1000] * 300}, "policy.malformed"),
    (_put(strict(), "amount", "> d('now')"), "policy.invalid"),
    (_put(strict(), "amount", "> rand(7)"), "policy.invalid"),
    (_put(strict(), "amount", "> sum(map([1..100000000], #))"), "policy.invalid"),
    (_put(strict(), "code", '"no.such.code"'), "policy.invalid"),
]


@pytest.mark.parametrize(("content", "refused"), HOSTILE)
def test_a_table_that_could_grow_loop_or_surprise_never_gets_to_decide(
    db: Database, content: dict[str, Any], refused: str
):
    tables = Tables.load()
    with db.transaction() as tx:
        answer = policies.draft(tx, tables, NAME, content, MAKER, NOW)
        if isinstance(answer, Policy):
            granted(policies.note_backtest(tx, tables, NAME, answer.version, {}, MAKER, NOW))
            answer = policies.submit(tx, tables, NAME, answer.version, MAKER, NOW)
    assert code(answer) == refused


def test_a_backtest_counts_old_against_new_with_money_cases_and_what_came_later(db: Database):
    tables = Tables.load()
    asked = [(uuid4(), FACTS | {"velocity_24h": v, "amount_minor": 100 + v}) for v in (0, 2, 3, 9, 25)]
    with db.transaction() as tx:
        decided = decide_batch(tx, tables, NAME, asked, NOW)
        version = granted(policies.draft(tx, tables, NAME, strict(3), MAKER, NOW)).version
        table = policies.table_of(tx, tables, NAME, version[:6], NOW)
        assert not isinstance(table, Refusal)
        late = {decided[2].id: Later(31), decided[3].id: Later(95)}
        found = backtest(tx, table, follow=lambda ids: {k: v for k, v in late.items() if k in ids})
    cells = {(c.old, c.new): (c.count, c.minor, c.followed, c.late_30, c.late_90) for c in found.cells}
    assert cells == {
        ("yes", "yes"): (2, 202, 0, 0, 0),
        ("yes", "no"): (2, 212, 2, 2, 1),
        ("no", "no"): (1, 125, 0, 0, 0),
    }
    assert (found.decisions, found.changed, found.undecidable) == (5, 2, 0)
    assert [case.decision for case in found.cases] == [d.id for d in decided[2:4]]
    rows = list(csv.DictReader(io.StringIO(changed_csv(found))))
    assert [(row["decision"], row["was"], row["would_be"], row["minor"]) for row in rows] == [
        (str(decided[2].id), "yes", "no", "103"),
        (str(decided[3].id), "yes", "no", "109"),
    ]


@pytest.mark.parametrize("word", ['=HYPERLINK("//evil")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_the_changed_cases_starts_a_formula(db: Database, word: str):
    tables = Tables.load()
    ask(db, tables, NOW)
    with db.transaction() as tx:
        version = granted(policies.draft(tx, tables, NAME, strict(1), MAKER, NOW)).version
        table = policies.table_of(tx, tables, NAME, version, NOW)
        assert not isinstance(table, Refusal)
        found = backtest(tx, table)
    evil = replace(found, cases=tuple(replace(case, old=word, new=word) for case in found.cases))
    (row,) = csv.DictReader(io.StringIO(changed_csv(evil)))
    assert row["was"] == row["would_be"] == f"'{word.strip()}"


def test_a_backtest_looks_at_its_window_alone(db: Database):
    tables = Tables.load()
    for hours in range(4):
        ask(db, tables, NOW + hours * HOUR)
    with db.transaction() as tx:
        counts = [
            backtest(tx, tables[NAME], *window).decisions
            for window in ((None, None), (NOW + HOUR, None), (None, NOW + HOUR), (NOW + HOUR, NOW + 3 * HOUR))
        ]
    assert counts == [4, 3, 1, 2]
