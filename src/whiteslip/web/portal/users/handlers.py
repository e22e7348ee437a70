"""Who else may pay with the line: add somebody, remove somebody. What names them goes into the vault."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import identity
from whiteslip.base import Refusal, local_day, new_id
from whiteslip.identity import Person
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.lines.users import add_user, remove_user, users_of
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.visit import HOME, Visit, signed_in

# The field that a refusal of the vault belongs to.
_FIELDS: Final = {
    "identity.name_invalid": "full_name",
    "identity.id_number_invalid": "id_number",
    "identity.phone_invalid": "phone",
    "identity.email_invalid": "email",
}


class NewUser(msgspec.Struct):
    """The form of somebody to add."""

    full_name: str
    id_number: str
    phone: str
    email: str


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody who may pay with the line."""

    id: UUID
    name: str
    since: date


def _listed(visit: Visit, line: Line) -> list[Listed]:
    found: list[Listed] = []
    for user in users_of(visit.tx, line.id):
        who = identity.peek(visit.tx, visit.ports.vault, user.id)
        if user.removed_at is None and not isinstance(who, Refusal):
            found.append(Listed(user.id, who.full_name, local_day(user.added_at, line.timezone)))
    return found


def _page(visit: Visit, line: Line, form: Form, errors: Errors | None = None) -> Response[Any]:
    if line.lifecycle is not Lifecycle.ACTIVE:
        return see_other(visit.request, HOME)
    is_proven = visit.is_proven
    return page(
        visit.request,
        "portal/users/page.html",
        form=form if is_proven else None,
        errors=errors,
        line=line,
        users=_listed(visit, line),
        is_proven=is_proven,
    )


@get("/lines/{line_id:uuid}/users", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Who may pay with the line at present, and a form for somebody more."""
    return signed_in(request, lambda visit: _page(visit, visit.line(line_id), Form()))


@post("/lines/{line_id:uuid}/users", sync_to_thread=True)
def add(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Let somebody pay with the line from now on. It takes a proof of who asks."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        unproven = visit.must_prove(f"/lines/{line_id}/users")
        if unproven:
            return unproven
        typed = form.read(NewUser)
        if isinstance(typed, Errors):
            return _page(visit, line, form, typed)
        user, who = new_id(visit.now), Person(typed.full_name, typed.id_number, typed.phone, typed.email)
        kept = identity.enrol(visit.tx, visit.ports.vault, user, who, visit.actor, visit.now)
        if isinstance(kept, Refusal) and kept.code in _FIELDS:
            return _page(visit, line, form, Errors().add(_FIELDS[kept.code], "invalid"))
        granted(kept)
        granted(add_user(visit.tx, line.id, user, language_of(request), visit.actor, visit.now))
        return see_other(request, f"/lines/{line_id}/users")

    return signed_in(request, act)


@post("/lines/{line_id:uuid}/users/{user_id:uuid}/remove", sync_to_thread=True)
def remove(request: WebRequest, line_id: FromPath[UUID], user_id: FromPath[UUID]) -> Response[Any]:
    """Stop one of them at once. Twice changes nothing; somebody of another line is not touched."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        if any(user.id == user_id for user in users_of(visit.tx, line.id)):
            granted(remove_user(visit.tx, user_id, visit.actor, visit.now))
        return see_other(request, f"/lines/{line_id}/users")

    return signed_in(request, act)


user_handlers: Final = [show, add, remove]
