"""New terms for lines that are open: proposed, approved by a second person, told to each holder, and in
force from each line's own instant on, if the line is still used then, its holder has not rejected them and
the lender has not taken them back.

They are what is bought on from then on. What was bought before keeps the terms it was bought on: billing
and purchases note them when a line changes. None commits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from whiteslip import packs
from whiteslip.base import Refusal, local_day, new_id
from whiteslip.base.calendar import start_of_day
from whiteslip.base.ids import NO_ID
from whiteslip.lines.acts import get_line, terms_of
from whiteslip.lines.model import Lifecycle, Line, Terms
from whiteslip.packs import Pack
from whiteslip.packs.costs import too_dear
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row
from whiteslip.store.timers import cancel_timer, set_timer

_queries = load_queries(__file__)


class State(StrEnum):
    """Where a change stands with the lender."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    TURNED_DOWN = "turned_down"
    TAKEN_BACK = "taken_back"


class Outcome(StrEnum):
    """What came of it on one line; what is told waits for its instant."""

    TOLD = "told"
    IN_FORCE = "in_force"
    REJECTED = "rejected"
    PASSED_OVER = "passed_over"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose terms change: one line's, or those of all lines of a pack that have a version."""

    pack: str
    version: str
    line: UUID | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """New terms from ``effective_on`` on, for what :class:`Scope` says."""

    id: UUID
    pack: str
    from_version: str
    to_version: str
    line: UUID | None
    effective_on: date
    state: State
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    taken_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A change as one line's holder was told of it, and what came of it."""

    id: UUID
    change: UUID
    line: UUID
    from_version: str
    to_version: str
    effective_at: datetime
    outcome: Outcome
    told_at: datetime
    ended_at: datetime | None = None
    ended_why: str | None = None


def earliest(pack: Pack, told_on: date) -> date:
    """The first day on which terms may change of which a holder is told on ``told_on``: as many whole days
    as the pack's ``issuer.change_notice_days`` lie between the two.
    """
    return told_on + timedelta(days=pack.days("issuer.change_notice_days") + 1)


def scope_of_line(tx: Tx, line_id: UUID, lock: bool = True) -> Scope | Refusal:
    """One line's terms; a page that only shows them takes no lock. Refusals: ``line.not_found``,
    ``line.not_active``.
    """
    line = get_line(tx, line_id, lock=lock)
    if isinstance(line, Refusal):
        return line
    if line.lifecycle is not Lifecycle.ACTIVE:
        return Refusal("line.not_active", {"lifecycle": line.lifecycle})
    return Scope(line.pack, line.terms_version, line.id)


def propose(
    tx: Tx, scope: Scope, terms: Terms, effective_on: date, actor: str, now: datetime
) -> Change | Refusal:
    """Propose new terms; another person decides, and nobody is told until then.

    Refusals: ``terms.version_unknown``, ``terms.no_line`` where no open line has that version,
    ``terms.unchanged``, ``terms.too_dear``, ``terms.too_soon``, ``terms.change_open``.
    """
    pack = packs.load(scope.pack)
    if not list(_queries.terms(tx.conn, versions=[scope.version])):
        return Refusal("terms.version_unknown")
    if not _queries.has_terms(tx.conn, pack=scope.pack, version=scope.version, line=scope.line):
        return Refusal("terms.no_line")
    if terms.version == scope.version:
        return Refusal("terms.unchanged")
    most = pack.bps("line.yearly_cost_bps")
    if too_dear(msgspec.to_builtins(terms), most):
        return Refusal("terms.too_dear", {"most_bps": most})
    early = _too_soon(pack, effective_on, now)
    if early:
        return early
    if _queries.open_change(tx.conn, pack=scope.pack, version=scope.version, line=scope.line):
        return Refusal("terms.change_open")
    _queries.keep_terms(tx.conn, version=terms.version, terms=Jsonb(msgspec.to_builtins(terms)))
    made = Change(
        new_id(now),
        scope.pack,
        scope.version,
        terms.version,
        scope.line,
        effective_on,
        State.PROPOSED,
        actor,
        now,
    )
    _queries.add_change(
        tx.conn,
        id=made.id,
        pack=made.pack,
        from_version=made.from_version,
        to_version=made.to_version,
        line=made.line,
        effective_on=effective_on,
        actor=actor,
        now=now,
    )
    data = {"from": made.from_version, "to": made.to_version, "line": made.line, "effective_on": effective_on}
    tx.record(Entry(now, "terms.change_proposed", "terms_change", made.id, actor, data))
    return made


