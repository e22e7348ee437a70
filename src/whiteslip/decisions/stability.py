"""Whether those who are scored are still like those a model was fitted on. Pure.

The reference is part of the model: for the score and for each column ten bands of the rows it was
fitted on. PSI = Σ (now - was) ln(now / was) over the bands, of the score; of a column it is called CSI
(Siddiqi, Credit Risk Scorecards, 2006, chapter 8). Over 0.1 look, over 0.25 the population has changed.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

SCORE: Final = "score"
LOOK: Final = 0.1
CHANGED: Final = 0.25
# A band where nobody was, or nobody is, has no logarithm.
_LEAST_SHARE: Final = 1e-4
_WHOLE: Final = 1e-6


class Spread(Struct, frozen=True, forbid_unknown_fields=True):
    """How one number was spread: band ``i`` reaches from ``cuts[i-1]`` up to below ``cuts[i]``.

    ``shares`` has one more than ``cuts``, and at its end the share of absent ones.
    """

    cuts: list[float]
    shares: list[float]


def spread_faults(name: str, spread: Spread) -> list[str]:
    """What is wrong with a reference, in words."""
    faults: list[str] = []
    if any(a >= b for a, b in itertools.pairwise(spread.cuts)):
        faults.append(f"the reference of {name} does not ascend")
    if len(spread.shares) != len(spread.cuts) + 2 or any(not 0 <= share <= 1 for share in spread.shares):
        faults.append(f"the reference of {name} has no share for each band")
    elif abs(math.fsum(spread.shares) - 1) > _WHOLE:
        faults.append(f"the shares of {name} do not make a whole")
    return faults


def band_of(spread: Spread, value: float | None) -> int:
    """The band a value falls into; the last one is for absent ones."""
    return len(spread.cuts) + 1 if value is None else bisect_right(spread.cuts, value)


def psi(spread: Spread, counts: Mapping[int, int]) -> float | None:
    """The index of counts by band against the reference; None where nobody was counted."""
    total = sum(counts.values())
    if total == 0:
        return None
    now = [counts.get(band, 0) / total for band in range(len(spread.shares))]
    return index(spread.shares, now)


def index(was: Sequence[float], now: Sequence[float]) -> float:
    """Σ (now - was) ln(now / was)."""
    found = 0.0
    for a, b in zip(was, now, strict=True):
        old, new = max(a, _LEAST_SHARE), max(b, _LEAST_SHARE)
        found += (new - old) * math.log(new / old)
    return found
