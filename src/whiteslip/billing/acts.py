"""What lines owe; refunds, credits and what is given up. None commits.

The acts that take a :class:`Line` want it locked (``lines.get_line(..., lock=True)``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from whiteslip import lines
from whiteslip.base import new_id
from whiteslip.billing import across, earlier, history, late, rules, sales, store
from whiteslip.billing.booking import Booking
from whiteslip.billing.model import Debt, Part, Quote
from whiteslip.ledger import recipes
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx


def debts(tx: Tx, wanted: Iterable[UUID], day: date) -> dict[UUID, Debt]:
    """What lines owe on ``day``; a line without open instalments is absent."""
    return store.debts(tx, list(wanted), day)


def debt(tx: Tx, line: UUID, day: date) -> Debt:
    """What one line owes on ``day``."""
    return debts(tx, [line], day).get(line) or free_of_debt(tx, line, day)


def free_of_debt(tx: Tx, line: UUID, day: date) -> Debt:
    """What a line owes on which nothing is open."""
    return replace(rules.debt_on(day, None, 0, 0, 0), settled=store.settled(tx, line))


def payoff(tx: Tx, line: Line, today: date, wanted: date | None = None) -> Quote:
    """A payoff quote for the line, good through the end of ``today``, or of the day ``wanted`` after it.

    It keeps what it says, so it is good no longer than until a late fee may be charged. A payment of that
    very day still undoes the fee (``rules.spared``).
    """
    items, good_through = store.open_items(tx, [line.id])[line.id], wanted or today
    if good_through > today:
        fee_on = rules.next_late_fee_on(items, line.terms, earlier.of_plans(tx, line.id), today)
        good_through = min(good_through, fee_on or good_through)
    return rules.payoff_quote(items, line.credit_minor, good_through)


def refund(
    tx: Tx,
    line: Line,
    purchase: UUID,
    payable: UUID,
    amount_minor: int,
    now: datetime,
    value_on: date | None = None,
) -> list[Part]:
    """Give ``amount_minor`` of a purchase back by the refund waterfall, as of ``value_on``, or today. What
    of it was sold with the line's debt comes first: the buyer gets it as if the customer had paid it.
    Of one that is told late, what is credit then pays everything off today, where it covers it.
    """
    event, sold = new_id(now), sales.of_purchase(tx, line, purchase, amount_minor)
    on = value_on or line.today(now)
    known = across.look(tx, line, on, now)
    history.add_refund(tx, event, line.id, purchase)
    if not sold and on < line.today(now) and history.overtaken(tx, [(line.id, on)]):
        told = late.give_back(tx, line, event, purchase, payable, amount_minor, on, now)
        if told is not None:
            pay_off_with_credit(tx, lines.get_lines(tx, {line.id}, lock=True)[line.id], now)
            across.correct(tx, line.id, known, event, now)
            return told
    booking = Booking(tx, [line], now)
    of_buyer = [part for _, part in sold]
    rest = amount_minor - sum(part.amount_minor for part in of_buyer)
    carried = history.in_hardship_plans(tx, line.id, purchase)
    parts = of_buyer + rules.allocate_refund(rest, booking.items[line.id], purchase, carried)
    for each, part in sold:
        deemed = recipes.deem_collected(event, payable, each.payable, part.amount_minor, now)
        booking.move(line, deemed)
        data = {"purchase": purchase, "amount_minor": deemed.amount}
        tx.record(Entry(now, "debt.deemed_collected", "line", line.id, "system", data))
    sums = rules.by_component(part for part in parts if part.component != "sold")
    booking.move(line, *recipes.refund(event, line.book, payable, sums, now))
    booking.settle(line, event, "refund", parts, on)
    booking.write()
    across.correct(tx, line.id, known, event, now)
    return parts


def pay_off_with_credit(tx: Tx, line: Line, now: datetime) -> int:
    """Use the credit balance for everything, where it covers the payoff quote of today.

    For a customer who leaves with more credit than debt. Returns the minor units used.
    """
    booking = Booking(tx, [line], now)
    booking.pay_off_with_credit(line, booking.day(line))
    booking.write()
    return line.credit_minor - booking.credit[line.id]


def waive_remainder(tx: Tx, line: Line, de_minimis_minor: int, now: datetime) -> int:
    """Give up a remainder of at most ``de_minimis_minor``, billed or not. Returns what was given up.

    What running months have earned counts towards the remainder and is given up with it.
    """
    booking = Booking(tx, [line], now)
    items, today = booking.items[line.id], booking.day(line)
    if not 0 < rules.payoff_quote(items, 0, today).total_minor <= de_minimis_minor:
        return 0
    parts = rules.owed_parts(items)
    owed = sum(part.amount_minor for part in parts)
    booking.waive(line, new_id(now), parts, today)
    booking.write()
    tx.record(Entry(now, "debt.waived", "line", line.id, "system", {"amount_minor": owed}))
    return owed


def violations(tx: Tx, day: date | None = None) -> list[str]:
    """Where billing disagrees with itself or the ledger, in words; empty is sound.

    With ``day``, only what billing changed on it is looked at: that does not grow with history.
    """
    return store.violations(tx, day)
