"""From an application to facts, from facts to reasons. Pure."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from stdnum.cn import ric

from whiteslip.applications.model import Asked, Outcome, Source, State
from whiteslip.base import Refusal, Rounding, add_months
from whiteslip.base.money import divide
from whiteslip.identity.model import IdKind
from whiteslip.identity.rules import id_kind, normal_id_number
from whiteslip.packs import Pack

LANGUAGES: Final = ("zh-CN", "en")
# Every reason that an applicant may be given; the letters have a sentence for each in both languages.
REASONS: Final = (
    "not_of_age",
    "own_past_due",
    "person_cap_reached",
    "debt_service_high",
    "free_income_low",
    "lenders_elsewhere",
    "income_unproven",
    "past_due_elsewhere",
    "contact_differs",
)
_BPS: Final = 10_000
_MOST_BPS: Final = 100_000
_MOST_MINOR: Final = 10**12
_MOST_LENDERS: Final = 99
_MAJORITY_MONTHS: Final = 18 * 12
# Limits are offered in whole hundreds of the currency.
UNIT_MINOR: Final = 10_000
# What an applicant may wish for, as parts of the most that the pack lets one person be lent.
_WISHES: Final = (40, 20, 10, 4)


@cache
def consent(language: str) -> tuple[str, str]:
    """The consent's text and its version."""
    raw = tomllib.loads(Path(__file__).with_name("consent.toml").read_text("utf-8"))
    text = raw[language if language in LANGUAGES else "en"]["text"]
    return text, hashlib.sha256(text.encode()).hexdigest()[:12]


def is_consent(version: str) -> bool:
    """Whether a version is that of a text in force."""
    return version in {consent(language)[1] for language in LANGUAGES}


def wishes(pack: Pack) -> list[int]:
    """The limits that may be wished for, in minor units of the pack's currency, rising."""
    return [pack.minor("line.most_minor") // part for part in _WISHES]


def asked_fault(asked: Asked, pack: Pack) -> Refusal | None:
    """``application.facts_invalid`` with the fact's name, for one out of range."""
    bounds = {
        "net_income_minor": (0, _MOST_MINOR),
        "debt_service_minor": (0, _MOST_MINOR),
        "wanted_minor": (pack.minor("application.least_minor"), pack.minor("line.most_minor")),
        "lenders_elsewhere": (0, _MOST_LENDERS),
        "past_due_elsewhere": (0, _MOST_LENDERS),
    }
    for name, value in asked.values.items():
        low, high = bounds[name]
        if type(value) is not int or not low <= value <= high:
            return Refusal("application.facts_invalid", {"fact": name})
    return None


def of_age(id_number: str, today: date) -> bool:
    """Whether somebody may enter into a contract: the only use that is made of a birth date.

    A resident's ID number tells; the holder of another document says so by applying (civil codes put
    majority at eighteen: 民法典 article 17).
    """
    number = normal_id_number(id_number)
    if id_kind(number) is not IdKind.CN_RIC:
        return True
    return add_months(ric.get_birth_date(number), _MAJORITY_MONTHS) <= today


def ratio_bps(part: int, whole: int) -> int:
    """``part`` of ``whole`` in basis points, half up, at most 100,000, which is also any part of nothing; but
    nothing of nothing is nothing: who has no debts is not told that they pay too much for them.
    """
    if whole <= 0:
        return _MOST_BPS if part > 0 else 0
    return min(_MOST_BPS, divide(part * _BPS, whole, Rounding.HALF_UP))


def score_facts(asked: Asked) -> dict[str, object]:
    """The facts of the scorecard: what was given, and nothing of what somebody did here before.

    The limit wished for does not score: who wishes for more must not be offered less.
    """
    return {
        "debt_service_ratio_bps": ratio_bps(asked.debt_service_minor, asked.net_income_minor),
        "lenders_elsewhere": asked.lenders_elsewhere,
        "income_proven": int(asked.source("net_income_minor") is not Source.STATED),
        "past_due_elsewhere": asked.past_due_elsewhere,
    }


def limit_facts(
    asked: Asked,
    points: int,
    pack: Pack,
    *,
    of_age: bool,
    contact_agrees: bool,
    own_exposure_minor: int,
    own_dpd_days: int,
) -> dict[str, object]:
    """The facts of the table ``application-limit``."""
    return {
        "of_age": of_age,
        "contact_agrees": contact_agrees,
        "net_income_minor": asked.net_income_minor,
        "debt_service_minor": asked.debt_service_minor,
        "debt_service_ratio_bps": ratio_bps(asked.debt_service_minor, asked.net_income_minor),
        "lenders_elsewhere": asked.lenders_elsewhere,
        "wanted_minor": asked.wanted_minor,
        "own_exposure_minor": own_exposure_minor,
        "own_dpd_days": own_dpd_days,
        "most_minor": pack.minor("line.most_minor"),
        "least_minor": pack.minor("application.least_minor"),
        "unit_minor": UNIT_MINOR,
        "score": points,
    }


def principal_reasons(codes: Sequence[str], of_score: Sequence[str], most: int) -> tuple[str, ...]:
    """The table's reasons in its order; a low score is put into the facts that made it low.

    Regulation B, official comment 9(b)(2)-3: "did not score high enough" is no reason.
    """
    found: list[str] = []
    for code in codes:
        found += of_score if code == "score_low" else [code]
    return tuple(dict.fromkeys(found))[:most]


def state_after(outcome: Outcome) -> State:
    """Where an application goes when it is decided."""
    match outcome:
        case Outcome.APPROVE | Outcome.COUNTER_OFFER:
            return State.OFFERED
        case Outcome.REFER:
            return State.REFERRED
        case Outcome.DECLINE:
            return State.DECLINED