def _too_soon(pack: Pack, effective_on: date, now: datetime) -> Refusal | None:
    first = earliest(pack, local_day(now, pack.timezone))
    return Refusal("terms.too_soon", {"earliest": first.isoformat()}) if effective_on < first else None


def decide(tx: Tx, change_id: UUID, approve: bool, actor: str, now: datetime) -> Change | Refusal:
    """The second person approves or turns it down; who proposed it is refused.

    Refusals: ``terms.change_not_found``, ``terms.change_decided``, ``desk.own_proposal``, and
    ``terms.too_soon`` where too many days have passed since it was proposed.
    """
    seen = find(tx, change_id, lock=True)
    if seen is None:
        return Refusal("terms.change_not_found")
    if seen.state is not State.PROPOSED:
        return Refusal("terms.change_decided", {"state": seen.state})
    if seen.proposed_by == actor:
        return Refusal("desk.own_proposal")
    early = _too_soon(packs.load(seen.pack), seen.effective_on, now) if approve else None
    if early:
        return early
    state = State.APPROVED if approve else State.TURNED_DOWN
    done = replace(seen, state=state, decided_by=actor, decided_at=now)
    _queries.decide_change(tx.conn, id=done.id, state=state, actor=actor, now=now)
    tx.record(
        Entry(
            now,
            "terms.change_approved" if approve else "terms.change_turned_down",
            "terms_change",
            done.id,
            actor,
            {"to": done.to_version},
        )
    )
    return done


def take_back(tx: Tx, change_id: UUID, actor: str, now: datetime) -> Change | Refusal:
    """The lender takes a change back, proposed or approved: nobody else is told of it, and it comes on no
    line on which it is not in force yet. One person is enough.

    Refusals: ``terms.change_not_found``; ``terms.change_decided`` where it was turned down or taken back;
    ``terms.change_in_force`` where it is in force for everybody whom it was to come to.
    """
    seen = find(tx, change_id, lock=True)
    if seen is None:
        return Refusal("terms.change_not_found")
    if seen.state not in (State.PROPOSED, State.APPROVED):
        return Refusal("terms.change_decided", {"state": seen.state})
    reached = counts(tx, seen.id)
    if reached[Outcome.IN_FORCE] and not reached[Outcome.TOLD] and not next_lines(tx, seen, 1):
        return Refusal("terms.change_in_force")
    done = replace(seen, state=State.TAKEN_BACK, taken_back_at=now)
    _queries.take_change_back(tx.conn, id=done.id, actor=actor, now=now)
    data = {"to": done.to_version, "was": seen.state, "told": reached[Outcome.TOLD]}
    tx.record(Entry(now, "terms.change_taken_back", "terms_change", done.id, actor, data))
    return done


def next_lines(tx: Tx, change: Change, count: int) -> list[UUID]:
    """Open lines whose holders are yet to be told, in order of id. One that has been told of other terms,
    which are not in force yet, keeps to those.
    """
    rows = _queries.lines_to_tell(
        tx.conn,
        change=change.id,
        pack=change.pack,
        version=change.from_version,
        line=change.line,
        count=count,
    )
    return [row["id"] for row in rows]


def told_lines(tx: Tx, change_id: UUID, count: int) -> list[UUID]:
    """Lines whose holders were told and are still waiting for the day, in order of id."""
    return [row["line"] for row in _queries.told_lines(tx.conn, change=change_id, count=count)]


def tell(tx: Tx, change: Change, line: Line, now: datetime) -> Told:
    """Note that a holder is told now, and set the timer: on the change's day, or later, so that they have
    all days of the pack. The line is locked.
    """
    on = max(change.effective_on, earliest(packs.load(line.pack), line.today(now)))
    told = Told(
        new_id(now),
        change.id,
        line.id,
        change.from_version,
        change.to_version,
        start_of_day(on, line.timezone),
        Outcome.TOLD,
        now,
    )
    _queries.add_told(
        tx.conn, id=told.id, change=change.id, line=line.id, effective_at=told.effective_at, now=now
    )
    set_timer(tx, "terms.in_force", told.id, told.effective_at, now)
    data = {"change": change.id, "to": change.to_version, "effective_at": told.effective_at}
    tx.record(Entry(now, "line.terms_announced", "line", line.id, "system", data))
    return told


