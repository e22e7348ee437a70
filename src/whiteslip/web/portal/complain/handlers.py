"""Complain: a topic, words if one likes, a receipt. No papers, and no reason why one must."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, get, post

from whiteslip import complaints
from whiteslip.base import Refusal
from whiteslip.complaints import Topic
from whiteslip.complaints import store as complaints_store
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.portal.visit import Visit, signed_in

PAGE: Final = "portal/complain/page.html"


class Complaining(msgspec.Struct):
    """The form."""

    topic: Topic
    words: str = ""


def _page(visit: Visit, form: Form, **shown: Any) -> Response[str]:
    return page(
        visit.request,
        PAGE,
        form=form,
        topics=list(Topic),
        known=complaints_store.of_customer(visit.tx, visit.customer.id),
        answer_days=visit.ports.pack.days("complaint.answer_days"),
        **shown,
    )


@get("/complain", sync_to_thread=True)
def show(request: WebRequest) -> Response[Any]:
    """What it is about, and how earlier complaints stand."""
    return signed_in(request, lambda visit: _page(visit, Form()))


@post("/complain", sync_to_thread=True)
def complain(request: WebRequest, form: FromForm) -> Response[Any]:
    """File it; the acknowledgement goes out in the same act."""

    def act(visit: Visit) -> Response[Any]:
        typed = form.read(Complaining)
        if isinstance(typed, Errors):
            return _page(visit, form, errors=typed)
        done = complaints.file(
            visit.tx,
            visit.ports.vault,
            visit.ports.pack,
            visit.ports.office.issuer_name,
            visit.customer.id,
            typed.topic,
            "portal",
            visit.actor,
            visit.now,
            typed.words,
        )
        if isinstance(done, Refusal):
            return _page(visit, form, refusal=done)
        return see_other(request, "/complain")

    return signed_in(request, act)


complain_handlers: Final = [show, complain]
