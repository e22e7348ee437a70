"""A debt sold, on a line that is being left or was charged off: the customer is told in the transaction in
which it is sold, and a leaver who owes nothing here any more is let go.

Where the line's pack gives days of notice, a letter goes out when the sale is agreed, and the debt passes
once the customer has had it for those days, if it may still be sold then. None commits.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip import exits, lines, packs
from whiteslip.base import Refusal
from whiteslip.billing import mandates, sales
from whiteslip.billing import store as billing_store
from whiteslip.billing.sales import Sale, State
from whiteslip.exits import store, telling
from whiteslip.exits.ahead import had_at
from whiteslip.exits.helping import tell
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.lines import Line
from whiteslip.store import Tx
from whiteslip.store.timers import cancel_timer, set_timer


def sell(
    tx: Tx, office: Office, line_id: UUID, buyer: UUID, price_minor: int, actor: str, now: datetime
) -> Sale | Refusal:
    """Propose to sell a line's debt, or agree as the second person and write to the customer: that it is
    sold, or from which day on it will be.

    Refusals: ``line.not_found``, ``sale.estate`` (heirs were told what settles it) and those of
    ``billing.sales.sell``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if store.estate_of_line(tx, line.id):
        return Refusal("sale.estate")
    done = sales.sell(tx, line, buyer, price_minor, actor, now)
    if isinstance(done, Refusal):
        return done
    if done.state is State.AGREED and done.passes_at:
        facts = {"passes_on": line.today(done.passes_at), "buyer_name": done.buyer_name}
        if tell(tx, office.issuer_name, line, telling.of(Act.SALE_AGREED), facts, str(done.id), now):
            set_timer(tx, "sale.due", line.id, done.passes_at, now)
    if done.state is State.SOLD:
        _passed(tx, office, line, done, now)
    return done


def _passed(tx: Tx, office: Office, line: Line, done: Sale, now: datetime) -> None:
    """The debt is the buyer's: nothing is collected here, the customer is told, a leaver is let go."""
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


def conclude(tx: Tx, office: Office, line_id: UUID, now: datetime) -> datetime | None:
    """The day of an agreed sale has come: the debt passes, or the sale is called off because of what has
    happened since. When to look again, where the letter has not been had for its days. Twice is harmless.
    """
    line = lines.get_line(tx, line_id, lock=True)
    sale = None if isinstance(line, Refusal) else sales.agreed(tx, line.id)
    if isinstance(line, Refusal) or sale is None or sale.agreed_at is None or sale.passes_at is None:
        return None
    if sale.passes_at > now:
        return sale.passes_at
    days = packs.load(line.pack).days(sales.NOTICE)
    ready_at = had_at(tx, line, telling.of(Act.SALE_AGREED), sale.agreed_at, days, now)
    if ready_at is None:
        _call_off(tx, office, line, sale, "not_told", "system", now)
        return None
    if ready_at > now:
        return ready_at
    estate = Refusal("sale.estate") if store.estate_of_line(tx, line.id) else None
    done = estate or sales.conclude(tx, line, sale, now)
    if isinstance(done, Refusal):
        _call_off(tx, office, line, sale, done.code, "system", now)
    else:
        _passed(tx, office, line, done, now)
    return None


def call_off(tx: Tx, office: Office, line_id: UUID, actor: str, now: datetime) -> Refusal | None:
    """Call off a sale that was agreed and has its days yet; one person is enough, and the customer is told.

    Refusals: ``line.not_found``, ``sale.not_agreed``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    sale = sales.agreed(tx, line.id)
    if sale is None:
        return Refusal("sale.not_agreed")
    _call_off(tx, office, line, sale, "taken_back", actor, now)
    cancel_timer(tx, "sale.due", line.id, now)
    return None


def _call_off(tx: Tx, office: Office, line: Line, sale: Sale, why: str, actor: str, now: datetime) -> None:
    sales.call_off(tx, line, sale, why, actor, now)
    facts = {"called_off_on": line.today(now)}
    tell(tx, office.issuer_name, line, telling.of(Act.SALE_CALLED_OFF), facts, str(sale.id), now)
