"""The shipped tables decide as the policy says, and no risk fact ever holds an exit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import worlds
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.decisions import FactError, Tables, evaluate
from whiteslip.decisions.contract import EXACT
from whiteslip.decisions.model import Contract, Kind, Table

TABLES = Tables.load()
EXIT: dict[str, Any] = {
    "open_disputes": 0,
    "identity_verified": True,
    "contact_changed_days": 9999,
    "legal_freeze": False,
    "owed_minor": 0,
    "uncleared_minor": 0,
    "authorisations_open": 0,
    "dpd_days": 0,
    "payment_ratio_bps": 10_000,
    "run_up_ratio_bps": 10_000,
    "returned_payments_60d": 0,
    "utilisation_bps": 0,
    "exposure_released_minor": 500_000,
}
PURCHASE = worlds.PURCHASE_FACTS
WORST = {
    "owed_minor": 50_000_000,
    "dpd_days": 400,
    "payment_ratio_bps": 0,
    "run_up_ratio_bps": 90_000,
    "returned_payments_60d": 9,
    "utilisation_bps": 12_000,
}
RISK = {
    "owed_minor",
    "uncleared_minor",
    "dpd_days",
    "payment_ratio_bps",
    "utilisation_bps",
    "exposure_released_minor",
}
MAY_HOLD = {"legal_freeze", "identity_verified", "contact_changed_days"}


def facts_of(contract: Contract) -> st.SearchStrategy[dict[str, Any]]:
    """Any facts that the contract allows."""

    def one(name: str) -> st.SearchStrategy[Any]:
        field = contract.facts[name]
        match field.type:
            case Kind.BOOLEAN:
                return st.booleans()
            case Kind.TEXT:
                return st.sampled_from(field.one_of)
            case _:
                low = -EXACT if field.min is None else int(field.min)
                high = EXACT if field.max is None else int(field.max)
                near = [edge for edge in (30_000, 30_001) if edge <= high] or [high]
                return st.integers(max(low, -2), 40) | st.sampled_from(near) | st.integers(low, high)

    return st.fixed_dictionaries({name: one(name) for name in contract.facts})


@pytest.mark.parametrize(
    ("changed", "route", "ground", "reasons"),
    [
        ({}, "straight_through", None, ["nothing_owed"]),
        ({"owed_minor": -1}, "straight_through", None, ["nothing_owed"]),
        ({"owed_minor": 1}, "straight_through", None, ["debt_runs_off"]),
        ({"owed_minor": 900, "dpd_days": 95}, "straight_through", None, ["debt_runs_off"]),
        (
            {"authorisations_open": 1, "uncleared_minor": 5},
            "straight_through",
            None,
            ["authorisation_open", "payment_clearing", "nothing_owed"],
        ),
        ({"open_disputes": 1}, "desk", None, ["dispute_open", "nothing_owed"]),
        (
            {"run_up_ratio_bps": 30_001, "returned_payments_60d": 1, "owed_minor": 5},
            "desk",
            None,
            ["run_up_before_close", "debt_runs_off"],
        ),
        (
            {"run_up_ratio_bps": 30_000, "returned_payments_60d": 1},
            "straight_through",
            None,
            ["nothing_owed"],
        ),
        ({"run_up_ratio_bps": 90_000}, "straight_through", None, ["nothing_owed"]),
        ({"legal_freeze": True}, "hold", "legal", ["legal_freeze", "nothing_owed"]),
        ({"identity_verified": False}, "hold", "identity", ["identity_not_verified", "nothing_owed"]),
        ({"contact_changed_days": 6}, "hold", "identity", ["contact_changed_recently", "nothing_owed"]),
        ({"contact_changed_days": 7}, "straight_through", None, ["nothing_owed"]),
        (
            {"legal_freeze": True, "identity_verified": False, "open_disputes": 2},
            "hold",
            "legal",
            ["legal_freeze", "identity_not_verified", "dispute_open", "nothing_owed"],
        ),
        (WORST, "desk", None, ["run_up_before_close", "debt_runs_off"]),
        (WORST | {"returned_payments_60d": 0}, "straight_through", None, ["debt_runs_off"]),
    ],
)
def test_exits_are_routed_as_the_policy_says(
    changed: dict[str, Any], route: str, ground: str | None, reasons: list[str]
):
    outcome = evaluate(TABLES, "exit-routing", EXIT | changed)
    assert outcome == {"route": route, "ground": ground, "reasons": reasons}


@given(facts_of(TABLES["exit-routing"].contract), facts_of(TABLES["exit-routing"].contract))
def test_no_risk_fact_ever_holds_or_releases_an_exit(facts: dict[str, Any], other: dict[str, Any]):
    """Change every fact but the three that may hold: held stays held, and not held stays not held."""
    kept = {name: facts[name] for name in MAY_HOLD}
    first = evaluate(TABLES, "exit-routing", facts)
    second = evaluate(TABLES, "exit-routing", other | kept)
    held = facts["legal_freeze"] or not facts["identity_verified"] or facts["contact_changed_days"] < 7
    for outcome in (first, second):
        assert (outcome["route"] == "hold") == held
        assert (outcome["ground"] is not None) == held
    assert first["ground"] == second["ground"]


@given(facts_of(TABLES["exit-routing"].contract))
def test_only_a_dispute_or_a_run_up_with_a_returned_payment_reaches_the_desk(facts: dict[str, Any]):
    facts |= {"legal_freeze": False, "identity_verified": True, "contact_changed_days": 9999}
    fraud = facts["run_up_ratio_bps"] > 30_000 and facts["returned_payments_60d"] >= 1
    desk = facts["open_disputes"] > 0 or fraud
    assert evaluate(TABLES, "exit-routing", facts)["route"] == ("desk" if desk else "straight_through")


@given(facts_of(TABLES["exit-routing"].contract), facts_of(TABLES["exit-routing"].contract))
def test_arrears_utilisation_payments_and_exposure_never_change_the_route(
    facts: dict[str, Any], other: dict[str, Any]
):
    """The share of the book cannot either: it is no fact of the table at all."""
    swapped = {name: other[name] for name in RISK}
    first = evaluate(TABLES, "exit-routing", facts)
    second = evaluate(TABLES, "exit-routing", facts | swapped)
    assert (first["route"], first["ground"]) == (second["route"], second["ground"])
    assert not any("share" in name for name in TABLES["exit-routing"].contract.facts)


def test_no_exit_is_refused():
    table = TABLES["exit-routing"].contract
    assert set(table.outcome["route"].one_of) == {"straight_through", "desk", "hold"}
    assert set(table.outcome["ground"].one_of) == {"identity", "legal"}


def test_the_rows_that_hold_read_only_what_may_hold():
    table = next(n for n in TABLES["exit-routing"].content["nodes"] if n["type"] == "decisionTableNode")
    columns = {column["id"]: column["field"] for column in table["content"]["inputs"]}
    read = {
        columns[column]
        for rule in table["content"]["rules"]
        if rule["route"] == '"hold"'
        for column in columns
        if rule[column]
    }
    assert read == MAY_HOLD


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, None),
        ({"lifecycle": "notice_by_issuer"}, None),
        ({"amount_minor": 200_000}, None),
        ({"velocity_24h": 19}, None),
        ({"lifecycle": "closing"}, "line.stopped"),
        ({"lifecycle": "run_off"}, "line.stopped"),
        ({"lifecycle": "closed"}, "line.stopped"),
        ({"lifecycle": "offered"}, "line.not_active"),
        ({"lifecycle": "withdrawn"}, "line.not_active"),
        ({"lock": "exit"}, "line.stopped"),
        ({"lock": "legal"}, "line.locked"),
        ({"lock": "issuer"}, "line.restricted"),
        ({"lock": "customer"}, "line.locked"),
        ({"lock": "customer", "available_minor": 0}, "line.locked"),
        ({"lock": "feature"}, "line.feature_paused"),
        ({"lock": "issuer_feature"}, "line.feature_restricted"),
        ({"lock": "unconfirmed", "amount_minor": 10_001}, "line.unconfirmed"),
        ({"lock": "unconfirmed", "velocity_24h": 3}, "line.unconfirmed"),
        ({"lock": "unconfirmed", "velocity_24h": 2}, None),
        ({"dpd_days": 1}, "line.past_due"),
        ({"velocity_24h": 20}, "purchase.too_many"),
        ({"amount_minor": 200_001}, "purchase.over_cap"),
        ({"available_minor": 9_999}, "purchase.over_available"),
        ({"available_minor": -1}, "purchase.over_available"),
        ({"lifecycle": "closing", "lock": "legal", "dpd_days": 99}, "line.stopped"),
    ],
)
def test_purchases_are_authorised_as_the_policy_says(changed: dict[str, Any], code: str | None):
    outcome = evaluate(TABLES, "purchase-authorisation", PURCHASE | changed)
    assert outcome == {"allow": code is None, "code": code, "reasons": [code] if code else []}


@given(facts_of(TABLES["purchase-authorisation"].contract))
def test_what_is_allowed_is_affordable_unlocked_and_on_an_open_line(facts: dict[str, Any]):
    outcome = evaluate(TABLES, "purchase-authorisation", facts)
    small = (
        facts["lock"] == "unconfirmed"
        and facts["amount_minor"] * 20 <= facts["per_purchase_cap_minor"]
        and facts["velocity_24h"] < 3
    )
    sound = (
        facts["lifecycle"] in ("active", "notice_by_issuer")
        and (facts["lock"] == "none" or small)
        and facts["dpd_days"] == 0
        and facts["velocity_24h"] < 20
        and facts["amount_minor"] <= min(facts["per_purchase_cap_minor"], facts["available_minor"])
    )
    assert outcome["allow"] == sound
    assert (outcome["code"] is None) == sound


@pytest.mark.parametrize("name", TABLES.names)
def test_every_reason_a_table_may_give_is_given_by_one_of_its_rules(name: str):
    table = TABLES[name]
    whole = str(table.content)
    assert [code for code in table.contract.outcome["reasons"].one_of if f'"{code}"' not in whole] == []


# Facts that break the contract in each way, for both ways of running a table.
BROKEN: list[Any] = [None, True, 1, -1, 1.0, float("nan"), 10**30, "active", "nobody", [], {}]


@pytest.mark.parametrize("name", TABLES.names)
@given(data=st.data())
def test_a_batch_is_decided_as_each_of_it_alone(name: str, data: st.DataObject):
    table = TABLES[name]
    batch = data.draw(st.lists(facts_of(table.contract), max_size=8))
    alone = [TABLES.engine.run(table, facts)[:2] for facts in batch]
    assert TABLES.engine.run_many(table, batch) == alone


@given(facts_of(TABLES["purchase-authorisation"].contract), st.data())
def test_a_batch_with_bad_facts_is_refused_as_they_are_alone(facts: dict[str, Any], data: st.DataObject):
    table = TABLES["purchase-authorisation"]
    bad = facts | {data.draw(st.sampled_from([*facts, "one_more"])): data.draw(st.sampled_from(BROKEN))}
    missing = data.draw(st.none() | st.sampled_from(sorted(facts)))
    bad.pop(missing or "", None)

    def answer(run: Callable[[], Any]) -> object:
        try:
            return run()
        except FactError as error:
            return (error.path, error.given, error.expected)

    alone = answer(lambda: [TABLES.engine.run(table, each)[:2] for each in (facts, bad)])
    assert answer(lambda: TABLES.engine.run_many(table, [facts, bad])) == alone


def test_a_graph_of_many_nodes_loops_too():
    table = TABLES["purchase-authorisation"]
    through = {
        "id": "more",
        "type": "expressionNode",
        "name": "more",
        "content": {
            "expressions": [{"id": "x", "key": "x", "value": "amount_minor * 2"}],
            "passThrough": True,
        },
    }
    edges = [edge | ({"targetId": "more"} if edge["id"] == "in" else {}) for edge in table.content["edges"]]
    edges.append({"id": "to", "type": "edge", "sourceId": "more", "targetId": "table"})
    content = dict(table.content) | {"nodes": [*table.content["nodes"], through], "edges": edges}
    longer = Table.of("longer", content, table.contract)
    tables = Tables([longer])
    batch = [PURCHASE | {"amount_minor": amount} for amount in (1, 200_000, 200_001, 600_000)]
    answers = tables.engine.run_many(longer, batch)
    assert [outcome["code"] for _, outcome in answers] == [
        None,
        None,
        "purchase.over_cap",
        "purchase.over_cap",
    ]
    assert answers == TABLES.engine.run_many(table, batch)
