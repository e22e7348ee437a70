"""Refusals as the web answers them: problems, as RFC 9457 has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec
from litestar.openapi.datastructures import ResponseSpec

from whiteslip.base import Refusal
from whiteslip.web.kit.i18n import Lang, Speech, texts_in
from whiteslip.web.kit.sentences import sentence, status_of

T = TypeVar("T")

MEDIA_TYPE: Final = "application/problem+json"
TYPES_AT: Final = "/api/problems"


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


def granted(answer: T | Refusal) -> T:
    """What an act or a question gave. Raises Refused for a "no", which undoes the transaction."""
    if isinstance(answer, Refusal):
        raise Refused(answer)
    return answer


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
