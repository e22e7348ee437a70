"""Sign in by password or one-time link, choose a password, sign out."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip.base import Refusal
from whiteslip.identity import access
from whiteslip.identity.model import Kind
from whiteslip.store.timers import present
from whiteslip.web.console.duty import HOME, SESSION_MINUTES, Duty, on_duty
from whiteslip.web.kit.cookies import (
    WebRequest,
    end_session,
    ports_of,
    session_cookie,
    session_token,
    settings_of,
)
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.limits import COUNTED
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted

SIGN_IN: Final = "console/enter/page.html"
PASSWORD: Final = "console/enter/password.html"  # noqa: S105 - a template's name


class SignIn(msgspec.Struct):
    """Name and password."""

    name: str
    password: str


class NewPassword(msgspec.Struct):
    """A password to have from now on."""

    password: str


@get("/sign-in", sync_to_thread=True)
def sign_in_page(request: WebRequest) -> Response[str]:
    """Ask for name and password."""
    return page(request, SIGN_IN, form=Form())


@post("/sign-in", sync_to_thread=True, opt=COUNTED)
def sign_in(request: WebRequest, form: FromForm) -> Response[Any]:
    """Check them; a wrong password is counted."""
    typed = form.read(SignIn)
    if isinstance(typed, Errors):
        return page(request, SIGN_IN, form=form, errors=typed)
    with ports_of(request, Ports).database.transaction() as tx:
        now = present(tx)
        staff = access.sign_in(tx, typed.name, typed.password, now)
        if not isinstance(staff, Refusal):
            _, token = access.start_session(tx, Kind.STAFF, staff.id, SESSION_MINUTES, now)
            return see_other(request, HOME, session_cookie(settings_of(request), "console", token))
    return page(request, SIGN_IN, form=form, refusal=staff)


@get("/link/{token:str}", sync_to_thread=True)
def link(request: WebRequest, token: FromPath[str]) -> Response[str]:  # noqa: ARG001 - the form posts to this path
    """A one-time link. Only the button uses it, so that a preview of the link does not."""
    return page(request, "console/enter/link.html")


@post("/link/{token:str}", sync_to_thread=True, opt=COUNTED)
def use_link(request: WebRequest, token: FromPath[str]) -> Response[None]:
    """Sign in by a one-time link."""
    with ports_of(request, Ports).database.transaction() as tx:
        now = present(tx)
        used = granted(access.use_link(tx, token, now))
        kind, subject = used
        if kind is not Kind.STAFF:
            raise Refused(Refusal("link.unknown"))
        _, fresh = access.start_session(tx, Kind.STAFF, subject, SESSION_MINUTES, now)
    return see_other(request, HOME, session_cookie(settings_of(request), "console", fresh))


@get("/password", sync_to_thread=True)
def password_page(request: WebRequest) -> Response[Any]:
    """Ask for a new password."""
    return on_duty(request, lambda duty: page(request, PASSWORD, form=Form(), **duty.shown()))


@post("/password", sync_to_thread=True)
def password(request: WebRequest, form: FromForm) -> Response[Any]:
    """Have it from now on."""

    def act(duty: Duty) -> Response[Any]:
        typed = form.read(NewPassword)
        if isinstance(typed, Errors):
            return page(request, PASSWORD, form=form, errors=typed, **duty.shown())
        refusal = access.set_password(duty.tx, duty.staff, typed.password, duty.now)
        if refusal:
            return page(request, PASSWORD, form=form, refusal=refusal, **duty.shown())
        return see_other(request, HOME)

    return on_duty(request, act)


@post("/sign-out", sync_to_thread=True)
def sign_out(request: WebRequest) -> Response[None]:
    """End the session, here and in the browser."""
    token = session_token(request)
    if token:
        with ports_of(request, Ports).database.transaction() as tx:
            access.end_session(tx, token, present(tx))
    return see_other(request, "/console/sign-in", end_session(settings_of(request), "console"))


enter_handlers: Final = [sign_in_page, sign_in, link, use_link, password_page, password, sign_out]
