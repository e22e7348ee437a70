"""What is sent, read strictly: a number in quotes is not a number, and nothing holds a NUL."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from whiteslip.base import Refusal
from whiteslip.web.kit.edge import body_faults
from whiteslip.web.kit.pages import language_of
from whiteslip.web.kit.problems import Refused


async def no_nul(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """A guard: the database cannot hold a NUL, so no address asks for one."""
    if b"%00" in connection.scope["query_string"] or "\x00" in connection.scope["path"]:
        raise Refused(Refusal("request.invalid"))


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON body is decoded straight into the type that the handler declares.

    The framework would decode loosely and convert after (``"1"`` becomes 1) and would forget where
    in the body a value was.
    """

    async def json(self) -> Any:
        """The body as the handler's ``data``. Refuses with ``request.*`` codes."""
        main, _ = self.content_type
        if main != "application/json" and not (main.startswith("application/") and main.endswith("+json")):
            raise Refused(Refusal("request.media_type"))
        body = await self.body()
        if b"\\u0000" in body:  # the database cannot hold it, and nobody means it
            raise Refused(Refusal("request.invalid"))
        wanted = self.route_handler.parsed_fn_signature.parameters.get("data")
        try:
            return msgspec.json.decode(body, type=wanted.annotation if wanted else Any)
        except msgspec.ValidationError as error:
            raise Refused(Refusal("request.invalid"), body_faults(error, language_of(self))) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Refused(Refusal("request.not_json")) from None
