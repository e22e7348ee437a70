"""What groups of lines are called: bands of limits as amounts, months of opening as months."""

from __future__ import annotations

import re
from typing import Final

from whiteslip.base.money import MINOR_DIGITS
from whiteslip.portfolio.book import LIMIT_BANDS
from whiteslip.web.kit.i18n import Speech, Texts

_MONTH: Final = re.compile(r"(\d{4})(\d{2})")
_ABOVE: Final = "above_2m"


def _units(minor: int, currency: str) -> int:
    """A band's edge is a round sum: whole units say it."""
    return minor // 10 ** MINOR_DIGITS[currency]


def called(name: str, currency: str, speech: Speech, t: Texts) -> str:
    """A group of a segmented measure in words."""
    if name in ("all", "other"):
        return t(f"group_{name}")
    if month := _MONTH.fullmatch(name):
        return f"{month[1]}-{month[2]}"
    least = 0
    for most, band in LIMIT_BANDS:
        if name == band:
            to = speech.number(_units(most, currency))
            return (
                t("group_between", least=speech.number(_units(least, currency)), most=to)
                if least
                else t("group_up_to", most=to)
            )
        least = most
    return t("group_above", least=speech.number(_units(least, currency))) if name == _ABOVE else name.upper()
