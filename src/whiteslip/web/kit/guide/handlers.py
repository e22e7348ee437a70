"""``/kit`` shows the components (demonstrations only); ``/api`` says where the machines' door is described,
and ``/api/problems`` explains its refusal codes.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post

from whiteslip.base import Money, Rate
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, parse_money, see_other
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.problems import title_of
from whiteslip.web.kit.sentences import known

# Figures of the sample, so that the page shows the same thing on every day.
SAMPLE: Final[dict[str, Any]] = {
    "owed": Money(128_650, "CNY"),
    "interest": Money(1_286, "CNY"),
    "fee": Money(0, "CNY"),
    "limit": Money(1_200_000, "CNY"),
    "rate": Rate(1_825),
    "due": date(2026, 11, 8),
    "stopped": datetime(2026, 10, 22, 6, 3, 22, tzinfo=UTC),
    "instalments": [
        (date(2026, 11, 8), Money(42_883, "CNY"), Money(643, "CNY")),
        (date(2026, 12, 8), Money(42_883, "CNY"), Money(429, "CNY")),
        (date(2027, 1, 8), Money(42_884, "CNY"), Money(214, "CNY")),
    ],
}
SMALLEST: Final = Money(10_000, "CNY")
# A sentence's fact: what stands between is words, what it splits off is a name.
_FACT: Final = re.compile(r"\{(\w+)\}")


class Sample(msgspec.Struct):
    """The form of the style guide."""

    limit: str
    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9 -]{6,9}$")]
    reason: list[str] = msgspec.field(default_factory=list[str])


def _read(form: Form) -> Sample | Errors:
    sample = form.read(Sample)
    if isinstance(sample, Errors):
        return sample
    limit, errors = parse_money(sample.limit, "CNY"), Errors()
    if limit is None:
        errors.add("limit", "invalid")
    elif limit < SMALLEST:
        errors.add("limit", "too_small", least=SMALLEST)
    return errors or sample


@get("/kit", sync_to_thread=True)
def guide(request: WebRequest) -> Response[str]:
    """Every component."""
    return page(request, "kit/guide/page.html", form=Form(), sample=SAMPLE)


@post("/kit", sync_to_thread=True, status_code=200)
def try_form(request: WebRequest, form: FromForm) -> Response[Any]:
    """The sample form, answered as any other."""
    sample = _read(form)
    if isinstance(sample, Errors):
        return page(request, "kit/guide/page.html", form=form, errors=sample, sample=SAMPLE)
    return see_other(request, "/kit?sent=yes")


@get("/kit/console", sync_to_thread=True)
def desk(request: WebRequest) -> Response[str]:
    """The layout of the desk."""
    return page(request, "kit/guide/desk.html", sample=SAMPLE)


@get("/api", sync_to_thread=True)
def machines(request: WebRequest) -> Response[str]:
    """Where the contract and the refusal codes are, and how a machine comes in."""
    return page(request, "kit/guide/api.html")


@get("/api/problems", sync_to_thread=True)
def problem_types(request: WebRequest) -> Response[str]:
    """What each refusal code means; the ``type`` of a problem points here."""
    lang = language_of(request)
    rows = [
        (code, said.status, title_of(said.status, lang), _FACT.split(said.text[lang]))
        for code, said in sorted(known().items())
    ]
    return page(request, "kit/guide/problems.html", rows=rows)


guide_handlers: Final = [guide, try_form, desk]
