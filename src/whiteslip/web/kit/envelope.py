"""What goes around every answer: security headers, the request's id, and no caching of pages."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final, cast

from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from whiteslip.web.kit.settings import WebSettings

_STYLE: Final = "style-src 'self'"
_NONCE: Final = "style_nonce"
POLICY: Final = "; ".join(
    [
        "default-src 'self'",
        "object-src 'none'",
        _STYLE,
        "script-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex",
}
HSTS: Final = "max-age=31536000; includeSubDomains"
_OWN_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")


def style_nonce(request: Request[Any, Any, Any]) -> str:
    """Lets the page that answers ``request`` make style elements with this nonce, and no other page.

    For a vendored library that styles itself. Attributes and scripts stay as strict as everywhere.
    """
    made = secrets.token_urlsafe(16)
    request.scope["state"][_NONCE] = made
    return made


class Envelope:
    """Pure ASGI, outermost, so that errors and unknown paths get the same headers.

    A request id sent by a proxy in ``X-Request-Id`` is kept when it is harmless in a log.
    """

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self.app = app
        headers = dict(HEADERS)
        if settings.https:
            headers["strict-transport-security"] = HSTS
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and stamp what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = given if _OWN_ID.fullmatch(given) else b"req_" + secrets.token_hex(12).encode()
        scope["state"]["request_id"] = request_id.decode()

        asked_for_head = scope["method"] == "HEAD"
        if asked_for_head:  # RFC 9110, 9.3.2: as GET, without the content
            scope = cast("Scope", {**scope, "method": "GET"})

        async def stamped(message: Message) -> None:
            if asked_for_head and message["type"] == "http.response.body":
                message["body"] = b""
            if message["type"] == "http.response.start":
                nonce = scope["state"].get(_NONCE)
                allowed = f"style-src 'self' 'nonce-{nonce}'" if nonce else _STYLE
                policy = (b"content-security-policy", POLICY.replace(_STYLE, allowed).encode())
                headers = [*message.get("headers", ()), *self.headers, policy, (b"x-request-id", request_id)]
                if not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, stamped)
