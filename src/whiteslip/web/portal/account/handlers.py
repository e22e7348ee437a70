"""Where we pay to: the customer names an account. It takes a proof of who asks, while there is a line and
after it; nothing goes there before the bank has said whose it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import packs
from whiteslip.base import Refusal
from whiteslip.billing import store as billing_store
from whiteslip.exits import accounts
from whiteslip.lines import Line
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.portal.visit import HOME, Visit, signed_in


class Number(msgspec.Struct):
    """The form."""

    number: str


def _at(line_id: UUID) -> str:
    return f"/lines/{line_id}/account"


def _sure(request: WebRequest, line_id: UUID, show: Callable[[Visit, Line], Response[Any]]) -> Response[Any]:
    """``show`` for who proved who they are a moment ago; an estate's account is not the customer's."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id)
        if accounts.payee(visit.tx, line) != visit.customer.id:
            return see_other(request, HOME)
        return visit.must_prove(_at(line_id)) or show(visit, line)

    return signed_in(request, act)


def _page(visit: Visit, line: Line, form: Form, **shown: Any) -> Response[Any]:
    waiting = [each for each in billing_store.payouts(visit.tx, line.id) if each.state == "unclaimed"]
    return page(
        visit.request,
        "portal/account/page.html",
        form=form,
        line=line,
        account=accounts.stands(visit.tx, visit.ports.vault, line),
        waiting_minor=sum(each.amount_minor for each in waiting),
        schemes=packs.load(line.pack).text("payout.account_schemes").split(", "),
        **shown,
    )


@get("/lines/{line_id:uuid}/account", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """The account that stands, by its last four characters, and the form of another."""
    return _sure(request, line_id, lambda visit, line: _page(visit, line, Form()))


@post("/lines/{line_id:uuid}/account", sync_to_thread=True)
def give(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Name an account. What was typed is sealed, and comes back on no page."""

    def act(visit: Visit, line: Line) -> Response[Any]:
        typed = form.read(Number)
        if isinstance(typed, Errors):
            return _page(visit, line, form, errors=typed)
        ports = visit.ports
        done = accounts.give(visit.tx, ports.office, ports.vault, line, typed.number, visit.actor, visit.now)
        if isinstance(done, Refusal):
            return _page(visit, line, Form(), refusal=done)
        return see_other(request, _at(line_id))

    return _sure(request, line_id, act)


account_handlers: Final = [show, give]
