"""How a score came about, column by column, and what would change it most. Pure."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from whiteslip.decisions.scoring import Model, Part, checked, columns, probability_of, score_columns


@dataclass(frozen=True, slots=True)
class Step:
    """What one column did: ``here`` points or log odds, ``best`` the most favourable it could have been.

    ``bin`` is the bin its value fell into. In trees ``best`` is 0: the column moved the log odds by ``here``.
    """

    column: str
    value: float | None
    bin: tuple[float | None, float | None] | None
    here: float
    best: float
    reason: str

    @property
    def against(self) -> float:
        """How much the column counts against somebody, in the model's own unit; never negative in bins."""
        return abs(self.best - self.here) if self.bin or self.value is None else self.here


@dataclass(frozen=True, slots=True)
class Change:
    """A score with one column in its best bin: which, from where to where, and what it would be."""

    column: str
    low: float | None
    high: float | None
    probability: float
    points: int | None


@dataclass(frozen=True, slots=True)
class Explained:
    """Steps, the largest against first; what single changes would do, the most helpful first."""

    steps: tuple[Step, ...]
    changes: tuple[Change, ...]


def explained(model: Model, given: Mapping[str, object]) -> Explained:
    """Take a score apart. Raises FactError as scoring does."""
    read = columns(model, checked(model, given))
    codes = {each.name: each.reason for each in (*model.facts, *model.derived)}
    places = {name: place for place, name in enumerate(model.columns)}
    if model.kind == "trees":
        told = score_columns(model, read).against
        moved = [
            Step(name, read[places[name]], None, value, 0.0, codes[name]) for name, value in told if value
        ]
        return Explained(tuple(moved), ())
    steps = [_step(model, part, read[places[part.fact]], codes[part.fact]) for part in model.parts]
    steps.sort(key=lambda step: (-step.against, step.column))
    total = model.bias + sum(step.here for step in steps)
    changes = [
        _changed(model, part, total, step)
        for part in model.parts
        for step in steps
        if step.column == part.fact and step.against > 0
    ]
    return Explained(tuple(steps), tuple(sorted(changes, key=lambda each: each.probability)))


def _step(model: Model, part: Part, value: float | None, reason: str) -> Step:
    best = max(part.scores) if model.scale else min(part.scores)
    if value is None:
        return Step(part.fact, None, None, part.missing or 0.0, best, reason)
    edges = [None, *part.cuts, None]
    for here, (low, high) in zip(part.scores, itertools.pairwise(edges), strict=True):
        if high is None or value < high:
            return Step(part.fact, value, (low, high), here, best, reason)
    raise AssertionError("the last bin has no upper edge")


def _changed(model: Model, part: Part, total: float, step: Step) -> Change:
    """The nearest bin that is as good as any, and the score with it."""
    at = 0 if step.value is None else bisect_right(part.cuts, step.value)
    best = min((n for n, each in enumerate(part.scores) if each == step.best), key=lambda n: abs(n - at))
    edges = [None, *part.cuts, None]
    raw = total - step.here + step.best
    points = round(raw) if model.scale else None
    log_odds = (
        (model.scale.offset - points) / model.scale.factor if model.scale and points is not None else raw
    )
    return Change(part.fact, edges[best], edges[best + 1], probability_of(model, log_odds), points)
