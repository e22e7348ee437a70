"""A proposal to end an agreement is over once its customer has left. None commits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)


def overtake(tx: Tx, line: UUID, case: UUID, now: datetime) -> None:
    """End what one person proposed and nobody can approve any more; without a proposal nothing happens."""
    if ended := _queries.overtake_termination(tx.conn, line=line, now=now):
        data = {"termination": ended, "exit": case}
        tx.record(Entry(now, "termination.overtaken", "line", line, "system", data))
