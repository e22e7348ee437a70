"""Complain: a topic, words if one likes, a receipt. No papers, and no reason why one must.

Who is not signed in says who they are; whoever does not match sees the same pages, in the same time, and
the receipt goes to where we reach the customer and nowhere else.
"""

from __future__ import annotations

import time
from typing import Any, Final

import msgspec
from litestar import Response, get, post

from whiteslip import complaints, lines
from whiteslip.base import Refusal
from whiteslip.complaints import Topic
from whiteslip.complaints import store as complaints_store
from whiteslip.complaints.acts import LONGEST_WORDS
from whiteslip.identity.rules import normal_phone
from whiteslip.lines import Customer
from whiteslip.store.timers import present
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.limits import COUNTED
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.outside import match
from whiteslip.web.portal.visit import Visit, known, signed_in

PAGE: Final = "portal/complain/page.html"
OUTSIDE: Final = "portal/complain/outside.html"
# Filing takes longer than finding nobody; every answer takes at least this long.
_LEAST_SECONDS: Final = 0.3


class Complaining(msgspec.Struct):
    """The form."""

    topic: Topic
    words: str = ""


class Outside(msgspec.Struct):
    """The form of who is not signed in."""

    phone: str
    full_name: str
    id_number: str
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
    ports = ports_of(request, Ports)
    with ports.database.reading() as tx:
        visit = known(request, ports, tx, present(tx))
        return _page(visit, Form()) if visit else _outside(request, Form())


def _outside(request: WebRequest, form: Form, **shown: Any) -> Response[str]:
    days = ports_of(request, Ports).pack.days("complaint.answer_days")
    return page(request, OUTSIDE, form=form, topics=list(Topic), answer_days=days, **shown)


@post("/complain/outside", sync_to_thread=True, opt=COUNTED)
def complain_outside(request: WebRequest, form: FromForm) -> Response[Any]:
    """File it for whoever matches, former customers too; the receipt goes to them."""
    began = time.monotonic()
    ports = ports_of(request, Ports)
    typed = form.read(Outside)
    if isinstance(typed, Errors):
        return _outside(request, form, errors=typed)
    phone = normal_phone(typed.phone, ports.vault.region)
    if phone is None:
        return _outside(request, form, errors=Errors().add("phone", "invalid"))
    if len(typed.words) > LONGEST_WORDS:
        too_long = Refusal("complaint.words_long", {"most": LONGEST_WORDS})
        return _outside(request, form, refusal=too_long)
    with ports.database.transaction() as tx:
        found = match(tx, ports, phone, typed.full_name, typed.id_number)
        if len(found) == 1 and isinstance(lines.get_customer(tx, found[0]), Customer):
            now, issuer = present(tx), ports.office.issuer_name
            args = (found[0], typed.topic, "form", "form", now, typed.words)
            granted(complaints.file(tx, ports.vault, ports.pack, issuer, *args))
    time.sleep(max(0.0, _LEAST_SECONDS - (time.monotonic() - began)))
    return see_other(request, "/complain/received")


@get("/complain/received", sync_to_thread=False)
def received(request: WebRequest) -> Response[Any]:
    """What happens now, to whoever it was."""
    return page(request, "portal/complain/received.html")


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
        # What is wrong in a credit report has a clock and a correction of its own, where that is said.
        theirs = visit.lines() if typed.topic is Topic.CREDIT_REPORT else []
        to = f"/lines/{theirs[-1].id}/report" if theirs else "/complain"
        return see_other(request, f"{to}?done=received")

    return signed_in(request, act)


complain_handlers: Final = [show, complain, complain_outside, received]
