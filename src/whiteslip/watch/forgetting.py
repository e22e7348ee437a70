"""What this room erases of a customer: what it remembers at once, what it raised at the end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)


def forget_memory(tx: Tx, customer: UUID, now: datetime) -> int:
    """Erase what is remembered of lines that have closed; nothing is remembered of them again, also when
    memories are made anew from the journal. Returns how many went. No law keeps them.
    """
    return _queries.forget_memory(tx.conn, customer=customer, now=now)


def forget_alerts(tx: Tx, customer: UUID, _now: datetime) -> int:
    """Erase the alerts of their closed lines; returns how many. For the end of retention."""
    return _queries.forget_alerts(tx.conn, customer=customer)
