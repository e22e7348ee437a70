"""The tables of a graph as grids that can be edited: rows are rules, columns facts and outcomes. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from whiteslip.decisions.model import Table


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its id in the graph, its title, the fact or outcome it is about, and which of the two."""

    id: str
    title: str
    field: str
    is_outcome: bool


# The one column of expressions; what changed in it is told under this name.
_VALUE: Final = Column("value", "value", "value", is_outcome=True)


# What files have, with the defaults that they leave out; the visual editor knows more.
_NODE: Final = {"id": None, "type": None, "name": None, "position": None, "content": None}
_EDGE: Final = {"id": None, "type": None, "sourceId": None, "targetId": None}
_COLUMN: Final = {"id": None, "name": None, "field": None}
_LINE: Final = {"id": None, "key": None, "value": None}
_BOTH: Final = {"executionMode": "single", "inputField": None, "outputPath": None, "passThrough": False}
_CONTENT: Final[Mapping[str, Mapping[str, Any]]] = {
    "decisionTableNode": {"hitPolicy": None, **_BOTH, "inputs": None, "outputs": None, "rules": None},
    "expressionNode": {**_BOTH, "expressions": None},
}


@dataclass(frozen=True, slots=True)
class Grid:
    """One node of a graph: a decision table, or expressions with a name each.

    A row maps column ids, ``_id`` and ``_description`` to texts. Rows of expressions are ``named``:
    what comes after reads them by their ``_id``, so none is added, removed or moved.
    """

    node: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, str], ...]
    is_named: bool = False


def grids_of(table: Table) -> tuple[Grid, ...]:
    """The tables and expressions of a graph, in the order in which its file has them."""
    found: list[Grid] = []
    for node in table.content["nodes"]:
        inner: Mapping[str, Any] = node.get("content") or {}
        if node["type"] == "decisionTableNode":
            columns = [
                Column(
                    column["id"], column.get("name") or column["id"], column.get("field") or "", is_outcome
                )
                for columns, is_outcome in (
                    (inner.get("inputs", ()), False),
                    (inner.get("outputs", ()), True),
                )
                for column in columns
            ]
            found.append(Grid(node["id"], node["name"], tuple(columns), tuple(inner.get("rules", ()))))
        elif node["type"] == "expressionNode":
            rows = tuple(
                {"_id": line["key"], _VALUE.id: line["value"]} for line in inner.get("expressions", ())
            )
            found.append(Grid(node["id"], node["name"], (_VALUE,), rows, is_named=True))
    return tuple(found)


def with_rows(table: Table, rows: Mapping[str, Sequence[Mapping[str, str]]]) -> dict[str, Any]:
    """The content of ``table`` with other rows, by node; a new rule is given an id of its own."""
    content: dict[str, Any] = copy.deepcopy(dict(table.content))
    for node in content["nodes"]:
        if node["id"] not in rows:
            continue
        if node["type"] == "expressionNode":
            said = {row["_id"]: row[_VALUE.id] for row in rows[node["id"]]}
            inner: dict[str, Any] = node.get("content") or {}
            for line in inner.get("expressions", ()):
                line["value"] = said.get(line["key"], line["value"])
        else:
            node["content"] = {**(node.get("content") or {}), "rules": _numbered(rows[node["id"]])}
    return content


def drawn(table: Table, graph: Mapping[str, Any]) -> dict[str, Any]:
    """The content of ``table`` as the visual editor drew it: ``graph`` in the form that files have.

    ``graph`` has passed :func:`~whiteslip.decisions.shape.shape_faults`. What the editor keeps for itself
    is left out, so that a table which was only looked at is the same version; a new rule is numbered.
    """
    content = dict(table.content)
    nodes = {node["id"]: node for node in content["nodes"]}
    edges = {edge.get("id"): edge for edge in content["edges"]}
    content["nodes"] = [_node(nodes.get(node["id"], {}), node) for node in graph["nodes"]]
    content["edges"] = [_picked(edges.get(edge.get("id"), {}), edge, _EDGE) for edge in graph["edges"]]
    return content


def _picked(
    old: Mapping[str, Any], new: Mapping[str, Any], keys: Mapping[str, Any], is_new: bool = False
) -> dict[str, Any]:
    """The keys of ``new`` that files have; one that ``old`` lacks only where it is not the default."""
    wanted = [*old, *(key for key in keys if key not in old and (is_new or new.get(key) != keys[key]))]
    return {key: new.get(key, old.get(key)) for key in wanted if key in new or key in old}


def _node(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    node = _picked(old, new, _NODE)
    inner: Mapping[str, Any] | None = new.get("content")
    if not inner or new["type"] not in _CONTENT:
        return node
    before: Mapping[str, Any] = old.get("content") or {}
    content = _picked(before, inner, _CONTENT[new["type"]], is_new=not before)
    for key, id_, keys in (
        ("inputs", "id", _COLUMN),
        ("outputs", "id", _COLUMN),
        ("expressions", "key", _LINE),
    ):
        known = {each[id_]: each for each in before.get(key, ())}
        if key in content:
            content[key] = [_picked(known.get(each[id_], {}), each, keys) for each in content[key]]
    if "rules" in content:
        columns = {"_id", "_description"} | {
            column["id"] for column in (*content.get("inputs", ()), *content.get("outputs", ()))
        }
        kept = {rule.get("_id") for rule in before.get("rules", ())}
        rules = [{key: rule[key] for key in rule if key in columns} for rule in content["rules"]]
        content["rules"] = _numbered([r if r.get("_id") in kept else {**r, "_id": ""} for r in rules])
    return {**node, "content": content}


def _numbered(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    taken = {row["_id"] for row in rows if row.get("_id")}
    found: list[dict[str, str]] = []
    for row in rows:
        number = next(n for n in range(1, len(taken) + 2) if f"rule_{n}" not in taken)
        key = row.get("_id") or f"rule_{number}"
        taken.add(key)
        found.append({**row, "_id": key})
    return found


def edited(rows: Sequence[Mapping[str, str]], verb: str, at: int) -> list[Mapping[str, str]]:
    """The rows after one step of the editor: ``add`` below row ``at``, ``remove``, ``up`` or ``down``."""
    found = list(rows)
    if not 0 <= at < len(found):
        return found
    match verb:
        case "add":
            found.insert(at + 1, {})
        case "remove":
            del found[at]
        case "up" if at > 0:
            found[at - 1], found[at] = found[at], found[at - 1]
        case "down" if at + 1 < len(found):
            found[at + 1], found[at] = found[at], found[at + 1]
        case _:
            pass
    return found
