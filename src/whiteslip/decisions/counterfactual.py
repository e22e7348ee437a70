"""What would have been decided otherwise, and if what: facts moved across thresholds. Pure.

One fact at a time; where none alone changes anything, two at once, the smallest such pair first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any, Final

from whiteslip.decisions.backtest import deciding_outcome
from whiteslip.decisions.grid import grids_of
from whiteslip.decisions.model import FactError, Table, TableError
from whiteslip.decisions.tables import Engine

_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?![\w.])")
_WORD: Final = re.compile(r"[A-Za-z_]\w*")
# How many pairs are tried before the search gives up, and how many in one call into the engine.
MOST_PAIRS: Final = 20_000
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Otherwise:
    """With ``fact`` at ``to`` instead of ``was`` the outcome's ``key`` would have been ``said``."""

    fact: str
    was: object
    to: object
    key: str
    said: object


def otherwise(engine: Engine, table: Table, facts: Mapping[str, object]) -> list[Otherwise]:
    """For each fact the nearest value with which the table decides otherwise, if there is one.

    What is tried are a table's own thresholds and the values beside them, flags turned, other codes, and
    the values of other facts, which a table may compare with.
    """
    key = deciding_outcome(table.contract)
    was = engine.run(table, facts)[1][key]
    found: list[Otherwise] = []
    for name in table.contract.facts:
        for value in _candidates(table, name, facts):
            try:
                said = engine.run(table, {**facts, name: value})[1][key]
            except (FactError, TableError):
                continue
            if said != was:
                found.append(Otherwise(name, facts[name], value, key, said))
                break
    return found


def _candidates(table: Table, name: str, facts: Mapping[str, object]) -> list[Any]:
    """Values to try for a fact, the nearest first."""
    kind, was = table.contract.facts[name], facts[name]
    if isinstance(was, bool):
        return [not was]
    if kind.one_of:
        return [code for code in kind.one_of if code != was]
    if not isinstance(was, int):
        return []
    numbers = {int(text) for text in _NUMBER.findall(str(table.content["nodes"]))}
    numbers |= {value for value in facts.values() if isinstance(value, int) and not isinstance(value, bool)}
    tried = {n + step for n in numbers for step in (-1, 0, 1)} - {was}
    low, high = kind.min, kind.max
    inside = [n for n in tried if (low is None or n >= low) and (high is None or n <= high)]
    return sorted(inside, key=lambda n: (abs(n - was), n))


def together(engine: Engine, table: Table, facts: Mapping[str, object]) -> tuple[Otherwise, Otherwise] | None:
    """The smallest pair of facts with which the table decides otherwise, where no single one does it.

    Smallest is the fewest thresholds crossed in all, then the most even. Tried are, for each fact, the
    thresholds of the cells that read it. None when no pair does it, or none among ``MOST_PAIRS``.
    """
    key = deciding_outcome(table.contract)
    was = engine.run(table, facts)[1][key]
    grid = {name: _thresholds(table, name, facts) for name in table.contract.facts}
    pairs = islice(_by_size(grid), MOST_PAIRS)
    while batch := list(islice(pairs, _AT_ONCE)):
        moved = [{**facts, first: a, second: b} for first, a, second, b in batch]
        for (first, a, second, b), said in zip(batch, _said(engine, table, moved, key), strict=True):
            if said is not None and said != was:
                return (
                    Otherwise(first, facts[first], a, key, said),
                    Otherwise(second, facts[second], b, key, said),
                )
    return None


def _by_size(grid: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, Any, str, Any]]:
    """Two facts with a value for each, in the order of how many values nearer than those there are."""
    longest = sorted(map(len, grid.values()))[-2:]
    for size in range(max(0, sum(longest) - 1)):
        for near in range(size // 2 + 1):
            for first, second in combinations(grid, 2):
                for i, j in dict.fromkeys(((size - near, near), (near, size - near))):
                    if i < len(grid[first]) and j < len(grid[second]):
                        yield first, grid[first][i], second, grid[second][j]


def _said(
    engine: Engine, table: Table, batch: Sequence[Mapping[str, object]], key: str
) -> list[object | None]:
    """What the table says to each; None to facts that it refuses."""
    try:
        return [outcome[key] for _, outcome in engine.run_many(table, batch)]
    except (FactError, TableError):
        if len(batch) == 1:
            return [None]
        return [said for facts in batch for said in _said(engine, table, [facts], key)]


def _thresholds(table: Table, name: str, facts: Mapping[str, object]) -> list[Any]:
    """Values to try for a fact in company: those of :func:`_candidates` that a cell which reads it names."""
    candidates = _candidates(table, name, facts)
    if not candidates or isinstance(facts[name], bool) or table.contract.facts[name].one_of:
        return candidates
    texts = _read_with(table, name)
    numbers = {int(text) for each in texts for text in _NUMBER.findall(each)}
    words = {word for each in texts for word in _WORD.findall(each)} - {name}
    numbers |= {value for word in words if isinstance(value := facts.get(word), int)}
    near = {n + step for n in numbers for step in (-1, 0, 1)}
    return [value for value in candidates if value in near]


def _read_with(table: Table, name: str) -> list[str]:
    """Cells that a fact is compared in: its own columns, formulas that name it, and what is derived."""
    found: list[str] = []
    for grid in grids_of(table):
        for column in grid.columns:
            cells = [row.get(column.id, "") for row in grid.rows]
            derived = not column.is_outcome and column.field not in table.contract.facts
            found += [cell for cell in cells if derived or column.field == name or name in cell]
    return found
