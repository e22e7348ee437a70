"""Two languages: which one, the texts of a page, and numbers, money and time in words."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, get_timezone_name
from babel.numbers import (
    format_compact_currency,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_symbol,
)

from whiteslip.base import Money, Rate, end_of_day
from whiteslip.base.money import BASIS_POINTS, MINOR_DIGITS

Lang: TypeAlias = Literal["zh-CN", "en"]
Fact: TypeAlias = str | int | Money | Rate | date | datetime

LANGUAGES: Final[tuple[Lang, ...]] = ("zh-CN", "en")
NAMES: Final[dict[Lang, str]] = {"zh-CN": "中文", "en": "English"}
_WEB: Final = Path(__file__).parents[1]
# British English: day before month, which nobody misreads once the month is a word.
_LOCALES: Final[dict[Lang, Locale]] = {"zh-CN": Locale.parse("zh_Hans_CN"), "en": Locale.parse("en_GB")}
_INSTANTS: Final[dict[Lang, str]] = {"zh-CN": "y年M月d日 HH:mm:ss", "en": "d MMMM y 'at' HH:mm:ss"}

_DAY_ENDS: Final[dict[Lang, str]] = {"zh-CN": "{day}24时", "en": "the end of {day}"}
_AFTER_DAY: Final = re.compile(r"(?<=\d[日时]) (?=[\u4e00-\u9fff])")
_SHORT_DAYS: Final[dict[Lang, str]] = {"zh-CN": "y-MM-dd", "en": "d MMM y"}


def as_language(text: str | None) -> Lang | None:
    """The language we speak that a tag such as ``zh-Hans-TW`` or ``en-US`` asks for, or None."""
    main = (text or "").strip().lower().partition("-")[0]
    return "zh-CN" if main == "zh" else "en" if main == "en" else None


def preferred(accept_language: str, default: Lang) -> Lang:
    """The first language of an Accept-Language header that we speak, by its weights; else ``default``."""
    wishes: list[tuple[float, Lang]] = []
    for part in accept_language.split(",")[:32]:
        tag, _, weight = part.partition(";q=")
        language = as_language(tag)
        if language is not None:
            wishes.append((_weight(weight), language))
    wishes.sort(key=lambda wish: -wish[0])
    return wishes[0][1] if wishes and wishes[0][0] > 0 else default


def _weight(text: str) -> float:
    digits = text.strip().replace(".", "", 1)
    return float(text) if digits.isascii() and digits.isdigit() else 1.0


@dataclass(frozen=True, slots=True)
class Speech:
    """Says amounts and times in one language; instants in ``timezone`` (IANA), to the second."""

    lang: Lang
    timezone: str

    def money(self, amount: Money) -> str:
        """An amount with its sign: ``¥1,200.50`` in Chinese, ``CN¥1,200.50`` in English."""
        units = Decimal(amount.minor).scaleb(-MINOR_DIGITS[amount.currency])
        return format_currency(units, amount.currency, locale=_LOCALES[self.lang])

    def figure(self, amount: Money) -> str:
        """An amount without its sign, for a column whose head names the currency: ``1,200.50``."""
        digits = MINOR_DIGITS[amount.currency]
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        units = Decimal(amount.minor).scaleb(-digits)
        return format_decimal(units, format=pattern, locale=_LOCALES[self.lang])

    def day(self, day: date) -> str:
        """A date in words: ``2026年10月22日``, ``22 October 2026``."""
        return format_date(day, format="long", locale=_LOCALES[self.lang])

    def short_day(self, day: date) -> str:
        """A date for tables: ``2026-10-22``, ``22 Oct 2026``."""
        return format_date(day, format=_SHORT_DAYS[self.lang], locale=_LOCALES[self.lang])

    def symbol(self, currency: str) -> str:
        """A currency's sign, as :meth:`money` writes it: ``¥``, ``CN¥``."""
        return get_currency_symbol(currency, locale=_LOCALES[self.lang])

    def instant(self, at: datetime) -> str:
        """An instant to the second, in the portal's timezone."""
        if at.tzinfo is None:
            raise ValueError("an instant must be aware")
        zone = ZoneInfo(self.timezone)
        return format_datetime(at.astimezone(zone), _INSTANTS[self.lang], locale=_LOCALES[self.lang])

    def deadline(self, at: datetime) -> str:
        """Until when something may be done: an instant, or where a day ends with it only that day.

        It reads well behind ``by`` and before 前: the end of 3 December 2026, 2026年12月3日24时.
        """
        day = at.astimezone(ZoneInfo(self.timezone)).date()
        ends = at == end_of_day(day, self.timezone)
        return _DAY_ENDS[self.lang].format(day=self.day(day)) if ends else self.instant(at)

    def percent(self, rate: Rate) -> str:
        """A rate in percent, to the basis point: ``18.25%``."""
        share = Decimal(rate.bps).scaleb(1 - len(str(BASIS_POINTS)))
        return format_percent(share, format="#,##0.##%", locale=_LOCALES[self.lang])

    def share(self, value: float) -> str:
        """A share of one in percent, for figures about many: ``5.22%``."""
        return format_percent(value, format="#,##0.00%", locale=_LOCALES[self.lang])

    def magnitude(self, value: float, currency: str) -> str:
        """About how much, for the axis of a chart: ``CN¥1.2M``, ``¥120万``."""
        return format_compact_currency(value, currency, locale=_LOCALES[self.lang], fraction_digits=1)

    def number(self, value: int) -> str:
        """A whole number with thousands apart."""
        return format_decimal(value, locale=_LOCALES[self.lang])

    def zone(self) -> str:
        """The timezone's name: ``中国标准时间``, ``China Standard Time``."""
        return get_timezone_name(ZoneInfo(self.timezone), width="long", locale=_LOCALES[self.lang])

    def word(self, fact: Fact) -> str:
        """Any fact, as this language writes it. Text and whole numbers stay as they are."""
        match fact:
            case Money():
                return self.money(fact)
            case Rate():
                return self.percent(fact)
            case datetime():
                return self.instant(fact)
            case date():
                return self.day(fact)
            case _:
                return str(fact)

    def say(self, sentence: str, facts: Mapping[str, Fact]) -> str:
        """Fill ``{placeholders}``. ``one|many`` is chosen by the fact ``n``, where it is given."""
        if "n" in facts and "|" in sentence:
            one, _, many = sentence.partition("|")
            sentence = one if facts["n"] == 1 else many
        said = sentence.format_map({key: self.word(fact) for key, fact in facts.items()})
        # Around a number there is a space; the last sign of a date or an hour is no number.
        return _AFTER_DAY.sub("", said) if self.lang == "zh-CN" else said


