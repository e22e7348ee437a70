"""The account that a line's credit goes to: its bank was asked, and the desk notes what it said.

For an estate the desk types it in, from who has shown that they settle it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import identity
from whiteslip.base import Refusal
from whiteslip.billing import store as billing_store
from whiteslip.exits import accounts
from whiteslip.identity import accounts as kept
from whiteslip.identity.accounts import How, PayoutAccount
from whiteslip.lines import Line
from whiteslip.web.console.duty import HOME, Duty, on_duty, submitted
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import Refused

_WHY: Final = "verify"


class Number(msgspec.Struct):
    """The form of an estate's account."""

    number: str


class Verified(msgspec.Struct):
    """The form of what the bank said."""

    account: UUID
    how: How


def _page(duty: Duty, line: Line, form: Form, revealed: bool = False, **shown: Any) -> Response[Any]:
    whose = accounts.payee(duty.tx, line)
    account, name = accounts.stands(duty.tx, duty.ports.vault, line), ""
    if revealed and whose:
        found = kept.reveal(duty.tx, duty.ports.vault, whose, _WHY, duty.actor, duty.now)
        person = identity.peek(duty.tx, duty.ports.vault, whose)
        account = found if isinstance(found, PayoutAccount) else None
        name = "" if isinstance(person, Refusal) else person.full_name
    waiting = [each for each in billing_store.payouts(duty.tx, line.id) if each.state == "unclaimed"]
    return page(
        duty.request,
        "console/account/page.html",
        form=form,
        line=line,
        account=account,
        name=name,
        revealed=revealed,
        waiting_minor=sum(each.amount_minor for each in waiting),
        is_estate=whose != line.customer,
        nobody=whose is None,
        ways=list(How),
        **shown,
        **duty.shown(),
    )


@get("/lines/{line_id:uuid}/account", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """The account that stands, by its last four characters."""
    return on_duty(request, lambda duty: _page(duty, duty.line(line_id), Form()))


@post("/lines/{line_id:uuid}/account/reveal", sync_to_thread=True)
def reveal(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Its number and the name it should be in, to ask the bank; who looked is journalled."""
    return on_duty(request, lambda duty: _page(duty, duty.line(line_id), Form(), revealed=True), chooses=True)


def _change(
    request: WebRequest, line_id: UUID, form: Form, act: Callable[[Duty, Line], object]
) -> Response[Any]:
    return submitted(
        request, form, lambda duty: duty.line(line_id), act, _page, f"{HOME}/lines/{line_id}/account"
    )


@post("/lines/{line_id:uuid}/account", sync_to_thread=True)
def give(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """The account of an estate. Customers name their own, on their own page or by a proof."""

    def act(duty: Duty, line: Line) -> object:
        typed = form.read(Number)
        if isinstance(typed, Errors):
            return typed
        if accounts.payee(duty.tx, line) == line.customer:
            raise Refused(Refusal("request.forbidden"))
        ports = duty.ports
        return accounts.give(duty.tx, ports.office, ports.vault, line, typed.number, duty.actor, duty.now)

    return _change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/account/verify", sync_to_thread=True)
def verify(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """The bank has said that it is theirs: what waits for an account is sent."""

    def act(duty: Duty, line: Line) -> object:
        said = form.read(Verified)
        if isinstance(said, Errors):
            return said
        return accounts.verify(duty.tx, duty.ports.vault, line, said.account, said.how, duty.actor, duty.now)

    return _change(request, line_id, form, act)


account_handlers: Final = [show, reveal, give, verify]
