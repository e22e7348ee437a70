"""The words of letters: texts by language, sums of money, and facts put into a text. Pure, apart from reading
its own files.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel.numbers import format_currency

from whiteslip.base.money import MINOR_DIGITS

LANGUAGES: Final = ("zh-CN", "en")
_HERE: Final = Path(__file__).parent
LOCALES: Final = {"zh-CN": "zh_Hans_CN", "en": "en_GB"}
_FACT: Final = re.compile(r"\{(\w+)\}")


@cache
def texts(language: str) -> Mapping[str, Any]:
    """All texts of a language. Raises ValueError for one we do not speak."""
    if language not in LANGUAGES:
        raise ValueError(f"letters are written in {', '.join(LANGUAGES)}, not in {language}")
    return tomllib.loads((_HERE / "texts" / f"{language}.toml").read_text("utf-8"))


def money(minor: int, currency: str, language: str) -> str:
    """A sum in words."""
    units = Decimal(minor).scaleb(-MINOR_DIGITS[currency])
    return format_currency(units, currency, locale=LOCALES[language])


def fill(text: str, words: Mapping[str, str]) -> str:
    """Put words for facts, once: a value with braces in it stays as it is."""
    return _FACT.sub(lambda match: words[match[1]], text)
