"""Who you are, proven again: by whatever opens a line up, gives data away or deletes it.

What narrows (pausing, locking, lowering, removing, leaving) never asks. ``Visit.must_prove`` sends here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Response, get, post

from whiteslip.base import Refusal
from whiteslip.exits import stepups
from whiteslip.web.kit import proof
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.forms import Errors, Form, FromForm, is_local, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.ports import Ports
from whiteslip.web.portal.visit import CONFIRMED, HOME, Visit, codes_go_by_mail, signed_in

_TEMPLATE: Final = "portal/confirm/page.html"
# What the customer is told these refusals leave open: a person helps, or looks at it.
_STUCK: Final = frozenset(
    {"identity.too_many_attempts", "identity.too_many_codes", "identity.code_not_sent", "identity.not_found"}
)


class Proof(msgspec.Struct):
    """The form."""

    full_name: str
    id_number: str
    code: str


def identity_page(visit: Visit, template: str, form: Form, **shown: Any) -> Response[Any]:
    """``template`` with the form of ``portal/_identity.html``."""
    refusal: Refusal | None = shown.get("refusal")
    shown.setdefault("sent", form.value("sent") == "yes")
    return page(
        visit.request,
        template,
        form=form,
        phone_ends=proof.phone_ends(visit.tx, visit.ports, visit.customer.id),
        by_mail=codes_go_by_mail(visit.ports),
        minutes=visit.ports.pack.minutes("identity.code_minutes"),
        step_up_minutes=visit.ports.pack.minutes("identity.step_up_minutes"),
        is_stuck=refusal is not None and refusal.code in _STUCK,
        **shown,
    )


def answer_identity(
    request: WebRequest,
    form: Form,
    template: str,
    then: str,
    elsewhere: Callable[[Visit], Response[Any] | None],
    **shown: Any,
) -> Response[Any]:
    """Send a code, or check name, ID number and code and go on to ``then``. What was typed stays.

    Codes are sent and wrong answers counted in transactions of their own, which a page cannot undo.
    """

    def begin(visit: Visit) -> Response[Any] | Visit:
        return elsewhere(visit) or visit

    begun = signed_in(request, begin)
    if isinstance(begun, Response):
        return begun
    ports = ports_of(request, Ports)
    if form.value("do") == "send" and not form.switching:
        sent = proof.send(ports, begun.customer)
        found = {"refusal": sent} if isinstance(sent, Refusal) else {"sent": True}
    else:
        typed = form.read(Proof)
        if isinstance(typed, Errors):
            found = {"errors": typed}
        else:
            refusal = proof.check(
                ports, begun.customer.id, typed.full_name, typed.id_number, typed.code, begun.session.id
            )
            if refusal is None:
                return see_other(request, then)
            found = {"refusal": refusal}
    return signed_in(
        request, lambda visit: elsewhere(visit) or identity_page(visit, template, form, **shown, **found)
    )


def _back(to: str) -> str:
    """The page to come back to, without a query of its own."""
    return to.partition("?")[0] if is_local(to) else HOME


@get("/confirm", sync_to_thread=True)
def ask(request: WebRequest) -> Response[Any]:
    """Ask who it is, on the way to a page of theirs. Who proved it a moment ago goes there at once, unless
    a step-up was asked since.
    """
    to = _back(request.query_params.get("to", HOME))

    def show(visit: Visit) -> Response[Any]:
        is_asked = stepups.is_asked(visit.tx, visit.customer.id)
        if visit.is_proven and not is_asked:
            return see_other(request, to)
        return identity_page(visit, _TEMPLATE, Form(), to=to, is_asked=is_asked)

    return signed_in(request, show)


@post("/confirm", sync_to_thread=True)
def answer(request: WebRequest, form: FromForm) -> Response[Any]:
    """Send a code or check it; the page that asked says that it may go on."""
    to = _back(form.value("to", HOME))
    is_asked = form.value("asked") == "yes"
    then = f"{to}?{CONFIRMED}=yes"
    return answer_identity(request, form, _TEMPLATE, then, lambda _: None, to=to, is_asked=is_asked)


confirm_handlers: Final = [ask, answer]
