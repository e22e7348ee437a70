"""What this room erases of a customer: what was shown to them at once, what was assessed at the end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)


def forget_offers(tx: Tx, customer: UUID, _now: datetime) -> int:
    """Erase the looks at alternatives on lines that have closed; returns how many. No law keeps them."""
    return _queries.erase_offers(tx.conn, customer=customer)


def forget_assessments(tx: Tx, customer: UUID, _now: datetime) -> int:
    """Erase the assessments of their cases, with all facts; returns how many. For the end of retention."""
    return _queries.erase_assessments(tx.conn, customer=customer)
