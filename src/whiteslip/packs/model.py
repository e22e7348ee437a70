"""Packs and their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from whiteslip.base import Calendar, add_months
from whiteslip.packs.calendars import CalendarName, business_days


class PackError(ValueError):
    """A pack or parameter that does not exist, or is read in the wrong unit: says which."""


class Unit(StrEnum):
    """What a value counts. ``MINOR`` is minor units of the pack's currency, ``BPS`` basis points.

    ``TEXT`` counts nothing: its value is a text.
    """

    MINUTES = "minutes"
    DAYS = "days"
    BUSINESS_DAYS = "business_days"
    MONTHS = "months"
    YEARS = "years"
    COUNT = "count"
    MINOR = "minor"
    BPS = "bps"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What the law, the market or our design gives: a number, or a text.

    ``verified`` says that the source was read in the primary text or a reliable restatement of it,
    and that it is this pack's law: what a country has from ``base`` is never verified for it.
    ``duty`` is the id of the duty it serves, ``pack`` the pack that set it.
    """

    key: str
    value: int | str
    unit: Unit
    source: str
    verified: bool
    duty: str
    pack: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A jurisdiction: its parameters, currency, timezone, business days and default terms.

    ``holidays`` and ``workdays`` are what the pack says besides the calendar it follows. ``country``: whose
    phone numbers are written without its code; empty where all need theirs.
    """

    name: str
    title: str
    currency: str
    timezone: str
    calendar_name: CalendarName
    parameters: Mapping[str, Parameter]
    terms: Mapping[str, Any] = field(default_factory=dict[str, Any])
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    country: str = ""

    @property
    def calendar(self) -> Calendar:
        """Its business days. Computed when first asked for: 0.3 s once per process."""
        return business_days(self.calendar_name, self.holidays, self.workdays)

    def _read(self, key: str, unit: Unit) -> int | str:
        found = self.parameters.get(key)
        if found is None:
            raise PackError(f"pack {self.name} has no parameter {key}")
        if found.unit is not unit:
            raise PackError(f"{key} in pack {self.name} is in {found.unit}, not in {unit}")
        return found.value

    def _number(self, key: str, unit: Unit) -> int:
        value = self._read(key, unit)
        if isinstance(value, str):
            raise PackError(f"{key} in pack {self.name} is a text, not a number of {unit}")
        return value

    def minutes(self, key: str) -> int:
        """A parameter in minutes."""
        return self._number(key, Unit.MINUTES)

    def days(self, key: str) -> int:
        """A parameter in calendar days."""
        return self._number(key, Unit.DAYS)

    def business_days(self, key: str) -> int:
        """A parameter in business days of the pack's calendar."""
        return self._number(key, Unit.BUSINESS_DAYS)

    def months(self, key: str) -> int:
        """A parameter in months."""
        return self._number(key, Unit.MONTHS)

    def years(self, key: str) -> int:
        """A parameter in years."""
        return self._number(key, Unit.YEARS)

    def last_day(self, key: str, since: date) -> date:
        """The last day of a period that began on ``since``, in whichever unit of time this pack puts it: of
        parameters whose name says none.
        """
        unit = self.parameters[key].unit
        length = self._number(key, unit)
        match unit:
            case Unit.DAYS:
                return since + timedelta(days=length)
            case Unit.BUSINESS_DAYS:
                return self.calendar.add_business_days(since, length)
            case Unit.MONTHS:
                return add_months(since, length)
            case Unit.YEARS:
                return add_months(since, 12 * length)
            case _:
                raise PackError(f"{key} in pack {self.name} is in {unit}, which is no time in days")

    def count(self, key: str) -> int:
        """A parameter that counts things."""
        return self._number(key, Unit.COUNT)

    def minor(self, key: str) -> int:
        """A parameter in minor units of the pack's currency."""
        return self._number(key, Unit.MINOR)

    def bps(self, key: str) -> int:
        """A parameter in basis points."""
        return self._number(key, Unit.BPS)

    def text(self, key: str) -> str:
        """A parameter that is a text."""
        return str(self._read(key, Unit.TEXT))

    def says(self, key: str) -> bool:
        """Whether a parameter is this pack's own law or choice, and not filled in from ``base``."""
        return self.parameters[key].pack == self.name != "base"

    def listed(self) -> Sequence[Parameter]:
        """All parameters by key."""
        return [self.parameters[key] for key in sorted(self.parameters)]
