"""Business days: the calendars a pack may follow, computed by the library ``holidays``."""

from __future__ import annotations

import functools
import importlib
from datetime import date
from enum import StrEnum
from typing import Any, Final

from whiteslip.base import Calendar

# Outside these years weekends are off and nothing else. 2004 is before any consumer line that
# could be taken over; 2045 is beyond any clock that runs today.
YEARS: Final = range(2004, 2046)


class CalendarName(StrEnum):
    """Whose days off count.

    ``CN`` has the public holidays of mainland China with the weekends moved into work, ``TARGET2``
    the closing days of the euro's payment system, ``UK`` the bank holidays of England and Wales,
    ``US`` the federal holidays on the days they are observed. ``WEEKENDS`` knows weekends only.
    """

    WEEKENDS = "WEEKENDS"
    CN = "CN"
    TARGET2 = "TARGET2"
    UK = "UK"
    US = "US"


@functools.cache
def business_days(
    name: CalendarName,
    holidays: frozenset[date] = frozenset(),
    workdays: frozenset[date] = frozenset(),
) -> Calendar:
    """The calendar ``name``, with days off and days of work of the pack's own.

    What a pack says itself wins over the library: its ``workdays`` are worked, its ``holidays``
    are off unless it also calls them workdays.
    """
    known = _computed(name)
    return Calendar(known.holidays | holidays, known.workdays - holidays | workdays)


def make_up_days_until(calendar: Calendar) -> int | None:
    """The last year with a weekend that is worked; None where there never is one.

    China announces each year's make-up days in the autumn before. For years after this one only
    the holidays themselves are known.
    """
    return max((day.year for day in calendar.workdays), default=None)


@functools.cache
def _computed(name: CalendarName) -> Calendar:
    """What the library knows, once per process: 0.3 s for the first calendar, then milliseconds."""
    if name is CalendarName.WEEKENDS:
        return Calendar()
    # Imported when business days are first counted, not before: most commands never do, and the
    # library takes a quarter of the time that all of Whiteslip takes to start.
    library: Any = importlib.import_module("holidays")
    match name:
        case CalendarName.CN:
            found = library.country_holidays("CN", years=YEARS)
        case CalendarName.TARGET2:
            found = library.financial_holidays("XECB", years=YEARS)
        case CalendarName.UK:
            found = library.country_holidays("GB", subdiv="ENG", years=YEARS)
        case CalendarName.US:
            found = library.country_holidays("US", years=YEARS)
    return Calendar(
        frozenset(day for day in found if day.year in YEARS),
        frozenset(day for day in found.weekend_workdays if day.year in YEARS),
    )
