"""Debts with a due day of their own: a payment came back, a dispute was lost, somebody withdrew."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from whiteslip import ledger, packs
from whiteslip.base import new_id
from whiteslip.billing import store
from whiteslip.billing.booking import Booking
from whiteslip.billing.model import Instalment, NewPlan, Part
from whiteslip.lines import Line
from whiteslip.lines.model import Product
from whiteslip.store import Entry, load_queries

_queries = load_queries(__file__)


def schedule(
    booking: Booking,
    line: Line,
    principal_minor: int,
    interest_minor: int,
    fee_minor: int,
    actor: str,
    days: int | None = None,
    purchase: UUID | None = None,
) -> UUID:
    """One instalment, billed tonight, due after ``days``, or else after the notice of the line's pack or the
    terms' days if they are more.

    Returns the plan. It bears no interest and no late fee. The transfers are the caller's.
    """
    now, today = booking.now, line.today(booking.now)
    notice = packs.load(line.pack).days("exit.residual_notice_days")
    due_on = today + timedelta(days=days or max(notice, line.terms.due_days))
    row = Instalment(1, today, due_on, principal_minor, interest_minor, fee_minor)
    plan = NewPlan(new_id(now), line.id, purchase, "residual", Product(1), today, [row])
    store.add_plans(booking.tx, [plan])
    data = {"plan": plan.id, "amount_minor": row.total_minor, "due_on": due_on}
    booking.tx.record(Entry(now, "residual.scheduled", "line", line.id, actor, data))
    return plan.id


def carry_over(booking: Booking, line: Line, plan: UUID, credit_minor: int = 0) -> None:
    """Note that a residual plan is of what was owed before; ``credit_minor`` of it is credit that had been
    used and turned out not to be there.
    """
    _queries.add_carry_over(booking.tx.conn, plan=plan)
    if credit_minor:
        booking.trace(line, plan, "carried", [Part("credit", credit_minor)])


def write_over_limit(booking: Booking, line: Line, principal_minor: int) -> None:
    """Write a booking that adds principal, whether or not it still fits: the limit only governs drawing."""
    over = principal_minor > line.room_minor
    if over:
        ledger.set_debit_limit(booking.tx, line.principal, None)
    booking.write()
    if over:
        ledger.set_debit_limit(booking.tx, line.principal, line.limit_minor)
