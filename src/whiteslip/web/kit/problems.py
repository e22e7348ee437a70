"""Refusals in human words: which HTTP status a code has, and its sentence in both languages.

The sentences are data, in ``sentences.toml``. Facts follow the house's names, so a sentence can
show them well: ``room_minor`` is money when the fact ``currency`` is there too, ``due_on`` an ISO
date, ``stopped_at`` an ISO instant, ``rate_bps`` a rate.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import msgspec
from litestar.openapi.datastructures import ResponseSpec

from whiteslip.base import Money, Rate, Refusal
from whiteslip.web.kit.i18n import LANGUAGES, Fact, Lang, Speech, texts_in

MEDIA_TYPE: Final = "application/problem+json"
TYPES_AT: Final = "/api/problems"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a refusal code means to people, and its HTTP status."""

    status: int
    text: Mapping[Lang, str]


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong with a request.

    ``pointer`` is a JSON pointer (RFC 6901) into the body; ``parameter`` names a parameter instead.
    """

    pointer: str | None = None
    parameter: str | None = None
    code: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem after RFC 9457, with our ``code``, the ``request_id`` and ``errors``."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str | None = None
    request_id: str | None = None
    errors: Sequence[Fault] = ()


class Refused(Exception):  # noqa: N818 - it is a refusal on its way to the edge, not an error
    """Carries a refusal out of a guard or a dependency, where no answer can be returned."""

    def __init__(self, refusal: Refusal, faults: Sequence[Fault] = ()) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.faults = faults


def _load() -> dict[str, Sentence]:
    raw = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text("utf-8"))
    return {
        code: Sentence(status=entry["status"], text={lang: entry[lang] for lang in LANGUAGES})
        for code, entry in raw.items()
    }


SENTENCES: Final[Mapping[str, Sentence]] = _load()


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
    return SENTENCES[refusal.code].status


def sentence(refusal: Refusal, speech: Speech) -> str:
    """The refusal in the reader's language."""
    words = _Known({name: speech.word(fact) for name, fact in _spoken(refusal.facts).items()})
    return SENTENCES[refusal.code].text[speech.lang].format_map(words)


def title_of(status: int, lang: Lang) -> str:
    """A short title that is the same for every problem of a status."""
    texts = texts_in("kit")[lang]
    return texts.get(f"status_{status}") or texts["status_500"]


def problem(
    refusal: Refusal,
    lang: Lang,
    *,
    timezone: str = "Asia/Shanghai",
    instance: str | None = None,
    request_id: str | None = None,
    faults: Sequence[Fault] = (),
) -> Problem:
    """The refusal as RFC 9457 has it. ``instance`` is the path asked for, without its query."""
    status = status_of(refusal)
    return Problem(
        type=f"{TYPES_AT}#{refusal.code}",
        title=title_of(status, lang),
        status=status,
        detail=sentence(refusal, Speech(lang, timezone)),
        code=refusal.code,
        instance=instance,
        request_id=request_id,
        errors=faults,
    )


def problem_responses(*statuses: int) -> dict[int, ResponseSpec]:
    """``responses=`` for a route: these statuses answer with a problem, and 400, which any route may answer.

    For the OpenAPI document.
    """
    spec = ResponseSpec(
        data_container=Problem, media_type=MEDIA_TYPE, description="A problem", generate_examples=False
    )
    return dict.fromkeys((400, *statuses), spec)
