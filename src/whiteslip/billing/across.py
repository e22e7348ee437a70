"""What becomes known late and counts from before a hardship plan that was agreed meanwhile.

The plan stands: its instalments are what was agreed. What it rested on is told again up to the day it was
agreed, by what was known before an act (:func:`look`) and by what is known after it (:func:`correct`). The
plan then keeps the days past due, and the loss of value, that are true; a price that was not owed is given
back out of it; what would have been put into it and was not is owed with a day of its own. All that is
told late goes this one way: payments, those that come back or are corrected, refunds, disputes and pauses.
The acts want the line locked. None commits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec

from whiteslip import lines, packs
from whiteslip.base import add_months
from whiteslip.base.ids import NO_ID
from whiteslip.billing import hardship, history, residuals, rules, store
from whiteslip.billing.booked import TOLD, read_before
from whiteslip.billing.booking import Booking
from whiteslip.billing.earning import accrued
from whiteslip.billing.model import Component, Forborne, Hardship, Part
from whiteslip.billing.retelling import Outcome, Untold, retell
from whiteslip.ledger import recipes
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
_PRICE: Final = (Component.FEE, Component.INTEREST)
_OWN_DAY: Final = ("hardship", "residual")


@dataclass(frozen=True, slots=True)
class Basis:
    """What a hardship plan rests on: the days past due when it was agreed, what interest and fees had cost
    until then, paid or put into it, what disputes had taken out of what was owed, and what it lost of the
    debt's value.
    """

    days: int
    price: Mapping[Component, int]
    disputed: Mapping[UUID, int]
    loss_bps: int


@dataclass(frozen=True, slots=True)
class Known:
    """Hardship plans of a line that were agreed after ``since``, oldest first, with what each rests on as far
    as is known and can be told; ``cost`` is what interest and fees have cost on the books, and ``disputed``
    what disputes have taken there.
    """

    since: date
    plans: Sequence[Hardship]
    bases: Sequence[Basis | None]
    cost: Mapping[Component, int]
    disputed: Mapping[UUID, int]

    @property
    def told(self) -> bool:
        """Whether what happened before every plan can be told again."""
        return all(basis is not None for basis in self.bases)


def look(tx: Tx, line: Line, since: date) -> Known:
    """What is known of the line's hardship plans that were agreed after ``since``; before an act."""
    every = store.hardships(tx, line.id)
    plans = [made for made in every if made.agreed_on > since]
    bases: list[Basis | None] = []
    previous = next((made for made in reversed(every) if made.agreed_on <= since), None)
    for made in plans:
        basis = _basis(tx, line, made, previous, since)
        bases.append(basis)
        previous = replace(made, frozen_days=basis.days) if basis else made
    cost = _cost(tx, line, plans[-1].agreed_on) if plans else {}
    return Known(since, plans, bases, cost, _disputed(tx, line) if plans else {})


def _basis(tx: Tx, line: Line, made: Hardship, previous: Hardship | None, since: date) -> Basis | None:
    on = made.agreed_on
    try:
        story = read_before(tx, line, made, previous, since)
        told = retell(story, NO_ID, lambda: NO_ID)
    except Untold:
        return None
    items = [item for item in told.items if item.total_minor]
    late = [item.due_on for item in items if item.billed and item.due_on < on]
    forborne = None
    if previous and (previous.ended_on is None or previous.ended_on >= on):
        forborne = Forborne(previous.agreed_on, previous.frozen_days, previous.observed_until)
    days = rules.debt_on(on, min(late, default=None), 0, 0, 0, forborne).days_past_due
    moved = _queries.statement_day_on(tx.conn, line=line.id, day=on)
    was = replace(line, statement_day=moved) if moved else line
    taken = {event.source: 0 for event in story.events if event.kind == "disputed"}
    for (source, kind, *_), minor in told.settled.items():
        if kind == "disputed":
            taken[source] += minor
    return Basis(days, _price(told, line, made), taken, hardship.loss_of(items, made.relief, was, on))


def _price(told: Outcome, line: Line, made: Hardship) -> dict[Component, int]:
    """What interest and fees cost until the plan was agreed: paid by then, and put into it."""
    forgiven = hardship.Shape.of(made.relief, packs.load(line.pack)).forgives_price
    carried = rules.by_component(rules.owed_parts(told.items) + accrued(told.items, made.agreed_on))
    cost = {name: 0 if forgiven else carried.get(name, 0) for name in _PRICE}
    for (_, kind, _, _, component), minor in told.settled.items():
        if kind in TOLD and component in _PRICE:
            cost[Component(component)] += minor
    return cost


