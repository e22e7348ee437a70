"""Withdrawing from the contract: principal and the interest earned so far, once, and no fee.

Directive (EU) 2023/2225 article 26: who withdraws repays the capital with the interest accrued up to
the day of repayment, within thirty days, and owes nothing else. None commits.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip.billing import residuals, rules, store
from whiteslip.billing.booking import Booking
from whiteslip.billing.earning import accrued
from whiteslip.billing.model import Component, Part
from whiteslip.ledger import recipes
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx


def withdraw(tx: Tx, line: Line, source: UUID, repay_days: int, actor: str, now: datetime) -> int:
    """Put one debt in the place of all schedules: principal and interest earned by today.

    It is due after ``repay_days`` and bears no further interest: what the law would allow beyond today
    is not asked for. Fees that are owed are given up, fees that were paid become credit. The line is
    locked. Returns what is to be repaid in minor units, before credit.
    """
    booking = Booking(tx, [line], now)
    today, items = booking.day(line), booking.items[line.id]
    fees = [Part(Component.FEE, i.fee_minor, i.plan, i.no) for i in items if i.charged and i.fee_minor]
    if fees:
        booking.waive(line, source, fees, today)
        waived = {"amount_minor": sum(part.amount_minor for part in fees)}
        tx.record(Entry(now, "fee.waived", "line", line.id, actor, waived))
    paid = store.fees_paid(tx, line.id)
    if paid:
        booking.move(line, recipes.give_back(source, line.book, booking.house(line), "fee", paid, now))
        tx.record(Entry(now, "fee.returned", "line", line.id, actor, {"amount_minor": paid}))
    items = booking.items[line.id]
    parts = [part for part in rules.owed_parts(items) if part.component != Component.FEE]
    parts += [part for part in accrued(items, today) if part.component == Component.INTEREST]
    sums = rules.by_component(parts)
    principal, interest = sums.get(Component.PRINCIPAL, 0), sums.get(Component.INTEREST, 0)
    booking.settle(line, source, "carried", parts, today)
    if principal + interest:
        residuals.schedule(booking, line, principal, interest, 0, actor, repay_days)
    booking.write()
    return principal + interest
