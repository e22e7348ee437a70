"""What would have been decided otherwise, and if what: single facts moved across thresholds. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from whiteslip.decisions.backtest import deciding_outcome
from whiteslip.decisions.model import FactError, Table, TableError
from whiteslip.decisions.tables import Engine

_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?![\w.])")


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
