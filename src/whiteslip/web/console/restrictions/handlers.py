"""Customers who object to a restriction: who waits, and each on one page with the answer."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public, public, spoken
from whiteslip.exits import proposals
from whiteslip.exits import store as exits_store
from whiteslip.exits.proposals import Objection, StayWhy
from whiteslip.web.console.duty import HOME, Duty, on_duty, submitted
from whiteslip.web.console.written import read_words
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import Refused

_AT: Final = f"{HOME}/restrictions"
_PURPOSE: Final = "an objection to a restriction"


def _found(duty: Duty, reference: str) -> Objection:
    known = parse_public("rob", reference)
    found = proposals.objection(duty.tx, known) if known else None
    if found is None:
        raise Refused(Refusal("restriction.objection_not_found"))
    return found


@get("/restrictions", sync_to_thread=True)
def queue(request: WebRequest) -> Response[Any]:
    """What waits for an answer, the nearest deadline first."""

    def act(duty: Duty) -> Response[str]:
        found = proposals.objections_waiting(duty.tx)
        rows = [(each, public("rob", each.id), spoken("LN", each.line)) for each in found]
        return page(request, "console/restrictions/list.html", rows=rows, **duty.shown())

    return on_duty(request, act)


def _page(duty: Duty, found: Objection, form: Form, words: str = "", **shown: Any) -> Response[str]:
    return page(
        duty.request,
        "console/restrictions/page.html",
        form=form,
        objection=found,
        at=f"{_AT}/{public('rob', found.id)}",
        line=spoken("LN", found.line),
        restriction=exits_store.restriction(duty.tx, found.restriction),
        proposed_by=duty.named(found.stay_by) if found.stay_by else None,
        whys=list(StayWhy),
        words=words,
        **shown,
        **duty.shown(),
    )


@get("/restrictions/{reference:str}", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """One objection."""
    return on_duty(request, lambda duty: _page(duty, _found(duty, reference), Form()))


@post("/restrictions/{reference:str}/words", status_code=200, sync_to_thread=True)
def read(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Read what the customer wrote; who read it is journalled."""

    def act(duty: Duty) -> Response[Any]:
        found = _found(duty, reference)
        return read_words(duty, found.words, _PURPOSE, partial(_page, duty, found, Form()))

    return on_duty(request, act, chooses=True)


@post("/restrictions/{reference:str}/answer", sync_to_thread=True)
def answer(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """End the restriction; or say for which reason it stays, which a second person confirms."""

    def act(duty: Duty, found: Objection) -> object:
        chosen, ends = form.value("why"), form.value("decision") == "lift"
        if not ends and chosen not in set(StayWhy):
            return Errors().add("why", "missing")
        why = None if ends else StayWhy(chosen)
        done = proposals.answer(duty.tx, duty.ports.office, found.id, why, duty.actor, duty.now)
        waits = isinstance(done, Objection) and done.outcome is None
        return see_other(request, f"{_AT}/{reference}") if waits else done

    return submitted(request, form, lambda duty: _found(duty, reference), act, _page, _AT)


restriction_handlers: Final = [queue, show, read, answer]
