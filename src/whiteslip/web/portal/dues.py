"""A schedule as customers read it: one row per due day. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from whiteslip.base import Money
from whiteslip.exits.model import Due
from whiteslip.lines import Line


@dataclass(frozen=True, slots=True)
class DueDay:
    """What falls due on a day: as agreed, and what is open of it."""

    on: date
    agreed: Money
    open: Money


def by_day(line: Line, schedule: Iterable[Due]) -> list[DueDay]:
    """Unpaid instalments by due day."""
    sums: dict[date, tuple[int, int]] = {}
    for due in schedule:
        agreed, still_open = sums.get(due.due_on, (0, 0))
        sums[due.due_on] = (agreed + due.total_minor, still_open + due.open_minor)
    return [DueDay(on, line.money(a), line.money(o)) for on, (a, o) in sorted(sums.items())]
