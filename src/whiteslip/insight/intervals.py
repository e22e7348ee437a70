"""Rates and how sure they are. Pure; every formula with its source."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from whiteslip.insight.model import Interval

_Z: Final = 1.959963984540054
_ALPHA: Final = 0.05
_ARM_LEAST: Final = 30


def wilson(part: int, whole: int) -> Interval:
    """A share and its 95 % interval.

    Formula: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    Source: Wilson (1927), Journal of the American Statistical Association 22.
    """
    if whole <= 0:
        return Interval(0.0, 0.0, 1.0)
    share, squared = part / whole, _Z * _Z
    middle = share + squared / (2 * whole)
    half = _Z * math.sqrt(share * (1 - share) / whole + squared / (4 * whole * whole))
    scale = 1 + squared / whole
    # At the ends the formula gives 0 and 1 but for the last bit.
    low = 0.0 if part == 0 else (middle - half) / scale
    high = 1.0 if part == whole else (middle + half) / scale
    return Interval(share, low, high)


def newcombe(part: int, whole: int, other_part: int, other_whole: int) -> Interval:
    """The difference of two independent shares, the first less the second.

    Formula: d ± √((p1 - l1)² + (u2 - p2)²) below, √((u1 - p1)² + (p2 - l2)²) above, l and u of Wilson.
    Source: Newcombe (1998), Statistics in Medicine 17, method 10.
    """
    one, two = wilson(part, whole), wilson(other_part, other_whole)
    gap = one.value - two.value
    below = math.hypot(one.value - one.low, two.high - two.value)
    above = math.hypot(one.high - one.value, two.value - two.low)
    return Interval(gap, max(-1.0, gap - below), min(1.0, gap + above))


def byar(count: int, per: float) -> Interval:
    """A count that is rare, as a rate: ``count`` / ``per``.

    Formula: x(1 - 1/9x - z/3√x)³ and (x+1)(1 - 1/9(x+1) + z/3√(x+1))³.
    Source: Byar's approximation; Breslow and Day (1987), volume II, page 69.
    """
    if per <= 0:
        return Interval(0.0, 0.0, math.inf)
    low = 0.0 if count == 0 else count * max(0.0, 1 - 1 / (9 * count) - _Z / (3 * math.sqrt(count))) ** 3
    more = count + 1
    high = more * (1 - 1 / (9 * more) + _Z / (3 * math.sqrt(more))) ** 3
    return Interval(count / per, low / per, high / per)


def any_time(part: int, whole: int, other_part: int, other_whole: int, tuned: int = 1_000) -> Interval:
    """The difference of two arms of a trial, valid however often one looks.

    With fewer than 30 in an arm anything may be. ``tuned`` is the number of units at which the interval
    is narrowest.
    Formula: d ± σ √(2(tρ²+1)/(t²ρ²) · ln(√(tρ²+1)/α)), t units in all, σ² = t(s1(1-s1)/n1 + s2(1-s2)/n2)
    with s = (x+1)/(n+2), ρ² = (-2 ln α + ln(1 - 2 ln α)) / tuned.
    Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Annals of Statistics 52: asymptotic
    confidence sequences, theorem 2.2.
    """
    if whole <= 0 or other_whole <= 0:
        return Interval(0.0, -1.0, 1.0)
    gap = part / whole - other_part / other_whole
    if min(whole, other_whole) < _ARM_LEAST:
        return Interval(gap, -1.0, 1.0)
    units = whole + other_whole
    one, two = (part + 1) / (whole + 2), (other_part + 1) / (other_whole + 2)
    variance = units * (one * (1 - one) / whole + two * (1 - two) / other_whole)
    rho = (-2 * math.log(_ALPHA) + math.log(1 - 2 * math.log(_ALPHA))) / tuned
    grown = units * rho + 1
    half = math.sqrt(variance * 2 * grown / (units * units * rho) * math.log(math.sqrt(grown) / _ALPHA))
    return Interval(gap, max(-1.0, gap - half), min(1.0, gap + half))


def median(values: Iterable[float]) -> float | None:
    """The middle value, the mean of the two middle ones of an even number; None of nothing."""
    found = sorted(values)
    if not found:
        return None
    middle = len(found) // 2
    return found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2
