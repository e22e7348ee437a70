"""Business days by known dates of each calendar."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import pytest
from holidays import country_holidays
from hypothesis import given
from hypothesis import strategies as st

from whiteslip import packs
from whiteslip.base import Calendar
from whiteslip.packs.calendars import YEARS, CalendarName, business_days

FOLLOWED: Final = {"base": "WEEKENDS", "cn": "CN", "eu": "TARGET2", "uk": "UK", "us": "US"}
OFF, ON = False, True


def days(first: str, last: str) -> list[date]:
    """All days from ``first`` to ``last``."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(days=count) for count in range((end - start).days + 1)]


def test_each_pack_follows_its_calendar():
    assert {name: str(packs.load(name).calendar_name) for name in packs.names()} == FOLLOWED


@pytest.mark.parametrize(
    ("pack", "day", "works"),
    [
        ("base", "2026-12-25", ON),
        ("base", "2026-10-10", OFF),
        # China: a Saturday worked for the week off before it, and the week off.
        ("cn", "2026-10-10", ON),
        ("cn", "2026-10-11", OFF),
        ("cn", "2026-10-07", OFF),
        ("cn", "2026-02-14", ON),
        ("cn", "2025-01-26", ON),
        ("cn", "2025-02-05", ON),
        ("cn", "2025-01-27", ON),
        ("cn", "2026-12-25", ON),
        # The euro's payment system closes on Good Friday and works on Whit Monday.
        ("eu", "2026-04-03", OFF),
        ("eu", "2026-04-06", OFF),
        ("eu", "2026-05-01", OFF),
        ("eu", "2026-05-25", ON),
        ("eu", "2026-12-24", ON),
        ("eu", "2025-12-26", OFF),
        # England and Wales: the summer bank holiday, and Boxing Day moved from a Saturday.
        ("uk", "2026-08-31", OFF),
        ("uk", "2026-12-28", OFF),
        ("uk", "2026-08-03", ON),  # Scotland's
        ("uk", "2026-07-13", ON),  # Northern Ireland's
        ("uk", "2026-05-08", ON),
        # Federal holidays on the day they are observed.
        ("us", "2026-07-03", OFF),
        ("us", "2026-11-26", OFF),
        ("us", "2026-11-27", ON),
        ("us", "2027-12-31", OFF),
        ("us", "2026-04-03", ON),
    ],
)
def test_a_known_day_is_worked_or_not(pack: str, day: str, works: bool):
    assert packs.load(pack).calendar.is_business_day(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("first", "last"),
    [("2025-01-28", "2025-02-04"), ("2026-02-15", "2026-02-23"), ("2026-10-01", "2026-10-07")],
)
def test_a_golden_week_in_china_has_no_day_of_work(first: str, last: str):
    calendar = packs.load("cn").calendar
    assert [day for day in days(first, last) if calendar.is_business_day(day)] == []


def test_seven_business_days_over_a_golden_week_count_the_saturday_that_is_worked():
    calendar = packs.load("cn").calendar
    assert calendar.add_business_days(date(2026, 9, 30), 3) == date(2026, 10, 10)
    assert calendar.add_business_days(date(2026, 9, 30), 7) == date(2026, 10, 15)


def test_wales_has_the_bank_holidays_of_england():
    england = country_holidays("GB", subdiv="ENG", years=YEARS)
    assert set(country_holidays("GB", subdiv="WLS", years=YEARS)) == set(england)


def test_years_without_make_up_days_yet_have_their_holidays_and_no_weekend_of_work():
    calendar = packs.load("cn").calendar
    until = packs.make_up_days_until(calendar)
    assert until is not None
    assert until >= 2026
    later = date(until + 1, 10, 1)
    assert not calendar.is_business_day(later)
    assert {day.year for day in calendar.workdays if day > later} == set()


def test_only_china_works_on_weekends():
    working = {name for name in packs.names() if packs.make_up_days_until(packs.load(name).calendar)}
    assert working == {"cn"}


def test_what_a_pack_says_itself_wins_over_the_library():
    day, saturday = date(2027, 2, 11), date(2027, 2, 20)
    pack = replace(packs.load("cn"), holidays=frozenset({day}), workdays=frozenset({saturday}))
    assert packs.load("cn").calendar.is_business_day(day)
    assert not packs.load("cn").calendar.is_business_day(saturday)
    assert not pack.calendar.is_business_day(day)
    assert pack.calendar.is_business_day(saturday)
    worked = date(2026, 10, 10)
    taken_back = replace(pack, holidays=frozenset({worked}))
    assert not taken_back.calendar.is_business_day(worked)


@given(st.sampled_from(list(CalendarName)), st.dates(date(1990, 1, 1), date(2060, 12, 31)))
def test_outside_the_years_known_weekends_are_off_and_nothing_else(name: CalendarName, day: date):
    if day.year not in YEARS:
        assert business_days(name).is_business_day(day) is Calendar().is_business_day(day)


@given(st.sampled_from(list(CalendarName)), st.dates(date(2004, 1, 1), date(2044, 12, 31)))
def test_nobody_is_off_for_more_than_ten_days(name: CalendarName, day: date):
    assert business_days(name).add_business_days(day, 0) - day <= timedelta(days=10)


def test_packs_load_without_the_library_until_business_days_are_counted():
    script = (
        "import sys; from whiteslip import packs; [packs.load(name) for name in packs.names()]; "
        "assert 'holidays' not in sys.modules; packs.load('cn').calendar; assert 'holidays' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
