"""Every table of every graph can be edited, and a step of the editor changes what it says and no more."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.decisions import Tables
from whiteslip.decisions.differences import Change, differences
from whiteslip.decisions.grid import drawn, edited, grids_of, with_rows
from whiteslip.decisions.model import Table

TABLES = Tables.load()


def changed(table: Table, node: str, rows: list[dict[str, str]]) -> Table:
    return Table.of(table.name, with_rows(table, {node: rows}), table.contract)


@pytest.mark.parametrize("name", TABLES.names)
def test_each_node_that_decides_or_counts_is_a_grid_and_what_is_not_touched_stays(name: str):
    table = TABLES[name]
    grids = grids_of(table)
    wanted = [n["id"] for n in table.content["nodes"] if n["type"] not in {"inputNode", "outputNode"}]
    assert [grid.node for grid in grids] == wanted
    assert with_rows(table, {grid.node: grid.rows for grid in grids}) == table.content
    assert with_rows(table, {}) == table.content


@given(st.data())
def test_a_cell_typed_into_any_table_of_a_graph_is_the_only_difference(data: st.DataObject):
    table = TABLES[data.draw(st.sampled_from(TABLES.names))]
    grid = data.draw(st.sampled_from(grids_of(table)))
    at = data.draw(st.integers(0, len(grid.rows) - 1))
    column = data.draw(st.sampled_from(grid.columns))
    rows = [dict(row) for row in grid.rows]
    rows[at][column.id] = "12345"
    (found,) = differences(table, changed(table, grid.node, rows))
    assert (found.change, found.node, found.rule) == (Change.CHANGED, grid.title, rows[at]["_id"])
    (cell,) = found.cells
    assert (cell.column, cell.after) == (column.field or column.title, "12345")


def test_a_new_rule_has_an_id_of_its_own_and_formulas_keep_their_names():
    table = TABLES["application-limit"]
    by_node = {grid.node: grid for grid in grids_of(table)}
    rows = [dict(row) for row in edited(by_node["declines"].rows, "add", 0)]
    found = differences(table, changed(table, "declines", rows))
    assert [(each.change, each.number) for each in found] == [(Change.ADDED, 2)]
    formulas = by_node["capacity"]
    assert formulas.is_named
    assert [row["_id"] for row in formulas.rows][-1] == "possible_minor"
    fewer = changed(table, "capacity", [dict(row) for row in formulas.rows[:1]])
    assert fewer.version == table.version, "a formula cannot be taken away: others read it"


@pytest.mark.parametrize("name", TABLES.names)
def test_a_graph_that_was_only_looked_at_is_the_same_table_whatever_the_visual_editor_adds(name: str):
    table = TABLES[name]
    seen: dict[str, Any] = copy.deepcopy(dict(table.content))
    assert drawn(table, seen) == table.content
    for node in seen["nodes"]:
        node.update(description=None, _diff={"status": "modified"})
        inner = node.get("content") or {}
        for column in (*inner.get("inputs", ()), *inner.get("outputs", ())):
            column["fieldType"] = {"type": "any"}
        if inner:
            node["content"] = {"executionMode": "single", "passThrough": False, "inputField": None} | inner
    for edge in seen["edges"]:
        edge["sourceHandle"] = None
    assert drawn(table, seen) == table.content


def test_a_drawn_rule_is_numbered_and_a_removed_column_leaves_nothing_behind():
    table = TABLES["purchase-authorisation"]
    seen: dict[str, Any] = copy.deepcopy(dict(table.content))
    inner = next(n for n in seen["nodes"] if n["id"] == "table")["content"]
    inner["rules"].insert(
        0, {"_id": "0b0e7e4e-9f6d-4d6a-a3a5-1d6a1d1c3a4b", "amount": "> 9", "allow": "false"}
    )
    inner["inputs"] = [column for column in inner["inputs"] if column["id"] != "lock"]
    after = next(n for n in drawn(table, seen)["nodes"] if n["id"] == "table")["content"]
    assert after["rules"][0] == {"_id": "rule_1", "amount": "> 9", "allow": "false"}
    assert not any("lock" in rule for rule in after["rules"])


def test_what_changes_around_the_rules_is_told_as_well():
    table = TABLES["application-limit"]
    seen: dict[str, Any] = copy.deepcopy(dict(table.content))
    months = next(n for n in seen["nodes"] if n["id"] == "months")
    months["content"]["passThrough"] = not months["content"]["passThrough"]
    months["content"]["inputs"].pop()
    months["content"]["rules"][0]["_description"] = "Anew"
    twin = copy.deepcopy(next(n for n in seen["nodes"] if n["id"] == "outcome")) | {"id": "twin"}
    twin["content"]["rules"][0]["_description"] = "Hidden?"
    seen["nodes"].append(twin)
    seen["edges"][0]["targetId"] = "twin"
    found = differences(table, Table.of(table.name, drawn(table, seen), table.contract))
    told = {(each.node, each.number): {c.column: (c.before, c.after) for c in each.cells} for each in found}
    graph = [cell for each in found if not each.node for cell in each.cells]
    assert [cell.column for cell in graph] == ["nodes", "edges"]
    assert graph[0].after == "outcome (decisionTableNode)"
    assert (graph[1].before, graph[1].after) == (f"facts → {months['name']}", "facts → outcome")
    assert told[months["name"], 0].keys() == {"inputs", "pass through"}
    assert told[months["name"], 1]["description"][1] == "Anew"
    assert ("outcome [twin]", 1) in told, "a table cannot hide behind another of its name"
