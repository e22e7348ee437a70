"""A higher limit: proposed by the lender, consented to by the customer, in effect at its instant.

Consent comes first and cannot be presumed: the database refuses an increase without it. Whoever asks
to leave, pauses or lowers the limit has answered, and what was scheduled is dropped. None commits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from whiteslip import packs
from whiteslip.base import Refusal, new_id
from whiteslip.base.ids import NO_ID
from whiteslip.lines.acts import change_limit, get_line
from whiteslip.lines.model import Lifecycle, Line
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row
from whiteslip.store.timers import cancel_timer, set_timer

_queries = load_queries(__file__)


class State(StrEnum):
    """Where an increase stands. The last three are ends."""

    PROPOSED = "proposed"
    CONSENTED = "consented"
    EFFECTIVE = "effective"
    DECLINED = "declined"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Increase:
    """A limit that would rise to ``to_minor`` at ``effective_at``, once the customer has consented.

    ``from_minor`` is what it rose from, known when it did.
    """

    id: UUID
    line: UUID
    to_minor: int
    effective_at: datetime
    state: State
    proposed_at: datetime
    consented_at: datetime | None = None
    ended_at: datetime | None = None
    ended_why: str | None = None
    from_minor: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may still come to something."""
        return self.state in (State.PROPOSED, State.CONSENTED)


def _increase(row: Row) -> Increase:
    row["state"] = State(row["state"])
    return Increase(**row)


def propose(
    tx: Tx, line_id: UUID, to_minor: int, effective_at: datetime, actor: str, now: datetime
) -> Increase | Refusal:
    """The lender proposes a higher limit from ``effective_at`` on. Nothing changes by that.

    Refusals: ``line.not_found``, ``line.not_active``, ``limit.not_higher``, ``limit.over_most``,
    ``limit.increase_open``, ``limit.increase_late``.
    """
    line = get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    refusal = cannot_rise(line, to_minor)
    if refusal:
        return refusal
    if effective_at <= now:
        return Refusal("limit.increase_late")
    if open_increase(tx, line.id):
        return Refusal("limit.increase_open")
    made = Increase(new_id(now), line.id, to_minor, effective_at, State.PROPOSED, now)
    _queries.add_increase(
        tx.conn, id=made.id, line=line.id, to_minor=to_minor, effective_at=effective_at, now=now
    )
    data = {"increase": made.id, "to_minor": to_minor, "effective_at": effective_at}
    tx.record(Entry(now, "line.increase_proposed", "line", line.id, actor, data))
    return made


def cannot_rise(line: Line, to_minor: int) -> Refusal | None:
    """Why a line's limit cannot become ``to_minor``, if it cannot.

    ``line.not_active`` where drawing is stopped, ``limit.not_higher``, ``limit.over_most`` of the pack.
    """
    most = packs.load(line.pack).minor("line.most_minor")
    if line.drawing_stopped:
        return Refusal("line.not_active", {"lifecycle": line.lifecycle})
    if to_minor <= line.limit_minor:
        return Refusal("limit.not_higher", {"limit_minor": line.limit_minor})
    if to_minor > most:
        return Refusal("limit.over_most", {"most_minor": most, "currency": line.currency})
    return None


def agree(tx: Tx, line_id: UUID, to_minor: int, actor: str, now: datetime) -> Increase | Refusal:
    """The customer asked for a higher limit and accepts what was offered: that is their consent, and it
    rises at once. What the lender had proposed meanwhile is dropped.

    Refusals: ``line.not_found``, and those of :func:`cannot_rise`.
    """
    line = get_line(tx, line_id, lock=True)
    refusal = line if isinstance(line, Refusal) else cannot_rise(line, to_minor)
    if isinstance(line, Refusal) or refusal:
        return refusal or Refusal("line.not_found")
    drop(tx, line.id, "asked_for_another", actor, now)
    made = Increase(new_id(now), line.id, to_minor, now, State.EFFECTIVE, now, now, now, "in_effect")
    made = replace(made, from_minor=line.limit_minor)
    _queries.add_increase(tx.conn, id=made.id, line=line.id, to_minor=to_minor, effective_at=now, now=now)
    _save(tx, made)
    data = {"increase": made.id, "to_minor": to_minor, "effective_at": now}
    tx.record(Entry(now, "line.increase_consented", "line", line.id, actor, data))
    change_limit(tx, line, to_minor, actor, now)
    return made


def consent(tx: Tx, increase_id: UUID, actor: str, now: datetime) -> Increase | Refusal:
    """The customer agrees: the limit rises at its instant, or at once where that has passed.

    Consenting twice changes nothing. Refusals: ``limit.increase_not_found``, ``limit.increase_ended``.
    """
    both = _locked(tx, increase_id)
    if isinstance(both, Refusal):
        return both
    line, found = both
    if not found.is_open:
        return Refusal("limit.increase_ended", {"state": found.state})
    if found.state is State.CONSENTED:
        return found
    agreed = replace(found, state=State.CONSENTED, consented_at=now)
    _save(tx, agreed)
    set_timer(tx, "limit.rises", agreed.id, max(agreed.effective_at, now), now)
    data = {"increase": agreed.id, "to_minor": agreed.to_minor, "effective_at": agreed.effective_at}
    tx.record(Entry(now, "line.increase_consented", "line", line.id, actor, data))
    return agreed


