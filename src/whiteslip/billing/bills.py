"""Plans and monthly bills: debt as it is scheduled and demanded. None commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip import lines
from whiteslip.base import new_id
from whiteslip.billing import earlier, rules, store
from whiteslip.billing.booking import Booking
from whiteslip.billing.model import Component, Instalment, NewPlan
from whiteslip.billing.schedule import make_schedule, next_statement
from whiteslip.ledger import recipes
from whiteslip.lines import Line
from whiteslip.lines.model import Product, Terms
from whiteslip.store import Entry, Tx

BATCH: Final = 2_000


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture that becomes a plan: ``amount_minor`` of ``purchase`` in ``product``'s instalments.

    ``earlier``: the terms on which it was bought, where the line has others by now.
    """

    line: Line
    purchase: UUID
    amount_minor: int
    product: Product
    captured_on: date
    earlier: Terms | None = None

    @property
    def terms(self) -> Terms:
        """The terms on which it was bought."""
        return self.earlier or self.line.terms


def add_plans(tx: Tx, captures: Sequence[Captured], now: datetime) -> list[NewPlan]:
    """Schedule captures on their lines' terms; without a fee where an estate settles the line, and
    without any price where the purchase was made after a pause that was written down late.
    """
    no_fee, no_price = store.fees_stopped(tx, list({c.line.id for c in captures}))

    def product(c: Captured) -> Product:
        if c.purchase in no_price:
            return replace(c.product, monthly_fee_bps=0, apr_bps=0)
        return replace(c.product, monthly_fee_bps=0) if c.line.id in no_fee else c.product

    priced = [(c, product(c)) for c in captures]
    plans = [
        NewPlan(
            new_id(now),
            c.line.id,
            c.purchase,
            "purchase",
            product,
            c.captured_on,
            make_schedule(
                c.line.money(c.amount_minor),
                product,
                c.captured_on,
                c.line.statement_day,
                c.terms.due_days,
            ),
        )
        for c, product in priced
    ]
    store.add_plans(tx, plans)
    both = zip(plans, captures, strict=True)
    earlier.note(tx, [(plan.id, plan.line, c.earlier.version) for plan, c in both if c.earlier])
    return plans


def issue_bills(tx: Tx, day: date, now: datetime, batch: int = BATCH) -> int:
    """Bill up to ``batch`` lines for ``day``: interest and fees are charged, credit is used.

    A line gets one bill a day, and none when nothing of what falls in is unpaid. Returns how many
    lines were taken up; call again, in a new transaction, while that is ``batch``.
    """
    wanted = store.lines_to_bill(tx, day, batch)
    if not wanted:
        return 0
    found = lines.get_lines(tx, wanted, lock=True)
    new = store.charges(tx, day, wanted)
    bills = store.issue_bills(tx, day, wanted, [new_id(now) for _ in wanted])
    booking = Booking(tx, [line for line in found.values() if line.credit_minor], now, day)
    for bill in bills:
        line, charge = found[bill.line], new[bill.line]
        for component, minor in (
            (Component.INTEREST, charge.interest_minor),
            (Component.FEE, charge.fee_minor),
        ):
            if minor:
                house = booking.house(line)
                booking.move(line, recipes.charge(bill.id, line.book, house, component, minor, now))
        data = {
            "bill": bill.id,
            "statement_on": day,
            "due_on": bill.due_on,
            "demanded_minor": bill.demanded_minor,
            "balance_minor": bill.balance_minor,
        }
        tx.record(Entry(now, "bill.issued", "line", bill.line, "system", data))
    for line_id, items in list(booking.items.items()):
        booking.apply_credit(found[line_id], [item for item in items if item.billed], day)
    booking.write()
    return len(wanted)


def charge_late_fees(tx: Tx, day: date, now: datetime) -> int:
    """Charge the late fee of bills that ran out of grace on ``day``, once per line and day.

    The fee is owed at once and asked for in the next bill. It is never more than what is late, and
    never charged on a late fee or a residual. Returns how many were charged.
    """
    if not (late := store.late(tx, day)):
        return 0
    found = lines.get_lines(tx, late, lock=True)
    unpaid = store.late(tx, day, list(found))
    booking = Booking(tx, [], now, day)
    plans: list[NewPlan] = []
    for line_id, (unpaid_minor, fee_minor) in unpaid.items():
        line = found[line_id]
        fee = rules.late_fee(fee_minor, unpaid_minor)
        bill_on = next_statement(day, line.statement_day)
        row = Instalment(1, bill_on, bill_on + timedelta(days=line.terms.due_days), 0, 0, fee)
        plan = NewPlan(new_id(now), line.id, None, "late_fee", Product(1), day, [row])
        charge = recipes.charge(plan.id, line.book, booking.house(line), Component.FEE, fee, now)
        booking.move(line, charge)
        plans.append(plan)
        data = {"plan": plan.id, "fee_minor": fee, "bill_on": bill_on}
        tx.record(Entry(now, "fee.charged", "line", line.id, "system", data))
    store.add_plans(tx, plans)
    booking.write()
    return len(plans)
