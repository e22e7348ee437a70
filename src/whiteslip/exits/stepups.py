"""A step-up is asked of a line: whoever draws on it confirms that they are the customer.

It takes nothing away. The lender locks one part of drawing, what is drawn unconfirmed; how much of that
passes meanwhile is data, two rows of the table ``purchase-authorisation``. Any proof of who they are ends
it at once, and without one it ends by itself after the pack's ``identity.step_up_asked_days``: who thinks
worse of the line gives a reason and restricts it. None commits.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip import lines, notices, packs
from whiteslip.base import Refusal, end_of_day, ids
from whiteslip.exits import acts, store, telling
from whiteslip.exits.contacts import to_both_places
from whiteslip.exits.model import Identity, Kind, State
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.lines import Line
from whiteslip.lines.letters import to_customer
from whiteslip.lines.locks import standing
from whiteslip.lines.model import Feature, Lifecycle, Lock, LockGround, LockKind, Part, Party
from whiteslip.store import Entry, Tx

_PART: Final = Part(Feature.UNCONFIRMED)
_WHOSE: Final = (LockKind.ISSUER, Party.ISSUER)
_WAITS: Final = (Kind.CLOSE, State.STOPPED, Identity.PENDING)


def asked(tx: Tx, line: UUID) -> Lock | None:
    """The step-up that stands on a line; it ends by itself at its ``until``."""
    return next((lock for lock in standing(tx, line) if lock.part == _PART), None)


def ask(
    tx: Tx, office: Office, line_id: UUID, actor: str, now: datetime, alert: UUID | None = None
) -> Line | Refusal:
    """Ask the customer to confirm that it is them, and write to them; ``alert`` is what the watch saw.

    Where one stands already nothing changes, so that it is never asked for longer than its days.
    Refusals: ``line.not_found``, ``line.not_active``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if line.lifecycle is not Lifecycle.ACTIVE:
        return Refusal("line.not_active", {"lifecycle": line.lifecycle})
    if _PART in line.locked_parts:
        return line
    days = packs.load(line.pack).days("identity.step_up_asked_days")
    until = end_of_day(line.today(now) + timedelta(days=days), line.timezone)
    reference = ids.new_reference("SU")
    lines.set_lock(tx, line.id, *_WHOSE, reference, actor, now, _PART, until=until, ground=LockGround.STEP_UP)
    data = {"until": until, "alert": alert}
    tx.record(Entry(now, "step_up.asked", "line", line.id, actor, data))
    _tell(tx, office, line, reference, until, now)
    return lines.get_line(tx, line.id)


def confirmed(tx: Tx, customer: UUID, actor: str, now: datetime) -> None:
    """A customer has just proven who they are: every step-up asked of their lines is over."""
    for line in _asked_of(lines.lines_of(tx, customer)):
        locked = lines.get_line(tx, line.id, lock=True)
        if isinstance(locked, Refusal) or _PART not in locked.locked_parts:
            continue
        lines.lift_lock(tx, line.id, *_WHOSE, actor, now, _PART, LockGround.STEP_UP)
        tx.record(Entry(now, "step_up.confirmed", "line", line.id, actor))


def failed(tx: Tx, office: Office, customer: UUID, now: datetime) -> None:
    """So many answers of a customer were wrong that no further one is looked at: a request to close that
    waits for their proof goes to a person, with the deadline and the letters of that. Nothing else changes.
    """
    for line in lines.lines_of(tx, customer):
        case = store.open_of_line(tx, line.id)
        if case and (case.kind, case.state, case.identity) == _WAITS:
            acts.doubt(tx, office, case.id, "system", now)


def _asked_of(found: Iterable[Line]) -> list[Line]:
    return [line for line in found if _PART in line.locked_parts]


def is_asked(tx: Tx, customer: UUID) -> bool:
    """Whether a step-up is asked of any line of a customer."""
    return bool(_asked_of(lines.lines_of(tx, customer)))


def _tell(tx: Tx, office: Office, line: Line, reference: str, until: datetime, now: datetime) -> None:
    kind, about = telling.of(Act.STEP_UP_ASKED), ("line", line.id)
    facts = {"reference": reference, "asked_at": now, "until": until}
    letter = to_customer(tx, line.customer, line, office.issuer_name, kind, about, facts, reference)
    notices.queue(tx, to_both_places(tx, line, letter, now), now)