def decline(tx: Tx, increase_id: UUID, actor: str, now: datetime) -> Increase | Refusal:
    """The customer does not want it, or not any more. Refusals: those of :func:`consent`."""
    both = _locked(tx, increase_id)
    if isinstance(both, Refusal):
        return both
    _, found = both
    if not found.is_open:
        return Refusal("limit.increase_ended", {"state": found.state})
    return _end(tx, found, State.DECLINED, "customer_request", actor, now)


def drop(tx: Tx, line: UUID, why: str, actor: str, now: datetime) -> None:
    """Drop what is open on a locked line, because the customer has done something that answers it."""
    found = open_increase(tx, line)
    if found:
        _end(tx, found, State.DROPPED, why, actor, now)


def take_back(tx: Tx, line_id: UUID, since: datetime, until: datetime, actor: str, now: datetime) -> None:
    """The customer had paused from ``since`` until ``until``, as is learned now: what was proposed or rose
    then is dropped, and the limit is what it was, if nothing has changed it since.
    """
    line = get_line(tx, line_id, lock=True)
    for found in reversed(increases_of(tx, line_id)):
        if found.is_open and found.proposed_at < until:
            _end(tx, found, State.DROPPED, "paused", actor, now)
        rose_at = found.ended_at if found.state is State.EFFECTIVE else None
        if rose_at and since <= rose_at < until and not isinstance(line, Refusal):
            if found.from_minor and line.limit_minor == found.to_minor:
                change_limit(tx, line, found.from_minor, actor, now)
                line = get_line(tx, line_id)
            _end(tx, found, State.DROPPED, "paused", actor, now)


def take_effect(tx: Tx, increase_id: UUID, now: datetime) -> datetime | None:
    """Its instant has come: raise the limit if the customer consented and nothing stops drawing.

    When to look again, if it is not its time yet. Twice is harmless.
    """
    both = _locked(tx, increase_id)
    if isinstance(both, Refusal):
        return None
    line, found = both
    if found.state is not State.CONSENTED:
        return None
    if found.effective_at > now:
        return found.effective_at
    if line.lifecycle is not Lifecycle.ACTIVE or line.locks or found.to_minor <= line.limit_minor:
        _end(tx, found, State.DROPPED, "line_changed", "system", now)
        return None
    change_limit(tx, line, found.to_minor, "system", now)
    rose = replace(found, state=State.EFFECTIVE, from_minor=line.limit_minor, ended_at=now)
    _save(tx, replace(rose, ended_why="in_effect"))
    return None


def open_increase(tx: Tx, line: UUID) -> Increase | None:
    """What is proposed or consented to on a line; there is at most one."""
    row = _queries.open_increase(tx.conn, line=line)
    return _increase(row) if row else None


def find_increase(tx: Tx, increase_id: UUID) -> Increase | Refusal:
    """An increase by id. Refusal: ``limit.increase_not_found``."""
    row = _queries.increase(tx.conn, id=increase_id)
    return _increase(row) if row else Refusal("limit.increase_not_found")


def increases_of(tx: Tx, line: UUID, after: UUID | None = None, count: int | None = None) -> list[Increase]:
    """Increases of a line, oldest first: those with ids above ``after``, all or up to ``count``."""
    rows = _queries.increases_of_line(tx.conn, line=line, after=after or NO_ID, count=count)
    return [_increase(row) for row in rows]


def _locked(tx: Tx, increase_id: UUID) -> tuple[Line, Increase] | Refusal:
    row = _queries.increase(tx.conn, id=increase_id)
    line = get_line(tx, row["line"], lock=True) if row else None
    again = _queries.increase(tx.conn, id=increase_id)
    if again is None or line is None or isinstance(line, Refusal):
        return Refusal("limit.increase_not_found")
    return line, _increase(again)


def _end(tx: Tx, found: Increase, state: State, why: str, actor: str, now: datetime) -> Increase:
    ended = replace(found, state=state, ended_at=now, ended_why=why)
    _save(tx, ended)
    cancel_timer(tx, "limit.rises", found.id, now)
    data = {"increase": found.id, "why": why}
    tx.record(Entry(now, "line.increase_dropped", "line", found.line, actor, data))
    return ended


def _save(tx: Tx, increase: Increase) -> None:
    _queries.move_increase(
        tx.conn,
        id=increase.id,
        state=increase.state,
        consented_at=increase.consented_at,
        ended_at=increase.ended_at,
        ended_why=increase.ended_why,
        from_minor=increase.from_minor,
    )
