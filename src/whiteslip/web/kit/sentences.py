"""Refusals in human words: which HTTP status a code has, and its sentence in both languages.

The sentences are data, in ``sentences.toml``. Facts follow the house's names, so a sentence can
show them well: ``room_minor`` is money when the fact ``currency`` is there too, ``due_on`` an ISO
date, ``stopped_at`` an ISO instant, ``rate_bps`` a rate.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path

from whiteslip.base import Money, Rate, Refusal
from whiteslip.web.kit.i18n import LANGUAGES, Fact, Lang, Speech


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a refusal code means to people, and its HTTP status."""

    status: int
    text: Mapping[Lang, str]


@cache
def known() -> Mapping[str, Sentence]:
    """What every refusal code means; read when the first is asked for."""
    raw = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text("utf-8"))
    return {
        code: Sentence(status=entry["status"], text={lang: entry[lang] for lang in LANGUAGES})
        for code, entry in raw.items()
    }


class _Known(dict[str, Fact]):
    """Facts by name. A fact that is absent shows as a dash: a gap never turns a no into a crash."""

    def __missing__(self, key: str) -> str:
        return "—"


def _spoken(facts: Mapping[str, str | int]) -> dict[str, Fact]:
    spoken: dict[str, Fact] = dict(facts)
    currency = facts.get("currency")
    for name, value in facts.items():
        if name.endswith("_minor") and isinstance(value, int) and isinstance(currency, str):
            spoken[name] = Money(value, currency)
        elif name.endswith("_bps") and isinstance(value, int):
            spoken[name] = Rate(value)
        elif name.endswith("_on") and isinstance(value, str):
            spoken[name] = date.fromisoformat(value)
        elif name.endswith("_at") and isinstance(value, str):
            spoken[name] = datetime.fromisoformat(value)
    return spoken


def status_of(refusal: Refusal) -> int:
    """The HTTP status of a refusal."""
    return known()[refusal.code].status


def sentence(refusal: Refusal, speech: Speech) -> str:
    """The refusal in the reader's language."""
    words = _Known({name: speech.word(fact) for name, fact in _spoken(refusal.facts).items()})
    return known()[refusal.code].text[speech.lang].format_map(words)
