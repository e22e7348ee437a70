"""Disputed sums leave what is owed while they are disputed, and come back with a day of their own.

The acts want the line locked. None commits.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from whiteslip.billing import late, residuals, rules, store
from whiteslip.billing.booking import Booking
from whiteslip.ledger import recipes
from whiteslip.lines import Line
from whiteslip.store import Tx


def suspend(
    tx: Tx,
    line: Line,
    source: UUID,
    purchase: UUID,
    amount_minor: int,
    now: datetime,
    began_on: date | None = None,
) -> int:
    """Take up to ``amount_minor`` of a purchase's open principal out of what is owed, from ``began_on``,
    or today.

    What fell due first goes first, so that nothing disputed is past due. Interest and fees of months
    to come on it are given up; so is, since an earlier day, what it has caused. Returns what was
    taken out; the rest had been paid already.
    """
    on = began_on or line.today(now)
    if store.overtaken(tx, [(line.id, on)]) and on < line.today(now):
        taken = late.suspend(tx, line, source, purchase, amount_minor, on, now)
        if taken is not None:
            return taken
    booking = Booking(tx, [line], now)
    parts = rules.oldest_first(amount_minor, booking.items[line.id], purchase)
    sums = rules.by_component(parts)
    booking.move(line, *recipes.suspend(source, line.book, booking.house(line), sums, now))
    booking.settle(line, source, "disputed", parts, on)
    booking.write()
    return sum(part.amount_minor for part in parts)


def demand(tx: Tx, line: Line, source: UUID, amount_minor: int, actor: str, now: datetime) -> UUID:
    """What was suspended is owed after all, with a fresh due day and no interest. Returns the plan."""
    booking = Booking(tx, [line], now)
    booking.move(line, recipes.demand(source, line.book, booking.house(line), amount_minor, now))
    plan = residuals.schedule(booking, line, amount_minor, 0, 0, actor)
    residuals.write_over_limit(booking, line, amount_minor)
    return plan