def put_in_force(tx: Tx, line: Line, told: Told, now: datetime) -> None:
    """The line's terms are the new ones from now on; the database asks for the notice. The line is locked."""
    _queries.set_terms(tx.conn, id=line.id, version=told.to_version)
    _queries.end_told(tx.conn, id=told.id, outcome=Outcome.IN_FORCE, why="in_force", now=now)
    data = {"change": told.change, "from": line.terms_version, "to": told.to_version}
    tx.record(Entry(now, "line.terms_changed", "line", line.id, "system", data))


def reject(tx: Tx, told: Told, actor: str, now: datetime) -> None:
    """The holder does not want them: what is told is over."""
    _queries.end_told(tx.conn, id=told.id, outcome=Outcome.REJECTED, why="rejected", now=now)
    cancel_timer(tx, "terms.in_force", told.id, now)
    tx.record(Entry(now, "line.terms_rejected", "line", told.line, actor, {"change": told.change}))


def take_from(tx: Tx, told: Told, now: datetime) -> None:
    """The lender has taken back what this holder was told: it does not come. The line is locked."""
    _queries.end_told(tx.conn, id=told.id, outcome=Outcome.TAKEN_BACK, why="taken_back", now=now)
    cancel_timer(tx, "terms.in_force", told.id, now)
    tx.record(Entry(now, "line.terms_taken_back", "line", told.line, "system", {"change": told.change}))


def pass_over(tx: Tx, told: Told, why: str, now: datetime) -> None:
    """The line keeps its terms, because of ``why``."""
    _queries.end_told(tx.conn, id=told.id, outcome=Outcome.PASSED_OVER, why=why, now=now)
    data = {"change": told.change, "why": why}
    tx.record(Entry(now, "line.terms_kept", "line", told.line, "system", data))


def find(tx: Tx, change_id: UUID, lock: bool = False) -> Change | None:
    """A change by id; ``lock`` holds it until the transaction ends."""
    row = (_queries.locked_change if lock else _queries.change)(tx.conn, id=change_id)
    return _change(row) if row else None


def page(tx: Tx, after: UUID | None, count: int, state: State | None = None) -> list[Change]:
    """Changes in the order in which they were proposed, all or those in a state."""
    rows = _queries.changes(tx.conn, after=after or NO_ID, count=count, state=state)
    return [_change(row) for row in rows]


def told_of_line(tx: Tx, line: UUID, state: State = State.APPROVED) -> Told | None:
    """What a line's holder has been told, of a change in a state, and is not in force yet; at most one."""
    row = _queries.told_of_line(tx.conn, line=line, state=state)
    return _told(row) if row else None


def locked(tx: Tx, told_id: UUID) -> tuple[Line, Told] | None:
    """What was told, as it stands with its line locked."""
    row = _queries.told(tx.conn, id=told_id)
    line = get_line(tx, row["line"], lock=True) if row else None
    again = _queries.told(tx.conn, id=told_id)
    if again is None or line is None or isinstance(line, Refusal):
        return None
    return line, _told(again)


def counts(tx: Tx, change_id: UUID) -> dict[str, int]:
    """How many lines a change has come to, by outcome."""
    found = dict.fromkeys((each.value for each in Outcome), 0)
    return found | {row["outcome"]: row["lines"] for row in _queries.told_counts(tx.conn, change=change_id)}


def versions_in_use(tx: Tx, pack: str, count: int) -> list[tuple[str, int]]:
    """Versions of terms that open lines of a pack are on, with how many, the most first."""
    rows = _queries.versions_in_use(tx.conn, pack=pack, count=count)
    return [(row["version"], row["lines"]) for row in rows]


def both_terms(tx: Tx, one: Change | Told) -> tuple[Terms, Terms]:
    """The terms until then, and those from then on."""
    known = terms_of(tx, {one.from_version, one.to_version})
    return known[one.from_version], known[one.to_version]


def _change(row: Row) -> Change:
    row["state"] = State(row["state"])
    return Change(**row)


def _told(row: Row) -> Told:
    row["outcome"] = Outcome(row["outcome"])
    return Told(**row)
