"""Another phone or e-mail for somebody on the phone, who has the old one no more: it takes two people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import identity
from whiteslip.exits import contacts as telling
from whiteslip.identity import contacts
from whiteslip.lines import Line
from whiteslip.web.console.duty import HOME, Duty, on_duty, submitted
from whiteslip.web.kit import proof
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm
from whiteslip.web.kit.pages import page


class Place(msgspec.Struct):
    """The form of a new place."""

    place: str


def _page(duty: Duty, line: Line, form: Form, **shown: Any) -> Response[Any]:
    wish = contacts.proposed(duty.tx, duty.ports.vault, line.customer, duty.now)
    return page(
        duty.request,
        "console/contact/page.html",
        form=form,
        line=line,
        phone_ends=proof.phone_ends(duty.tx, duty.ports, line.customer),
        changed_at=identity.contact_changed_at(duty.tx, line.customer),
        wish=wish,
        may_decide=duty.may_choose and wish is not None and wish.by != duty.actor,
        **shown,
        **duty.shown(),
    )


@get("/lines/{line_id:uuid}/contact", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """What is proposed, or the form to propose."""
    return on_duty(request, lambda duty: _page(duty, duty.line(line_id), Form()))


def _change(
    request: WebRequest, line_id: UUID, form: Form, act: Callable[[Duty, Line], object]
) -> Response[Any]:
    return submitted(
        request, form, lambda duty: duty.line(line_id), act, _page, f"{HOME}/lines/{line_id}/contact"
    )


@post("/lines/{line_id:uuid}/contact", sync_to_thread=True)
def propose(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Propose another place. What was typed is sealed, and shown to the second person alone."""

    def act(duty: Duty, line: Line) -> object:
        typed = form.read(Place)
        if isinstance(typed, Errors):
            return typed
        return contacts.propose(duty.tx, duty.ports.vault, line.customer, typed.place, duty.actor, duty.now)

    return _change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/contact/decide", sync_to_thread=True)
def decide(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """The second person agrees, and both places are written to; or turns it down. The first is refused."""

    def act(duty: Duty, line: Line) -> object:
        ports, approve = duty.ports, form.value("decision") == "approve"
        return telling.decide(
            duty.tx, ports.office, ports.vault, ports.pack, line.customer, approve, duty.actor, duty.now
        )

    return _change(request, line_id, form, act)


contact_handlers: Final = [show, propose, decide]
