"""What goes around every answer: security headers, the request's id, and no caching of pages."""

from __future__ import annotations

import re
import secrets
from typing import Final

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from whiteslip.web.kit.settings import WebSettings

POLICY: Final = "; ".join(
    [
        "default-src 'self'",
        "object-src 'none'",
        "style-src 'self'",
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
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex",
}
HSTS: Final = "max-age=31536000; includeSubDomains"
_OWN_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")


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

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *self.headers, (b"x-request-id", request_id)]
                if not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, stamped)
