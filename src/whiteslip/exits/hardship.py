"""A plan for who cannot pay as agreed, on a line that is being left or not. None commits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip import exits, lines
from whiteslip.base import Refusal
from whiteslip.billing import hardship, store
from whiteslip.billing.hardship import Proposed
from whiteslip.billing.model import Hardship, Relief
from whiteslip.exits import telling
from whiteslip.exits.helping import tell
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.lines import Line
from whiteslip.store import Tx


def agree(
    tx: Tx,
    office: Office,
    line_id: UUID,
    relief: Relief,
    actor: str,
    now: datetime,
    foreseen: bool = False,
) -> Hardship | Refusal:
    """Agree on a plan on a line in any state, and confirm it in a letter; again changes nothing.

    Refusals: ``line.not_found`` and those of ``billing.hardship.agree``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    made = hardship.agree(tx, line, relief, actor, now, foreseen)
    return made if isinstance(made, Refusal) else _confirmed(tx, office, line, made, now)


def at_desk(
    tx: Tx, office: Office, line_id: UUID, relief: Relief, foreseen: bool, actor: str, now: datetime
) -> Hardship | Proposed | Refusal:
    """:func:`agree` for a customer who asked the desk; what gives something up takes two.

    Refusals: ``line.not_found`` and those of ``billing.hardship.at_desk``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    made = hardship.at_desk(tx, line, relief, foreseen, actor, now)
    return _confirmed(tx, office, line, made, now) if isinstance(made, Hardship) else made


def end(tx: Tx, office: Office, line_id: UUID, actor: str, now: datetime) -> Refusal | None:
    """End a plan because the customer wishes it, and confirm that. Refusals: ``line.not_found``,
    ``hardship.not_agreed``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    made = store.hardship(tx, line.id)
    refused = hardship.end(tx, line, actor, now)
    if refused or made is None:
        return refused
    tell(tx, office.issuer_name, line, telling.of(Act.PLAN_ENDED), {"ended_at": now}, str(made.id), now)
    return None


def _confirmed(tx: Tx, office: Office, line: Line, made: Hardship, now: datetime) -> Hardship:
    rows = store.rows_of(tx, line.id, made.plan)
    facts = {
        "agreed_on": made.agreed_on,
        "schedule": [{"due_on": row.due_on, "amount_minor": row.total_minor} for row in rows],
        "total_minor": sum(row.total_minor for row in rows),
        "forgiven_minor": store.waived_by(tx, made.id),
    }
    tell(tx, office.issuer_name, line, telling.of(Act.PLAN_AGREED), facts, str(made.id), now)
    exits.advance_line(tx, office, line.id, now)
    return made
