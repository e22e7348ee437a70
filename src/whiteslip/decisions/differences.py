"""What changed between two versions of a table: the graph, and rule by rule. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any, Final

from whiteslip.decisions.model import Table


class Change(StrEnum):
    """What happened to a rule. ``MOVED`` rules read the same and stand elsewhere in the order."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell, by its column, before and after; empty means that it says nothing."""

    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule that is not the same, by its id and, where it stands, its number from the top.

    An added or removed rule lists the cells that say something. Number 0 is no rule but the table itself,
    its columns and settings; without a node it is the graph, its nodes and edges.
    """

    change: Change
    node: str
    rule: str
    meaning: str
    number: int
    cells: tuple[CellChange, ...]


def differences(old: Table, new: Table) -> list[RuleChange]:
    """What differs: the graph first, then node by node; rules are known by their ``_id``."""
    before, after = tables_of(old.content), tables_of(new.content)
    found = _itself("", _gone_and_come(_nodes(old.content), _nodes(new.content), "nodes"))
    found += _itself("", _gone_and_come(_edges(old.content), _edges(new.content), "edges"))
    for node in [*after, *(name for name in before if name not in after)]:
        if node in before and node in after:
            found += _itself(node, _cells(_SETTINGS, _settings(before[node]), _settings(after[node])))
        found += _of_node(node, before.get(node, {}), after.get(node, {}))
    return found


# What a table says beside its rules. A setting that is absent is the same as its default.
_SETTINGS: Final = {
    "inputs": "inputs",
    "outputs": "outputs",
    "hitPolicy": "hit policy",
    "executionMode": "execution mode",
    "inputField": "input field",
    "outputPath": "output path",
    "passThrough": "pass through",
}
_DEFAULTS: Final = {"executionMode": "single", "passThrough": False}


def _settings(node: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in _SETTINGS:
        value = node.get(key)
        if key in ("inputs", "outputs"):
            columns: Sequence[Mapping[str, Any]] = value or ()
            titles = [(each.get("name") or each["id"], each.get("field") or "") for each in columns]
            found[key] = ", ".join(f"{title} ({field})" for title, field in titles)
        elif value is not None and value != _DEFAULTS.get(key):
            found[key] = "yes" if value is True else str(value)
    return found


def _nodes(content: Mapping[str, Any]) -> list[str]:
    return [f"{node['name']} ({node['type']})" for node in content["nodes"]]


def _edges(content: Mapping[str, Any]) -> list[str]:
    names = {node["id"]: node["name"] for node in content["nodes"]}
    ends = [(edge["sourceId"], edge["targetId"]) for edge in content["edges"]]
    return [f"{names.get(source, source)} → {names.get(target, target)}" for source, target in ends]


def _gone_and_come(old: Sequence[str], new: Sequence[str], what: str) -> tuple[CellChange, ...]:
    """What only one of two lists has, however often it has it; their order does not count."""
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    if not gone and not come:
        return ()
    return (CellChange(what, ", ".join(gone.elements()), ", ".join(come.elements())),)


def _itself(node: str, cells: tuple[CellChange, ...]) -> list[RuleChange]:
    return [RuleChange(Change.CHANGED, node, "", "", 0, cells)] if cells else []


def tables_of(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The decision tables of a graph by the names of their nodes; expressions as one rule each.

    Of nodes that share a name the later ones are known by their id as well: none hides another.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for node in content["nodes"]:
        inner: Mapping[str, Any] = node.get("content") or {}
        name = node["name"] if node["name"] not in found else f"{node['name']} [{node['id']}]"
        if node["type"] == "decisionTableNode":
            found[name] = inner
        elif node["type"] == "expressionNode":
            lines: Sequence[Mapping[str, str]] = inner.get("expressions", ())
            rules = [{"_id": line["key"], "value": line["value"]} for line in lines]
            outputs = [{"id": "value", "field": "value", "name": "value"}]
            found[name] = {**inner, "inputs": [], "outputs": outputs, "rules": rules}
    return found


def _of_node(node: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[RuleChange]:
    columns = {**_columns(old), **_columns(new)}
    before = {rule.get("_id", ""): rule for rule in old.get("rules", ())}
    after = {rule.get("_id", ""): rule for rule in new.get("rules", ())}
    moved = _moved([key for key in before if key in after], [key for key in after if key in before])
    found: list[RuleChange] = []
    for number, (key, rule) in enumerate(after.items(), 1):
        told = columns | {"_description": "description"} if key in before else columns
        cells = _cells(told, before.get(key, {}), rule)
        if key not in before:
            kind = Change.ADDED
        elif cells:
            kind = Change.CHANGED
        elif key in moved:
            kind = Change.MOVED
        else:
            continue
        found.append(RuleChange(kind, node, key, rule.get("_description", ""), number, cells))
    for number, (key, rule) in enumerate(before.items(), 1):
        if key not in after:
            cells = _cells(columns, rule, {})
            found.append(RuleChange(Change.REMOVED, node, key, rule.get("_description", ""), number, cells))
    return found


def _columns(node: Mapping[str, Any]) -> dict[str, str]:
    """Column ids and what they are about."""
    both = [*node.get("inputs", ()), *node.get("outputs", ())]
    return {column["id"]: column.get("field") or column.get("name") or column["id"] for column in both}


def _cells(
    columns: Mapping[str, str], old: Mapping[str, str], new: Mapping[str, str]
) -> tuple[CellChange, ...]:
    pairs = [(name, old.get(key, "").strip(), new.get(key, "").strip()) for key, name in columns.items()]
    return tuple(CellChange(*pair) for pair in pairs if pair[1] != pair[2])


def _moved(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """What stands elsewhere; the longest run that kept its order has not moved."""
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    stayed = {key for block in blocks for key in old[block.a : block.a + block.size]}
    return set(new) - stayed
