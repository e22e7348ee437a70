"""Disputed sums leave what is owed while they are disputed, and come back with a day of their own.

The acts want the line locked. None commits.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip.billing import residuals, rules
from whiteslip.billing.booking import Booking
from whiteslip.billing.model import Component, OpenItem, Part
from whiteslip.ledger import recipes
from whiteslip.lines import Line
from whiteslip.store import Tx


def suspend(tx: Tx, line: Line, source: UUID, purchase: UUID, amount_minor: int, now: datetime) -> int:
    """Take up to ``amount_minor`` of a purchase's open principal out of what is owed.

    What fell due first goes first, so that nothing disputed is past due. Interest and fees of months
    to come on it are given up. Returns what was taken out; the rest has been paid already.
    """
    booking = Booking(tx, [line], now)
    parts = _oldest_first(amount_minor, booking.items[line.id], purchase)
    sums = rules.by_component(parts)
    booking.move(line, *recipes.suspend(source, line.book, booking.house(line), sums, now))
    booking.settle(line, source, "disputed", parts, booking.day(line))
    booking.write()
    return sum(part.amount_minor for part in parts)


def _oldest_first(amount_minor: int, items: list[OpenItem], purchase: UUID) -> list[Part]:
    parts, left = list[Part](), amount_minor
    for item in sorted((i for i in items if i.purchase == purchase), key=lambda i: (i.due_on, i.no)):
        minor = min(left, item.principal_minor)
        if minor:
            parts.append(Part(Component.PRINCIPAL, minor, item.plan, item.no))
            left -= minor
    return parts


def demand(tx: Tx, line: Line, source: UUID, amount_minor: int, actor: str, now: datetime) -> UUID:
    """What was suspended is owed after all, with a fresh due day and no interest. Returns the plan."""
    booking = Booking(tx, [line], now)
    booking.move(line, recipes.demand(source, line.book, booking.house(line), amount_minor, now))
    plan = residuals.schedule(booking, line, amount_minor, 0, 0, actor)
    residuals.write_over_limit(booking, line, amount_minor)
    return plan
