"""Withdrawing from the contract: principal and the interest earned so far, once, and no fee.

Directive (EU) 2023/2225 article 26: who withdraws repays the capital with the interest accrued up to
the day of repayment, within thirty days, and owes nothing else. None commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from whiteslip.base import Rounding, new_id
from whiteslip.base.money import divide
from whiteslip.billing import residuals, rules, store
from whiteslip.billing.booking import Booking
from whiteslip.billing.earning import accrued
from whiteslip.billing.model import Component, OpenItem, Part
from whiteslip.ledger import recipes
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx

_MONTHS: Final = 12
_YEAR_DAYS: Final = 365


def earned_by_days(items: Iterable[OpenItem], today: date) -> int:
    """Interest of open plans for the days since their purchases, in minor units. Pure.

    A schedule prices its first month in full, however soon the first statement comes; who withdraws owes
    interest for the days alone, at the month's price times twelve over 365 a day.
    """
    first: dict[UUID, OpenItem] = {}
    for item in items:
        first.setdefault(item.plan, item)
    return sum(
        divide(
            item.scheduled_interest_minor * _MONTHS * (today - item.opened_on).days,
            _YEAR_DAYS,
            Rounding.DOWN,
        )
        for item in first.values()
    )


def _within(parts: Iterable[Part], allowed_minor: int) -> list[Part]:
    """All but fees, and of interest as much as is allowed."""
    kept: list[Part] = []
    for part in parts:
        if part.component == Component.INTEREST:
            part = Part(part.component, min(part.amount_minor, allowed_minor), part.plan, part.no)
            allowed_minor -= part.amount_minor
        if part.amount_minor and part.component != Component.FEE:
            kept.append(part)
    return kept


def _give_back(
    booking: Booking, line: Line, charged: Sequence[Part], kept: Sequence[Part], actor: str
) -> None:
    """Give up what was charged of interest beyond what is kept of it; see :func:`_within`."""
    left = {(part.plan, part.no): part.amount_minor for part in kept if part.component == Component.INTEREST}
    over = [
        Part(part.component, minor, part.plan, part.no)
        for part in charged
        if part.component == Component.INTEREST
        and (minor := part.amount_minor - left.get((part.plan, part.no), 0))
    ]
    if over:
        booking.waive(line, new_id(booking.now), over, booking.day(line))
        data = {"amount_minor": sum(part.amount_minor for part in over)}
        booking.tx.record(Entry(booking.now, "interest.given_back", "line", line.id, actor, data))


def withdraw(tx: Tx, line: Line, source: UUID, repay_days: int, actor: str, now: datetime) -> int:
    """Put one debt in the place of all schedules: principal and interest earned by today.

    It is due after ``repay_days`` and bears no further interest: what the law would allow beyond today
    is not asked for, and of what bills charged ahead only what the days have earned. Fees that are owed
    are given up; fees, and interest beyond those days, that were paid become credit. The line is locked.
    Returns what is to be repaid in minor units, before credit.
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
    charged = rules.owed_parts(items)
    running = [part for part in accrued(items, today) if part.component == Component.INTEREST]
    interest_paid = store.interest_paid(tx, {item.plan for item in items})
    allowed = earned_by_days(items, today) - interest_paid
    parts = _within([*charged, *running], max(0, allowed))
    _give_back(booking, line, charged, parts, actor)
    if allowed < 0:
        house = booking.house(line)
        booking.move(line, recipes.give_back(source, line.book, house, "interest", -allowed, now))
        tx.record(Entry(now, "interest.given_back", "line", line.id, actor, {"amount_minor": -allowed}))
    sums = rules.by_component(parts)
    principal, interest = sums.get(Component.PRINCIPAL, 0), sums.get(Component.INTEREST, 0)
    booking.settle(line, source, "carried", parts, today)
    if principal + interest:
        residuals.schedule(booking, line, principal, interest, 0, actor, repay_days)
    booking.write()
    return principal + interest
