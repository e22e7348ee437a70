"""Set, lift and end locks on drawing. None commits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip.base import Refusal, new_id
from whiteslip.lines.model import Feature, Lock, LockKind, Part, Party
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row
from whiteslip.store.timers import cancel_timer, set_timer

_queries = load_queries(__file__)
_ALL = "all"


def part_of(text: str) -> Part:
    """A part from the text by which the view names it: ``category:games``, ``night:``."""
    feature, _, value = text.partition(":")
    return Part(Feature(feature), value)


def _lock(row: Row) -> Lock:
    feature, value = row.pop("feature"), row.pop("value")
    row["kind"], row["party"] = LockKind(row["kind"]), Party(row["party"])
    return Lock(part=None if feature == _ALL else Part(Feature(feature), value), **row)


def standing(tx: Tx, line: UUID) -> list[Lock]:
    """The locks that stand on a line, oldest first."""
    return [_lock(row) for row in _queries.standing_locks(tx.conn, line=line)]


def set_lock(
    tx: Tx,
    line: UUID,
    kind: LockKind,
    party: Party,
    reason: str,
    actor: str,
    now: datetime,
    part: Part | None = None,
    until: datetime | None = None,
    firm: bool = False,
) -> None:
    """Forbid drawing, or one part of it.

    A lock of that party that stands already takes the new time; a firm one only gets longer. A lock
    with ``until`` ends by itself. Raises ValueError for a firm lock without an end.
    """
    if firm and until is None:
        raise ValueError("a firm lock needs its end")
    row = _queries.set_lock(
        tx.conn,
        id=new_id(now),
        line=line,
        kind=kind,
        party=party,
        feature=part.feature if part else _ALL,
        value=part.value if part else "",
        reason=reason,
        until=until,
        firm=firm,
        now=now,
    )
    if row is None:
        return
    if until:
        set_timer(tx, "lock.ends", row["id"], until, now)
    else:
        cancel_timer(tx, "lock.ends", row["id"], now)
    data = {"kind": kind, "party": party, "reason": reason, "until": until, "firm": firm}
    tx.record(Entry(now, "line.locked", "line", line, actor, data | _named(part)))


def lift_lock(
    tx: Tx,
    line: UUID,
    kind: LockKind,
    party: Party,
    actor: str,
    now: datetime,
    part: Part | None = None,
) -> Refusal | None:
    """Lift the party's own lock; what another party locked stays locked.

    Lifting what does not stand changes nothing. Refusals: ``lock.not_yours`` where only others
    have set that lock, ``lock.firm`` before the end of a firm one.
    """
    feature, value = (part.feature, part.value) if part else (_ALL, "")
    rows = _queries.same_locks(tx.conn, line=line, kind=kind, feature=feature, value=value)
    found = {lock.party: lock for lock in map(_lock, rows)}
    if not found:
        return None
    if party not in found:
        return Refusal("lock.not_yours", {"kind": kind, "party": next(iter(found))})
    lock = found[party]
    if lock.firm and lock.until and now < lock.until:
        return Refusal("lock.firm", {"until": lock.until.isoformat()})
    _lift(tx, lock, actor, now)
    cancel_timer(tx, "lock.ends", lock.id, now)
    return None


def end_lock(tx: Tx, lock_id: UUID, now: datetime) -> datetime | None:
    """Lift a lock whose time is over; when to look again, if it was made longer. Twice is harmless."""
    row = _queries.lock_by_id(tx.conn, id=lock_id)
    if row is None:
        return None
    lock = _lock(row)
    if lock.until and lock.until > now:
        return lock.until
    if lock.until:
        _lift(tx, lock, "system", now)
    return None


def _lift(tx: Tx, lock: Lock, actor: str, now: datetime) -> None:
    _queries.lift_lock(tx.conn, id=lock.id, now=now)
    data = {"kind": lock.kind, "party": lock.party} | _named(lock.part)
    tx.record(Entry(now, "line.unlocked", "line", lock.line, actor, data))


def _named(part: Part | None) -> dict[str, str]:
    return {"feature": part.feature, "value": part.value} if part else {}
