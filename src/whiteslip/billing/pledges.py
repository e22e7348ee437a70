"""Receivables that a funding facility lends against: a plan is pledged to one facility at a time.

A pledge changes nothing for the customer and moves no money; servicing goes on. None commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from whiteslip.base import Refusal
from whiteslip.lines.acts import lock_lines
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)


def pledge(tx: Tx, plans: Sequence[UUID], facility: UUID, actor: str, now: datetime) -> int | Refusal:
    """Pledge plans to a facility, all or none. What it has already stays as it is.

    Returns how many were pledged now. Refusals: ``plan.not_found``, ``plan.pledged`` (to another).
    """
    lines = _locked(tx, plans)
    if len(lines) != len(set(plans)):
        return Refusal("plan.not_found")
    standing = {row["plan"]: row["facility"] for row in _queries.pledges(tx.conn, plans=list(lines))}
    elsewhere = sum(other != facility for other in standing.values())
    if elsewhere:
        return Refusal("plan.pledged", {"plans": elsewhere})
    new = [plan for plan in lines if plan not in standing]
    _queries.pledge(tx.conn, plans=new, facility=facility, now=now)
    for plan in new:
        data = {"plan": plan, "facility": facility}
        tx.record(Entry(now, "plan.pledged", "line", lines[plan], actor, data))
    return len(new)


def release(tx: Tx, plans: Sequence[UUID], facility: UUID, actor: str, now: datetime) -> int:
    """The facility lets plans go: repaid, bought back or replaced. Returns how many it had."""
    lines = _locked(tx, plans)
    freed = [row["plan"] for row in _queries.release(tx.conn, plans=list(lines), facility=facility, now=now)]
    for plan in sorted(freed):
        data = {"plan": plan, "facility": facility}
        tx.record(Entry(now, "plan.pledge_released", "line", lines[plan], actor, data))
    return len(freed)


def _locked(tx: Tx, plans: Sequence[UUID]) -> Mapping[UUID, UUID]:
    """The line of each plan that exists, by plan; the lines are locked."""
    found = {row["id"]: row["line"] for row in _queries.lines_of_plans(tx.conn, plans=list(plans))}
    lock_lines(tx, list(set(found.values())))
    return found
