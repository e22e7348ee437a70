"""Rows of exits to and from the model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from whiteslip.base.ids import NO_ID
from whiteslip.exits import rules
from whiteslip.exits.choices import Agreement, Choice, Claim, Only, Proposal
from whiteslip.exits.model import (
    Assessment,
    Estate,
    Exit,
    Kept,
    Path,
    Restriction,
    Route,
    State,
    Termination,
)
from whiteslip.exits.papers import PaperRequest
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row, columns_of

_queries = load_queries(__file__)


def _columns(case: Exit) -> dict[str, Any]:
    return columns_of(case) | {"plan": Jsonb(msgspec.to_builtins(case.plan))}


def _case(row: Row) -> Exit:
    return msgspec.convert(row, Exit)


def _found(row: Row | None) -> Exit | None:
    return _case(row) if row else None


def add(tx: Tx, case: Exit) -> None:
    """Store a new case."""
    _queries.add(tx.conn, **_columns(case))


def save(tx: Tx, case: Exit) -> None:
    """Write what a step or an answer changed."""
    _queries.save(tx.conn, **_columns(case))


def find(tx: Tx, exit_id: UUID, lock: bool = False) -> Exit | None:
    """A case by id."""
    return _found((_queries.lock_one if lock else _queries.by_id)(tx.conn, id=exit_id))


def lock_many(tx: Tx, ids: Collection[UUID]) -> list[Exit]:
    """Cases in the order of their ids, held until the transaction ends."""
    return [_case(row) for row in _queries.lock_many(tx.conn, ids=list(ids))]


def by_reference(tx: Tx, reference: str) -> Exit | None:
    """A case by the reference on its letters."""
    return _found(_queries.by_reference(tx.conn, reference=reference))


def open_of_line(tx: Tx, line: UUID) -> Exit | None:
    """The line's open case; there is at most one."""
    return _found(_queries.open_of_line(tx.conn, line=line))


def notice_of_line(tx: Tx, line: UUID) -> Exit | None:
    """The lender's notice that runs on a line; there is at most one."""
    return _found(_queries.notice_of_line(tx.conn, line=line))


def standing(tx: Tx, line: UUID) -> Exit | None:
    """The line's open case, or else the lender's notice that runs on it."""
    return _found(_queries.standing(tx.conn, line=line))


def of_line(tx: Tx, line: UUID) -> list[Exit]:
    """All cases of a line, newest first."""
    return [_case(row) for row in _queries.of_line(tx.conn, line=line)]


def queue(tx: Tx, now: datetime, count: int = 100, after: UUID | None = None) -> list[Exit]:
    """Cases that wait for a person, the nearest deadline first; those that come after one of them."""
    return [_case(row) for row in _queries.queue(tx.conn, now=now, count=count, after=after)]


def page(tx: Tx, after: UUID | None, count: int, only: Only) -> list[Exit]:
    """Up to ``count`` cases with ids above ``after``."""
    rows = _queries.page(tx.conn, after=after or NO_ID, count=count, **only._asdict())
    return [_case(row) for row in rows]


def recent(tx: Tx, count: int, only: Only) -> list[Exit]:
    """The newest cases."""
    return [_case(row) for row in _queries.recent(tx.conn, count=count, **only._asdict())]


def counts(tx: Tx) -> dict[State, int]:
    """How many cases stand in each state."""
    return {State(row["state"]): row["count"] for row in _queries.counts(tx.conn)}


def to_review(tx: Tx, after: UUID | None, de_minimis: int, now: datetime, count: int) -> dict[UUID, UUID]:
    """Cases above ``after`` that a step may be due for, in order, and their lines."""
    rows = _queries.to_review(tx.conn, after=after or NO_ID, de_minimis=de_minimis, now=now, count=count)
    return {row["id"]: row["line"] for row in rows}


def add_assessment(tx: Tx, kept: Kept) -> None:
    """Keep an assessment beside those before it."""
    _queries.add_assessment(
        tx.conn,
        exit=kept.exit,
        now=kept.at,
        decision=kept.decision,
        route=kept.route,
        reasons=list(kept.reasons),
        parts=Jsonb(msgspec.to_builtins(kept.parts)),
    )


def assessment(tx: Tx, exit_id: UUID) -> Kept | None:
    """The newest assessment of a case."""
    row = _queries.assessment(tx.conn, exit=exit_id)
    if row is None:
        return None
    parts = msgspec.convert(row["parts"], Assessment)
    return Kept(**(row | {"parts": parts, "route": Route(row["route"]), "reasons": tuple(row["reasons"])}))


def add_choice(tx: Tx, made: Choice, route: Route | None, blind: bool) -> None:
    """Keep what the desk chose, and what it had been advised."""
    _queries.add_choice(
        tx.conn,
        exit=made.exit,
        now=made.chosen_at,
        actor=made.actor,
        path=made.path,
        ground=made.ground,
        reasons=list(made.reasons),
        route=route,
        blind=blind,
        letter_sha256=made.letter_sha256,
    )