def _cost(tx: Tx, line: Line, until: date) -> dict[Component, int]:
    """What interest and fees have cost on the books, of what is older than ``until`` or came out of it: paid,
    or owed.
    """
    scope = _plans_of(tx, line, until)
    items = [item for item in store.open_items(tx, [line.id])[line.id] if item.charged and item.plan in scope]
    cost = {name: sum(item.of(name) for item in items) for name in _PRICE}
    for _, kind, part, _ in history.all_settlements(tx, line.id):
        if kind in TOLD | {"return"} and part.plan in scope and part.component in _PRICE:
            cost[Component(part.component)] += part.amount_minor
    return cost


def _disputed(tx: Tx, line: Line) -> dict[UUID, int]:
    """What each open dispute has taken out of what is owed."""
    taken = {row["source"]: 0 for row in history.suspensions(tx, line.id) if row["open"]}
    for source, kind, part, _ in history.all_settlements(tx, line.id):
        if kind == "disputed" and source in taken:
            taken[source] += part.amount_minor
    return taken


def _plans_of(tx: Tx, line: Line, until: date) -> set[UUID]:
    rows = history.all_instalments(tx, line.id)
    return {row["plan"] for row in rows if row["opened_on"] <= until or row["kind"] in _OWN_DAY}


def correct(tx: Tx, line_id: UUID, known: Known, cause: UUID, now: datetime) -> None:
    """Let the line's hardship plans rest on what is known after an act, ``cause``, was booked."""
    line = lines.get_lines(tx, {line_id}, lock=True)[line_id]
    if known.plans:
        _rest_on(tx, line, known, look(tx, line, known.since), cause, now)
    keep(tx, [line], now)


def _rest_on(tx: Tx, line: Line, known: Known, new: Known, cause: UUID, now: datetime) -> None:
    pairs = [(w, b) for w, b in zip(known.bases, new.bases, strict=True) if w and b]
    told = len(pairs) == len(new.plans)
    marked = [_mark(tx, line, *each) for each in zip(new.plans, pairs, strict=True)] if told else []
    owed = dict.fromkeys(_PRICE, 0)
    if told:
        for name in _PRICE:
            owed[name] = known.cost[name] - new.cost[name]
            owed[name] += sum(basis.price[name] - was.price[name] for was, basis in pairs)
    newest, booking = new.plans[-1], Booking(tx, [line], now)
    earned = _carry_over(booking, line, newest, {name: max(0, owed[name]) for name in _PRICE}, cause)
    booking.write()
    booking = Booking(tx, [line], now)
    waived = sum(
        _give_back(booking, line, cause, known, name, -minor) for name, minor in owed.items() if minor < 0
    )
    for source in new.disputed if told else ():
        _dispute(booking, line, source, _more(source, known, new, pairs), known.since)
    booking.write()
    if any(marked) or earned or waived:
        days = next(made for made in store.hardships(tx, line.id) if made.id == newest.id).frozen_days
        data = {"cause": cause, "since": known.since, "earned_minor": earned, "waived_minor": waived}
        data |= {"plan": newest.plan, "days_past_due": days}
        tx.record(Entry(now, "debt.recomputed", "line", line.id, "system", data))


def _mark(tx: Tx, line: Line, made: Hardship, pair: tuple[Basis, Basis]) -> bool:
    """Correct what the plan keeps of the debt; how long it is observed follows from what it lost."""
    was, basis = pair
    if made.state == "observed" or (was.days, was.loss_bps) == (basis.days, basis.loss_bps):
        return False
    pack = packs.load(line.pack)
    loss = basis.loss_bps if basis.loss_bps != was.loss_bps else made.value_loss_bps
    months = hardship.observed_months(pack, loss)
    _queries.correct_hardship(
        tx.conn,
        id=made.id,
        frozen_days=basis.days if basis.days != was.days else made.frozen_days,
        value_loss_bps=loss,
        distressed=hardship.is_distressed(pack, loss),
        observed_until=add_months(made.agreed_on, months),
    )
    return True


def _carry_over(
    booking: Booking, line: Line, newest: Hardship, more: Mapping[Component, int], cause: UUID
) -> int:
    """What the plan would have taken over is owed with a day of its own: what came to be open again of what
    it replaced, and ``more`` of a price. Returns what of the latter is earned.
    """
    settlements = history.all_settlements(booking.tx, line.id)
    taken = {part.plan for source, _, part, _ in settlements if source == newest.plan}
    again = [
        item
        for item in booking.items[line.id]
        if item.plan != newest.plan and (item.opened_on < newest.agreed_on or item.plan in taken)
    ]
    parts = rules.owed_parts(again)
    sums, house = rules.by_component(parts), booking.house(line)
    principal = sums.get(Component.PRINCIPAL, 0)
    fee, interest = (sums.get(name, 0) + more[name] for name in _PRICE)
    if not principal + interest + fee:
        return 0
    plan = residuals.schedule(booking, line, principal, interest, fee, "system")
    booking.settle(line, plan, "carried", parts, booking.day(line))
    for name, minor in more.items():
        if minor:
            booking.move(line, recipes.charge(cause, line.book, house, name, minor, booking.now))
    return sum(more.values())


