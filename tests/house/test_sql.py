"""What one room's SQL may touch of another's: its views, and functions that it keeps for others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import whiteslip

HOUSE: Final = Path(whiteslip.__file__).parent
# Functions that other rooms call; whatever they write, the room that keeps them writes.
CALLED: Final = {
    "store.append_only": "makes a table append-only, in the migration of its room",
    "store.changed_by_functions": "leaves a table's changes to its room's functions, in its migration",
    "store.erase": "the one way past append-only, for retention",
    "ledger.balances_on": "balances of a day: a view takes no day",
}


def statements() -> Iterator[tuple[str, str]]:
    """Room and SQL without comments and texts: files, and what is written within Python."""
    for path in sorted(HOUSE.rglob("*.sql")):
        text = re.sub(r"--[^\n]*", "", path.read_text())
        yield path.relative_to(HOUSE).parts[0], text
    for path in sorted(HOUSE.rglob("*.py")):
        for found in re.finditer(r"\b(?:FROM|JOIN|INTO|UPDATE|CALL) ([a-z_]+\.[a-z_]+)", path.read_text()):
            yield path.relative_to(HOUSE).parts[0], found[1]


def schemas() -> set[str]:
    made = (re.findall(r"CREATE SCHEMA (?:IF NOT EXISTS )?(\w+)", sql) for _, sql in statements())
    return {name for names in made for name in names}


def test_each_schema_is_its_rooms_own():
    owners = {
        (room, name)
        for room, sql in statements()
        for name in re.findall(r"CREATE SCHEMA (?:IF NOT EXISTS )?(\w+)", sql)
    }
    assert len(owners) > 10
    assert all(room == name for room, name in owners)


def test_a_room_reads_another_only_through_its_views():
    names = re.compile(rf"(?<![\w.'])({'|'.join(sorted(schemas()))})\.(\w+)(\s*\()?")
    calls: set[str] = set()
    touched: set[tuple[str, str]] = set()
    for room, sql in statements():
        for schema, name, is_call in names.findall(sql):
            if schema == room or name.startswith("v_"):
                continue
            if is_call:
                calls.add(f"{schema}.{name}")
            else:
                touched.add((room, f"{schema}.{name}"))
    assert calls == set(CALLED)
    assert touched == set()
