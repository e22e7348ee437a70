"""Make a pool whole: pay for dilution, buy back, substitute. Money moves, so two people agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

import msgspec

from whiteslip.base import Refusal, new_id
from whiteslip.billing import pledges
from whiteslip.funding import acts, eligibility, store
from whiteslip.funding.model import Facility, Remedy, RemedyKind
from whiteslip.store import Entry, Tx


def propose(
    tx: Tx, name: str, plan: UUID, instead: UUID | None, why: str, day: date, actor: str, now: datetime
) -> Remedy | Refusal:
    """Propose to buy a receivable back at what is left of it or, with ``instead``, to put another in.

    Refusals: ``funding.not_found``, ``funding.not_pledged``, ``funding.not_eligible`` (what comes in
    must be, and be worth as much), ``funding.remedy_open``.
    """
    facility = acts.find(tx, name, lock=True)
    if isinstance(facility, Refusal):
        return facility
    pool = {each.plan: each for each in store.receivables(tx, facility, day)}
    if plan not in pool:
        return Refusal("funding.not_pledged")
    owed = pool[plan].principal_minor
    if instead and not _may_replace(tx, facility, instead, owed, day):
        return Refusal("funding.not_eligible")
    kind = RemedyKind.SUBSTITUTION if instead else RemedyKind.REPURCHASE
    price = 0 if instead else owed
    remedy = Remedy(new_id(now), facility.id, kind, plan, instead, price, why, actor, now)
    if not store.add_remedy(tx, remedy):
        return Refusal("funding.remedy_open")
    acts.note_proposal(tx, remedy, now)
    return remedy


def decide(tx: Tx, remedy_id: UUID, approve: bool, day: date, actor: str, now: datetime) -> Remedy | Refusal:
    """Approve or turn down. What the software proposed is first endorsed by one, then approved by another.

    Approved: the money is in the facility's cash, and what is bought back or replaced leaves the pool.
    Refusals: ``funding.remedy_not_found``, ``funding.remedy_decided``, ``desk.own_proposal``,
    ``funding.not_eligible``, ``plan.pledged``.
    """
    seen = store.lock_remedy(tx, remedy_id)
    if seen is None:
        return Refusal("funding.remedy_not_found")
    if seen.outcome:
        return Refusal("funding.remedy_decided")
    if not approve:
        decided = replace(seen, outcome="turned_down", decided_by=actor, decided_at=now)
        store.save_remedy(tx, decided)
        tx.record(
            Entry(now, "funding.remedy_turned_down", acts.SUBJECT, seen.facility, actor, _told(decided))
        )
        return decided
    if seen.proposed_by == acts.NIGHT and seen.endorsed_by is None:
        endorsed = replace(seen, endorsed_by=actor)
        store.save_remedy(tx, endorsed)
        tx.record(Entry(now, "funding.remedy_endorsed", acts.SUBJECT, seen.facility, actor, _told(endorsed)))
        return endorsed
    if actor in (seen.proposed_by, seen.endorsed_by):
        return Refusal("desk.own_proposal")
    done = _carry_out(tx, seen, day, actor, now)
    if isinstance(done, Refusal):
        return done
    store.save_remedy(tx, done)
    tx.record(Entry(now, "funding.remedy_approved", acts.SUBJECT, seen.facility, actor, _told(done)))
    return done


def _carry_out(tx: Tx, remedy: Remedy, day: date, actor: str, now: datetime) -> Remedy | Refusal:
    """What is bought back costs what is left of it now."""
    price = remedy.price_minor
    if remedy.kind is RemedyKind.REPURCHASE:
        price = store.outstanding(tx, remedy.plan) or 0
    store.lock(tx, remedy.facility)
    facility = next(each for each in store.facilities(tx) if each.id == remedy.facility)
    if remedy.instead:
        owed = store.outstanding(tx, remedy.plan) or 0
        if not _may_replace(tx, facility, remedy.instead, owed, day):
            return Refusal("funding.not_eligible")
        done = pledges.pledge(tx, [remedy.instead], facility.id, actor, now)
        if isinstance(done, Refusal):
            return done
    if remedy.kind is not RemedyKind.DEEMED_COLLECTION:
        pledges.release(tx, [remedy.plan], facility.id, actor, now)
    if price:
        cash = facility.position.cash_minor + price
        position = msgspec.structs.replace(facility.position, cash_minor=cash)
        store.add_position(tx, facility.id, position, actor, now)
    return replace(remedy, price_minor=price, outcome="approved", decided_by=actor, decided_at=now)


def _may_replace(tx: Tx, facility: Facility, instead: UUID, owed_minor: int, day: date) -> bool:
    free = {each.plan: each for each in store.receivables(tx, facility, day, candidates=True)}
    found = free.get(instead)
    return (
        found is not None
        and eligibility.ineligible(facility.deal, facility.id, found, day) is None
        and found.principal_minor >= owed_minor
    )


def _told(remedy: Remedy) -> dict[str, object]:
    return {
        "remedy": remedy.id,
        "kind": remedy.kind,
        "plan": remedy.plan,
        "price_minor": remedy.price_minor,
    }
