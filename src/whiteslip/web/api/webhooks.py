"""Endpoints that are told what happens, what they were told, and how it went."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from whiteslip import webhooks
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.store import Tx
from whiteslip.web.api.access import (
    MAX_PAGE,
    PAGE,
    Caller,
    Page,
    delete,
    get,
    identifier,
    page_of,
    post,
    read,
    write,
)
from whiteslip.web.api.lists import Limit, listed
from whiteslip.web.api.shapes_webhooks import (
    AskedShape,
    DeliveryShape,
    EndpointShape,
    NewEndpoint,
    SecretShape,
    TestBody,
)
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses
from whiteslip.webhooks import Courier, store
from whiteslip.webhooks.courier import SealError
from whiteslip.webhooks.model import Endpoint, Reason

_MAX_SEQ = 2**62


def _courier(request: WebRequest) -> Courier:
    """What seals secrets; an installation that was wired without webhooks has no such address."""
    courier = ports_of(request, Ports).courier
    if courier is None:
        raise Refused(Refusal("request.not_found"))
    return courier


def _endpoint(text: str) -> UUID:
    return identifier("whe", text, "webhook.endpoint_not_found")


def _closed(courier: Courier, endpoint: UUID, secret: str) -> str:
    """A secret as an answer holds it while it is kept for an ``Idempotency-Key``: sealed."""
    return courier.seal(endpoint, secret).hex()


def _opened(courier: Courier, answer: Response[Any]) -> Response[Any]:
    """The answer with the secret in the clear, for the caller alone."""
    body = answer.content
    try:
        body["secret"] = courier.unseal(_endpoint(body["id"]), bytes.fromhex(body["secret"]))
    except SealError:  # an answer that was kept, under a web secret that is gone
        raise Refused(Refusal("server.failed")) from None
    return answer


@post("/webhook-endpoints", summary="Add an endpoint", responses=problem_responses(401, 403, 404, 409, 422))
def add(request: WebRequest, data: JSONBody[NewEndpoint]) -> Response[EndpointShape]:
    """Answers with the signing secret, this once. What happened before is not sent."""
    courier = _courier(request)

    def act(tx: Tx, now: datetime, caller: Caller) -> EndpointShape:
        made, secret = granted(webhooks.create(tx, courier, data.url, data.events, caller.actor, now))
        return EndpointShape.of(made, _closed(courier, made.id, secret))

    return _opened(courier, write(request, data, act, 201))


@get("/webhook-endpoints", summary="List endpoints", responses=problem_responses(401, 403, 422))
def list_endpoints(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """Endpoints in the order they were added. Secrets are never shown again."""
    return listed(request, "whe", after, limit, store.page, EndpointShape.of)


@get(
    "/webhook-endpoints/{endpoint_id:str}", summary="An endpoint", responses=problem_responses(401, 403, 404)
)
def show(request: WebRequest, endpoint_id: FromPath[str]) -> EndpointShape:
    """One endpoint, without its secret."""
    wanted = _endpoint(endpoint_id)
    return read(request, lambda tx, _: EndpointShape.of(granted(webhooks.get(tx, wanted))))


@delete(
    "/webhook-endpoints/{endpoint_id:str}",
    summary="Remove an endpoint",
    status_code=204,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def remove(request: WebRequest, endpoint_id: FromPath[str]) -> Response[None]:
    """It is told nothing any more and its secret is forgotten."""
    wanted = _endpoint(endpoint_id)

    def act(tx: Tx, now: datetime, caller: Caller) -> None:
        refusal = webhooks.remove(tx, wanted, caller.actor, now)
        if refusal:
            raise Refused(refusal)

    return write(request, None, act, 204)


@post(
    "/webhook-endpoints/{endpoint_id:str}/rotate-secret",
    summary="Change the secret",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def rotate(request: WebRequest, endpoint_id: FromPath[str]) -> Response[SecretShape]:
    """The new secret, shown this once. The one before signs as well for 24 hours."""
    courier, wanted = _courier(request), _endpoint(endpoint_id)

    def act(tx: Tx, now: datetime, caller: Caller) -> SecretShape:
        secret = granted(webhooks.rotate(tx, courier, wanted, caller.actor, now))
        return SecretShape(endpoint_id, _closed(courier, wanted, secret))

    return _opened(courier, write(request, None, act))


def _switch(
    request: WebRequest, act: Callable[[Tx, datetime, Caller], Endpoint | Refusal]
) -> Response[EndpointShape]:
    return write(request, None, lambda tx, now, caller: EndpointShape.of(granted(act(tx, now, caller))))


@post(
    "/webhook-endpoints/{endpoint_id:str}/disable",
    summary="Switch an endpoint off",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def disable(request: WebRequest, endpoint_id: FromPath[str]) -> Response[EndpointShape]:
    """What waits for it is dropped."""
    wanted = _endpoint(endpoint_id)
    return _switch(
        request, lambda tx, now, caller: webhooks.disable(tx, wanted, Reason.BY_HAND, caller.actor, now)
    )


@post(
    "/webhook-endpoints/{endpoint_id:str}/enable",
    summary="Switch an endpoint on",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def enable(request: WebRequest, endpoint_id: FromPath[str]) -> Response[EndpointShape]:
    """It is told of what happens from now on. What it missed is under ``/v1/events``."""
    wanted = _endpoint(endpoint_id)
    return _switch(request, lambda tx, now, caller: webhooks.enable(tx, wanted, caller.actor, now))


@post(
    "/webhook-endpoints/{endpoint_id:str}/test",
    summary="Send a test event",
    status_code=202,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def send_test(
    request: WebRequest, endpoint_id: FromPath[str], data: JSONBody[TestBody]
) -> Response[AskedShape]:
    """A sample of a kind goes out within seconds, with ``"test": true`` in its data."""
    wanted = _endpoint(endpoint_id)

    def act(tx: Tx, now: datetime, caller: Caller) -> AskedShape:
        seq = granted(webhooks.test(tx, wanted, data.type, caller.actor, now))
        return AskedShape(seq, f"evt_{seq}", [endpoint_id])

    return write(request, data, act, 202)


@get(
    "/webhook-endpoints/{endpoint_id:str}/deliveries",
    summary="What an endpoint was told",
    responses=problem_responses(401, 403, 404, 422),
)
def deliveries(
    request: WebRequest,
    endpoint_id: FromPath[str],
    after: Annotated[
        int | None, QueryParameter(ge=1, le=_MAX_SEQ, description="The value of next from the page before")
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="How many at most")] = PAGE,
) -> Page:
    """Deliveries with their attempts, the latest event first."""
    wanted = _endpoint(endpoint_id)

    def question(tx: Tx, _now: datetime) -> Page:
        granted(webhooks.get(tx, wanted))
        found = store.deliveries(tx, wanted, after or store.NEWEST, limit + 1)
        tried = store.attempts(tx, [each.id for each in found])
        return page_of(
            found, limit, lambda each: DeliveryShape.of(each, tried[each.id]), lambda each: str(each.seq)
        )

    return read(request, question)


@post(
    "/events/{number:int}/resend",
    summary="Send an event again",
    status_code=202,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def resend(request: WebRequest, number: FromPath[int]) -> Response[AskedShape]:
    """To every active endpoint that wants its kind, under the same ``webhook-id`` as before."""

    def act(tx: Tx, now: datetime, caller: Caller) -> AskedShape:
        told = granted(webhooks.resend(tx, number, caller.actor, now))
        return AskedShape(number, f"evt_{number}", [public("whe", each.id) for each in told])

    return write(request, None, act, 202)


handlers: list[Any] = [
    add,
    list_endpoints,
    show,
    remove,
    rotate,
    disable,
    enable,
    send_test,
    deliveries,
    resend,
]
