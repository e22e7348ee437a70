"""Days, clocks and identifiers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.base import Calendar, TestClock, add_months, new_id
from whiteslip.base.ids import new_ids, parse_public, public


def test_a_month_after_31_january_is_the_end_of_february():
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)


def test_a_schedule_anchored_on_the_31st_returns_to_it():
    start = date(2026, 1, 31)
    days = [add_months(start, months, anchor=31) for months in range(4)]
    assert days == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(-240, 240))
def test_month_arithmetic_moves_by_whole_months(day: date, months: int):
    moved = add_months(day, months)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day <= day.day


def test_make_up_workdays_count_and_holidays_do_not():
    calendar = Calendar(frozenset({date(2026, 10, 1)}), frozenset({date(2026, 10, 10)}))
    assert calendar.add_business_days(date(2026, 9, 30), 1) == date(2026, 10, 2)
    assert calendar.is_business_day(date(2026, 10, 10))


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(0, 40))
def test_business_days_end_on_a_business_day(day: date, count: int):
    end = Calendar().add_business_days(day, count)
    assert Calendar().is_business_day(end)
    assert end >= day


def test_a_test_clock_never_goes_back():
    clock = TestClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.advance(timedelta(days=30))
    with pytest.raises(ValueError, match="only goes forward"):
        clock.set(datetime(2026, 1, 2, tzinfo=UTC))


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda now: now.year > 1990), st.integers(0, 5_000))
def test_ids_of_a_batch_rise_and_tell_their_time(now: datetime, count: int):
    ids = new_ids(now, count)
    assert ids == sorted(set(ids))
    assert len(ids) == count
    assert all((i.version, i.variant) == (7, RFC_4122) for i in ids)
    assert all(0 <= (i.int >> 80) - int(now.timestamp() * 1000) <= 2 for i in ids)


@given(st.uuids())
def test_the_public_form_of_an_id_leads_back_to_it(identifier: UUID):
    assert parse_public("line", public("line", identifier)) == identifier


@pytest.mark.parametrize("text", ["", "line_", "cus_" + "0" * 26, "line_" + "u" * 26, "line_" + "z" * 26])
def test_text_that_is_no_id_of_that_kind_gives_none(text: str):
    assert parse_public("line", text) is None


def test_ids_are_version_7_and_sort_by_time():
    early = new_id(datetime(2026, 1, 1, tzinfo=UTC))
    late = new_id(datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert early.version == 7
    assert early < late
