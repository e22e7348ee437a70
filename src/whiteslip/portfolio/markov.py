"""Probabilities of default from a book's own roll rates. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whiteslip.portfolio.model import BUCKETS

DEFAULT: Final = BUCKETS.index("dpd_90_plus")
# Fewer lines than this, watched for a month, tell no rate of their own.
LEAST: Final = 30
_MILLION: Final = 1_000_000
_YEAR: Final = 12


def matrix(moves: Iterable[tuple[int, int, int]]) -> NDArray[np.float64]:
    """One month's probabilities from counts (from, to, lines). Paid off and defaulted stay so.

    A bucket in which fewer than ``LEAST`` lines were watched is taken together with the next worse ones until
    there are so many, and tells no rate of its own. Where nobody was in any of them it stays as it is if it
    is current, and rolls to the next if it is late: no data is no comfort.
    """
    seen, size = _counted(moves), len(BUCKETS)
    counts = np.eye(size)
    for state in range(1, DEFAULT):
        worst = _pooled_to(seen, state)
        counts[state] = seen[state : worst + 1].sum(axis=0)
        if not counts[state].any():
            counts[state] = np.eye(size)[state + 1 if state > 1 else state]
    return counts / counts.sum(axis=1, keepdims=True)


def few(moves: Iterable[tuple[int, int, int]]) -> list[int]:
    """Buckets in which too few lines were watched for rates of their own; who owes nothing is as current."""
    seen = _counted(moves)
    found = [state for state in range(1, DEFAULT) if seen[state].sum() < LEAST]
    return [0, *found] if 1 in found else found


def _counted(moves: Iterable[tuple[int, int, int]]) -> NDArray[np.float64]:
    counts = np.zeros((len(BUCKETS), len(BUCKETS)))
    for before, after, lines in moves:
        counts[before, after] += lines
    return counts


def _pooled_to(seen: NDArray[np.float64], state: int) -> int:
    """The worst of the buckets that ``state`` is taken together with."""
    worst = state
    while seen[state : worst + 1].sum() < LEAST and worst < DEFAULT - 1:
        worst += 1
    return worst


def default_within(chain: NDArray[np.float64], months: int) -> list[int]:
    """Probability to have defaulted within so many months, by bucket, in millionths."""
    ahead = np.linalg.matrix_power(chain, months)
    return [round(float(ahead[state, DEFAULT]) * _MILLION) for state in range(len(BUCKETS))]


def term_structure(
    moves: Iterable[tuple[int, int, int]], lifetime_months: int, given: Mapping[str, tuple[int, int]]
) -> list[tuple[int, int]]:
    """(12-month, lifetime) probability of default by bucket, in millionths; ``given`` goes first.

    A line that owes nothing defaults like a current one on what it may still draw, unless it is given.
    """
    chain = matrix(moves)
    pairs = list(
        zip(default_within(chain, _YEAR), default_within(chain, max(_YEAR, lifetime_months)), strict=True)
    )
    found = [given.get(name, pair) for name, pair in zip(BUCKETS, pairs, strict=True)]
    found[0] = given.get(BUCKETS[0], found[1])
    return found
