"""Days: month arithmetic that survives the 31st, and business days."""

from __future__ import annotations

import calendar as _calendar
from dataclasses import dataclass, field
from datetime import date, timedelta

SATURDAY = 5


def add_months(day: date, months: int, anchor: int | None = None) -> date:
    """``day`` moved by whole months, clamped to the month's end.

    ``anchor`` is the wished day of the month (1 to 31). Passing it keeps a schedule that starts
    on the 31st on the last day of short months without drifting to the 28th for ever.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = _calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(anchor or day.day, last))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Business days: weekends and ``holidays`` are off, ``workdays`` are on in spite of both.

    ``workdays`` holds make-up working days, which China declares on weekends around holidays.
    """

    holidays: frozenset[date] = field(default_factory=frozenset[date])
    workdays: frozenset[date] = field(default_factory=frozenset[date])

    def is_business_day(self, day: date) -> bool:
        """Whether offices work on ``day``."""
        if day in self.workdays:
            return True
        return day.weekday() < SATURDAY and day not in self.holidays

    def add_business_days(self, day: date, days: int) -> date:
        """The day ``days`` business days after ``day`` (``days`` ≥ 0). Zero rolls forward."""
        if days < 0:
            raise ValueError("business days are counted forward")
        current = day
        while not self.is_business_day(current):
            current += timedelta(days=1)
        for _ in range(days):
            current += timedelta(days=1)
            while not self.is_business_day(current):
                current += timedelta(days=1)
        return current
