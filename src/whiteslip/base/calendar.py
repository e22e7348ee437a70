"""Days: month arithmetic that survives the 31st, and business days."""

from __future__ import annotations

import calendar as _calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SATURDAY = 5
_LONGEST_MONTH = 31


def add_months(day: date, months: int, anchor: int | None = None) -> date:
    """``day`` moved by whole months, clamped to the month's end.

    ``anchor`` is the wished day of the month (1 to 31). Passing it keeps a schedule that starts
    on the 31st on the last day of short months without drifting to the 28th for ever.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = _calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(anchor or day.day, last))


def months_before(day: date, months: int) -> date:
    """The day whole months before ``day``. The end of a month stays the end of the month."""
    return add_months(day, -months, _LONGEST_MONTH if add_months(day, 0, _LONGEST_MONTH) == day else day.day)


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


def local_day(now: datetime, timezone: str) -> date:
    """The calendar day at ``now`` in an IANA ``timezone``: the business day an act is booked on."""
    return now.astimezone(ZoneInfo(timezone)).date()


def start_of_day(day: date, timezone: str) -> datetime:
    """The first instant of ``day`` in ``timezone``, in UTC."""
    return datetime.combine(day, time.min, ZoneInfo(timezone)).astimezone(UTC)


def after_days(now: datetime, days: int, timezone: str) -> datetime:
    """The first instant that has as many whole ``days`` between its day and the day of ``now``."""
    return start_of_day(local_day(now, timezone) + timedelta(days=days + 1), timezone)


def end_of_day(day: date, timezone: str) -> datetime:
    """The last microsecond of ``day`` in ``timezone``, as an instant in UTC.

    The nightly close of a day runs "as of" this instant, whenever it really runs.
    """
    return start_of_day(day + timedelta(days=1), timezone) - timedelta(microseconds=1)
