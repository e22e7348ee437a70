"""What customers ask about their data: ask, list, extend, answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from whiteslip.base.ids import public
from whiteslip.privacy import requests
from whiteslip.privacy import store as privacy_store
from whiteslip.privacy.model import Delay, Outcome, Request, RequestKind, Why
from whiteslip.store import Tx
from whiteslip.web.api.access import PAGE, Caller, Page, get, identifier, post, write
from whiteslip.web.api.lists import Limit, listed, one
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses


class NewRequest(Struct, forbid_unknown_fields=True):
    """A request. Nothing else is asked for; ``words`` come back in no answer."""

    kind: Literal["access", "correction", "erasure", "restriction", "objection"]
    words: Annotated[str, Meta(max_length=4_000)] = ""


class LongerBody(Struct, forbid_unknown_fields=True):
    """Why the answer takes longer; who asked is told."""

    reason: Literal["complex", "many"]


class RequestAnswer(Struct, forbid_unknown_fields=True):
    """The answer and its reason: ``done`` goes with what is granted, the others with what is not."""

    outcome: Literal["granted", "partly", "refused"]
    reason: Literal["done", "law_keeps", "is_correct", "others_rights", "grounds_prevail"]


class RequestShape(Struct):
    """A request, without the words of who asked."""

    id: str
    reference: str
    customer: str
    kind: str
    asked_at: datetime
    due_at: datetime
    extended_for: str | None
    overdue_at: datetime | None
    answered_at: datetime | None
    outcome: str | None
    reason: str | None

    @classmethod
    def of(cls, found: Request) -> RequestShape:
        """Shape a request."""
        return cls(
            id=public("prq", found.id),
            reference=found.reference,
            customer=public("cus", found.customer),
            kind=found.kind,
            asked_at=found.asked_at,
            due_at=found.due_at,
            extended_for=found.delay,
            overdue_at=found.overdue_at,
            answered_at=found.answered_at,
            outcome=found.outcome,
            reason=found.why,
        )


@post(
    "/customers/{customer_id:str}/privacy-requests",
    summary="Ask about a customer's data",
    responses=problem_responses(401, 403, 404, 422),
)
def ask(
    request: WebRequest, customer_id: FromPath[str], data: JSONBody[NewRequest]
) -> Response[RequestShape]:
    """It is acknowledged at once by letter with the day of the answer, which is the pack's."""
    ports = ports_of(request, Ports)
    customer = identifier("cus", customer_id, "customer.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> RequestShape:
        issuer, kind = ports.office.issuer_name, RequestKind(data.kind)
        args = (customer, kind, "api", caller.actor, now, data.words)
        return RequestShape.of(granted(requests.ask(tx, ports.vault, ports.pack, issuer, *args)))

    return write(request, data, act, 201)


@get(
    "/privacy-requests",
    summary="List requests about data",
    responses=problem_responses(401, 403, 422),
)
def list_requests(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """Requests in the order they came."""
    return listed(request, "prq", after, limit, privacy_store.requests_page, RequestShape.of)


@get(
    "/privacy-requests/{request_id:str}",
    summary="A request about data",
    responses=problem_responses(401, 403, 404),
)
def show_request(request: WebRequest, request_id: FromPath[str]) -> RequestShape:
    """One request."""
    return one(
        request, "prq", request_id, "privacy.request_not_found", privacy_store.request, RequestShape.of
    )


@post(
    "/privacy-requests/{request_id:str}/extend",
    summary="Take longer to answer a request about data",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def extend(
    request: WebRequest, request_id: FromPath[str], data: JSONBody[LongerBody]
) -> Response[RequestShape]:
    """Once, where the pack allows it; who asked is told why and until when."""
    issuer = ports_of(request, Ports).office.issuer_name
    wanted = identifier("prq", request_id, "privacy.request_not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> RequestShape:
        return RequestShape.of(
            granted(requests.extend(tx, issuer, wanted, Delay(data.reason), caller.actor, now))
        )

    return write(request, data, act, 200)


@post(
    "/privacy-requests/{request_id:str}/answer",
    summary="Answer a request about data",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def answer(
    request: WebRequest, request_id: FromPath[str], data: JSONBody[RequestAnswer]
) -> Response[RequestShape]:
    """The answer. What is overdue can only be granted, wholly or in part."""
    issuer = ports_of(request, Ports).office.issuer_name
    wanted = identifier("prq", request_id, "privacy.request_not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> RequestShape:
        outcome, why = Outcome(data.outcome), Why(data.reason)
        return RequestShape.of(granted(requests.answer(tx, issuer, wanted, outcome, why, caller.actor, now)))

    return write(request, data, act, 200)


handlers: list[Any] = [ask, list_requests, show_request, extend, answer]
