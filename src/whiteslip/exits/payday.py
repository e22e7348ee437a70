"""A customer moves the day on which bills fall due, whether they leave or stay. None commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from whiteslip import exits, lines
from whiteslip.base import Refusal
from whiteslip.billing import payday
from whiteslip.billing import store as billing_store
from whiteslip.billing.payday import Moved
from whiteslip.exits import store, telling
from whiteslip.exits.helping import tell
from whiteslip.exits.model import Kind
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.lines import Line
from whiteslip.store import Tx

# Whose days a law or a letter fixed: what a withdrawal repays, and what an estate was told.
_FIXED: Final = frozenset({Kind.WITHDRAW, Kind.ESTATE})


def fault(tx: Tx, line: Line, now: datetime) -> Refusal | None:
    """Why no day can be chosen now. Refusals: ``payday.days_fixed`` and those of ``billing.payday.fault``."""
    case = store.open_of_line(tx, line.id)
    if case and case.kind in _FIXED:
        return Refusal("payday.days_fixed")
    return payday.fault(tx, line, now)


def foreseen(tx: Tx, line: Line, statement_day: int) -> Sequence[Moved]:
    """What would be due when, without doing it."""
    return payday.moved(billing_store.open_items(tx, [line.id])[line.id], statement_day)


def move(
    tx: Tx, office: Office, line_id: UUID, statement_day: int, actor: str, now: datetime
) -> Line | Refusal:
    """Make bills on another day of the month from now on, and confirm it in a letter with the new days.

    Refusals: ``line.not_found``, ``payday.days_fixed`` and those of ``billing.payday.move``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    refused = fault(tx, line, now)
    if refused:
        return refused
    rows = payday.move(tx, line, statement_day, actor, now)
    if isinstance(rows, Refusal):
        return rows
    items = sorted(billing_store.open_items(tx, [line.id])[line.id], key=lambda item: item.due_on)
    facts = {
        "moved_at": now,
        "statement_day": statement_day,
        "schedule": [{"due_on": item.due_on, "amount_minor": item.total_minor} for item in items],
    }
    letter = telling.of(Act.PAYDAY_MOVED)
    tell(tx, office.issuer_name, line, letter, facts, f"{line.id}:{now.isoformat()}", now)
    exits.advance_line(tx, office, line.id, now)
    return lines.get_line(tx, line.id)
