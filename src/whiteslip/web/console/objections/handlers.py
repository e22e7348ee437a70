"""Objections to what credit bureaus are told: who waits, the nearest deadline first, and the answer."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import bureau
from whiteslip.base import Refusal
from whiteslip.bureau import Outcome
from whiteslip.bureau import store as bureau_store
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page

_AT: Final = f"{HOME}/objections"
_SHOWN: Final = 50


class Answering(msgspec.Struct):
    """The button that was pressed."""

    outcome: Outcome


def _page(duty: Duty, form: Form, **shown: Any) -> Response[Any]:
    rows = bureau_store.objections(duty.tx, True, _SHOWN)
    return page(duty.request, "console/objections/list.html", form=form, rows=rows, **shown, **duty.shown())


@get("/objections", sync_to_thread=True)
def queue(request: WebRequest) -> Response[Any]:
    """What waits for an answer."""
    return on_duty(request, lambda duty: _page(duty, Form()))


@post("/objections/{objection:uuid}/answer", sync_to_thread=True)
def answer(request: WebRequest, objection: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Answer for good; the customer is written to."""

    def act(duty: Duty) -> Response[Any]:
        said = form.read(Answering)
        if isinstance(said, Errors):
            return _page(duty, form, errors=said)
        issuer = duty.ports.office.issuer_name
        done = bureau.resolve(duty.tx, issuer, objection, said.outcome, duty.actor, duty.now)
        if isinstance(done, Refusal):
            return _page(duty, Form(), refusal=done)
        return see_other(request, _AT)

    return on_duty(request, act, chooses=True)


objection_handlers: Final = [queue, answer]
