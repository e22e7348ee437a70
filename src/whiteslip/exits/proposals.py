"""A restriction is proposed, a policy table says whether one person is enough, and a second decides if not.

Whoever proposes, the desk or an alert of the watch, names objective reasons of :class:`Cause`; a
score, a dispute, a complaint or the wish to leave is none of them and no fact of the table. The
customer may object: who had no part in it answers in time, or the restriction ends. One ends it; that it
stays takes two. None commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from whiteslip import decisions, lines, packs
from whiteslip.base import Refusal, end_of_day, new_id
from whiteslip.base.ids import NO_ID
from whiteslip.exits import causes, restrictions, store
from whiteslip.exits.model import Cause
from whiteslip.exits.restrictions import Limits, Measure
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.identity import Vault
from whiteslip.identity.documents import keep
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row
from whiteslip.store.timers import cancel_timer, set_timer

TABLE: Final = "issuer-restriction"
WORDS: Final = "restriction_view"
_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class RestrictionProposal:
    """Somebody proposes to restrict a line. ``outcome``: open, done or rejected."""

    id: UUID
    line: UUID
    measure: Measure
    feature: str | None
    cap_minor: int | None
    reasons: tuple[Cause, ...]
    alert: UUID | None
    decision: UUID
    proposed_by: str
    proposed_at: datetime
    outcome: str = "open"
    decided_by: str | None = None
    decided_at: datetime | None = None
    restriction: UUID | None = None

    @property
    def limits(self) -> Limits:
        """What is to be limited."""
        return Limits(self.measure, self.feature, self.cap_minor)


class StayWhy(StrEnum):
    """Why a restriction stays although the customer objects; the letter says it."""

    STILL_SO = "still_so"
    NOT_SHOWN = "not_shown"
    NOT_ABOUT_IT = "not_about_it"


@dataclass(frozen=True, slots=True)
class Objection:
    """The customer sees it otherwise; ``words`` are in the vault. ``outcome``: None, stays or lifted.

    ``stay_by`` proposes that it stays, for the reason ``stay_why``; somebody else answers.
    """

    id: UUID
    restriction: UUID
    line: UUID
    words: UUID | None
    opened_at: datetime
    due_at: datetime
    stay_by: str | None = None
    stay_why: StayWhy | None = None
    outcome: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None


def propose(
    tx: Tx,
    office: Office,
    line_id: UUID,
    limits: Limits,
    reasons: Sequence[Cause],
    actor: str,
    now: datetime,
    alert: UUID | None = None,
) -> RestrictionProposal | Refusal:
    """Propose to restrict a line. Where the table asks for nobody else it is done at once.

    ``alert`` is what the watch saw, if that is where it comes from. Refusals: those of
    ``restrictions.restrict``, and ``restriction.proposed`` where a proposal waits already.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    fault = restrictions.fault(tx, line, limits, reasons, now)
    if fault:
        return fault
    if open_of_line(tx, line.id):
        return Refusal("restriction.proposed")
    facts = {"measure": limits.measure, "owed_minor": line.owed_minor, "from_alert": alert is not None}
    decision = decisions.decide(tx, office.tables, TABLE, line.id, facts, now)
    new = RestrictionProposal(
        new_id(now),
        line.id,
        limits.measure,
        limits.feature,
        limits.cap_minor,
        tuple(reasons),
        alert,
        decision.id,
        actor,
        now,
    )
    _add(tx, new)
    data = {"proposal": new.id, "measure": limits.measure, "reasons": list(reasons), "decision": decision.id}
    tx.record(Entry(now, "restriction.proposed", "line", line.id, actor, data))
    if decision.outcome["answer"] == "second_person":
        return new
    return _carried_out(tx, office, new, actor, now)


def decide(
    tx: Tx, office: Office, proposal_id: UUID, approve: bool, actor: str, now: datetime
) -> RestrictionProposal | Refusal:
    """A second person approves, and it is done in the same transaction; or turns it down.

    Refusals: ``restriction.not_found``, ``restriction.decided``, ``desk.own_proposal``, and those of
    ``restrictions.restrict`` where the line has changed meanwhile.
    """
    seen = find(tx, proposal_id)
    if seen is None:
        return Refusal("restriction.not_found")
    if seen.outcome != "open":
        return Refusal("restriction.decided")
    if seen.proposed_by == actor:
        return Refusal("desk.own_proposal")
    if approve:
        return _carried_out(tx, office, seen, actor, now)
    done = replace(seen, outcome="rejected", decided_by=actor, decided_at=now)
    _save(tx, done)
    tx.record(Entry(now, "restriction.turned_down", "line", seen.line, actor, {"proposal": seen.id}))
    return done


