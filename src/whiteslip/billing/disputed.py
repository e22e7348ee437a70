"""Disputed sums leave what is owed while they are disputed, and come back with a day of their own.

The acts want the line locked. None commits.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from whiteslip import lines
from whiteslip.billing import across, history, late, residuals, rules, sales, store
from whiteslip.billing.acts import pay_off_with_credit
from whiteslip.billing.booking import Booking
from whiteslip.billing.model import Part
from whiteslip.billing.sales import Outstanding
from whiteslip.ledger import recipes
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx


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
    to come on it are given up; so is, since an earlier day, what it has caused. What of it was sold is
    bought back from the buyer. Returns what was taken out; the rest had been paid already.
    """
    sold = sales.of_purchase(tx, line, purchase, amount_minor)
    bought_back = sum(_buy_back(tx, line, source, purchase, each, part, now) for each, part in sold)
    asked_minor, amount_minor = amount_minor, amount_minor - bought_back
    on = began_on or line.today(now)
    known = across.look(tx, line, on, now)
    history.add_suspension(tx, source, line.id, purchase, asked_minor, on, follows=not sold)
    overtaken = not sold and history.overtaken(tx, [(line.id, on)]) and on < line.today(now)
    if overtaken and late.suspend(tx, line, source, purchase, amount_minor, on, now) is not None:
        pay_off_with_credit(tx, lines.get_lines(tx, {line.id}, lock=True)[line.id], now)
        across.correct(tx, line.id, known, source, now)
        return _taken(tx, source)
    booking = Booking(tx, [line], now)
    carried = history.in_hardship_plans(tx, line.id, purchase)
    parts = rules.oldest_first(amount_minor, booking.items[line.id], purchase, carried)
    sums = rules.by_component(parts)
    booking.move(line, *recipes.suspend(source, line.book, booking.house(line), sums, now))
    booking.settle(line, source, "disputed", parts, on)
    booking.pay_off_with_credit(line, on)
    booking.write()
    across.correct(tx, line.id, known, source, now)
    return _taken(tx, source)


def _taken(tx: Tx, source: UUID) -> int:
    return sum(each.part.amount_minor for each in store.settlements_of(tx, source) if each.kind == "disputed")


def _buy_back(
    tx: Tx, line: Line, source: UUID, purchase: UUID, sold: Outstanding, part: Part, now: datetime
) -> int:
    booking = Booking(tx, [line], now)
    moved = recipes.buy_back(source, booking.house(line), sold.payable, part.amount_minor, now)
    booking.move(line, moved)
    booking.trace(line, source, "disputed", [part])
    booking.write()
    data = {"purchase": purchase, "amount_minor": part.amount_minor}
    tx.record(Entry(now, "debt.bought_back", "line", line.id, "system", data))
    return part.amount_minor


def end(tx: Tx, source: UUID) -> None:
    """The dispute is resolved: what it took out of what is owed stays what it is."""
    history.end_suspension(tx, source)


def demand(tx: Tx, line: Line, source: UUID, amount_minor: int, actor: str, now: datetime) -> UUID:
    """What was suspended is owed after all, with a fresh due day and no interest; it stays the purchase's, so
    that a refund finds it. Returns the plan.
    """
    booking = Booking(tx, [line], now)
    booking.move(line, recipes.demand(source, line.book, booking.house(line), amount_minor, now))
    purchase = history.disputed_purchase(tx, source)
    plan = residuals.schedule(booking, line, amount_minor, 0, 0, actor, purchase=purchase)
    residuals.write_over_limit(booking, line, amount_minor)
    return plan
