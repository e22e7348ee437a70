"""Cookies, and the token that proves that a form came from our own page.

The session itself (who it is, how long it lasts) belongs to the room ``identity``; here is only
its cookie. Customers and staff have a session each, so that a demonstration can hold both in one
browser.

The anti-forgery token is a signed double submit bound to the session (OWASP's cheat sheet on
cross-site request forgery): an HttpOnly cookie holds a nonce, the form holds an HMAC over the
session's token and that nonce. Knowing one's own nonce does not give the token of another session.
Browsers that say where a request comes from (``Sec-Fetch-Site``) are asked too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any, Final, Literal, TypeAlias, TypeVar

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from whiteslip.web.kit.settings import WebSettings

P = TypeVar("P")

Door: TypeAlias = Literal["portal", "console"]
Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
WebRequest: TypeAlias = Request[Any, Any, Any]

NONCE_BYTES: Final = 18
YEAR_SECONDS: Final = 365 * 24 * 3600
LANGUAGE_COOKIE: Final = "language"


def settings_of(connection: Connection) -> WebSettings:
    """The settings the shell was made with."""
    return connection.app.state["web"]


def ports_of(connection: Connection, shape: type[P]) -> P:
    """What the shell was given to reach the rooms below, as the door that asks knows it."""
    ports = connection.app.state["ports"]
    if not isinstance(ports, shape):
        raise TypeError(f"the shell was made with {type(ports).__name__}, not {shape.__name__}")
    return ports


def door_of(path: str) -> Door:
    """Which door a path belongs to. Everything that is not the console is the portal."""
    return "console" if path == "/console" or path.startswith("/console/") else "portal"


def _name(settings: WebSettings, name: str) -> str:
    # __Host- makes the browser refuse the cookie from a subdomain or without TLS.
    return f"__Host-{name}" if settings.https else name


def _cookie(settings: WebSettings, name: str, value: str, max_age: int | None) -> Cookie:
    return Cookie(
        key=_name(settings, name),
        value=value,
        path="/",
        max_age=max_age,
        httponly=True,
        secure=settings.https,
        samesite="lax",  # a link in a letter must find the session; forms have their token
    )


def session_token(connection: Connection) -> str | None:
    """The session's token as the browser sent it, for the door this path belongs to."""
    settings = settings_of(connection)
    return connection.cookies.get(_name(settings, f"session_{door_of(connection.url.path)}")) or None


def session_cookie(settings: WebSettings, door: Door, token: str) -> Cookie:
    """Start a session in the browser, which lasts until that is closed."""
    return _cookie(settings, f"session_{door}", token, None)


def end_session(settings: WebSettings, door: Door) -> Cookie:
    """Make the browser forget a session."""
    return _cookie(settings, f"session_{door}", "", 0)


def language_cookie(settings: WebSettings, lang: str) -> Cookie:
    """Remember the language for a year."""
    return _cookie(settings, LANGUAGE_COOKIE, lang, YEAR_SECONDS)


def language_wish(connection: Connection) -> str | None:
    """The language remembered by the browser."""
    return connection.cookies.get(_name(settings_of(connection), LANGUAGE_COOKIE))


def nonce(connection: Connection) -> tuple[str, Cookie | None]:
    """The browser's anti-forgery nonce, and the cookie to set when it has none yet."""
    settings = settings_of(connection)
    held = connection.cookies.get(_name(settings, "form"))
    if held:
        return held, None
    fresh = secrets.token_urlsafe(NONCE_BYTES)
    return fresh, _cookie(settings, "form", fresh, None)


def form_token(connection: Connection, fresh_nonce: str) -> str:
    """The token a form on this page must carry."""
    session = session_token(connection) or ""
    message = f"form\0{door_of(connection.url.path)}\0{session}\0{fresh_nonce}".encode()
    digest = hmac.new(settings_of(connection).secret, message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_own_form(connection: Connection, token: str) -> bool:
    """Whether a form with ``token`` was made by us for this browser and this session."""
    if connection.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    held = connection.cookies.get(_name(settings_of(connection), "form"))
    expected = form_token(connection, held or "")
    return bool(held) and hmac.compare_digest(expected.encode(), token.encode("utf-8", "replace"))