def _carried_out(
    tx: Tx, office: Office, seen: RestrictionProposal, actor: str, now: datetime
) -> RestrictionProposal | Refusal:
    restricted = restrictions.restrict(tx, office, seen.line, seen.reasons, actor, now, seen.limits)
    if isinstance(restricted, Refusal):
        return restricted
    done = replace(seen, outcome="done", decided_by=actor, decided_at=now, restriction=restricted.id)
    _save(tx, done)
    return done


def object_to(
    tx: Tx, vault: Vault, line_id: UUID, words: str, actor: str, now: datetime
) -> Objection | Refusal:
    """The customer sees it otherwise and wants a person to look. What they write goes into the vault.

    The clock is the pack's ``issuer.objection_days``; nobody's answer in time ends the restriction.
    Refusals: ``line.not_found``, ``restriction.none``, ``restriction.objection_open``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    found = store.restriction_of_line(tx, line.id)
    if found is None:
        return Refusal("restriction.none")
    if _queries.restriction_objection_open(tx.conn, restriction=found.id):
        return Refusal("restriction.objection_open")
    due_on = line.today(now) + timedelta(days=packs.load(line.pack).days("issuer.objection_days"))
    sealed = _sealed(tx, vault, line, words, actor, now) if words.strip() else None
    if isinstance(sealed, Refusal):
        return sealed
    new = Objection(new_id(now), found.id, line.id, sealed, now, end_of_day(due_on, line.timezone))
    _queries.add_restriction_objection(
        tx.conn,
        id=new.id,
        restriction=new.restriction,
        line=new.line,
        words=new.words,
        opened_at=new.opened_at,
        due_at=new.due_at,
    )
    set_timer(tx, "restriction.objection_due", new.id, new.due_at, now)
    data = {"restriction": found.id, "objection": new.id, "due_at": new.due_at}
    tx.record(Entry(now, "restriction.objected", "line", line.id, actor, data))
    return new


def answer(
    tx: Tx, office: Office, objection_id: UUID, stay_why: StayWhy | None, actor: str, now: datetime
) -> Objection | Refusal:
    """Somebody who had no part in the restriction looked at it. With no reason to stay it ends now.

    That it stays takes two: the first proposes it for a reason, the second who gives the same one answers;
    another reason takes the place of what was proposed. Refusals: ``restriction.objection_not_found``,
    ``restriction.objection_answered``, ``restriction.own``, ``desk.own_proposal``.
    """
    seen = objection(tx, objection_id, lock=True)
    if seen is None:
        return Refusal("restriction.objection_not_found")
    if seen.outcome:
        return Refusal("restriction.objection_answered")
    if _queries.had_part_in_restriction(tx.conn, restriction=seen.restriction, actor=actor):
        return Refusal("restriction.own")
    if stay_why and stay_why is not seen.stay_why:
        _queries.propose_restriction_stays(tx.conn, id=seen.id, stay_by=actor, stay_why=stay_why)
        data = {"restriction": seen.restriction, "objection": seen.id, "why": stay_why}
        tx.record(Entry(now, "restriction.stay_proposed", "line", seen.line, actor, data))
        return replace(seen, stay_by=actor, stay_why=stay_why)
    if stay_why and seen.stay_by == actor:
        return Refusal("desk.own_proposal")
    cancel_timer(tx, "restriction.objection_due", seen.id, now)
    return _answered(tx, office, seen, "stays" if stay_why else "lifted", actor, now)


def unanswered(tx: Tx, office: Office, objection_id: UUID, now: datetime) -> None:
    """The clock of an objection ran out: the restriction ends in the customer's favour."""
    seen = objection(tx, objection_id, lock=True)
    if seen and seen.outcome is None and now >= seen.due_at:
        _answered(tx, office, seen, "lifted", "system", now)


