"""How debt moves between buckets when all share one fortune: Vasicek's factor on a whole matrix. Pure."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, Final

import numpy as np

from whiteslip.treasury.scenario import BAD, STATES, Floats, Ints

_NORMAL: Final = NormalDist()
_erfc: Any = np.frompyfunc(math.erfc, 1, 1)


def thresholds(chain: Floats) -> Floats:
    """Where each row's fortune ends in a bucket at least so bad: the inverse normal of its probability."""
    tail = np.clip(np.cumsum(chain[..., ::-1], axis=-1)[..., ::-1], 0.0, 1.0)
    inverse = np.frompyfunc(_quantile, 1, 1)
    return np.asarray(inverse(tail), dtype=np.float64)


def _quantile(probability: float) -> float:
    if probability <= 0.0:
        return -math.inf
    return math.inf if probability >= 1.0 else _NORMAL.inv_cdf(probability)


def conditional(limits: Floats, factor: Floats, correlation: float) -> Floats:
    """Each scenario's matrix, given its common fortune; their mean over fortunes is the matrix itself.

    P(at least so bad | z) = N((N^-1(p) - sqrt(rho) z) / sqrt(1 - rho)).
    Source: Vasicek (2002), The distribution of loan portfolio value; Basel III CRE31.
    """
    spread = math.sqrt(1.0 - correlation)
    shift = math.sqrt(correlation) * factor
    at = (limits[None] - shift.reshape(-1, *([1] * limits.ndim))) / spread
    tail = np.asarray(_erfc(-at / math.sqrt(2.0)), dtype=np.float64) / 2.0
    tail[..., 0] = 1.0
    better = np.concatenate([tail[..., 1:], np.zeros((*tail.shape[:-1], 1))], axis=-1)
    return np.clip(tail - better, 0.0, 1.0)


def fortunes(
    dice: np.random.Generator, scenarios: int, months: int, persistence: float, downturn: float
) -> Floats:
    """The common fortune of each month: standard normal around ``downturn`` below, and persistent."""
    steps = dice.standard_normal((scenarios, months))
    found = np.empty_like(steps)
    found[:, 0] = steps[:, 0]
    for month in range(1, months):
        found[:, month] = persistence * found[:, month - 1]
        found[:, month] += math.sqrt(1.0 - persistence**2) * steps[:, month]
    return found - downturn


def moved(dice: np.random.Generator, lines: Ints, matrix: Floats) -> Ints:
    """Lines of each group by bucket then (before the last axis) and a month later (the last axis).

    Lines of a group are alike and independent once the fortune is given, so the counts are
    multinomial: the same law as drawing line by line. What is bad stays bad.
    """
    found = np.zeros((*lines.shape, STATES), dtype=np.int64)
    rows = matrix / matrix.sum(axis=-1, keepdims=True)
    # Groups nobody is in need no dice.
    for before in range(BAD):
        held = lines[..., before]
        some = held > 0
        if some.any():
            chances = np.broadcast_to(rows[..., before, :], (*held.shape, STATES))[some]
            found[..., before, :][some] = dice.multinomial(held[some], chances)
    found[..., BAD, BAD] = lines[..., BAD]
    return found
