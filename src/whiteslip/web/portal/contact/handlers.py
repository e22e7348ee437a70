"""Where you are reached: another phone or e-mail, proven by a code that goes there.

It takes a proof of who asks, by what is on file until now. Where codes go by mail, a new phone number is
taken on that proof and a code to the e-mail on file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from litestar import Response, get, post

from whiteslip.base import Refusal
from whiteslip.identity import contacts
from whiteslip.web.kit import proof, reached
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.ports import Ports
from whiteslip.web.portal.visit import Visit, codes_go_by_mail, signed_in

T = TypeVar("T")

_AT: Final = "/contact"
_CODE: Final = f"{_AT}/code"
# The query by which the page knows that it was changed a moment ago.
_CHANGED: Final = "changed"


class Place(msgspec.Struct):
    """The form of a new place."""

    place: str


class Typed(msgspec.Struct):
    """The form of its code."""

    code: str


def _sure(request: WebRequest, show: Callable[[Visit], T]) -> T | Response[Any]:
    """``show`` for who proved who they are a moment ago; others do that first and come back."""

    def act(visit: Visit) -> T | Response[Any]:
        return visit.must_prove(_AT) or show(visit)

    return signed_in(request, act)


def _itself(visit: Visit) -> Visit:
    return visit


def _asking(visit: Visit, form: Form, **shown: Any) -> Response[Any]:
    return page(
        visit.request,
        "portal/contact/page.html",
        form=form,
        phone_ends=proof.phone_ends(visit.tx, visit.ports, visit.customer.id),
        is_changed=_CHANGED in visit.request.query_params,
        wait_days=visit.ports.pack.days("exit.contact_change_days"),
        **shown,
    )


def _waiting(visit: Visit, form: Form, **shown: Any) -> Response[Any]:
    wish = contacts.wished(visit.tx, visit.ports.vault, visit.customer.id, visit.now)
    if wish is None:
        return see_other(visit.request, _AT)
    return page(
        visit.request,
        "portal/contact/code.html",
        form=form,
        wish=wish,
        phone_ends=wish.phone[-2:],
        by_mail=codes_go_by_mail(visit.ports),
        minutes=visit.ports.pack.minutes("identity.code_minutes"),
        **shown,
    )


@get(_AT, sync_to_thread=True)
def ask(request: WebRequest) -> Response[Any]:
    """Where they are reached, and the form of another place."""
    return _sure(request, lambda visit: _asking(visit, Form()))


@post(_AT, sync_to_thread=True)
def send(request: WebRequest, form: FromForm) -> Response[Any]:
    """Send a code to the new place. What was typed is sealed, and comes back on no page."""
    typed = form.read(Place)
    if isinstance(typed, Errors):
        return _sure(request, lambda visit: _asking(visit, form, errors=typed))
    begun = _sure(request, _itself)
    if isinstance(begun, Response):
        return begun
    done = reached.ask(ports_of(request, Ports), begun.customer, typed.place, begun.actor)
    if isinstance(done, Refusal):
        return signed_in(request, lambda visit: _asking(visit, form, refusal=done))
    return see_other(request, _CODE)


@get(_CODE, sync_to_thread=True)
def wait(request: WebRequest) -> Response[Any]:
    """The code that went to the new place."""
    return _sure(request, lambda visit: _waiting(visit, Form()))


@post(_CODE, sync_to_thread=True)
def confirm(request: WebRequest, form: FromForm) -> Response[Any]:
    """Change it. A wrong code counts, in a transaction of its own that a page cannot undo."""
    typed = form.read(Typed)
    if isinstance(typed, Errors):
        return _sure(request, lambda visit: _waiting(visit, form, errors=typed))
    begun = _sure(request, _itself)
    if isinstance(begun, Response):
        return begun
    refused = reached.answer(ports_of(request, Ports), begun.customer.id, typed.code, begun.actor)
    if refused:
        return signed_in(request, lambda visit: _waiting(visit, form, refusal=refused))
    return see_other(request, f"{_AT}?{_CHANGED}=yes")


contact_handlers: Final = [ask, send, wait, confirm]
