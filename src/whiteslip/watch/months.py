"""Six months of a line as a behaviour model reads them. Pure. Amounts are minor units.

Month 1 ends with the latest statement day. The names and the codes of lateness are those of the recipe
``behaviour`` of the lab: -2 no use, -1 everything asked for was paid, 0 something is open and not late,
n that many months past due, begun ones in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

MONTHS: Final = 6
_DAYS: Final = 30
_NO_USE, _IN_FULL, _OPEN = -2, -1, 0


@dataclass(frozen=True, slots=True)
class Month:
    """What was owed at its end, paid in it, open of earlier bills, and since when the oldest was late."""

    ends_on: date
    owed_minor: int
    paid_minor: int
    open_minor: int
    late_since: date | None


def lateness(month: Month, before_minor: int) -> int:
    """How late a line was at the end of a month. ``before_minor`` is what it owed a month before."""
    if month.late_since:
        return max(1, -(-(month.ends_on - month.late_since).days // _DAYS))
    if month.open_minor:
        return _OPEN
    if max(month.owed_minor, before_minor) <= 0 and not month.paid_minor:
        return _NO_USE
    return _IN_FULL


def facts(limit_minor: int, months: Sequence[Month]) -> dict[str, object]:
    """The facts of the last six months, the newest first."""
    found: dict[str, object] = {"limit_minor": limit_minor}
    for n, month in enumerate(months, 1):
        before = months[n].owed_minor if n < len(months) else month.owed_minor
        found[f"months_late_{n}"] = lateness(month, before)
        found[f"billed_{n}"] = month.owed_minor
        found[f"paid_{n}"] = month.paid_minor
    return found
