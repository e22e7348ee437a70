"""A customer of whom somebody says that they have died: reported, settled, undone by two."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.params import FromPath

from whiteslip import lines
from whiteslip.base import Refusal, new_id
from whiteslip.exits import estates
from whiteslip.exits import store as exits_store
from whiteslip.exits.estates import StandsWhy
from whiteslip.exits.model import Channel
from whiteslip.exits.work import Office
from whiteslip.identity import Person
from whiteslip.identity.vault import enrol_contact
from whiteslip.lines import Line
from whiteslip.store import Tx
from whiteslip.web.console.duty import Duty
from whiteslip.web.console.line.handlers import change
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm


class Heir(msgspec.Struct):
    """The form of who settles an estate."""

    full_name: str
    phone: str
    email: str
    authority: str


@post("/lines/{line_id:uuid}/death", sync_to_thread=True)
def death(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Somebody says that the customer has died: drawing and fees stop at once."""
    return change(
        request,
        line_id,
        form,
        lambda duty, line: estates.report(
            duty.tx, duty.ports.office, line.id, Channel.DESK, duty.actor, duty.now
        ),
    )


@post("/lines/{line_id:uuid}/authority", sync_to_thread=True)
def authority(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Somebody has shown that they settle the estate; they are told the balance at once."""

    def act(duty: Duty, line: Line) -> object:
        typed, estate = form.read(Heir), exits_store.estate_of_line(duty.tx, line.id)
        if isinstance(typed, Errors) or estate is None:
            return typed if isinstance(typed, Errors) else Refusal("estate.not_reported")
        contact = new_id(duty.now)
        person = Person(typed.full_name, "", typed.phone, typed.email)
        kept = enrol_contact(duty.tx, duty.ports.vault, contact, person, duty.actor, duty.now)
        if isinstance(kept, Refusal):
            return kept
        customer = lines.get_customer(duty.tx, line.customer)
        language = "en" if isinstance(customer, Refusal) else customer.language
        return estates.show_authority(
            duty.tx, duty.ports.office, estate.exit, contact, language, typed.authority, duty.actor, duty.now
        )

    return change(request, line_id, form, act)


def _on_estate(request: WebRequest, line_id: UUID, form: Form, act: Any) -> Response[Any]:
    def act_on(duty: Duty, line: Line) -> object:
        estate = exits_store.estate_of_line(duty.tx, line.id)
        if estate is None:
            return Refusal("estate.not_reported")
        return act(duty.tx, duty.ports.office, estate.exit, duty.actor, duty.now)

    return change(request, line_id, form, act_on)


@post("/lines/{line_id:uuid}/undo-death", sync_to_thread=True)
def undo_death(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """The report was an error; the customer gets an apology."""
    return _on_estate(request, line_id, form, estates.undo)


@post("/lines/{line_id:uuid}/undo-death/turn-down", sync_to_thread=True)
def turn_down_undo(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Do not agree that the report was an error, for a reason; who proposed it is refused."""
    why = form.value("stands_why")

    def act(tx: Tx, _office: Office, exit_id: UUID, actor: str, now: datetime) -> object:
        if why not in set(StandsWhy):
            return Errors().add("stands_why", "missing")
        return estates.turn_down_undo(tx, exit_id, StandsWhy(why), actor, now)

    return _on_estate(request, line_id, form, act)


@post("/lines/{line_id:uuid}/release", sync_to_thread=True)
def release(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """The heirs agree: a hold on the ground of law is over."""
    return _on_estate(request, line_id, form, estates.release)


estate_handlers: Final = [death, authority, undo_death, turn_down_undo, release]
