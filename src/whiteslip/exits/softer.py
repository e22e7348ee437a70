"""The softer exits: pause all or one part of drawing, for a while or firmly; lower the limit.

They stand beside closing as equals: one act each, free, no reason asked, no check of identity, for
each of them only protects. What they set is the customer's own, so the customer lifts it.
None commits.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from whiteslip import lines, packs
from whiteslip.base import Refusal
from whiteslip.base.calendar import start_of_day
from whiteslip.lines import Line, locks
from whiteslip.lines.acts import change_limit
from whiteslip.lines.increases import drop, take_back
from whiteslip.lines.model import Lifecycle, LockKind, Part, Party
from whiteslip.packs import Pack
from whiteslip.purchases import pauses
from whiteslip.store import Tx


def lock_days(pack: Pack) -> range:
    """For how many days a lock may be set."""
    return range(pack.days("lock.shortest_days"), pack.days("lock.longest_days") + 1)


def pause(
    tx: Tx,
    line_id: UUID,
    actor: str,
    now: datetime,
    days: int | None = None,
    firm: bool = False,
    part: Part | None = None,
) -> Line | Refusal:
    """Lock all drawing, or one ``part`` of it, until the customer resumes or ``days`` are over.

    A ``firm`` lock cannot be lifted before its end. Asking again never makes a lock end sooner: that takes
    resuming. What is owed runs on as agreed. Refusals: ``line.not_found``,
    ``line.not_active``, ``lock.days_out_of_range``, ``lock.firm_needs_days``.
    """
    line = _active(tx, line_id)
    if isinstance(line, Refusal):
        return line
    if fault := _fault(line, days, firm):
        return fault
    until = None if days is None else now + timedelta(days=days)
    reason = "customer_request"
    if part is None:
        drop(tx, line.id, "paused", actor, now)
    lines.set_lock(
        tx, line.id, LockKind.CUSTOMER, Party.CUSTOMER, reason, actor, now, part=part, until=until, firm=firm
    )
    return _again(tx, line)


def pause_late(
    tx: Tx,
    line_id: UUID,
    began_at: datetime,
    actor: str,
    now: datetime,
    days: int | None = None,
    firm: bool = False,
    part: Part | None = None,
) -> Line | Refusal:
    """Write down that the customer asked for a pause at ``began_at``, on a line in any state.

    It counts from then. Its days may be over, and where the customer has resumed since, it ended there.
    What was bought meanwhile stands, for the shops were promised their money, and is owed on its days;
    it costs nothing, and late fees on it are given back. A limit that rose meanwhile is what it was.
    Writing it down twice changes nothing. Refusals: those of :func:`pause` but ``line.not_active``, and
    ``lock.began_at_invalid``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if not start_of_day(line.opened_on, line.timezone) <= began_at <= now:
        return Refusal("lock.began_at_invalid", {"from": line.opened_on.isoformat()})
    if fault := _fault(line, days, firm):
        return fault
    until = None if days is None else began_at + timedelta(days=days)
    resumed = None if firm else locks.lifted_since(tx, line.id, part, began_at)
    gone = now if line.lifecycle is Lifecycle.CLOSED else None
    ended = min((at for at in (until, resumed, gone) if at and at <= now), default=None)
    if ended is None:
        lines.set_lock(
            tx,
            line.id,
            LockKind.CUSTOMER,
            Party.CUSTOMER,
            "customer_request",
            actor,
            now,
            part=part,
            until=until,
            firm=firm,
            began_at=began_at,
        )
    else:
        locks.note_past(tx, line.id, part, began_at, until, ended, actor, now)
    if part is None:
        take_back(tx, line.id, began_at, ended or now, actor, now)
    pauses.unprice(tx, _again(tx, line), part, began_at, ended or now, actor, now)
    return _again(tx, line)


def resume(tx: Tx, line_id: UUID, actor: str, now: datetime, part: Part | None = None) -> Line | Refusal:
    """Lift the customer's own lock on all drawing, or on one ``part`` of it.

    Refusals: ``line.not_found``, ``lock.not_yours``, ``lock.firm``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    refused = lines.lift_lock(tx, line.id, LockKind.CUSTOMER, Party.CUSTOMER, actor, now, part)
    return refused or _again(tx, line)


def reduce(tx: Tx, line_id: UUID, limit_minor: int, actor: str, now: datetime) -> Line | Refusal:
    """Lower the limit at once; raising it again is a new assessment.

    Below what is drawn, the limit that is told stays at what is drawn and falls with repayments:
    nothing falls due sooner. Refusals: ``line.not_found``, ``line.not_active``,
    ``limit.not_positive``, ``limit.not_lower``.
    """
    line = _active(tx, line_id)
    if isinstance(line, Refusal):
        return line
    if limit_minor <= 0:
        return Refusal("limit.not_positive")
    if limit_minor >= line.limit_minor:
        return Refusal("limit.not_lower", {"limit_minor": line.limit_minor})
    drop(tx, line.id, "limit_lowered", actor, now)
    change_limit(tx, line, limit_minor, actor, now)
    return _again(tx, line)


def _fault(line: Line, days: int | None, firm: bool) -> Refusal | None:
    """What is wrong about the time of a lock."""
    allowed = lock_days(packs.load(line.pack))
    if firm and days is None:
        return Refusal("lock.firm_needs_days")
    if days is not None and days not in allowed:
        return Refusal("lock.days_out_of_range", {"least": allowed[0], "most": allowed[-1]})
    return None


def _active(tx: Tx, line_id: UUID) -> Line | Refusal:
    """The line, locked for change; a line that is being left has nothing to pause or lower."""
    line = lines.get_line(tx, line_id, lock=True)
    if not isinstance(line, Refusal) and line.lifecycle is not Lifecycle.ACTIVE:
        return Refusal("line.not_active", {"lifecycle": line.lifecycle})
    return line


def _again(tx: Tx, line: Line) -> Line:
    found = lines.get_line(tx, line.id)
    if isinstance(found, Refusal):
        raise LookupError(f"line {line.id} vanished")
    return found
