"""What is held of a customer, for themselves: to read, to take along, to have erased."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, get, post

from whiteslip import privacy
from whiteslip.base import Refusal
from whiteslip.day.forgetting import FORGET
from whiteslip.privacy import requests
from whiteslip.privacy import store as privacy_store
from whiteslip.privacy.model import RequestKind
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.visit import Visit, signed_in

_HOME: Final = "/data"
_MONTHS_A_YEAR: Final = 12
# What takes a person; a copy is had at once.
_WISHES: Final = tuple(kind for kind in RequestKind if kind is not RequestKind.ACCESS)


class Asking(msgspec.Struct):
    """What is asked for."""

    kind: RequestKind
    words: str = ""


def _page(visit: Visit, form: Form, **shown: Any) -> Response[Any]:
    known = granted(privacy.overview(visit.tx, visit.customer.id))
    answered = privacy_store.answers(visit.tx, visit.customer.id)
    return page(
        visit.request,
        "portal/data/page.html",
        form=form,
        known=known,
        years={kept.kind: -(-kept.months // _MONTHS_A_YEAR) for kept in known.kept},
        answered=answered[0] if answered else None,
        asked=privacy_store.requests_of(visit.tx, visit.customer.id),
        wishes=_WISHES,
        **shown,
    )


@get(_HOME, sync_to_thread=True)
def your_data(request: WebRequest) -> Response[Any]:
    """What is kept, by which source and until when; what was erased or asked, and how that stands."""
    return signed_in(request, lambda visit: _page(visit, Form()))


@post("/data/ask", sync_to_thread=True)
def ask(request: WebRequest, form: FromForm) -> Response[Any]:
    """Ask for what a person must look at; the answer has a day."""

    def act(visit: Visit) -> Response[Any]:
        typed = form.read(Asking)
        if isinstance(typed, Errors):
            return _page(visit, form, errors=typed)
        ports, args = visit.ports, (visit.customer.id, typed.kind, "portal", visit.actor, visit.now)
        issuer = ports.office.issuer_name
        done = requests.ask(visit.tx, ports.vault, ports.pack, issuer, *args, typed.words)
        if isinstance(done, Refusal):
            return _page(visit, form, refusal=done)
        return see_other(request, f"{_HOME}?done=asked")

    return signed_in(request, act)


@get("/data.json", sync_to_thread=True)
def take_along(request: WebRequest) -> Response[Any]:
    """Everything, as a file that machines read. It takes a proof of who asks."""

    def show(visit: Visit) -> Response[Any]:
        unproven = visit.must_prove(_HOME)
        if unproven:
            return unproven
        found = granted(
            privacy.export(visit.tx, visit.ports.vault, visit.customer.id, visit.actor, visit.now)
        )
        return Response(
            msgspec.json.format(msgspec.json.encode(found), indent=2),
            media_type="application/json",
            headers={"Content-Disposition": 'attachment; filename="my-data.json"'},
        )

    return signed_in(request, show, noted=True)


@post("/data/erase", sync_to_thread=True)
def erase(request: WebRequest) -> Response[Any]:
    """Erase what no law keeps. It takes a proof of who asks."""

    def act(visit: Visit) -> Response[Any]:
        unproven = visit.must_prove(_HOME)
        if unproven:
            return unproven
        issuer = visit.ports.office.issuer_name
        granted(privacy.erase(visit.tx, visit.customer.id, FORGET, issuer, visit.actor, visit.now))
        return see_other(request, _HOME)

    return signed_in(request, act)


data_handlers: Final = [your_data, ask, take_along, erase]
