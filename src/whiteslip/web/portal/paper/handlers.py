"""Hand in the one paper that a letter asks for: signed in, or with the code of the letter.

The code lets whoever has it hand a paper in and shows them nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip.base import Refusal
from whiteslip.exits import evidence
from whiteslip.exits import store as exits_store
from whiteslip.exits.papers import PaperRequest
from whiteslip.store import Tx
from whiteslip.store.database import Row
from whiteslip.store.timers import present
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.forms import Errors, Form, FromForm, compact, see_other
from whiteslip.web.kit.limits import COUNTED
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.visit import Visit, signed_in

PAGE: Final = "portal/paper/page.html"
# Above what any pack allows, so that a file that is a little too large is told so beside its field.
_MOST_BODY: Final = 32 * 1024 * 1024
# What is wrong with the file itself is said at its field.
_OF_THE_FILE: Final = frozenset(
    {
        "empty",
        "too_large",
        "type_unknown",
        "unreadable",
        "picture_too_large",
        "encrypted",
        "active",
        "too_long",
    }
)
_KILO: Final = 1024


def _page(
    request: WebRequest,
    ports: Ports,
    form: Form,
    errors: Errors | None = None,
    refusal: Refusal | None = None,
    asked: PaperRequest | None = None,
    reference: str | None = None,
    earlier: Sequence[Row] = (),
) -> Response[str]:
    return page(
        request,
        PAGE,
        form=form,
        errors=errors,
        refusal=refusal,
        asked=asked,
        reference=reference,
        earlier=earlier,
        most_mb=ports.pack.count("evidence.most_kilobytes") // _KILO,
    )


def _take(
    tx: Tx, ports: Ports, asked: PaperRequest, form: Form, actor: str, now: datetime
) -> PaperRequest | Refusal | Errors:
    """Hand in the file of the form, if there is one and it is right."""
    if form.switching:
        return Errors()
    files = form.files.get("paper")
    if not files:
        return Errors().add("paper", "missing")
    done = evidence.hand_in(tx, ports.vault, asked, files[0].content, actor, now)
    if isinstance(done, Refusal):
        kind = done.code.removeprefix("document.")
        return Errors().add("paper", kind, **_facts(done)) if kind in _OF_THE_FILE else done
    return done


def _facts(refusal: Refusal) -> dict[str, Any]:
    return dict(refusal.facts)


@get("/paper", sync_to_thread=True)
def begin(request: WebRequest) -> Response[Any]:
    """The code of the letter, and the file."""
    return _page(request, ports_of(request, Ports), Form())


@post("/paper", sync_to_thread=True, opt=COUNTED, request_max_body_size=_MOST_BODY)
def by_code(request: WebRequest, form: FromForm) -> Response[Any]:
    """Take the paper from whoever holds the letter."""
    ports = ports_of(request, Ports)
    typed = compact(form.value("code")).upper()
    if not typed and not form.switching:
        return _page(request, ports, form, errors=Errors().add("code", "missing"))
    with ports.database.transaction() as tx:
        now = present(tx)
        asked = evidence.by_code(tx, typed)
        if asked is None:
            wrong = Errors() if form.switching else Errors().add("code", "wrong")
            return _page(request, ports, form, errors=wrong)
        done = _take(tx, ports, asked, form, "letter", now)
        if isinstance(done, Errors):
            return _page(request, ports, form, errors=done)
        if isinstance(done, Refusal):
            return _page(request, ports, form, refusal=done)
    return see_other(request, "/paper/thanks")


@get("/paper/thanks", sync_to_thread=False)
def thanks(request: WebRequest) -> Response[Any]:
    """It is here."""
    return page(request, "portal/paper/thanks.html")


def _asked(visit: Visit, reference: str) -> PaperRequest:
    case = visit.case(reference)
    waiting = [each for each in exits_store.paper_requests(visit.tx, case.id) if each.is_open(visit.now)]
    return granted(waiting[0] if waiting else Refusal("document.not_asked"))


def _own(visit: Visit, reference: str, form: Form, **shown: Any) -> Response[str]:
    case = visit.case(reference)
    return _page(
        visit.request,
        visit.ports,
        form,
        asked=_asked(visit, reference),
        reference=reference,
        earlier=evidence.earlier(visit.tx, case, visit.now),
        **shown,
    )


@get("/exits/{reference:str}/paper", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """What is asked for, why, by when; and a field for one file."""
    return signed_in(request, lambda visit: _own(visit, reference, Form()))


@post("/exits/{reference:str}/paper", sync_to_thread=True, request_max_body_size=_MOST_BODY)
def hand_in(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Take the paper of the customer who is signed in."""

    def act(visit: Visit) -> Response[Any]:
        asked = _asked(visit, reference)
        done = _take(visit.tx, visit.ports, asked, form, visit.actor, visit.now)
        if isinstance(done, Errors):
            return _own(visit, reference, form, errors=done)
        if isinstance(done, Refusal):
            return _own(visit, reference, form, refusal=done)
        return see_other(request, f"/exits/{reference}")

    return signed_in(request, act)


@post("/exits/{reference:str}/paper/{document:uuid}", sync_to_thread=True)
def use_earlier(request: WebRequest, reference: FromPath[str], document: FromPath[UUID]) -> Response[Any]:
    """Take a paper that was handed in before, instead of a new one."""

    def act(visit: Visit) -> Response[Any]:
        asked = _asked(visit, reference)
        granted(evidence.use_earlier(visit.tx, asked, document, visit.actor, visit.now))
        return see_other(request, f"/exits/{reference}")

    return signed_in(request, act)


paper_handlers: Final = [begin, by_code, thanks, show, hand_in, use_earlier]
