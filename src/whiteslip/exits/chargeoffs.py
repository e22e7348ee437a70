"""A debt taken as lost, or a part of it for the whole, on a line that is being left or not.

The customer is told once it is done, not while one person proposes it; a leaver still runs off, and
settling lets the line close. None commits.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from whiteslip import exits, lines
from whiteslip.base import Refusal
from whiteslip.billing import chargeoff
from whiteslip.billing.chargeoff import ChargeOff, State
from whiteslip.exits import defaultnotices, telling
from whiteslip.exits.helping import tell
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.lines import Line
from whiteslip.store import Tx

_Act: TypeAlias = Callable[[Tx, Line, str, datetime], ChargeOff | Refusal]


def charge_off(tx: Tx, office: Office, line_id: UUID, actor: str, now: datetime) -> ChargeOff | Refusal:
    """Propose to take a line's debt as lost, or do it as the second person and write to the customer.

    Refusals: ``line.not_found``, those of ``billing.chargeoff.charge_off`` and of ``defaultnotices.missing``.
    """
    return _done(tx, office, line_id, chargeoff.charge_off, actor, now)


def settle(tx: Tx, office: Office, line_id: UUID, actor: str, now: datetime) -> ChargeOff | Refusal:
    """Propose to accept what was paid for the whole, or do it as the second person and write to the
    customer. Refusals: ``line.not_found`` and those of ``billing.chargeoff.settle``.
    """
    return _done(tx, office, line_id, chargeoff.settle, actor, now)


def _done(tx: Tx, office: Office, line_id: UUID, act: _Act, actor: str, now: datetime) -> ChargeOff | Refusal:
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    missing = defaultnotices.missing(tx, line, now) if act is chargeoff.charge_off else None
    done = missing or act(tx, line, actor, now)
    if isinstance(done, Refusal):
        return done
    if done.state is State.CHARGED_OFF and not done.settle_by:
        facts = {"charged_off_on": done.on_day, "amount_minor": done.amount_minor}
        tell(tx, office.issuer_name, line, telling.of(Act.CHARGED_OFF), facts, str(line.id), now)
    elif done.state is State.SETTLED:
        facts = {"settled_on": done.settled_on}
        once = f"{line.id}:{done.settled_on}"
        tell(tx, office.issuer_name, line, telling.of(Act.SETTLED), facts, once, now)
    exits.advance_line(tx, office, line.id, now)
    return done
