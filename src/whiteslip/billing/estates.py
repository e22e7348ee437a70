"""What the line of somebody who has died costs: no fee any more, and no interest for who pays soon.

Regulation Z, 12 CFR 1026.11(c)(3), taken for every jurisdiction. None commits.
"""

from __future__ import annotations

from datetime import datetime

from whiteslip.base import new_id
from whiteslip.billing import rules, store
from whiteslip.billing.booking import Booking
from whiteslip.billing.model import Component, Part
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx


def stop_fees(tx: Tx, line: Line, actor: str, now: datetime) -> int:
    """No fee arises on a locked line from now on; those of months that are not billed are given up.

    Returns how much was given up, in minor units. Doing it again changes nothing.
    """
    if not store.stop_fees(tx, line.id, now):
        return 0
    booking = Booking(tx, [line], now)
    parts = [
        Part(Component.FEE, item.fee_minor, item.plan, item.no)
        for item in booking.items[line.id]
        if item.fee_minor and not item.charged
    ]
    booking.trace(line, new_id(now), "unearned", parts)
    booking.write()
    given_up = sum(part.amount_minor for part in parts)
    tx.record(Entry(now, "fee.stopped", "line", line.id, actor, {"given_up_minor": given_up}))
    return given_up


def allow_fees(tx: Tx, line: Line) -> None:
    """Fees may arise again: nobody has died. What was given up stays given up."""
    store.allow_fees(tx, line.id)


def give_back_interest(tx: Tx, line: Line, most_minor: int, now: datetime) -> int:
    """Give up at most ``most_minor`` of what is owed on a locked line, never more than its open months'
    interest as scheduled. Payments settle interest first, so what is left of it may stand as principal.

    Returns what was given up, in minor units.
    """
    booking = Booking(tx, [line], now)
    items, today = booking.items[line.id], booking.day(line)
    left = min(most_minor, sum(item.scheduled_interest_minor for item in items))
    parts: list[Part] = []
    for part in rules.owed_parts(items):
        taken = min(left, part.amount_minor)
        if taken > 0:
            parts.append(Part(part.component, taken, part.plan, part.no))
            left -= taken
    given = sum(part.amount_minor for part in parts)
    if given:
        booking.waive(line, new_id(now), parts, today)
        booking.write()
        tx.record(Entry(now, "interest.given_back", "line", line.id, "system", {"amount_minor": given}))
    return given
