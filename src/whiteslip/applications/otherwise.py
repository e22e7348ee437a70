"""What an applicant could have given otherwise, and what it would have led to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from whiteslip.applications import rules
from whiteslip.applications.model import Asked, Outcome
from whiteslip.base import Rounding
from whiteslip.base.money import divide
from whiteslip.decisions import Decision
from whiteslip.decisions.model import Table
from whiteslip.decisions.scoring import Model, points_of, score
from whiteslip.decisions.tables import Engine

# From the worst for an applicant to the best.
_ORDER: Final = (Outcome.DECLINE, Outcome.REFER, Outcome.COUNTER_OFFER, Outcome.APPROVE)
_STEP_PERCENT: Final = 5
_MOST_PERCENT: Final = 400
_PERCENT: Final = 100
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Better:
    """With ``fact`` at ``to`` instead of ``was``, and all else the same, the outcome is better."""

    fact: str
    was: int
    to: int
    outcome: Outcome
    limit_minor: int


def better(
    asked: Asked, card: Model, table: Table, made: Decision, least: Outcome = Outcome.DECLINE
) -> list[Better]:
    """For each fact that an applicant gives, the least change that leads to a better outcome, if one does;
    with ``least``, to that or a better one.

    Score and table are those that decided. Incomes rise and debts fall in steps of five per cent, counts
    by one.
    """
    engine, found = Engine([table]), list[Better]()
    was = Outcome(made.outcome["outcome"])
    for name, value in asked.values.items():
        for to in _tried(name, value):
            new = replace(asked, **{name: to})
            outcome = engine.run(table, {**made.facts, **_facts(new, card)})[1]
            reached = Outcome(outcome["outcome"])
            if _ORDER.index(reached) > _ORDER.index(was) and _ORDER.index(reached) >= _ORDER.index(least):
                found.append(Better(name, value, to, reached, outcome["limit_minor"]))
                break
    return found


def better_pair(asked: Asked, card: Model, table: Table, made: Decision) -> tuple[Better, Better] | None:
    """The smallest change of two facts that leads to a better outcome, where none of one does it.

    Smallest is the fewest steps in all; of as many, those that lead furthest.
    """
    engine, was = Engine([table]), _ORDER.index(Outcome(made.outcome["outcome"]))
    grid = {name: list(_tried(name, value)) for name, value in asked.values.items()}
    for pairs in _by_steps(grid):
        found: tuple[int, int, tuple[Better, Better]] | None = None
        for at in range(0, len(pairs), _AT_ONCE):
            part = pairs[at : at + _AT_ONCE]
            moved = [replace(asked, **dict(pair)) for pair in part]
            answers = engine.run_many(table, [{**made.facts, **_facts(new, card)} for new in moved])
            for pair, (_, outcome) in zip(part, answers, strict=True):
                reached, limit = Outcome(outcome["outcome"]), outcome["limit_minor"]
                rank = (_ORDER.index(reached), limit)
                if rank[0] > was and (found is None or rank > found[:2]):
                    first, second = (
                        Better(name, asked.values[name], to, reached, limit) for name, to in pair
                    )
                    found = (*rank, (first, second))
        if found:
            return found[2]
    return None


def _by_steps(grid: Mapping[str, Sequence[int]]) -> Iterator[list[tuple[tuple[str, int], tuple[str, int]]]]:
    """Pairs of facts with a value for each, by how many steps both take together."""
    longest = sorted(map(len, grid.values()))[-2:]
    for steps in range(max(0, sum(longest) - 1)):
        yield [
            ((first, grid[first][i]), (second, grid[second][steps - i]))
            for first, second in combinations(grid, 2)
            for i in range(steps + 1)
            if i < len(grid[first]) and steps - i < len(grid[second])
        ]


def _tried(name: str, value: int) -> Iterator[int]:
    """Values that would speak more for somebody, the nearest first."""
    if not name.endswith("_minor"):
        yield from range(value - 1, -1, -1)
        return
    rises = name == "net_income_minor"
    for percent in range(_STEP_PERCENT, (_MOST_PERCENT if rises else _PERCENT) + 1, _STEP_PERCENT):
        share = _PERCENT + percent if rises else _PERCENT - percent
        moved = divide(value * share, _PERCENT, Rounding.HALF_UP)
        whole = moved - moved % rules.UNIT_MINOR
        if name != "wanted_minor" or whole > 0:
            yield whole + rules.UNIT_MINOR if rises and whole < moved else whole


def _facts(asked: Asked, card: Model) -> dict[str, object]:
    """The facts of the table that what was asked moves."""
    return {
        "net_income_minor": asked.net_income_minor,
        "debt_service_minor": asked.debt_service_minor,
        "debt_service_ratio_bps": rules.ratio_bps(asked.debt_service_minor, asked.net_income_minor),
        "lenders_elsewhere": asked.lenders_elsewhere,
        "wanted_minor": asked.wanted_minor,
        "score": points_of(score(card, rules.score_facts(asked))),
    }
