"""Endpoints, deliveries and what servers answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class EndpointState(StrEnum):
    """Whether an endpoint is told. What is removed is kept for its history and shown nowhere."""

    ACTIVE = "active"
    DISABLED = "disabled"
    REMOVED = "removed"


class Reason(StrEnum):
    """Why an endpoint is not told."""

    BY_HAND = "by_hand"
    GONE = "gone"
    FAILING = "failing"


class DeliveryState(StrEnum):
    """Where a delivery stands. *dropped*: its endpoint was switched off before it was its turn."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that is told of ``kinds`` (none named: of all that are published).

    Rows of the journal up to ``after_seq`` are older than the endpoint. ``failures`` counts failed
    attempts in a row, since ``failing_since``; until ``resting_until`` the server is left alone.
    """

    id: UUID
    url: str
    kinds: tuple[str, ...]
    state: EndpointState
    reason: Reason | None
    after_seq: int
    failures: int
    failing_since: datetime | None
    resting_until: datetime | None
    created_at: datetime

    def wants(self, kind: str) -> bool:
        """Whether it asked to be told of a kind."""
        return not self.kinds or kind in self.kinds


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the journal on its way to one endpoint. ``attempts`` is how many have failed so far."""

    id: UUID
    endpoint: UUID
    seq: int
    kind: str
    lane: UUID
    state: DeliveryState
    attempts: int
    due_at: datetime
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A row to queue. ``again`` sends it even if it was sent before."""

    endpoint: UUID
    seq: int
    kind: str
    lane: UUID
    again: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: the HTTP status, or a code for why there was none, and how many milliseconds it took."""

    delivery: UUID
    at: datetime
    status: int | None
    ms: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of sending. ``retry_after`` is what the server asked us to wait, in seconds."""

    status: int | None
    ms: int
    error: str | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A published journal row as it is sent: the same bytes each time."""

    seq: int
    kind: str
    body: bytes

    @property
    def id(self) -> str:
        """The ``webhook-id``: the row's number, so that a repetition is known as one."""
        return f"evt_{self.seq}"
