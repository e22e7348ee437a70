"""A payment that becomes known after a hardship plan was agreed, and counts from a day before it.

The plan stands, and what is open of it is what the payment settles. What the plan took over from before
is told again up to the day it was agreed, with the payment and without: the days past due that it kept
are those the line would have had, and a price that would not have been owed is given back. The acts want
the line locked. None commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec

from whiteslip import packs
from whiteslip.base import new_id
from whiteslip.billing import hardship, history, rules, store
from whiteslip.billing.booked import TOLD, read_before
from whiteslip.billing.booking import Booking
from whiteslip.billing.earning import accrued
from whiteslip.billing.model import Component, Hardship, OpenItem, Part, Payment
from whiteslip.billing.retelling import Outcome, Untold, retell
from whiteslip.ledger import recipes
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
_PRICE: Final = (Component.FEE, Component.INTEREST)


def correct_plan(booking: Booking, line: Line, payment: Payment) -> None:
    """Correct what the line's hardship plan took over by a payment, stored already, from before it.

    Nothing changes where there is none, or where what happened before does not let itself be told again.
    """
    tx, now = booking.tx, booking.now
    made = store.hardship(tx, line.id)
    if made is None or payment.value_on >= made.agreed_on:
        return
    try:
        story = read_before(tx, line, made.plan, made.id, made.agreed_on, payment.value_on)
        without = replace(story, events=[event for event in story.events if event.source != payment.id])
        told, before = (retell(each, payment.id, lambda: new_id(now)) for each in (story, without))
    except Untold:
        return
    days = min(made.frozen_days, _days_past_due(told.items, made.agreed_on))
    if days < made.frozen_days:
        _queries.correct_hardship(tx.conn, id=made.id, frozen_days=days)
    owed, ought = _price(before, line, made), _price(told, line, made)
    saved = {name: max(0, owed[name] - ought[name]) for name in _PRICE}
    for name, minor in saved.items():
        if minor:
            _give_back(booking, line, payment, made.plan, name, minor)
    if days < made.frozen_days or any(saved.values()):
        data = {"cause": payment.id, "since": payment.value_on, "earned_minor": 0}
        data |= {"waived_minor": sum(saved.values()), "plan": made.plan, "days_past_due": days}
        tx.record(Entry(now, "debt.recomputed", "line", line.id, "system", data))


def _days_past_due(items: Sequence[OpenItem], on: date) -> int:
    late = [item.due_on for item in items if item.billed and item.total_minor and item.due_on < on]
    return (on - min(late)).days if late else 0


def _price(told: Outcome, line: Line, made: Hardship) -> dict[Component, int]:
    """What interest and fees cost until the plan was agreed: paid by then, and put into it."""
    forgiven = hardship.Shape.of(made.relief, packs.load(line.pack)).forgives_price
    items = list(told.items)
    carried = rules.by_component(rules.owed_parts(items) + accrued(items, made.agreed_on))
    cost = {name: 0 if forgiven else carried.get(name, 0) for name in _PRICE}
    for (_, kind, _, _, component), minor in told.settled.items():
        if kind in TOLD and component in _PRICE:
            cost[Component(component)] += minor
    return cost


def _give_back(
    booking: Booking, line: Line, payment: Payment, plan: UUID, name: Component, minor: int
) -> None:
    """Out of what is open of the plan, the earliest instalment first; what others paid of it is waived as
    well, and their money goes to what is open.
    """
    parts: list[Part] = []
    left = minor
    for item in booking.items[line.id]:
        take = min(left, item.of(name)) if item.plan == plan else 0
        if take:
            parts.append(Part(name, take, item.plan, item.no))
            left -= take
    booking.settle(line, payment.id, "waiver", parts, payment.value_on)
    moved: dict[str, int] = {}
    for source, kind, part, on in history.all_settlements(booking.tx, line.id) if left else ():
        take = min(left, part.amount_minor) if (part.plan, part.component) == (plan, name) else 0
        if take > 0 and kind in TOLD:
            freed = Part(name, -take, part.plan, part.no)
            booking.trace(line, source, kind, [freed], on)
            booking.trace(line, payment.id, "waiver", [replace(freed, amount_minor=take)], payment.value_on)
            others = rules.allocate(take, booking.items[line.id], on)
            booking.settle(line, source, kind, others, on)
            for each in (freed, *others):
                moved[each.component] = moved.get(each.component, 0) + each.amount_minor
            left -= take
    house = booking.house(line)
    made = recipes.rebook(payment.id, line.book, moved, booking.now)
    made += recipes.waive(payment.id, line.book, house, {name: minor - left}, booking.now)
    dated = [msgspec.structs.replace(transfer, value_on=payment.value_on) for transfer in made]
    booking.move(line, *dated)
    if name is Component.FEE:
        data = {"amount_minor": minor - left, "payment": payment.id}
        booking.tx.record(Entry(booking.now, "fee.waived", "line", line.id, "system", data))


def restore_days(tx: Tx, line: Line, payment: Payment, now: datetime) -> None:
    """A payment from before the line's hardship plan came back: the plan keeps the days that are true
    without it.
    """
    made = store.hardship(tx, line.id)
    if made is None or payment.value_on >= made.agreed_on:
        return
    try:
        story = read_before(tx, line, made.plan, made.id, made.agreed_on, payment.value_on)
        days = _days_past_due(retell(story, payment.id, lambda: new_id(now)).items, made.agreed_on)
    except Untold:
        return
    if days != made.frozen_days:
        _queries.correct_hardship(tx.conn, id=made.id, frozen_days=days)
        data = {"cause": payment.id, "since": payment.value_on, "earned_minor": 0, "waived_minor": 0}
        data |= {"plan": made.plan, "days_past_due": days}
        tx.record(Entry(now, "debt.recomputed", "line", line.id, "system", data))
