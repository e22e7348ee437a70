"""Rows of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from whiteslip.base.ids import NO_ID
from whiteslip.privacy.model import Answer, Order, Request, RequestKind
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row, columns_of

_queries = load_queries(__file__)


def add_answer(tx: Tx, answer: Answer, actor: str) -> None:
    """Keep what was answered."""
    _queries.add_answer(
        tx.conn,
        id=answer.id,
        reference=answer.reference,
        customer=answer.customer,
        answered_at=answer.answered_at,
        actor=actor,
        erased=Jsonb(dict(answer.erased)),
        kept=Jsonb(msgspec.to_builtins(answer.kept)),
    )


def answers(tx: Tx, customer: UUID) -> list[Answer]:
    """What a customer was answered, newest first."""
    return [
        msgspec.convert(row, Answer, strict=False) for row in _queries.answers(tx.conn, customer=customer)
    ]


def reference_taken(tx: Tx, reference: str) -> bool:
    """Whether an answer has this reference."""
    return _queries.reference_taken(tx.conn, reference=reference)


def add_order(tx: Tx, order: Order) -> None:
    """Keep an authority's order."""
    _queries.add_order(tx.conn, **asdict(order))


def order_to_release(tx: Tx, order: UUID) -> Order | None:
    """A standing order, held until the transaction ends."""
    row = _queries.order_to_release(tx.conn, id=order)
    return Order(**row) if row else None


def release_order(tx: Tx, order: UUID, now: datetime) -> None:
    """Note that an order is over."""
    _queries.release_order(tx.conn, id=order, now=now)


def standing_orders(tx: Tx, customer: UUID) -> tuple[Order, ...]:
    """The orders that keep a customer's records, oldest first."""
    return tuple(Order(**row) for row in _queries.standing_orders(tx.conn, customer=customer))


def expired(
    tx: Tx, today: date, last_days: Mapping[str, date], last: Mapping[str, datetime], count: int
) -> list[tuple[UUID, date]]:
    """Up to ``count`` people to erase, with the day they left or their last application ended.

    By pack, ``last_days`` is the last day of leaving whose longest clock has run out, and ``last`` the last
    instant at which an application without a line may have ended whose clock has.
    """
    rows = _queries.expired(
        tx.conn,
        today=today,
        before=max(last_days.values()),
        packs=list(last_days),
        last_days=list(last_days.values()),
        last=[last[pack] for pack in last_days],
        count=count,
    )
    return [(row["customer"], row["ended_on"]) for row in rows]


def others(tx: Tx, customer: UUID) -> list[UUID]:
    """Whom the vault knows for a customer's sake alone: users of their lines, contacts of their estate."""
    return [row["id"] for row in _queries.others(tx.conn, customer=customer)]


def add_erased(tx: Tx, customer: UUID, ended_on: date, now: datetime) -> None:
    """Note that a customer is gone."""
    _queries.add_erased(tx.conn, customer=customer, ended_on=ended_on, now=now)


def _request(row: Row) -> Request:
    return msgspec.convert(row, Request)


def add_request(tx: Tx, new: Request) -> None:
    """Store what somebody asked."""
    _queries.add_request(tx.conn, **columns_of(new))


def save_request(tx: Tx, changed: Request) -> None:
    """Write what an act changed."""
    _queries.save_request(tx.conn, **columns_of(changed))


def request(tx: Tx, request_id: UUID, lock: bool = False) -> Request | None:
    """A request by id."""
    row = (_queries.lock_request if lock else _queries.request)(tx.conn, id=request_id)
    return _request(row) if row else None


def request_by_reference(tx: Tx, reference: str) -> Request | None:
    """A request by the reference on its letters."""
    row = _queries.request_by_reference(tx.conn, reference=reference)
    return _request(row) if row else None


def open_requests(tx: Tx, customer: UUID, kind: RequestKind) -> list[Request]:
    """Somebody's requests of a kind that wait for an answer, held until the transaction ends."""
    return [_request(row) for row in _queries.open_requests(tx.conn, customer=customer, kind=kind)]


def requests_waiting(tx: Tx, count: int = 100) -> list[Request]:
    """What waits for an answer, the nearest deadline first."""
    return [_request(row) for row in _queries.requests_waiting(tx.conn, count=count)]


def requests_of(tx: Tx, customer: UUID) -> list[Request]:
    """What somebody asked, the newest first."""
    return [_request(row) for row in _queries.requests_of(tx.conn, customer=customer)]


def requests_page(tx: Tx, after: UUID | None, count: int) -> list[Request]:
    """Up to ``count`` requests with ids above ``after``."""
    return [_request(row) for row in _queries.requests_page(tx.conn, after=after or NO_ID, count=count)]
