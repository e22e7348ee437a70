"""The queue of what people ask about their data, and one request: its clock, its answer."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import packs
from whiteslip.base import Refusal
from whiteslip.identity.documents import open_document
from whiteslip.privacy import requests, rules
from whiteslip.privacy import store as privacy_store
from whiteslip.privacy.model import Delay, Outcome, Request, Why
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import Refused

AT: Final = f"{HOME}/requests"
PURPOSE: Final = "privacy"


class Answering(msgspec.Struct):
    """How a request is answered."""

    outcome: Outcome
    why: Why


class Extending(msgspec.Struct):
    """Why it takes longer."""

    delay: Delay


def _found(duty: Duty, reference: str) -> Request:
    found = privacy_store.request_by_reference(duty.tx, reference)
    if found is None:
        raise Refused(Refusal("privacy.request_not_found"))
    return found


@get("/requests", sync_to_thread=True)
def queue(request: WebRequest) -> Response[Any]:
    """What waits for an answer, the nearest deadline first, so that what is overdue is on top."""

    def act(duty: Duty) -> Response[str]:
        rows = privacy_store.requests_waiting(duty.tx)
        return page(request, "console/requests/list.html", rows=rows, **duty.shown())

    return on_duty(request, act)


def _page(duty: Duty, found: Request, form: Form, words: str | None = None, **shown: Any) -> Response[str]:
    later = rules.extended_due(packs.load(found.pack), found.asked_at)
    return page(
        duty.request,
        "console/requests/page.html",
        form=form,
        asked=found,
        words=words,
        outcomes=[outcome for outcome in Outcome if rules.may_answer(found, outcome)],
        whys=list(Why),
        delays=list(Delay),
        later=None if found.delay or duty.now >= found.due_at else later,
        **shown,
        **duty.shown(),
    )


@get("/requests/{reference:str}", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """One request."""
    return on_duty(request, lambda duty: _page(duty, _found(duty, reference), Form()))


@post("/requests/{reference:str}/words", sync_to_thread=True)
def read(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Read what they wrote; who read it is journalled."""

    def act(duty: Duty) -> Response[Any]:
        found = _found(duty, reference)
        if found.words is None:
            return _page(duty, found, Form())
        opened = open_document(duty.tx, duty.ports.vault, found.words, PURPOSE, duty.actor, duty.now)
        if isinstance(opened, Refusal):
            return _page(duty, found, Form(), refusal=opened)
        return _page(duty, found, Form(), opened.content.decode())

    return on_duty(request, act, chooses=True)


@post("/requests/{reference:str}/extend", sync_to_thread=True)
def extend(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Take longer, once, for a reason that who asked is told."""

    def act(duty: Duty) -> Response[Any]:
        typed, found = form.read(Extending), _found(duty, reference)
        if isinstance(typed, Errors):
            return _page(duty, found, form, errors=typed)
        issuer = duty.ports.office.issuer_name
        done = requests.extend(duty.tx, issuer, found.id, typed.delay, duty.actor, duty.now)
        if isinstance(done, Refusal):
            return _page(duty, found, form, refusal=done)
        return see_other(request, f"{AT}/{reference}")

    return on_duty(request, act, chooses=True)


@post("/requests/{reference:str}/answer", sync_to_thread=True)
def answer(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Answer for good."""

    def act(duty: Duty) -> Response[Any]:
        typed, found = form.read(Answering), _found(duty, reference)
        if isinstance(typed, Errors):
            return _page(duty, found, form, errors=typed)
        issuer = duty.ports.office.issuer_name
        done = requests.answer(duty.tx, issuer, found.id, typed.outcome, typed.why, duty.actor, duty.now)
        if isinstance(done, Refusal):
            return _page(duty, found, form, refusal=done)
        return see_other(request, AT)

    return on_duty(request, act, chooses=True)


request_handlers: Final = [queue, show, read, extend, answer]
