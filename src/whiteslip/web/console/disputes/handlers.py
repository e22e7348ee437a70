"""Disputes: those that are open by their deadline, and each on one page with what either side says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import lines
from whiteslip.base import Refusal, local_day
from whiteslip.base.ids import parse_public, public
from whiteslip.exits import owed, statements
from whiteslip.exits import store as exits_store
from whiteslip.exits.statements import Side
from whiteslip.identity.documents import open_document
from whiteslip.identity.papers import PDF
from whiteslip.purchases import disputes
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import WHYS, Bears, Dispute, Outcome, Why
from whiteslip.web.console.duty import HOME, Duty, on_duty, submitted
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import Refused, granted

AT: Final = f"{HOME}/disputes"
PURPOSE: Final = "a dispute"
_SHOWN: Final = 200
_MOST_BODY: Final = 32 * 1024 * 1024
# A paper is shown without scripts, without our origin and without asking anybody.
_SAFE: Final = {"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "no-store"}


class Saying(msgspec.Struct):
    """Who says it."""

    side: Side


def _found(duty: Duty, reference: str) -> Dispute:
    known = parse_public("dsp", reference)
    found = purchases_store.dispute(duty.tx, known) if known else None
    if found is None:
        raise Refused(Refusal("dispute.not_found"))
    return found


@get("/disputes", sync_to_thread=True)
def queue(request: WebRequest) -> Response[Any]:
    """What waits to be decided, the nearest deadline first."""

    def act(duty: Duty) -> Response[str]:
        found = purchases_store.open_disputes(duty.tx, _SHOWN)
        of = lines.get_lines(duty.tx, {each.line for each in found})
        shops = purchases_store.shops(duty.tx, {each.merchant for each in found})
        rows = [
            (each, public("dsp", each.id), shops[each.merchant], of[each.line].money(each.amount_minor))
            for each in found
        ]
        return page(request, "console/disputes/list.html", rows=rows, **duty.shown())

    return on_duty(request, act)


def _page(
    duty: Duty, found: Dispute, form: Form, read: UUID | None = None, words: str = "", **shown: Any
) -> Response[str]:
    tx, line = duty.tx, duty.line(found.line)
    bought = purchases_store.of_line(tx, line.id)
    others = [each for each in bought if each.merchant == found.merchant and each.id != found.purchase]
    shop = purchases_store.shops(tx, {found.merchant})[found.merchant]
    kept = next((each for each in purchases_store.credentials(tx, line.id) if each.shop == shop), None)
    return page(
        duty.request,
        "console/disputes/page.html",
        form=form,
        dispute=found,
        at=f"{AT}/{public('dsp', found.id)}",
        line=line,
        shop=shop,
        purchase=next((each for each in bought if each.id == found.purchase), None),
        others=len(others),
        kept=kept is not None,
        kept_on=local_day(kept.stored_at, line.timezone) if kept else None,
        case=exits_store.open_of_line(tx, line.id),
        said=[(each, duty.named(each.kept_by)) for each in statements.of_dispute(tx, found.id)],
        sides=list(Side),
        whys={outcome: list(whys) for outcome, whys in WHYS.items()},
        presumed=disputes.presumed(tx, found) if found.outcome is Outcome.OPEN else None,
        bearers=list(Bears),
        is_open=found.outcome is Outcome.OPEN,
        read=read,
        words=words,
        **shown,
        **duty.shown(),
    )


@get("/disputes/{reference:str}", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """One dispute."""
    return on_duty(request, lambda duty: _page(duty, _found(duty, reference), Form()))


def _change(
    request: WebRequest, reference: str, form: Form, act: Callable[[Duty, Dispute], object]
) -> Response[Any]:
    return submitted(request, form, lambda duty: _found(duty, reference), act, _page, f"{AT}/{reference}")


@post("/disputes/{reference:str}/decide", sync_to_thread=True)
def decide(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Find for the customer or for the shop, for a reason of that side; the customer is told."""

    def act(duty: Duty, found: Dispute) -> object:
        outcome = Outcome.WON if form.value("decision") == Outcome.WON else Outcome.LOST
        name = f"why_{outcome}"
        chosen = form.value(name)
        if chosen not in WHYS[outcome]:
            return Errors().add(name, "missing")
        won, why = outcome is Outcome.WON, Why(chosen)
        bears = Bears(form.value("bears")) if won and form.value("bears") in set(Bears) else None
        office = duty.ports.office
        return owed.resolve_dispute(duty.tx, office, found.id, won, duty.actor, duty.now, why, bears)

    return _change(request, reference, form, act)


@post("/disputes/{reference:str}/statements", sync_to_thread=True, request_max_body_size=_MOST_BODY)
def take(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Keep what a side says, in words or as a paper."""

    def act(duty: Duty, found: Dispute) -> object:
        typed, tx, vault = form.read(Saying), duty.tx, duty.ports.vault
        if isinstance(typed, Errors):
            return typed
        words, papers = form.value("words"), form.files.get("paper", [])
        if not words.strip() and not papers:
            return Errors().add("words", "missing")
        done: object = None
        if words.strip():
            done = statements.take_words(tx, vault, found.id, typed.side, words, duty.actor, duty.now)
        for paper in papers:
            if not isinstance(done, Refusal):
                content = paper.content
                done = statements.take_paper(tx, vault, found.id, typed.side, content, duty.actor, duty.now)
        return done

    return _change(request, reference, form, act)


@post("/disputes/{reference:str}/statements/{document:uuid}", status_code=200, sync_to_thread=True)
def look(request: WebRequest, reference: FromPath[str], document: FromPath[UUID]) -> Response[Any]:
    """Read what was said; who looked is journalled. Words and pictures are shown, a PDF is saved."""

    def act(duty: Duty) -> Response[Any]:
        found = _found(duty, reference)
        if document not in {each.document for each in statements.of_dispute(duty.tx, found.id)}:
            raise Refused(Refusal("document.not_found"))
        opened = granted(open_document(duty.tx, duty.ports.vault, document, PURPOSE, duty.actor, duty.now))
        if opened.media_type == "text/plain":
            words = opened.content.decode()
            return _page(duty, found, Form(), document, words)
        how, ending = ("attachment", "pdf") if opened.media_type == PDF else ("inline", "jpg")
        name = f'{how}; filename="{reference}.{ending}"'
        headers = _SAFE | {"Content-Disposition": name}
        return Response(opened.content, media_type=opened.media_type, headers=headers)

    return on_duty(request, act, chooses=True)


dispute_handlers: Final = [queue, show, decide, take, look]
