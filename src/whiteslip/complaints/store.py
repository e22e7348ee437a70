"""Rows of complaints to and from the model."""

from __future__ import annotations

from uuid import UUID

import msgspec

from whiteslip.base.ids import NO_ID
from whiteslip.complaints.model import Complaint
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row, columns_of

_queries = load_queries(__file__)


def _complaint(row: Row) -> Complaint:
    return msgspec.convert(row, Complaint)


def add(tx: Tx, new: Complaint) -> None:
    """Store a complaint."""
    _queries.add(tx.conn, **columns_of(new))


def save(tx: Tx, changed: Complaint) -> None:
    """Write what an act changed."""
    _queries.save(tx.conn, **columns_of(changed))


def find(tx: Tx, complaint_id: UUID, lock: bool = False) -> Complaint | None:
    """A complaint by id."""
    row = (_queries.lock_one if lock else _queries.by_id)(tx.conn, id=complaint_id)
    return _complaint(row) if row else None


def by_reference(tx: Tx, reference: str) -> Complaint | None:
    """A complaint by the reference on its letters."""
    row = _queries.by_reference(tx.conn, reference=reference)
    return _complaint(row) if row else None


def queue(tx: Tx, count: int = 100) -> list[Complaint]:
    """What waits for an answer, the nearest deadline first."""
    return [_complaint(row) for row in _queries.queue(tx.conn, count=count)]


def of_customer(tx: Tx, customer: UUID) -> list[Complaint]:
    """Somebody's complaints, the newest first."""
    return [_complaint(row) for row in _queries.of_customer(tx.conn, customer=customer)]


def page(tx: Tx, after: UUID | None, count: int) -> list[Complaint]:
    """Up to ``count`` complaints with ids above ``after``."""
    return [_complaint(row) for row in _queries.page(tx.conn, after=after or NO_ID, count=count)]