Table: TypeAlias = Mapping[Lang, Mapping[str, str]]


@functools.cache
def texts_in(folder: str) -> Table:
    """The texts of a page folder below ``web/``, from its ``page.toml``; empty when it has none."""
    path = _WEB / folder / "page.toml"
    found = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    return {language: found.get(language, {}) for language in LANGUAGES}


@functools.cache
def texts_around(folder: str) -> Table:
    """What a page in ``folder`` can say: its own texts, then those of the folders above, then the kit's."""
    found: dict[Lang, dict[str, str]] = {language: {} for language in LANGUAGES}
    for place in ("kit", *reversed(PurePosixPath(folder).parents), folder):
        for language in LANGUAGES:
            found[language] |= texts_in(str(place))[language]
    return found


class Texts:
    """``t('key', **facts)``: a text of the page's own folder, of one above it, or else of the kit."""

    def __init__(self, folder: str, speech: Speech) -> None:
        self.speech = speech
        self._known = texts_around(folder)[speech.lang]

    def __call__(self, key: str, /, **facts: Fact) -> str:
        """The text of ``key``. A key that is nowhere is a bug and raises KeyError."""
        return self.speech.say(self._known[key], facts)

    def first(self, keys: Iterable[str], facts: Mapping[str, Fact]) -> str:
        """The text of the first of ``keys`` that exists."""
        for key in keys:
            sentence = self._known.get(key)
            if sentence is not None:
                return self.speech.say(sentence, facts)
        raise KeyError("none of these texts exists: " + ", ".join(keys))
