"""A debt sold, on a line that is being left or was charged off: the customer is told in the transaction in
which it is sold, and a leaver who owes nothing here any more is let go. None commits.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip import exits, lines
from whiteslip.base import Refusal
from whiteslip.billing import mandates, sales
from whiteslip.billing import store as billing_store
from whiteslip.billing.sales import Sale, State
from whiteslip.exits import store, telling
from whiteslip.exits.helping import tell
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.store import Tx


def sell(
    tx: Tx, office: Office, line_id: UUID, buyer: UUID, price_minor: int, actor: str, now: datetime
) -> Sale | Refusal:
    """Propose to sell a line's debt, or do it as the second person and write to the customer.

    Refusals: ``line.not_found``, ``sale.estate`` (heirs were told what settles it) and those of
    ``billing.sales.sell``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if store.estate_of_line(tx, line.id):
        return Refusal("sale.estate")
    done = sales.sell(tx, line, buyer, price_minor, actor, now)
    if isinstance(done, Refusal) or done.state is not State.SOLD:
        return done
    facts = {
        "sold_on": done.on_day,
        "face_minor": done.face_minor,
        "buyer_name": done.buyer_name,
        "pay_to": done.pay_to,
        "pack": line.pack,
        "goes_on": not billing_store.charged_off(tx, [line.id]),
        "schedule": [
            {"due_on": due_on, "amount_minor": minor} for due_on, minor in sales.schedule(tx, done.id)
        ],
    }
    mandates.cancel_all(tx, line.id, sales.LOCK_REASON, now)
    tell(tx, office.issuer_name, line, telling.of(Act.SOLD), facts, str(done.id), now)
    exits.advance_line(tx, office, line.id, now)
    return done
