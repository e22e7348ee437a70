"""A customer asks for a higher limit: what they earn and owe, then the answer on the page of applications.

Nobody is led here: the line's page has one quiet link, the pages of leaving have none.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import applications
from whiteslip.applications import Asked, rules
from whiteslip.applications.model import Channel
from whiteslip.base import Refusal
from whiteslip.lines import Line
from whiteslip.lines.increases import cannot_rise
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, parse_money, see_other
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.portal.apply.handlers import MOST_LENDERS
from whiteslip.web.portal.visit import HOME, Visit, signed_in

# Times the present limit, in per cent, in whole hundreds of the currency.
_WISHES: Final = (125, 150, 200)
_PERCENT: Final = 100


class Wish(msgspec.Struct):
    """The form."""

    net_income: str
    debt_service: str
    lenders: int
    wanted: int
    consent: str


def wishes(line: Line, most_minor: int) -> list[int]:
    """Limits above the present one that may be wished for, rising, up to what the pack allows."""
    found = {min(line.limit_minor * part // _PERCENT, most_minor) for part in _WISHES}
    whole = {minor - minor % rules.UNIT_MINOR for minor in found}
    return sorted(minor for minor in whole if minor > line.limit_minor)


def _elsewhere(visit: Visit, line: Line) -> Response[Any] | None:
    """Where a line belongs whose limit cannot rise now; or the proof of who asks."""
    choices = wishes(line, visit.ports.pack.minor("line.most_minor"))
    if not choices or cannot_rise(line, choices[0]):
        return see_other(visit.request, HOME)
    return visit.must_prove(f"/lines/{line.id}/higher")


def _page(visit: Visit, line: Line, form: Form, **shown: Any) -> Response[Any]:
    text, version = rules.consent(language_of(visit.request))
    choices = wishes(line, visit.ports.pack.minor("line.most_minor"))
    return page(
        visit.request,
        "portal/higher/page.html",
        form=form,
        line=line,
        limit=line.money(line.limit_minor),
        wishes=[(str(minor), line.money(minor)) for minor in choices],
        lenders=range(MOST_LENDERS + 1),
        consent=text,
        consent_version=version,
        **shown,
    )


@get("/lines/{line_id:uuid}/higher", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Ask what they earn and owe, and how much they would like."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id)
        return _elsewhere(visit, line) or _page(visit, line, Form())

    return signed_in(request, act)


@post("/lines/{line_id:uuid}/higher", sync_to_thread=True)
def ask(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Assess and decide. Nothing rises by that."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        elsewhere = _elsewhere(visit, line)
        if elsewhere:
            return elsewhere
        read = _read(form, line)
        if isinstance(read, Errors):
            return _page(visit, line, form, errors=read)
        wish, asked = read
        made = applications.request_increase(
            visit.tx,
            visit.ports.lender,
            line,
            asked,
            Channel.PORTAL,
            language_of(request),
            wish.consent,
            visit.actor,
            visit.now,
        )
        if isinstance(made, Refusal):
            return _page(visit, line, form, refusal=made)
        return see_other(request, f"/applications/{made.reference}")

    return signed_in(request, act)


def _read(form: Form, line: Line) -> tuple[Wish, Asked] | Errors:
    """The form, amounts in minor units, or everything that is wrong with it."""
    wish = form.read(Wish)
    if isinstance(wish, Errors):
        return wish
    errors = Errors()
    income, service = (
        parse_money(wish.net_income, line.currency),
        parse_money(wish.debt_service, line.currency),
    )
    if income is None:
        errors.add("net_income", "invalid")
    if service is None:
        errors.add("debt_service", "invalid")
    if income is None or service is None:
        return errors
    return wish, Asked(income.minor, service.minor, wish.lenders, wish.wanted)


higher_handlers: Final = [show, ask]
