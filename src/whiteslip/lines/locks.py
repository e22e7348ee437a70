"""Set, lift and end locks on drawing. None commits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip.base import Refusal, new_id
from whiteslip.base.ids import NO_ID
from whiteslip.lines.lifting import lifted_by
from whiteslip.lines.model import Feature, Lock, LockGround, LockKind, Part, Party
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
    row["ground"] = LockGround(row["ground"])
    return Lock(part=None if feature == _ALL else Part(Feature(feature), value), **row)


def standing(tx: Tx, line: UUID, after: UUID | None = None, count: int | None = None) -> list[Lock]:
    """The locks that stand on a line, oldest first: those above the id ``after``, all or up to ``count``."""
    rows = _queries.standing_locks(tx.conn, line=line, after=after or NO_ID, count=count)
    return [_lock(row) for row in rows]


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
    began_at: datetime | None = None,
    ground: LockGround = LockGround.GENERAL,
) -> None:
    """Forbid drawing, or one part of it.

    A lock of that party on that ground that stands already only gets longer: to end it sooner is to
    lift it. A ``firm`` one stands on a ground of its own, so that what is locked beside it outlasts it.
    A lock with ``until`` ends by itself. Raises ValueError for a firm lock without an end.
    """
    if firm and until is None:
        raise ValueError("a firm lock needs its end")
    ground = LockGround.FIRM if firm else ground
    new = new_id(now)
    row = _queries.set_lock(
        tx.conn,
        id=new,
        line=line,
        kind=kind,
        party=party,
        ground=ground,
        feature=_place(part)[0],
        value=_place(part)[1],
        reason=reason,
        until=until,
        firm=firm,
        now=now,
        began_at=began_at or now,
    )
    if row is None:
        return
    until = row["until"]
    if until:
        set_timer(tx, "lock.ends", row["id"], until, now)
    elif row["id"] != new:
        cancel_timer(tx, "lock.ends", row["id"], now)
    data = {"kind": kind, "party": party, "ground": ground, "reason": reason, "until": until, "firm": firm}
    began = {"began_at": began_at} if began_at else {}
    tx.record(Entry(now, "line.locked", "line", line, actor, data | _named(part) | began))


def _same(tx: Tx, line: UUID, kind: LockKind, part: Part | None) -> list[Lock]:
    """Standing locks of a kind on the same part of drawing, whoever set them and why."""
    feature, value = _place(part)
    return list(map(_lock, _queries.same_locks(tx.conn, line=line, kind=kind, feature=feature, value=value)))


def lifted_since(tx: Tx, line: UUID, part: Part | None, since: datetime) -> datetime | None:
    """When the customer first lifted their own lock on drawing, or on a part of it, after ``since``."""
    feature, value = _place(part)
    return _queries.lifted_since(
        tx.conn,
        line=line,
        kind=LockKind.CUSTOMER,
        party=Party.CUSTOMER,
        feature=feature,
        value=value,
        since=since,
    )


def note_past(
    tx: Tx,
    line: UUID,
    part: Part | None,
    began_at: datetime,
    until: datetime | None,
    ended_at: datetime,
    actor: str,
    now: datetime,
) -> None:
    """Write down, once, a lock of the customer's that was over before anybody wrote it down."""
    feature, value = _place(part)
    made = _queries.note_past_lock(
        tx.conn,
        id=new_id(now),
        line=line,
        kind=LockKind.CUSTOMER,
        party=Party.CUSTOMER,
        feature=feature,
        value=value,
        reason="customer_request",
        until=until,
        firm=False,
        now=now,
        began_at=began_at,
        lifted_at=ended_at,
    )
    if made:
        data = {"kind": LockKind.CUSTOMER, "party": Party.CUSTOMER, "ground": LockGround.GENERAL}
        data |= {"reason": "customer_request"}
        times = {"until": ended_at, "firm": False, "began_at": began_at}
        tx.record(Entry(now, "line.locked", "line", line, actor, data | times | _named(part)))


def _place(part: Part | None) -> tuple[str, str]:
    return (part.feature, part.value) if part else (_ALL, "")


def lift_lock(
    tx: Tx,
    line: UUID,
    kind: LockKind,
    party: Party,
    actor: str,
    now: datetime,
    part: Part | None = None,
    ground: LockGround = LockGround.GENERAL,
) -> Refusal | None:
    """Lift the party's own lock on a ground; what another party locked, or it itself on another ground,
    stays locked.

    Lifting what does not stand changes nothing. Refusals: ``lock.not_yours`` where only others
    have set that lock, ``lock.firm`` before the end of a firm one.
    """
    lock = lifted_by(party, ground, _same(tx, line, kind, part), now)
    if lock is None or isinstance(lock, Refusal):
        return lock
    _lift(tx, lock, actor, now)
    cancel_timer(tx, "lock.ends", lock.id, now)
    return None


def end_lock(tx: Tx, lock_id: UUID, now: datetime) -> datetime | None:
    """Lift a lock whose time is over; when to look again, if it was made longer. Twice is harmless."""
    row = _queries.lock_by_id(tx.conn, id=lock_id)
    if row is None:
        return None
    lock = _lock(row)
    if lock.is_over(now):
        _lift(tx, lock, "system", now)
        return None
    return lock.until


def _lift(tx: Tx, lock: Lock, actor: str, now: datetime) -> None:
    _queries.lift_lock(tx.conn, id=lock.id, now=now)
    data = {"kind": lock.kind, "party": lock.party, "ground": lock.ground} | _named(lock.part)
    tx.record(Entry(now, "line.unlocked", "line", lock.line, actor, data))


def _named(part: Part | None) -> dict[str, str]:
    return {"feature": part.feature, "value": part.value} if part else {}