def _answered(tx: Tx, office: Office, seen: Objection, outcome: str, actor: str, now: datetime) -> Objection:
    done = replace(seen, outcome=outcome, answered_by=actor, answered_at=now)
    _queries.answer_restriction_objection(
        tx.conn, id=done.id, outcome=outcome, answered_by=actor, answered_at=now
    )
    why = {"why": seen.stay_why, "proposed_by": seen.stay_by} if outcome == "stays" else {}
    data = {"restriction": seen.restriction, "objection": seen.id, "outcome": outcome, **why}
    tx.record(Entry(now, "restriction.objection_answered", "line", seen.line, actor, data))
    standing = store.restriction_of_line(tx, seen.line)
    if standing is None or standing.id != seen.restriction:
        return done
    if outcome == "stays":
        line = lines.get_line(tx, seen.line)
        if not isinstance(line, Refusal):
            kept = {"why": seen.stay_why}
            restrictions.tell_reasons(tx, office, line, standing, Act.RESTRICTION_KEPT, now, kept)
    else:
        ground = "objection_not_answered" if actor == "system" else "objection_upheld"
        restrictions.lift(tx, office, seen.line, ground, actor, now)
    return done


def lift_ended(tx: Tx, office: Office, now: datetime) -> int:
    """End every restriction all of whose reasons have ended; returns how many.

    Only what the books show can end by itself (``causes.TOLD_BY_BOOKS``).
    """
    ended = causes.ended(tx, now)
    for line in ended:
        restrictions.lift(tx, office, line, "reason_ended", "system", now)
    return len(ended)


def _sealed(tx: Tx, vault: Vault, line: Line, words: str, actor: str, now: datetime) -> UUID | Refusal:
    until = now + timedelta(days=366 * packs.load(line.pack).years("retention.transactions_years"))
    return keep(tx, vault, line.customer, WORDS, "text/plain", words.encode(), until, actor, now)


def _proposal(row: Row | None) -> RestrictionProposal | None:
    return msgspec.convert(row, RestrictionProposal) if row else None


def _objection(row: Row | None) -> Objection | None:
    return msgspec.convert(row, Objection) if row else None


def find(tx: Tx, proposal_id: UUID) -> RestrictionProposal | None:
    """A proposal by id, locked."""
    return _proposal(_queries.restriction_proposal(tx.conn, id=proposal_id))


def open_of_line(tx: Tx, line: UUID) -> RestrictionProposal | None:
    """The proposal of a line that waits for a second person."""
    return _proposal(_queries.restriction_proposal_of_line(tx.conn, line=line))


def waiting(tx: Tx, after: UUID | None = None, count: int = 100) -> list[RestrictionProposal]:
    """Proposals that wait for a second person, in the order in which they were made."""
    rows = _queries.restriction_proposals_waiting(tx.conn, after=after or NO_ID, count=count)
    return [msgspec.convert(row, RestrictionProposal) for row in rows]


def objection(tx: Tx, objection_id: UUID, lock: bool = False) -> Objection | None:
    """An objection by id; with ``lock`` held until the transaction ends."""
    ask = _queries.lock_restriction_objection if lock else _queries.restriction_objection
    return _objection(ask(tx.conn, id=objection_id))


def last_objection(tx: Tx, restriction: UUID) -> Objection | None:
    """The newest objection to a restriction, answered or not."""
    return _objection(_queries.last_restriction_objection(tx.conn, restriction=restriction))


def objections_waiting(tx: Tx, after: UUID | None = None, count: int = 100) -> list[Objection]:
    """Objections that nobody has answered, the oldest first: its deadline is the nearest."""
    rows = _queries.restriction_objections(tx.conn, after=after or NO_ID, count=count)
    return [msgspec.convert(row, Objection) for row in rows]


def _add(tx: Tx, new: RestrictionProposal) -> None:
    _queries.add_restriction_proposal(
        tx.conn,
        id=new.id,
        line=new.line,
        measure=new.measure,
        feature=new.feature,
        cap_minor=new.cap_minor,
        reasons=[str(reason) for reason in new.reasons],
        alert=new.alert,
        decision=new.decision,
        proposed_by=new.proposed_by,
        proposed_at=new.proposed_at,
    )


def _save(tx: Tx, done: RestrictionProposal) -> None:
    _queries.decide_restriction_proposal(
        tx.conn,
        id=done.id,
        outcome=done.outcome,
        decided_by=done.decided_by,
        decided_at=done.decided_at,
        restriction=done.restriction,
    )
