"""Plans in the database."""

from __future__ import annotations

from uuid import UUID

import msgspec

from whiteslip.store import Tx, load_queries
from whiteslip.treasury.model import Plan

_queries = load_queries(__file__)


def add(tx: Tx, plan: Plan) -> None:
    """Keep a proposal."""
    parts = {
        name: msgspec.json.encode(getattr(plan, name)).decode() for name in ("basis", "appetite", "answer")
    }
    _queries.add_plan(
        tx.conn, id=plan.id, proposed_by=plan.proposed_by, proposed_at=plan.proposed_at, **parts
    )


def plans(tx: Tx) -> list[Plan]:
    """The newest hundred plans, those that wait first."""
    return [msgspec.convert(row, Plan) for row in _queries.plans(tx.conn)]


def find(tx: Tx, plan: UUID, lock: bool = False) -> Plan | None:
    """A plan; with ``lock`` held until the transaction ends."""
    row = (_queries.lock_plan if lock else _queries.plan)(tx.conn, id=plan)
    return msgspec.convert(row, Plan) if row else None


def save(tx: Tx, plan: Plan) -> None:
    """Write what was decided."""
    _queries.save_plan(
        tx.conn, id=plan.id, outcome=plan.outcome, decided_by=plan.decided_by, decided_at=plan.decided_at
    )
