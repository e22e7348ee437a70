"""A plan for who cannot pay as agreed, on a line that is being left or not. None commits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip import exits, lines
from whiteslip.base import Refusal
from whiteslip.billing import hardship, store
from whiteslip.billing.model import Hardship, Relief
from whiteslip.exits.helping import tell
from whiteslip.exits.steps import Office
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
    if isinstance(made, Refusal):
        return made
    rows = store.rows_of(tx, line.id, made.plan)
    facts = {
        "agreed_on": made.agreed_on,
        "schedule": [{"due_on": row.due_on, "amount_minor": row.total_minor} for row in rows],
        "total_minor": sum(row.total_minor for row in rows),
        "forgiven_minor": store.waived_by(tx, made.id),
    }
    tell(tx, office.issuer_name, line, "hardship.agreed", facts, str(made.id), now)
    exits.advance_line(tx, office, line.id, now)
    return made
