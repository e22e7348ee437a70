"""Business-day calendars of jurisdictions, by the library ``holidays``, year by year as they are asked for.

China moves working days onto weekends around its holidays and announces that each autumn for the
next year. For a year that the library does not know yet, only the statutory days are off.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import date
from typing import Final

from holidays import HolidayBase, country_holidays, financial_holidays

from whiteslip.base import Calendar
from whiteslip.base.calendar import SATURDAY


class _MakeUpDays(Container[date]):
    """Weekend days on which offices work."""

    def __init__(self, of: HolidayBase) -> None:
        self._of = of

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day.weekday() >= SATURDAY and self._of.is_working_day(day)


class _DaysOff(Container[date]):
    """Days on which offices are closed, weekends apart."""

    def __init__(self, of: HolidayBase) -> None:
        self._of = of

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day in self._of


def _of(make: Callable[[], HolidayBase]) -> Callable[[], Calendar]:
    def calendar() -> Calendar:
        found = make()
        return Calendar(_DaysOff(found), _MakeUpDays(found))

    return calendar


# By the name that a pack's file uses. "weekends" knows no holidays.
CALENDARS: Final[dict[str, Callable[[], Calendar]]] = {
    "weekends": Calendar,
    "china": _of(lambda: country_holidays("CN")),
    "target2": _of(lambda: financial_holidays("XECB")),
    "england": _of(lambda: country_holidays("GB", subdiv="ENG")),
    "us_federal": _of(lambda: country_holidays("US")),
}
