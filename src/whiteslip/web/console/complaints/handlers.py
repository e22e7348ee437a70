"""Complaints: a queue of their own, and each on one page with what may be answered."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import complaints, packs
from whiteslip.base import Refusal
from whiteslip.complaints import Complaint, Outcome, rules
from whiteslip.complaints import store as complaints_store
from whiteslip.complaints.model import Delay, Why
from whiteslip.identity.documents import open_document
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import Refused

AT: Final = f"{HOME}/complaints"
PURPOSE: Final = "complaint"


class Answering(msgspec.Struct):
    """How a complaint is answered."""

    outcome: Outcome
    why: Why


class Extending(msgspec.Struct):
    """Why it takes longer."""

    delay: Delay


def _found(duty: Duty, reference: str) -> Complaint:
    found = complaints_store.by_reference(duty.tx, reference)
    if found is None:
        raise Refused(Refusal("complaint.not_found"))
    return found


@get("/complaints", sync_to_thread=True)
def queue(request: WebRequest) -> Response[Any]:
    """What waits for an answer, the nearest deadline first."""

    def act(duty: Duty) -> Response[str]:
        rows = complaints_store.queue(duty.tx)
        return page(request, "console/complaints/list.html", rows=rows, **duty.shown())

    return on_duty(request, act)


def _page(duty: Duty, found: Complaint, form: Form, words: str | None = None, **shown: Any) -> Response[str]:
    later = rules.due_at(packs.load(found.pack), found.filed_at, found.extensions + 1)
    return page(
        duty.request,
        "console/complaints/page.html",
        form=form,
        complaint=found,
        words=words,
        outcomes=[outcome for outcome in Outcome if rules.may_answer(found, outcome)],
        whys=list(Why),
        delays=list(Delay),
        later=None if found.overdue_at else later,
        **shown,
        **duty.shown(),
    )


@get("/complaints/{reference:str}", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """One complaint."""
    return on_duty(request, lambda duty: _page(duty, _found(duty, reference), Form()))


@post("/complaints/{reference:str}/words", sync_to_thread=True)
def read(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Read what the complainant wrote; who read it is journalled."""

    def act(duty: Duty) -> Response[Any]:
        found = _found(duty, reference)
        if found.words is None:
            return _page(duty, found, Form())
        vault = duty.ports.vault
        opened = open_document(duty.tx, vault, found.words, PURPOSE, duty.actor, duty.now)
        if isinstance(opened, Refusal):
            return _page(duty, found, Form(), refusal=opened)
        return _page(duty, found, Form(), opened.content.decode())

    return on_duty(request, act, chooses=True)


@post("/complaints/{reference:str}/extend", sync_to_thread=True)
def extend(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Take longer, for a reason that the complainant is told."""

    def act(duty: Duty) -> Response[Any]:
        typed, found = form.read(Extending), _found(duty, reference)
        if isinstance(typed, Errors):
            return _page(duty, found, form, errors=typed)
        issuer = duty.ports.office.issuer_name
        done = complaints.extend(duty.tx, issuer, found.id, typed.delay, duty.actor, duty.now)
        if isinstance(done, Refusal):
            return _page(duty, found, form, refusal=done)
        return see_other(request, f"{AT}/{reference}")

    return on_duty(request, act, chooses=True)


@post("/complaints/{reference:str}/answer", sync_to_thread=True)
def answer(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Answer for good."""

    def act(duty: Duty) -> Response[Any]:
        typed, found = form.read(Answering), _found(duty, reference)
        if isinstance(typed, Errors):
            return _page(duty, found, form, errors=typed)
        issuer = duty.ports.office.issuer_name
        done = complaints.answer(duty.tx, issuer, found.id, typed.outcome, typed.why, duty.actor, duty.now)
        if isinstance(done, Refusal):
            return _page(duty, found, form, refusal=done)
        return see_other(request, AT)

    return on_duty(request, act, chooses=True)


complaint_handlers: Final = [queue, show, read, extend, answer]