def _give_back(booking: Booking, line: Line, cause: UUID, known: Known, name: Component, minor: int) -> int:
    """Give a price back out of what is open of plans, the earliest instalment first; what was paid of it is
    given back as well, and that money goes to what is open. Returns what was given back.
    """
    on, scope = known.since, _plans_of(booking.tx, line, known.plans[-1].agreed_on)
    parts, left = list[Part](), minor
    for item in booking.items[line.id]:
        take = min(left, item.of(name)) if item.kind in _OWN_DAY else 0
        if take:
            parts.append(Part(name, take, item.plan, item.no))
            left -= take
    booking.settle(line, cause, "waiver", parts, on)
    moved: dict[str, int] = {}
    undone = {payment.id for payment in store.payments(booking.tx, line.id) if not payment.stands}
    for source, kind, part, day in reversed(history.all_settlements(booking.tx, line.id) if left else []):
        ours = kind in ("payment", "credit") and source not in undone and part.plan in scope
        take = min(left, part.amount_minor) if ours and part.component == name else 0
        if take > 0:
            _free(booking, line, cause, (source, kind, day), replace(part, amount_minor=take), on, moved)
            left -= take
    given = minor - left
    made = recipes.rebook(cause, line.book, moved, booking.now)
    made += recipes.waive(cause, line.book, booking.house(line), {name: given}, booking.now)
    booking.move(line, *(msgspec.structs.replace(transfer, value_on=on) for transfer in made))
    if name is Component.FEE and given:
        data = {"amount_minor": given, "payment": cause}
        booking.tx.record(Entry(booking.now, "fee.waived", "line", line.id, "system", data))
    return given


def _more(source: UUID, known: Known, new: Known, pairs: Sequence[tuple[Basis, Basis]]) -> int:
    """How much more a dispute would have taken than it has: it is told in the first plan after it."""
    booked = new.disputed[source] - known.disputed.get(source, 0)
    for was, basis in pairs:
        if source in basis.disputed or source in was.disputed:
            return basis.disputed.get(source, 0) - was.disputed.get(source, 0) - booked
    return 0


def _dispute(booking: Booking, line: Line, source: UUID, more: int, on: date) -> None:
    """A dispute takes ``more`` out of what is in plans, or less."""
    house = booking.house(line)
    if more > 0:
        items = [item for item in booking.items[line.id] if item.kind in _OWN_DAY]
        parts = rules.principal_of(more, items)
        moved = recipes.suspend(source, line.book, house, rules.by_component(parts), booking.now)
        booking.settle(line, source, "disputed", parts, on)
    elif more < 0:
        has = [s.part for s in store.settlements_of(booking.tx, source) if s.kind == "disputed"]
        parts, left = list[Part](), -more
        for part in reversed(has):
            take = min(left, part.amount_minor)
            if take > 0 and part.plan:
                parts.append(replace(part, amount_minor=-take))
                left -= take
        booking.trace(line, source, "disputed", parts, on)
        moved = [recipes.unsuspend(source, line.book, house, -more - left, booking.now)] if parts else []
    else:
        return
    booking.move(line, *(msgspec.structs.replace(transfer, value_on=on) for transfer in moved))


def _free(
    booking: Booking,
    line: Line,
    cause: UUID,
    paid: tuple[UUID, str, date],
    part: Part,
    on: date,
    moved: dict[str, int],
) -> None:
    """What was ``paid`` of a part goes to what is open instead, and the part is given up."""
    source, kind, day = paid
    freed = replace(part, amount_minor=-part.amount_minor)
    booking.trace(line, source, kind, [freed], day)
    booking.trace(line, cause, "waiver", [part], on)
    others = rules.allocate(part.amount_minor, booking.items[line.id], day)
    booking.settle(line, source, kind, others, day)
    for each in (freed, *others):
        moved[each.component] = moved.get(each.component, 0) + each.amount_minor


def keep(tx: Tx, found: Collection[Line], now: datetime) -> None:
    """Take the mark of a broken plan back where its instalments were paid within their grace after all, by
    what is known now, and nothing was agreed in its place.
    """
    wanted = [line.id for line in found]
    days = [line.today(now) for line in found]
    for row in _queries.keep_hardships(tx.conn, lines=wanted, days=days) if wanted else ():
        tx.record(Entry(now, "hardship.kept", "line", row["line"], "system", {"plan": row["plan"]}))
