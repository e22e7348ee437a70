"""One table of all measures: worked out by hand, held for any rows, computed a second time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import insight.holds
import insight.test_independent
import insight.test_measures
import insight.test_uplift
import portfolio.golden
import portfolio.holds
import portfolio.test_independent
import pytest

from whiteslip.insight import MEASURES as OF_LEAVING
from whiteslip.portfolio import MEASURES as OF_THE_BOOK

PAGE = Path(__file__).parents[2] / "docs/reference/measures.md"
# Queries that make what the others read.
_SHARED = {"seen", "pd", "losses", "functions"}


@dataclass(frozen=True)
class Room:
    """A registry, and the three proofs of its measures by name."""

    measures: Mapping[str, Any]
    by_hand: Collection[str]
    holds: Mapping[str, Any]
    queries: Collection[str]


ROOMS = {
    "portfolio": Room(
        OF_THE_BOOK, portfolio.golden.GOLDEN, portfolio.holds.HOLDS, portfolio.test_independent.queries()
    ),
    "insight": Room(
        OF_LEAVING,
        insight.test_measures.BY_HAND | insight.test_uplift.BY_HAND,
        insight.holds.HOLDS,
        insight.test_independent.queries(),
    ),
}


@pytest.mark.parametrize("name", ROOMS)
def test_every_measure_is_worked_out_holds_and_is_computed_twice(name: str):
    room = ROOMS[name]
    wanted = set(room.measures)
    assert set(room.by_hand) == wanted, "a case worked out by hand"
    assert set(room.holds) == wanted, "what holds for any rows"
    assert set(room.queries) - _SHARED == wanted, "a second computation in plain SQL"


def test_the_reference_has_every_measure_and_what_holds_of_it():
    text = PAGE.read_text()
    for name, room in ROOMS.items():
        rows = [
            f"| `{each.name}` | {each.title.rstrip('.')} | {_sentence(room.holds[each.name])} |"
            for each in room.measures.values()
        ]
        section = text.split(f"## {name.capitalize()}")[1].split("\n## ")[0]
        found = [line for line in section.splitlines() if line.startswith("| `")]
        assert found == rows, "\n".join(rows)


def _sentence(holds: Any) -> str:
    return " ".join((holds.__doc__ or "").split()).rstrip(".")