def choices(tx: Tx, exit_id: UUID) -> list[Row]:
    """What the desk chose: at, actor, path, ground, reasons, route, blind, letter_sha256."""
    return list(_queries.choices(tx.conn, exit=exit_id))


def agreement(tx: Tx) -> Agreement:
    """How often people at the desk chose what the table had advised."""
    sums = {(blind, agreed): 0 for blind in (True, False) for agreed in (True, False)}
    for row in _queries.agreement(tx.conn):
        sums[row["blind"], rules.agrees(Route(row["route"]), Path(row["path"]))] += row["count"]
    return Agreement(
        blind=sums[True, True] + sums[True, False],
        blind_agreed=sums[True, True],
        seen=sums[False, True] + sums[False, False],
        seen_agreed=sums[False, True],
    )


def add_pending(tx: Tx, made: Choice) -> None:
    """Store what was chosen and can still be taken back."""
    _queries.add_pending(tx.conn, **columns_of(made) | {"reasons": list(made.reasons)})


def pending(tx: Tx, exit_id: UUID) -> Choice | None:
    """What was chosen for a case and not carried out yet."""
    row = _queries.pending(tx.conn, exit=exit_id)
    return msgspec.convert(row, Choice) if row else None


def pending_of(tx: Tx, actor: str, now: datetime) -> list[Row]:
    """What somebody can still take back, the newest first: exit, reference, path, due_at."""
    return list(_queries.pending_of(tx.conn, actor=actor, now=now))


def drop_pending(tx: Tx, exit_id: UUID) -> None:
    """It was taken back, or carried out."""
    _queries.drop_pending(tx.conn, exit=exit_id)


def snooze(tx: Tx, exit_id: UUID, actor: str, until: datetime) -> None:
    """Put a case aside."""
    _queries.snooze(tx.conn, exit=exit_id, actor=actor, until=until)


def snoozed_until(tx: Tx, exit_id: UUID, now: datetime) -> datetime | None:
    """Until when a case is put aside; None when it is not."""
    return _queries.snoozed_until(tx.conn, exit=exit_id, now=now)


def violations(tx: Tx, ended_after: datetime | None = None) -> list[str]:
    """Broken invariants of this room, in words; of schedules, where one is given, only those of cases that
    had not ended at an instant.
    """
    rows = _queries.violations(tx.conn, ended_after=ended_after)
    return [f"{row['invariant']}: {row['detail']}" for row in rows]


def add_restriction(tx: Tx, new: Restriction) -> None:
    """Store a restriction that was just set."""
    _queries.add_restriction(
        tx.conn, **columns_of(new) | {"reasons": [str(reason) for reason in new.reasons]}
    )


def renew_restriction(tx: Tx, renewed: Restriction) -> None:
    """Write its new reasons and its new day."""
    reasons = [str(reason) for reason in renewed.reasons]
    _queries.renew_restriction(tx.conn, id=renewed.id, reasons=reasons, review_on=renewed.review_on)


def lift_restriction(tx: Tx, restriction: UUID, why: str, now: datetime) -> None:
    """Write that it is over."""
    _queries.lift_restriction(tx.conn, id=restriction, why=why, now=now)


def restriction_of_line(tx: Tx, line: UUID) -> Restriction | None:
    """The restriction that stands on a line; there is at most one."""
    row = _queries.restriction_of_line(tx.conn, line=line)
    return msgspec.convert(row, Restriction) if row else None


def restriction(tx: Tx, restriction_id: UUID) -> Restriction | None:
    """A restriction that stands, by id."""
    row = _queries.restriction(tx.conn, id=restriction_id)
    return msgspec.convert(row, Restriction) if row else None


def next_case(tx: Tx, actor: str, but: Sequence[UUID], now: datetime) -> Exit | None:
    """The case nearest to its deadline that ``actor`` may take, none of ``but``; locked."""
    row = _queries.next_case(tx.conn, actor=actor, but=list(but), now=now)
    return _case(row) if row else None


def claim(tx: Tx, exit_id: UUID, actor: str, until: datetime, now: datetime) -> bool:
    """Take a case, or keep it; False while somebody else works on it."""
    return _queries.claim(tx.conn, exit=exit_id, actor=actor, until=until, now=now) is not None


def claim_of(tx: Tx, exit_id: UUID, now: datetime) -> Claim | None:
    """Who works on a case now."""
    row = _queries.claim_of(tx.conn, exit=exit_id, now=now)
    return Claim(**row) if row else None


def release_claim(tx: Tx, exit_id: UUID, actor: str) -> None:
    """Put a case back."""
    _queries.release_claim(tx.conn, exit=exit_id, actor=actor)


def add_proposal(tx: Tx, new: Proposal) -> None:
    """Store a proposal."""
    _queries.add_proposal(tx.conn, **columns_of(new) | {"reasons": list(new.reasons)})


def decide_proposal(tx: Tx, proposal_id: UUID, outcome: str, actor: str | None, now: datetime) -> None:
    """Write how a proposal ended."""
    _queries.decide_proposal(tx.conn, id=proposal_id, outcome=outcome, decided_by=actor, now=now)


