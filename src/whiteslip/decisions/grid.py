"""A table as a grid that can be edited: rows are rules, columns are facts and outcomes. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whiteslip.decisions.model import Table


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its id in the graph, its title, the fact or outcome it is about, and which of the two."""

    id: str
    title: str
    field: str
    is_outcome: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """The one decision table of a graph. A row maps column ids, ``_id`` and ``_description`` to texts."""

    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, str], ...]


def grid_of(table: Table) -> Grid | None:
    """The grid of a table; None for a graph with more than one decision table."""
    nodes = [node for node in table.content["nodes"] if node["type"] == "decisionTableNode"]
    if len(nodes) != 1:
        return None
    inner = nodes[0]["content"]
    columns = [
        Column(column["id"], column.get("name") or column["id"], column.get("field") or "", is_outcome)
        for columns, is_outcome in ((inner["inputs"], False), (inner["outputs"], True))
        for column in columns
    ]
    return Grid(tuple(columns), tuple(inner["rules"]))


def with_rows(table: Table, rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The content of ``table`` with other rules; a new rule is given an id of its own."""
    content: dict[str, Any] = copy.deepcopy(dict(table.content))
    inner = next(node for node in content["nodes"] if node["type"] == "decisionTableNode")["content"]
    taken = {row["_id"] for row in rows if row.get("_id")}
    inner["rules"] = []
    for row in rows:
        number = next(n for n in range(1, len(taken) + 2) if f"rule_{n}" not in taken)
        key = row.get("_id") or f"rule_{number}"
        taken.add(key)
        inner["rules"].append({**row, "_id": key})
    return content


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
