"""Plans and monthly bills: debt as it is scheduled and demanded. None commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from whiteslip import ledger, lines
from whiteslip.base import new_id
from whiteslip.billing import store
from whiteslip.billing.acts import apply_credit
from whiteslip.billing.model import Bill, Component, Instalment, NewPlan
from whiteslip.billing.schedule import make_schedule, next_statement
from whiteslip.ledger import Transfer, recipes
from whiteslip.lines import Line
from whiteslip.lines.acts import house as house_of
from whiteslip.lines.model import Product
from whiteslip.store import Entry, Tx

BATCH: Final = 2_000


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture that becomes a plan: ``amount_minor`` of ``purchase`` in ``product``'s instalments."""

    line: Line
    purchase: UUID
    amount_minor: int
    product: Product
    captured_on: date


def add_plans(tx: Tx, captures: Sequence[Captured], now: datetime) -> list[NewPlan]:
    """Schedule captures on their lines' terms."""
    plans = [
        NewPlan(
            new_id(now),
            c.line.id,
            c.purchase,
            "purchase",
            c.product,
            c.captured_on,
            make_schedule(
                c.line.money(c.amount_minor),
                c.product,
                c.captured_on,
                c.line.statement_day,
                c.line.terms.due_days,
            ),
        )
        for c in captures
    ]
    store.add_plans(tx, plans)
    return plans


def issue_bills(tx: Tx, day: date, now: datetime, batch: int = BATCH) -> int:
    """Bill up to ``batch`` lines for ``day``: interest and fees are charged, credit is used.

    Returns how many bills were made; call again, in a new transaction, until it is zero.
    """
    wanted = store.lines_to_bill(tx, day, batch)
    if not wanted:
        return 0
    found = lines.get_lines(tx, wanted, lock=True)
    bills = store.issue_bills(tx, day, wanted, [new_id(now) for _ in wanted])
    _charge(tx, found, bills, day, now)
    for bill in bills:
        data = {
            "bill": bill.id,
            "statement_on": day,
            "due_on": bill.due_on,
            "demanded_minor": bill.demanded_minor,
            "balance_minor": bill.balance_minor,
        }
        tx.record(Entry(now, "bill.issued", "line", bill.line, "system", data))
    charged = lines.get_lines(tx, [line.id for line in found.values() if line.credit_minor])
    for line in charged.values():
        apply_credit(tx, line, now)
    return len(bills)


def _charge(tx: Tx, found: dict[UUID, Line], bills: Sequence[Bill], day: date, now: datetime) -> None:
    houses = {line.currency for line in found.values()}
    house = {currency: house_of(tx, currency) for currency in houses}
    transfers: list[Transfer] = []
    for bill in bills:
        line = found[bill.line]
        for component, amount in (
            (Component.INTEREST, bill.interest_minor),
            (Component.FEE, bill.fee_minor),
        ):
            if amount:
                transfers.append(
                    recipes.charge(bill.id, line.book, house[line.currency], component, amount, now)
                )
    ledger.post(tx, transfers, day, now)


def charge_late_fees(tx: Tx, day: date, now: datetime) -> int:
    """Schedule the late fee of bills that passed their grace by ``day``, once per due day.

    The fee is asked for in the next bill; it is never charged on a fee. Returns how many.
    """
    found = lines.get_lines(tx, store.lines_for_late_fee(tx, day), lock=True)
    plans: list[NewPlan] = []
    for line in found.values():
        bill_on = next_statement(day, line.statement_day)
        due_on = date.fromordinal(bill_on.toordinal() + line.terms.due_days)
        row = Instalment(1, bill_on, due_on, 0, 0, line.terms.late_fee_minor)
        plans.append(NewPlan(new_id(now), line.id, None, "late_fee", Product(1), day, [row]))
        data = {"fee_minor": line.terms.late_fee_minor, "bill_on": bill_on}
        tx.record(Entry(now, "fee.scheduled", "line", line.id, "system", data))
    store.add_plans(tx, plans)
    return len(plans)
