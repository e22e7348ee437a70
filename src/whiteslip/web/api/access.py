"""Who calls, what they may do, and the same answer to the same request."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any, Final, TypeVar
from uuid import UUID

import litestar
import msgspec
from litestar import Response
from litestar.handlers import BaseRouteHandler

from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public
from whiteslip.identity import access
from whiteslip.identity.model import DECIDES, Staff
from whiteslip.store import Tx
from whiteslip.store.timers import answer_key, claim_key, present
from whiteslip.web.kit import proof
from whiteslip.web.kit.cookies import Connection, WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused

T = TypeVar("T")

READ, WRITE = "read", "write"
# The domain is synchronous: handlers run in worker threads, beside the event loop.
get: Final = partial(litestar.get, sync_to_thread=True)
post: Final = partial(litestar.post, sync_to_thread=True)
put: Final = partial(litestar.put, sync_to_thread=True)
delete: Final = partial(litestar.delete, sync_to_thread=True)
MAX_KEY_LENGTH: Final = 255
_NAME_LENGTH: Final = 50
_IN_PATH: Final = re.compile(r"{(\w+)")
PAGE: Final = 50
MAX_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """The key behind a request. ``actor`` is how the journal names it; ``owner`` answers for it."""

    id: UUID
    actor: str
    scopes: frozenset[str]
    owner: Staff | None = None

    @property
    def handles_orders(self) -> bool:
        """Whether it may place and lift an order of the law, and so may know of one: see ``exits.orders``."""
        return WRITE in self.scopes and self.owner is not None and self.owner.role in DECIDES

    @property
    def person(self) -> str:
        """Its owner, named as at the desk, for what takes two people: two keys of one person are one.

        Raises Refused: ``key.no_owner``, or ``request.forbidden`` for an owner who only looks.
        """
        if self.owner is None:
            raise Refused(Refusal("key.no_owner"))
        if self.owner.role not in DECIDES:
            raise Refused(Refusal("request.forbidden"))
        return f"staff:{self.owner.id}"


def authenticate(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Guard: a known bearer key whose scopes allow the method; the caller is kept in the scope."""
    scheme, _, secret = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise Refused(Refusal("request.unauthorised"))
    ports = ports_of(connection, Ports)
    with ports.database.reading() as tx:
        key = access.key(tx, secret.strip())
    if key is None:
        raise Refused(Refusal("request.unauthorised"))
    needed = READ if connection.scope.get("method") in {"GET", "HEAD"} else WRITE
    if needed not in key.scopes:
        raise Refused(Refusal("request.forbidden"))
    connection.scope["state"]["caller"] = Caller(key.id, f"api:{key.id}", key.scopes, key.owner)


async def only_known_parameters(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard: a query parameter that the route does not know is refused, for it was meant to say something."""
    known = _parameters_of(handler)
    unknown = next((name for name in connection.query_params if name not in known), None)
    if unknown is not None:
        told = {"parameter": unknown[:_NAME_LENGTH], "known": ", ".join(sorted(known)) or "–"}
        raise Refused(Refusal("request.parameter_unknown", told))


@cache
def _parameters_of(handler: BaseRouteHandler) -> frozenset[str]:
    """The query parameters of a route, as its callers spell them."""
    in_path = {name: None for path in handler.paths for name in _IN_PATH.findall(path)}
    model = handler.create_kwargs_model(in_path)  # type: ignore[arg-type]  # only the names are read
    return frozenset(each.field_alias for each in model.expected_query_params)


def caller_of(request: WebRequest) -> Caller:
    """The caller that the guard let in."""
    return request.scope["state"]["caller"]


def identifier(prefix: str, text: str, code: str) -> UUID:
    """The identifier behind ``prefix_…``; what is not one is refused with ``code``."""
    found = parse_public(prefix, text)
    if found is None:
        raise Refused(Refusal(code))
    return found


def must_be_proven(request: WebRequest, tx: Tx, customer: UUID, now: datetime) -> None:
    """For what opens a line up: raises Refused, ``identity.not_verified``, unless the customer was checked
    by ``/v1/identity-checks`` within the pack's minutes. What narrows a line never asks.
    """
    if not proof.is_fresh(tx, ports_of(request, Ports), customer, now):
        raise Refused(Refusal("identity.not_verified"))


def read(request: WebRequest, question: Callable[[Tx, datetime], T]) -> T:
    """Answer a question in one transaction; to GET nothing is written."""
    with ports_of(request, Ports).opened(request.method) as tx:
        return question(tx, present(tx))


def write(
    request: WebRequest,
    body: object,
    act: Callable[[Tx, datetime, Caller], object],
    status: int = 200,
    validate_only: bool = False,
) -> Response[Any]:
    """Do an act once: in one transaction, under the request's ``Idempotency-Key`` if it has one.

    The same key and body get the first answer again, marked ``Idempotent-Replayed``; the same key
    with another body is refused. ``validate_only`` rolls everything back.
    """
    ports, caller = ports_of(request, Ports), caller_of(request)
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= MAX_KEY_LENGTH:
        raise Refused(Refusal("request.key_invalid"))
    opened = ports.database.dry_run() if validate_only else ports.database.transaction()
    with opened as tx:
        now = present(tx)
        scope = f"{caller.id}:{request.method}:{request.url.path}"
        if key and not validate_only:
            known = claim_key(tx, scope, key, _digest(body), now)
            if isinstance(known, Refusal):
                raise Refused(known)
            if known is not None:
                return _again(known, {"Idempotent-Replayed": "true"})
        answer = act(tx, now, caller)
        kept = _kept(answer, status)
        if key and not validate_only:
            answer_key(tx, scope, key, kept)
    return _again(kept)


def _kept(answer: object, status: int) -> dict[str, Any]:
    """An answer as it is kept. A refusal that an act *returns* has been committed: it counts."""
    if isinstance(answer, Refusal):
        return {"refusal": answer.code, "facts": dict(answer.facts)}
    return {"status": status, "body": msgspec.to_builtins(answer)}


def _again(kept: dict[str, Any], headers: dict[str, str] | None = None) -> Response[Any]:
    if "refusal" in kept:
        raise Refused(Refusal(kept["refusal"], kept["facts"]))
    return Response(kept["body"], status_code=kept["status"], headers=headers)


def _digest(body: object) -> str:
    """Bodies may hold personal data, so the store of keys is given their digest alone."""
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()


class Page(msgspec.Struct):
    """A page of a list: ``next`` is the ``after`` of the page that follows, when there is one."""

    data: Sequence[Any]
    has_more: bool
    next: str | None


def page_of(found: Sequence[T], limit: int, shape: Callable[[T], Any], cursor: Callable[[T], str]) -> Page:
    """A page out of ``limit`` + 1 rows, of which the last only tells that there are more."""
    shown = found[:limit]
    more = len(found) > limit
    return Page([shape(row) for row in shown], more, cursor(shown[-1]) if more and shown else None)
