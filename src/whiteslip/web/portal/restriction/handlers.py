"""What the lender restricted and why; the customer says how they see it, and a person looks again."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import packs
from whiteslip.base import Refusal
from whiteslip.exits import proposals
from whiteslip.exits import store as exits_store
from whiteslip.lines import Line
from whiteslip.notices.words import texts
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.portal.visit import HOME, Visit, signed_in

LONGEST_WORDS: Final = 4_000


class View(msgspec.Struct):
    """The form: words, if the customer likes."""

    words: str = ""


def _page(visit: Visit, line: Line, form: Form, **shown: Any) -> Response[Any]:
    found = exits_store.restriction_of_line(visit.tx, line.id)
    if found is None:
        return see_other(visit.request, HOME)
    said = texts(language_of(visit.request))
    return page(
        visit.request,
        "portal/restriction/page.html",
        form=form,
        line=line,
        restriction=found,
        reasons=[said["reasons"][reason] for reason in found.reasons],
        cap=line.money(found.cap_minor) if found.cap_minor is not None else None,
        objection=proposals.last_objection(visit.tx, found.id),
        days=packs.load(line.pack).days("issuer.objection_days"),
        **shown,
    )


@get("/lines/{line_id:uuid}/restriction", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """What stands, why and until when."""
    return signed_in(request, lambda visit: _page(visit, visit.line(line_id), Form()))


@post("/lines/{line_id:uuid}/restriction", sync_to_thread=True)
def object_to(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Have it looked at by somebody who had no part in it."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        typed = form.read(View)
        if isinstance(typed, Errors):
            return _page(visit, line, form, errors=typed)
        if len(typed.words) > LONGEST_WORDS:
            return _page(visit, line, form, errors=Errors().add("words", "too_long", most=LONGEST_WORDS))
        tx, vault = visit.tx, visit.ports.vault
        done = proposals.object_to(tx, vault, line.id, typed.words, visit.actor, visit.now)
        if isinstance(done, Refusal):
            return _page(visit, line, form, refusal=done)
        return see_other(request, f"/lines/{line.id}/restriction")

    return signed_in(request, act)


restriction_handlers: Final = [show, object_to]
