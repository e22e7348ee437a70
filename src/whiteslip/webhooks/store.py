"""Rows of webhooks to and from the model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from whiteslip.base import new_id
from whiteslip.base.ids import NO_ID
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row, journal_after, journal_of
from whiteslip.webhooks import events, rules
from whiteslip.webhooks.model import (
    Answer,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    Event,
    NewDelivery,
    Reason,
)

_queries = load_queries(__file__)
NEWEST: Final = (1 << 63) - 1


def add(tx: Tx, endpoint: Endpoint, sealed: bytes) -> None:
    """Store a new endpoint."""
    _queries.add_endpoint(
        tx.conn,
        id=endpoint.id,
        url=endpoint.url,
        kinds=list(endpoint.kinds),
        sealed=sealed,
        after_seq=endpoint.after_seq,
        now=endpoint.created_at,
    )


def find(tx: Tx, endpoint: UUID, lock: bool = False) -> Endpoint | None:
    """An endpoint that was not removed."""
    row = (_queries.lock_endpoint if lock else _queries.endpoint)(tx.conn, id=endpoint)
    return msgspec.convert(row, Endpoint) if row else None


def page(tx: Tx, after: UUID | None, count: int) -> list[Endpoint]:
    """Up to ``count`` endpoints with ids above ``after``."""
    rows = _queries.endpoints(tx.conn, after=after or NO_ID, count=count)
    return msgspec.convert(list(rows), list[Endpoint])


def active(tx: Tx) -> list[Endpoint]:
    """Every endpoint that is told."""
    return msgspec.convert(list(_queries.active_endpoints(tx.conn)), list[Endpoint])


def sealed(tx: Tx, endpoint: UUID, now: datetime) -> list[bytes]:
    """The sealed secrets that sign at ``now``, the current one first."""
    row = _queries.sealed(tx.conn, id=endpoint, now=now)
    return [bytes(each) for each in (row["sealed"], row["before"]) if each]


def set_state(
    tx: Tx, endpoint: UUID, state: EndpointState, reason: Reason | None, after_seq: int, now: datetime
) -> None:
    """Switch an endpoint on or off; off drops what waits for it. It is locked."""
    _queries.set_state(tx.conn, id=endpoint, state=state, reason=reason, after_seq=after_seq)
    if state is EndpointState.REMOVED:
        _queries.forget_secrets(tx.conn, id=endpoint)
    if state is not EndpointState.ACTIVE:
        _queries.drop_waiting(tx.conn, endpoint=endpoint, now=now)


def rotate(tx: Tx, endpoint: UUID, sealed: bytes, before_until: datetime) -> None:
    """Put another secret in place; the one before goes on signing for a while."""
    _queries.rotate(tx.conn, id=endpoint, sealed=sealed, before_until=before_until)


def set_health(
    tx: Tx, endpoint: UUID, failures: int, failing_since: datetime | None, resting_until: datetime | None
) -> None:
    """Keep how an endpoint has been doing."""
    _queries.set_health(
        tx.conn, id=endpoint, failures=failures, failing_since=failing_since, resting_until=resting_until
    )


def lock_cursor(tx: Tx) -> int:
    """How far the journal was read; nobody else reads on until we commit."""
    return _queries.lock_cursor(tx.conn)


def move_cursor(tx: Tx, seq: int) -> None:
    """Remember how far the journal was read."""
    _queries.move_cursor(tx.conn, seq=seq)


def add_deliveries(tx: Tx, batch: Sequence[NewDelivery], now: datetime) -> int:
    """Queue; what was queued before stays unless it is asked for again. One per endpoint and row."""
    return len(
        list(
            _queries.add_deliveries(
                tx.conn,
                id=[new_id(now) for _ in batch],
                endpoint=[each.endpoint for each in batch],
                seq=[each.seq for each in batch],
                kind=[each.kind for each in batch],
                lane=[each.lane for each in batch],
                again=[each.again for each in batch],
                now=now,
            )
        )
    )


def next_of_lane(tx: Tx, lane: UUID) -> Delivery | None:
    """The earliest delivery of a lane that is neither made nor given up: the only one that may go."""
    row = _queries.next_of_lane(tx.conn, lane=lane)
    return msgspec.convert(row, Delivery) if row else None


def settle(
    tx: Tx, delivery: Delivery, state: DeliveryState, answer: Answer, due_at: datetime, now: datetime
) -> None:
    """Keep what an attempt brought. A delivery that was dropped meanwhile stays dropped."""
    settled_at = None if state is DeliveryState.WAITING else now
    _queries.settle(tx.conn, id=delivery.id, state=state, due_at=due_at, settled_at=settled_at)
    _queries.add_attempt(
        tx.conn, delivery=delivery.id, now=now, status=answer.status, ms=answer.ms, error=answer.error
    )


def deliveries(tx: Tx, endpoint: UUID, before: int, count: int) -> list[Delivery]:
    """Deliveries to an endpoint with journal numbers below ``before``, newest first."""
    rows = _queries.deliveries(tx.conn, endpoint=endpoint, before=before, count=count)
    return msgspec.convert(list(rows), list[Delivery])


def attempts(tx: Tx, deliveries: Sequence[UUID]) -> dict[UUID, list[Attempt]]:
    """The attempts of deliveries, oldest first."""
    found: dict[UUID, list[Attempt]] = {each: [] for each in deliveries}
    for row in _queries.attempts(tx.conn, deliveries=list(deliveries)):
        found[row["delivery"]].append(msgspec.convert(row, Attempt))
    return found


def journal_row(tx: Tx, seq: int) -> Row | None:
    """One row of the journal."""
    found = journal_after(tx, seq - 1, 1) if 0 < seq < NEWEST else []
    return found[0] if found and found[0]["seq"] == seq else None


def lines_of(tx: Tx, rows: Sequence[Row]) -> dict[UUID, UUID]:
    """The line of each exit that rows are about: the row of its request has it."""
    about = {row["subject"] for row in rows if row["subject_kind"] == "exit"}
    return rules.lines_of_exits(journal_of(tx, sorted(about))) if about else {}


def event(tx: Tx, row: Row) -> Event:
    """A published row as it is sent."""
    about = row["subject"] if row["subject_kind"] == "line" else None
    return events.event(row, lines_of(tx, [row]).get(row["subject"], about))


def news(tx: Tx, after: int, kinds: Collection[str], count: int = 100) -> tuple[list[Event], int]:
    """Published events numbered above ``after``, of some kinds or of all, and how far the journal was read.

    For somebody who follows the journal without being an endpoint. Samples meant for everybody
    are among them.
    """
    rows = journal_after(tx, after, count)
    found = [row for row in rows if _is_news(row)]
    told = [event(tx, row) for row in found]
    return [each for each in told if not kinds or each.kind in kinds], rows[-1]["seq"] if rows else after


def _is_news(row: Row) -> bool:
    for_everybody = row["kind"] == events.TESTED and row["subject"] == events.EVERYBODY
    return for_everybody or row["kind"] in events.PUBLISHED
