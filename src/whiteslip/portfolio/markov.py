"""Probabilities of default from a book's own roll rates. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whiteslip.portfolio.model import BUCKETS

DEFAULT: Final = BUCKETS.index("dpd_90_plus")
_MILLION: Final = 1_000_000
_YEAR: Final = 12


def matrix(moves: Iterable[tuple[int, int, int]]) -> NDArray[np.float64]:
    """One month's probabilities from counts (from, to, lines). Paid off and defaulted stay so.

    A bucket nobody was in stays as it is, but a late one with no evidence is taken to roll to the
    next: no data is no comfort.
    """
    size = len(BUCKETS)
    counts = np.zeros((size, size))
    for before, after, lines in moves:
        counts[before, after] += lines
    for state in range(size):
        if state in (0, DEFAULT):
            counts[state] = np.eye(size)[state]
        elif not counts[state].sum():
            counts[state] = np.eye(size)[min(state + 1, DEFAULT) if state > 1 else state]
    return counts / counts.sum(axis=1, keepdims=True)


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
