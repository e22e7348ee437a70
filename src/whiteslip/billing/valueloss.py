"""What a restructured debt loses in value, at the rate it was lent at. Pure, in whole numbers.

The EBA's guidelines on default (EBA/GL/2026/05) compare net present values before and after, discounted at
the original effective interest rate; above a threshold the restructuring is one of distress.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

# Money by the day on which it is due, in minor units.
Flow = tuple[date, int]

_YEAR_OF_BPS: Final = 120_000
_HIGHEST_BPS: Final = 20_000


def value_loss_bps(owed_minor: int, before: Sequence[Flow], after: Sequence[Flow], today: date) -> int:
    """How much less what is asked for afterwards is worth today than what was owed, in basis points of it."""
    if owed_minor <= 0:
        return 0
    worth = _present(after, _rate(owed_minor, before, today), today)
    return max(0, owed_minor - worth) * 10_000 // owed_minor


def _rate(owed_minor: int, flows: Sequence[Flow], today: date) -> int:
    """The yearly rate in basis points at which the flows are worth what is owed; 0 where they are no more."""
    low, high = 0, _HIGHEST_BPS
    while low < high:
        middle = (low + high) // 2
        if _present(flows, middle, today) <= owed_minor:
            high = middle
        else:
            low = middle + 1
    return low


def _present(flows: Sequence[Flow], yearly_bps: int, today: date) -> int:
    """What they are worth today, discounted by whole months; what is past due is worth itself."""
    total = 0
    for due_on, minor in flows:
        months = max(0, (due_on.year - today.year) * 12 + due_on.month - today.month)
        total += minor * _YEAR_OF_BPS**months // (_YEAR_OF_BPS + yearly_bps) ** months
    return total
