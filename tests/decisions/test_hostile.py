"""Hostile facts and hostile policy files: every shipped table, every fact, every kind of node."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest

from whiteslip.decisions import FactError, Tables
from whiteslip.decisions.grid import grids_of, with_rows
from whiteslip.decisions.model import Field, Kind, Table
from whiteslip.decisions.policies import faults_of

TABLES = Tables.load()
HOSTILE: list[Any] = [
    None, math.nan, math.inf, -math.inf, 10**400, -(10**400), 1e308, "1", "true", "", b"1", [], {}, 2 + 0j,
]  # fmt: skip
Edit = Callable[[dict[str, Any]], object]


def plain(field: Field) -> Any:
    """A value that a fact takes."""
    if field.type is Kind.BOOLEAN:
        return False
    if field.type is Kind.TEXT:
        return field.one_of[0]
    return 0 if field.min is None else int(field.min)


@pytest.mark.parametrize("name", TABLES.names)
def test_a_hostile_fact_is_refused_with_its_path_alone_and_among_many(name: str):
    table = TABLES[name]
    good = {fact: plain(field) for fact, field in table.contract.facts.items()}
    TABLES.engine.run(table, good)
    for fact, field in table.contract.facts.items():
        absent = {key: value for key, value in good.items() if key != fact}
        odd = [1 if field.type is Kind.BOOLEAN else True, "no_such_code", 0.5]
        for facts in (absent, *(good | {fact: value} for value in (*HOSTILE, *odd))):
            with pytest.raises(FactError, match=rf"^{name}\.{fact}: "):
                TABLES.engine.run(table, facts)
            with pytest.raises(FactError, match=rf"^{name}\.{fact}: "):
                TABLES.engine.run_many(table, [good, facts])


@pytest.mark.parametrize("name", TABLES.names)
def test_an_instant_that_is_yet_to_come_cannot_be_a_fact(name: str):
    """Tables take no dates but days since: of what is yet to come they would be negative."""
    table = TABLES[name]
    good = {fact: plain(field) for fact, field in table.contract.facts.items()}
    for fact in [each for each, field in table.contract.facts.items() if "day" in (field.unit or "")]:
        with pytest.raises(FactError, match=rf"^{name}\.{fact}: .* was given integer -1"):
            TABLES.engine.run(table, good | {fact: -1})


def node(content: dict[str, Any], kind: str = "decisionTableNode") -> dict[str, Any]:
    return next(n for n in content["nodes"] if n["type"] == kind)


def doubling(content: dict[str, Any], formula: str) -> None:
    """Twenty formulas that each make twice what the one before made."""
    lines = [{"id": "s0", "key": "s0", "value": "'xxxxxxxx'"}]
    lines += [
        {"id": f"s{n}", "key": f"s{n}", "value": formula.replace("S", f"$.s{n - 1}")} for n in range(1, 20)
    ]
    graph = {"passThrough": True, "expressions": lines}
    first = node(content, "inputNode")["id"]
    after = next(edge for edge in content["edges"] if edge["sourceId"] == first)
    content["nodes"].append({"id": "grow", "type": "expressionNode", "name": "grow", "content": graph})
    content["edges"].append({"sourceId": "grow", "targetId": after["targetId"]})
    after["targetId"] = "grow"


EDITS: list[tuple[Edit, str]] = [
    (lambda c: doubling(c, "S + S"), "grows without bound"),
    (lambda c: doubling(c, "[S, S]"), "grows without bound"),
    (lambda c: node(c).update(type="functionNode", content={"source": "while (true) {}"}), "not allowed"),
    (lambda c: node(c).update(type="decisionNode", content={"key": "itself"}), "not allowed"),
    (lambda c: node(c).update(type="customNode"), "not allowed"),
    (lambda c: node(c).update(type="switchNode"), "not allowed"),
    (lambda c: node(c)["content"].update(executionMode="loop", inputField="batch"), "loops over a list"),
    (lambda c: c["edges"].append({"sourceId": node(c)["id"], "targetId": node(c)["id"]}), "cycle"),
    (lambda c: node(c)["content"].update(rules=[{"_id": str(n)} for n in range(501)]), "length <="),
    (lambda c: c["nodes"].extend([node(c, "inputNode")] * 20), "length <="),
    (lambda c: c.update(padding="x" * (1 << 18)), "bytes"),
]
CELLS = [
    ("map([1..100000000], #)", "not allowed"),
    ("readFile('/etc/passwd')", "unknown or not allowed"),
    ("rand(9)", "unknown or not allowed"),
    ("d('now')", "unknown or not allowed"),
    ("$root.secret", "unknown or not allowed"),
    ("2 ^ 4096", "powers grow without bound"),
    ("1" + "0" * 400, "beyond 2^53"),
    ("`${1}`", "not allowed"),
    ("(" * 240 + "1", "is not an expression"),
    ("x" * 501, "length <="),
]


@pytest.mark.parametrize("name", TABLES.names)
@pytest.mark.parametrize(("edit", "says"), EDITS)
def test_a_policy_file_that_could_loop_call_out_or_grow_is_refused(name: str, edit: Edit, says: str):
    table = TABLES[name]
    content: dict[str, Any] = copy.deepcopy(dict(table.content))
    edit(content)
    found = faults_of(Table.of(name, content, table.contract))
    assert any(says in str(fault) for fault in found), found


@pytest.mark.parametrize("name", TABLES.names)
@pytest.mark.parametrize(("text", "says"), CELLS)
def test_a_hostile_cell_is_refused_wherever_it_stands(name: str, text: str, says: str):
    table = TABLES[name]
    for grid in grids_of(table):
        for column in grid.columns:
            rows = [dict(row) for row in grid.rows]
            rows[0][column.id] = text
            found = faults_of(Table.of(name, with_rows(table, {grid.node: rows}), table.contract))
            assert any(says in str(fault) for fault in found), (grid.node, column.id, found)
