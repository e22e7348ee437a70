"""A payout that came back is told to its owner at once, and when they will be looked for. None commits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip import lines
from whiteslip.base import Refusal
from whiteslip.billing import payouts, store
from whiteslip.billing.model import Payout
from whiteslip.exits import telling
from whiteslip.exits.helping import tell
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.store import Tx


def bounce(tx: Tx, office: Office, payout_id: UUID, actor: str, now: datetime) -> Payout | Refusal:
    """The bank sent a payout back: the money waits for its owner, who is written to, once each time.

    Twice changes nothing. Refusal: ``payout.not_found``.
    """
    before = store.payout(tx, payout_id)
    done = payouts.bounce(tx, payout_id, actor, now)
    if isinstance(done, Refusal) or before is None or before.state == done.state:
        return done
    line = lines.get_line(tx, done.line)
    if isinstance(line, Refusal):
        return line
    facts = {
        "returned_at": now,
        "payout_minor": done.amount_minor,
        "look_on": line.today(payouts.look_on(line, now)),
    }
    once = f"{done.id}:{now.isoformat()}"
    tell(tx, office.issuer_name, line, telling.of(Act.PAYOUT_RETURNED), facts, once, now)
    return done