def proposal(tx: Tx, exit_id: UUID) -> Proposal | None:
    """The proposal that is open on a case."""
    row = _queries.proposal(tx.conn, exit=exit_id)
    return msgspec.convert(row, Proposal) if row else None


def inactive(tx: Tx, pack: str, months: int, now: datetime, after: UUID | None, count: int) -> list[UUID]:
    """Lines of a pack on which nothing has moved for ``months``, above ``after``."""
    rows = _queries.inactive(
        tx.conn, pack=pack, months=months, now=now, after=after or NO_ID, line=None, but=None, count=count
    )
    return [row["id"] for row in rows]


def _termination(row: Row | None) -> Termination | None:
    return msgspec.convert(row, Termination) if row else None


def add_termination(tx: Tx, new: Termination) -> None:
    """Store a proposal to end an agreement."""
    _queries.add_termination(
        tx.conn, **columns_of(new) | {"reasons": [str(reason) for reason in new.reasons]}
    )


def decide_termination(tx: Tx, decided: Termination) -> None:
    """Write how it was decided."""
    _queries.decide_termination(tx.conn, **columns_of(decided))


def termination(tx: Tx, termination_id: UUID) -> Termination | None:
    """A proposal by id, locked."""
    return _termination(_queries.termination(tx.conn, id=termination_id))


def termination_of_exit(tx: Tx, exit_id: UUID) -> Termination | None:
    """The proposal that opened a case."""
    return _termination(_queries.termination_of_exit(tx.conn, exit=exit_id))


def open_terminations(tx: Tx, after: UUID | None = None, count: int = 100) -> list[Termination]:
    """Proposals that wait for the second person, the oldest first."""
    rows = _queries.open_terminations(tx.conn, after=after or NO_ID, count=count)
    return [msgspec.convert(row, Termination) for row in rows]


def terminations_of_line(tx: Tx, line: UUID) -> list[Termination]:
    """All proposals to end a line's agreement, newest first."""
    rows = _queries.terminations_of_line(tx.conn, line=line)
    return [msgspec.convert(row, Termination) for row in rows]


def wake(tx: Tx, exit_id: UUID) -> None:
    """Something came in for a case that was put aside: it is in the queue again."""
    _queries.wake(tx.conn, exit=exit_id)


def add_paper_request(tx: Tx, new: PaperRequest, code_hash: bytes) -> None:
    """Store that a paper was asked for."""
    _queries.add_paper_request(
        tx.conn,
        id=new.id,
        exit=new.exit,
        wanted=new.wanted,
        why=new.why,
        asked_by=new.asked_by,
        asked_at=new.asked_at,
        answer_by=new.answer_by,
        code_hash=code_hash,
    )


def save_paper_request(tx: Tx, done: PaperRequest) -> None:
    """Write that it was handed in."""
    _queries.save_paper_request(tx.conn, id=done.id, document=done.document, handed_in_at=done.handed_in_at)


def paper_requests(tx: Tx, exit_id: UUID) -> list[PaperRequest]:
    """Papers asked for in a case, the newest first."""
    return [msgspec.convert(row, PaperRequest) for row in _queries.paper_requests(tx.conn, exit=exit_id)]


def paper_request_by_code(tx: Tx, code_hash: bytes) -> PaperRequest | None:
    """The request whose letter has this code."""
    row = _queries.paper_request_by_code(tx.conn, code_hash=code_hash)
    return msgspec.convert(row, PaperRequest) if row else None


def add_estate(tx: Tx, new: Estate) -> None:
    """Store that a death was reported."""
    _queries.add_estate(tx.conn, **columns_of(new))


def save_estate(tx: Tx, estate: Estate) -> None:
    """Write what became known of it."""
    _queries.save_estate(tx.conn, **columns_of(estate))


def end_estate(tx: Tx, line: UUID, now: datetime) -> None:
    """Write that it was reported in error."""
    _queries.end_estate(tx.conn, line=line, now=now)


def estate_of_line(tx: Tx, line: UUID) -> Estate | None:
    """The estate that settles a line, if a death was reported."""
    row = _queries.estate_of_line(tx.conn, line=line)
    return msgspec.convert(row, Estate) if row else None


def paid_since(tx: Tx, line: UUID, since: datetime, until: date) -> int:
    """What came in after ``since``, has stayed, and counts from ``until`` or sooner; minor units."""
    return _queries.paid_since(tx.conn, line=line, since=since, until=until)


def bought_since(tx: Tx, line: UUID, day: date) -> int:
    """What was captured after ``day``, in minor units."""
    return _queries.bought_since(tx.conn, line=line, day=day)


def credit_since(tx: Tx, line: UUID, paid_at: datetime | None) -> datetime | None:
    """When the credit on a line began, of which nothing was paid out but at ``paid_at`` or before."""
    return _queries.credit_since(tx.conn, line=line, paid_at=paid_at)
