"""The first page, one-time links, signing out."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip.base import Refusal
from whiteslip.identity import access
from whiteslip.identity.model import Kind
from whiteslip.store.timers import present
from whiteslip.web.kit.cookies import (
    WebRequest,
    end_session,
    ports_of,
    session_cookie,
    session_token,
    settings_of,
)
from whiteslip.web.kit.forms import see_other
from whiteslip.web.kit.limits import COUNTED
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted
from whiteslip.web.portal.outside import forget
from whiteslip.web.portal.visit import HOME, SESSION_MINUTES, known


@get("/", sync_to_thread=True)
def start(request: WebRequest) -> Response[Any]:
    """Where everybody begins; who is signed in goes on to their line."""
    ports = ports_of(request, Ports)
    with ports.database.reading() as tx:
        if known(request, ports, tx, present(tx)):
            return see_other(request, HOME)
    return page(request, "portal/start/page.html")


@get("/link/{token:str}", sync_to_thread=True)
def link(request: WebRequest, token: FromPath[str]) -> Response[str]:  # noqa: ARG001 - the form posts to this path
    """A one-time link. Only the button uses it, so that a preview of the link does not."""
    return page(request, "portal/start/link.html")


@post("/link/{token:str}", sync_to_thread=True, opt=COUNTED)
def use_link(request: WebRequest, token: FromPath[str]) -> Response[None]:
    """Sign in by a one-time link."""
    ports, settings = ports_of(request, Ports), settings_of(request)
    with ports.database.transaction() as tx:
        now = present(tx)
        kind, subject = granted(access.use_link(tx, token, now))
        if kind is not Kind.CUSTOMER:
            raise Refused(Refusal("link.unknown"))
        _, secret = access.start_session(tx, Kind.CUSTOMER, subject, SESSION_MINUTES, now)
    return see_other(request, HOME, session_cookie(settings, "portal", secret), forget(settings))


@post("/sign-out", sync_to_thread=True)
def sign_out(request: WebRequest) -> Response[None]:
    """End the session, here and in the browser."""
    ports, settings = ports_of(request, Ports), settings_of(request)
    token = session_token(request)
    if token:
        with ports.database.transaction() as tx:
            access.end_session(tx, token, present(tx))
    return see_other(request, "/", end_session(settings, "portal"), forget(settings))


start_handlers: Final = [start, link, use_link, sign_out]
