"""Papers of a case: ask for the one that its ground needs, and look at what came."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.params import FromPath

from whiteslip.base import Refusal
from whiteslip.exits import Exit, evidence
from whiteslip.exits import store as exits_store
from whiteslip.exits.papers import Wanted, Why
from whiteslip.identity.documents import open_document
from whiteslip.identity.papers import PDF
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, FromForm, see_other
from whiteslip.web.kit.problems import Refused, granted

PURPOSE: Final = "evidence in an exit"
_WHYS: Final = {
    Wanted.ID_DOCUMENT: (Why.NOT_PROVEN, Why.CONTACT_CHANGED, Why.DETAILS_DIFFER, Why.UNREADABLE),
    Wanted.AUTHORITY: (Why.ESTATE, Why.UNREADABLE),
}
# Whatever a paper holds, the browser shows it without scripts, without our origin and without asking anybody.
_SAFE: Final = {"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "no-store"}


class Asking(msgspec.Struct):
    """Why a paper is asked for."""

    why: Why


def papers_of(duty: Duty, case: Exit) -> dict[str, Any]:
    """What the page of a case says of papers."""
    asked = exits_store.paper_requests(duty.tx, case.id)
    waiting = any(each.is_open(duty.now) for each in asked)
    wanted = None if waiting else evidence.may_ask(duty.tx, case)
    kept = evidence.earlier(duty.tx, case, duty.now) if wanted or asked else []
    return {
        "papers_asked": [(each, each.is_open(duty.now)) for each in asked],
        "papers_kept": kept,
        "paper_wanted": wanted,
        "paper_whys": _WHYS[wanted] if wanted else (),
    }


@post("/cases/{reference:str}/papers", sync_to_thread=True)
def ask(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Ask for a paper: one thing, for one reason, by letter."""

    def act(duty: Duty) -> Response[Any]:
        typed, case = form.read(Asking), duty.case(reference)
        if isinstance(typed, Errors):
            raise Refused(Refusal("request.invalid"))
        issuer = duty.ports.office.issuer_name
        granted(evidence.ask(duty.tx, issuer, case.id, typed.why, duty.actor, duty.now))
        return see_other(request, f"{HOME}/cases/{reference}")

    return on_duty(request, act, chooses=True)


@post("/cases/{reference:str}/papers/{document:uuid}", status_code=200, sync_to_thread=True)
def look(request: WebRequest, reference: FromPath[str], document: FromPath[UUID]) -> Response[Any]:
    """Look at a paper; who looked is journalled. A picture is shown, a PDF is saved."""

    def act(duty: Duty) -> Response[Any]:
        case = duty.case(reference)
        if document not in {row["id"] for row in evidence.earlier(duty.tx, case, duty.now)}:
            raise Refused(Refusal("document.not_found"))
        found = granted(open_document(duty.tx, duty.ports.vault, document, PURPOSE, duty.actor, duty.now))
        how, ending = ("attachment", "pdf") if found.media_type == PDF else ("inline", "jpg")
        name = f'{how}; filename="{reference}.{ending}"'
        headers = _SAFE | {"Content-Disposition": name}
        return Response(found.content, media_type=found.media_type, headers=headers)

    return on_duty(request, act, chooses=True)


paper_handlers: Final = [ask, look]
