"""Which language, and how it says money, days and instants."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.base import Money, Rate
from whiteslip.web.kit.i18n import Speech, Texts, as_language, preferred

CHINESE, ENGLISH = Speech("zh-CN", "Asia/Shanghai"), Speech("en", "Asia/Shanghai")


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en-GB,en;q=0.9", "en"),
        ("fr, en;q=0.3, zh-TW;q=0.7", "zh-CN"),
        ("fr-FR, de", "zh-CN"),
        ("", "zh-CN"),
        ("en;q=0", "zh-CN"),
        ("en;q=oops", "en"),
    ],
)
def test_the_browsers_wishes_are_weighed(header: str, lang: str):
    assert preferred(header, "zh-CN") == lang


@given(st.text(max_size=200))
def test_any_header_gives_a_language(header: str):
    assert preferred(header, "en") in {"zh-CN", "en"}


def test_a_tag_is_read_by_its_language():
    assert (as_language("zh-Hans-TW"), as_language("EN-us"), as_language("fr"), as_language(None)) == (
        "zh-CN",
        "en",
        None,
        None,
    )


def test_money_days_instants_and_rates_are_said_as_the_language_says_them():
    at = datetime(2026, 10, 22, 6, 3, 22, tzinfo=UTC)
    assert CHINESE.money(Money(120_050, "CNY")) == "¥1,200.50"
    assert ENGLISH.money(Money(-120_050, "CNY")) == "-CN¥1,200.50"
    assert ENGLISH.money(Money(1_200, "JPY")) == "JP¥1,200"
    assert ENGLISH.figure(Money(120_050, "CNY")) == "1,200.50"
    assert (CHINESE.symbol("CNY"), ENGLISH.symbol("CNY")) == ("¥", "CN¥")
    assert (CHINESE.day(date(2026, 11, 8)), ENGLISH.day(date(2026, 11, 8))) == (
        "2026年11月8日",
        "8 November 2026",
    )
    assert (CHINESE.short_day(date(2026, 11, 8)), ENGLISH.short_day(date(2026, 11, 8))) == (
        "2026-11-08",
        "8 Nov 2026",
    )
    assert CHINESE.instant(at) == "2026年10月22日 14:03:22"
    assert ENGLISH.instant(at) == "22 October 2026 at 14:03:22"
    assert ENGLISH.percent(Rate(1_825)) == "18.25%"


def test_a_naive_instant_is_a_bug():
    with pytest.raises(ValueError, match="aware"):
        ENGLISH.instant(datetime(2026, 1, 1))  # noqa: DTZ001


def test_one_and_many_are_told_apart_by_the_fact_n():
    assert ENGLISH.say("{n} day|{n} days", {"n": 1}) == "1 day"
    assert ENGLISH.say("{n} day|{n} days", {"n": 3}) == "3 days"


def test_a_text_that_is_nowhere_is_a_bug():
    with pytest.raises(KeyError):
        Texts("kit/guide", ENGLISH)("no_such_text")


def test_a_page_may_say_a_text_of_the_kit_otherwise():
    assert Texts("kit/guide", ENGLISH)("back") == "Back"
    assert Texts("kit/guide", ENGLISH)("error_code") != Texts("kit", ENGLISH)("error_invalid")
