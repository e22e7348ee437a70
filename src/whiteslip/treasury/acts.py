"""Propose what to do with freed capacity, and decide about it. None commits, and none touches a line."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from whiteslip.base import Refusal, new_id
from whiteslip.store import Entry, Tx
from whiteslip.treasury import allocation, store
from whiteslip.treasury.model import Answer, Appetite, Basis, Plan

SUBJECT: Final = "capacity_plan"


def allocate(basis: Basis, appetite: Appetite) -> Answer:
    """The best use of what was freed, two simple ones beside it, and what each limit is worth."""
    return allocation.solve(allocation.problem(basis, appetite))


def propose(tx: Tx, basis: Basis, appetite: Appetite, actor: str, now: datetime) -> Plan | Refusal:
    """Propose a plan. Refusal: ``capacity.nothing_pays`` where no offer would bring anything."""
    answer = allocate(basis, appetite)
    if not any(count for _, count in answer.best.offers):
        return Refusal("capacity.nothing_pays")
    plan = Plan(new_id(now), basis, appetite, answer, actor, now)
    store.add(tx, plan)
    tx.record(Entry(now, "capacity.plan_proposed", SUBJECT, plan.id, actor, _told(plan)))
    return plan


def decide(tx: Tx, plan_id: UUID, approve: bool, actor: str, now: datetime) -> Plan | Refusal:
    """Approve or turn down. Refusals: ``capacity.plan_not_found``, ``capacity.plan_decided``,
    ``desk.own_proposal`` where who proposed it would approve it.
    """
    seen = store.find(tx, plan_id, lock=True)
    if seen is None:
        return Refusal("capacity.plan_not_found")
    if seen.outcome:
        return Refusal("capacity.plan_decided")
    if approve and actor == seen.proposed_by:
        return Refusal("desk.own_proposal")
    outcome = "approved" if approve else "turned_down"
    plan = replace(seen, outcome=outcome, decided_by=actor, decided_at=now)
    store.save(tx, plan)
    tx.record(
        Entry(
            now,
            "capacity.plan_approved" if approve else "capacity.plan_turned_down",
            SUBJECT,
            plan.id,
            actor,
            _told(plan),
        )
    )
    return plan


def _told(plan: Plan) -> dict[str, object]:
    return {
        "day": plan.basis.day,
        "currency": plan.basis.currency,
        "offers": dict(plan.answer.best.offers),
        "step_minor": plan.appetite.step_minor,
        "worth_minor": plan.answer.best.worth_minor,
    }
