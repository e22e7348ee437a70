"""Bodies and answers about webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from whiteslip.base.ids import public
from whiteslip.web.api.shapes import Text
from whiteslip.webhooks.guard import MAX_URL
from whiteslip.webhooks.model import Attempt, Delivery, Endpoint

Kind: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, description="A published event type")]


class NewEndpoint(Struct, forbid_unknown_fields=True):
    """An address to tell. No ``events`` named: every published type."""

    url: Annotated[str, Meta(min_length=1, max_length=MAX_URL)]
    events: Annotated[list[Kind], Meta(max_length=100)] = []


class EndpointShape(Struct):
    """An endpoint. ``secret`` is there in the answer that made it and in no other."""

    id: str
    url: str
    events: Sequence[str]
    state: str
    reason: str | None
    failing_since: datetime | None
    created_at: datetime
    secret: str | None = None

    @classmethod
    def of(cls, endpoint: Endpoint, secret: str | None = None) -> EndpointShape:
        """Shape an endpoint."""
        return cls(
            id=public("whe", endpoint.id),
            url=endpoint.url,
            events=endpoint.kinds,
            state=endpoint.state,
            reason=endpoint.reason,
            failing_since=endpoint.failing_since,
            created_at=endpoint.created_at,
            secret=secret,
        )


class SecretShape(Struct):
    """A new signing secret."""

    id: str
    secret: str


class TestBody(Struct, forbid_unknown_fields=True):
    """Which type to send a sample of."""

    __test__ = False  # pytest would collect the name

    type: Text


class AskedShape(Struct):
    """What was asked to be sent, and to whom."""

    event: int
    webhook_id: str
    endpoints: Sequence[str]


class AttemptShape(Struct):
    """One try: the HTTP status, or why there was none. What the server said is not kept."""

    at: datetime
    status: int | None
    ms: int
    error: str | None


class DeliveryShape(Struct):
    """An event on its way to an endpoint, with every attempt."""

    event: int
    webhook_id: str
    type: str
    state: str
    created_at: datetime
    due_at: datetime | None
    settled_at: datetime | None
    attempts: Sequence[AttemptShape]

    @classmethod
    def of(cls, delivery: Delivery, tried: Sequence[Attempt]) -> DeliveryShape:
        """Shape a delivery."""
        return cls(
            event=delivery.seq,
            webhook_id=f"evt_{delivery.seq}",
            type=delivery.kind,
            state=delivery.state,
            created_at=delivery.created_at,
            due_at=None if delivery.settled_at else delivery.due_at,
            settled_at=delivery.settled_at,
            attempts=[AttemptShape(each.at, each.status, each.ms, each.error) for each in tried],
        )
