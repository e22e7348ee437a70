"""What becomes known late and counts from before a hardship plan that was agreed meanwhile.

The plan stands: its instalments are what was agreed. What it rested on is told again up to the day it was
agreed, by what was known before an act (:func:`look`) and by what is known after it (:func:`correct`). The
plan then keeps the days past due, and the loss of value, that are true; a price that was not owed is given
back out of it; what would have been put into it and was not is owed with a day of its own. What happened
since the last plan is told as well, for what a dispute takes depends on what had been paid before it. All
that is told late goes this one way: payments, those that come back or are corrected, refunds, disputes and
pauses. The acts want the line locked. None commits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from whiteslip import lines, packs
from whiteslip.base import add_months
from whiteslip.base.ids import NO_ID
from whiteslip.billing import hardship, history, residuals, rules, store
from whiteslip.billing.booked import TOLD, Facts, Took, overtaken, read_before
from whiteslip.billing.booking import Booking
from whiteslip.billing.earning import accrued
from whiteslip.billing.model import Component, Forborne, Hardship, Part
from whiteslip.billing.retelling import Outcome, Story, Untold, retell
from whiteslip.ledger import Transfer, recipes
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
_PRICE: Final = (Component.FEE, Component.INTEREST)
_OWN_DAY: Final = ("hardship", "residual")


@dataclass(frozen=True, slots=True)
class Basis:
    """What a hardship plan rests on: the days past due when it was agreed; what had been paid since the plan
    before, and what it took over; what disputes had taken out of what was owed, and what it lost of the
    debt's value.
    """

    days: int
    paid: Mapping[str, int]
    took: Took
    disputed: Mapping[UUID, int]
    loss_bps: int


@dataclass(frozen=True, slots=True)
class Known:
    """Hardship plans of a line with what they rest on, oldest first, where ``since``, or something that was
    told late, is of before one; no ``bases`` where it cannot be told. ``taken`` is what disputes since the
    last plan take, and ``cost`` what interest and fees have cost on the books.
    """

    since: date
    plans: Sequence[Hardship]
    bases: Sequence[Basis]
    taken: Mapping[UUID, int]
    cost: Mapping[Component, int]

    @property
    def told(self) -> bool:
        """Whether what happened before every plan can be told again."""
        return bool(self.bases)

    def price(self, name: Component) -> int:
        """What interest or fees cost by what is known: paid, or put into the last plan."""
        return sum(basis.paid.get(name, 0) for basis in self.bases) + self.bases[-1].took.left.get(name, 0)

    def takes(self, source: UUID, minor: int) -> int:
        """What a dispute takes by what is known; ``minor`` where that is not told."""
        told = (taken[source] for taken in (*(b.disputed for b in self.bases), self.taken) if source in taken)
        return next(told, minor)


def look(tx: Tx, line: Line, since: date, now: datetime) -> Known:
    """What is known of the line's hardship plans before an act that counts from ``since``."""
    every = store.hardships(tx, line.id)
    if not every:
        return Known(since, [], [], {}, {})
    last = every[-1].agreed_on
    try:
        facts = Facts.of(tx, line, line.today(now))
        late = history.told_late(tx, line.id, every[0].agreed_on) or date.max
        if not overtaken(facts.rows, since) and late > last:
            return Known(since, [], [], {}, {})
        since = min(since, last - timedelta(days=1))
        plans, bases, taken = _bases(facts, every, min(since, late))
    except Untold:
        plans, bases, taken = [made for made in every if made.agreed_on > since], [], {}
    return Known(since, plans, bases, taken, _cost(tx, line, last))


def _bases(
    facts: Facts, every: Sequence[Hardship], since: date
) -> tuple[list[Hardship], list[Basis], dict[UUID, int]]:
    """Those of ``every`` plan that were agreed after what is to be told, what each rests on, and what
    disputes since the last take.
    """
    start = since
    while any(made.agreed_on == start for made in every):
        start -= timedelta(days=1)
    plans, bases = [made for made in every if made.agreed_on > start], list[Basis]()
    previous = next((made for made in reversed(every) if made.agreed_on <= start), None)
    for made in plans:
        took = bases[-1].took if bases else None
        days = _days(made, previous, read_before(facts, made, previous, start, took, stands=True))
        bases.append(_basis(facts, made, days, read_before(facts, made, previous, start, took)))
        start = made.agreed_on
        previous = replace(made, frozen_days=bases[-1].days)
    try:
        story = read_before(facts, None, previous, start, bases[-1].took)
        taken = _taken(story, retell(story, NO_ID, lambda: NO_ID))
    except Untold:
        taken = {}
    return plans, bases, taken


def _taken(story: Story, told: Outcome) -> dict[UUID, int]:
    taken = {event.source: 0 for event in story.events if event.kind == "disputed"}
    for (source, kind, *_), minor in told.settled.items():
        if kind == "disputed":
            taken[source] += minor
    return taken


def _days(made: Hardship, previous: Hardship | None, story: Story) -> int:
    on, told = made.agreed_on, retell(story, NO_ID, lambda: NO_ID)
    late = [item.due_on for item in told.items if item.total_minor and item.billed and item.due_on < on]
    forborne = None
    if previous and (previous.ended_on is None or previous.ended_on >= on):
        forborne = Forborne(previous.agreed_on, previous.frozen_days, previous.observed_until)
    return rules.debt_on(on, min(late, default=None), 0, 0, 0, forborne).days_past_due


def _basis(facts: Facts, made: Hardship, days: int, story: Story) -> Basis:
    line, on = facts.line, made.agreed_on
    told = retell(story, NO_ID, lambda: NO_ID)
    items = [item for item in told.items if item.total_minor]
    moved = _queries.statement_day_on(facts.tx.conn, line=line.id, day=on)
    was = replace(line, statement_day=moved) if moved else line
    paid: dict[str, int] = {}
    for (_, kind, _, _, component), minor in told.settled.items():
        if kind in TOLD:
            paid[component] = paid.get(component, 0) + minor
    forgiven = hardship.Shape.of(made.relief, packs.load(line.pack)).forgives_price
    left = rules.by_component(rules.owed_parts(items) + accrued(items, on))
    left = {name: minor for name, minor in left.items() if not (forgiven and name in _PRICE)}
    shares = dict(story.carried)
    for item in items:
        if item.purchase:
            shares[item.purchase] = shares.get(item.purchase, 0) + item.principal_minor
    took = Took(left, shares, told.credit_minor)
    return Basis(days, paid, took, _taken(story, told), hardship.loss_of(items, made.relief, was, on))


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


def _disputed(tx: Tx, line: Line, taking: _Taking) -> list[tuple[_Taking, int]]:
    """Open disputes, and what each has taken out of what is owed."""
    taken = dict[UUID, int]()
    for source, kind, part, _ in history.all_settlements(tx, line.id):
        if kind == "disputed":
            taken[source] = taken.get(source, 0) + part.amount_minor
    found = list[tuple[_Taking, int]]()
    for row in history.suspensions(tx, line.id):
        if row["open"]:
            of = {"source": row["source"], "on": row["began_on"], "purchase": row["purchase"]}
            found.append((replace(taking, kind="disputed", **of), taken.get(row["source"], 0)))
    return found


def _plans_of(tx: Tx, line: Line, until: date, purchase: UUID | None = None) -> set[UUID]:
    """Plans of what was owed on a day, or came out of it; and those of a purchase."""
    return {
        row["plan"]
        for row in history.all_instalments(tx, line.id)
        if row["opened_on"] <= until or row["kind"] in _OWN_DAY or (purchase and row["purchase"] == purchase)
    }


def correct(tx: Tx, line_id: UUID, known: Known, cause: UUID, now: datetime) -> None:
    """Let the line's hardship plans rest on what is known after an act, ``cause``, was booked. What is credit
    then pays everything off today, where it covers it.
    """
    if known.plans:
        _rest_on(tx, line_id, known, cause, now)
        booking, line = _open(tx, line_id, now)
        booking.pay_off_with_credit(line, booking.day(line))
        booking.write()
    keep(tx, [lines.get_lines(tx, {line_id}, lock=True)[line_id]], now)


def _open(tx: Tx, line_id: UUID, now: datetime) -> tuple[Booking, Line]:
    line = lines.get_lines(tx, {line_id}, lock=True)[line_id]
    return Booking(tx, [line], now), line


def _rest_on(tx: Tx, line_id: UUID, known: Known, cause: UUID, now: datetime) -> None:
    booking, line = _open(tx, line_id, now)
    new = look(tx, line, known.since, now)
    told, newest = known.told and new.told, new.plans[-1]
    pairs = list(zip(known.bases, new.bases, strict=True)) if told else []
    marked = [_mark(tx, line, *each) for each in zip(new.plans, pairs, strict=told)]
    owed = dict.fromkeys(_PRICE, 0)
    for name in _PRICE if told else ():
        owed[name] = known.cost[name] - new.cost[name] + new.price(name) - known.price(name)
    taking, waived = _Taking(cause, "waiver", known.since, newest.agreed_on), 0
    disputed = [(each, new.takes(each.source, minor) - minor) for each, minor in _disputed(tx, line, taking)]
    for each, more in disputed:
        if more < 0:
            _leave(booking, line, each, -more)
            residuals.write_over_limit(booking, line, -more)
            booking, line = _open(tx, line_id, now)
    earned = _carry_over(booking, line, newest, {name: max(0, owed[name]) for name in _PRICE}, cause)
    booking.write()
    for name, minor in owed.items():
        if minor < 0:
            booking, line = _open(tx, line_id, now)
            waived += _give_back(booking, line, taking, name, -minor)
            booking.write()
    for each, more in disputed:
        if more > 0:
            booking, line = _open(tx, line_id, now)
            _dispute(booking, line, each, more)
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
    residuals.carry_over(booking, line, plan)
    booking.settle(line, plan, "carried", parts, booking.day(line))
    for name, minor in more.items():
        if minor:
            booking.move(line, recipes.charge(cause, line.book, house, name, minor, booking.now))
    return sum(more.values())


@dataclass(frozen=True, slots=True)
class _Taking:
    """What takes something out of plans: ``source`` and ``kind`` of a settlement, and the day it counts from;
    ``until`` when what was paid had to be opened; which purchase it is about, if it is a dispute.
    """

    source: UUID
    kind: str
    on: date
    until: date
    purchase: UUID | None = None


def _take(booking: Booking, line: Line, taking: _Taking, name: Component, minor: int) -> int:
    """Take up to ``minor`` out of what is open of what is disputed, then of plans, the earliest instalment
    first, and then out of what was paid, or else refunded: that money goes to what is open instead. Returns
    what was taken; the transfers of that are the caller's.
    """
    parts, left, items = list[Part](), minor, booking.items[line.id]
    own = [item for item in items if taking.purchase and item.purchase == taking.purchase]
    for item in (*own, *(item for item in items if item.kind in _OWN_DAY and item not in own)):
        minor_of = min(left, item.of(name))
        if minor_of:
            parts.append(Part(name, minor_of, item.plan, item.no))
            left -= minor_of
    booking.settle(line, taking.source, taking.kind, parts, taking.on)
    moved: dict[str, int] = {}
    undone = {payment.id for payment in store.payments(booking.tx, line.id) if not payment.stands}
    scope = _plans_of(booking.tx, line, taking.until, taking.purchase)
    settlements = reversed(history.all_settlements(booking.tx, line.id) if left else [])
    for source, kind, part, day in sorted(settlements, key=lambda each: each[1] == "refund"):
        ours = kind in ("payment", "credit", "refund") and source not in undone and part.plan in scope
        minor_of = min(left, part.amount_minor) if ours and part.component == name else 0
        if minor_of > 0:
            freed = replace(part, amount_minor=-minor_of)
            booking.trace(line, source, kind, [freed], day)
            booking.trace(line, taking.source, taking.kind, [replace(part, amount_minor=minor_of)], taking.on)
            if kind == "refund":
                # Of an imported refund no purchase is known: none is its own.
                of = history.refunds(booking.tx, line.id).get(source, source)
                in_plans = history.in_hardship_plans(booking.tx, line.id, of)
                others = rules.allocate_refund(minor_of, booking.items[line.id], of, in_plans)
            else:
                others = rules.allocate(minor_of, booking.items[line.id], day)
            # Credit that was used and is not needed is credit again.
            used = [part for part in others if kind != "credit" or part.plan]
            booking.settle(line, source, kind, used, day)
            for each in (freed, *others):
                moved[each.component] = moved.get(each.component, 0) + each.amount_minor
            left -= minor_of
    _move(booking, line, recipes.rebook(taking.source, line.book, moved, booking.now), taking.on)
    return minor - left


def _move(booking: Booking, line: Line, made: Sequence[Transfer], on: date) -> None:
    booking.move(line, *(msgspec.structs.replace(transfer, value_on=on) for transfer in made))


def _give_back(booking: Booking, line: Line, taking: _Taking, name: Component, minor: int) -> int:
    """Give up to ``minor`` of a price back; returns what was."""
    given, house = _take(booking, line, taking, name, minor), booking.house(line)
    waived = recipes.waive(taking.source, line.book, house, {name: given}, booking.now)
    _move(booking, line, waived, taking.on)
    if name is Component.FEE and given:
        data = {"amount_minor": given, "payment": taking.source}
        booking.tx.record(Entry(booking.now, "fee.waived", "line", line.id, "system", data))
    return given


def _dispute(booking: Booking, line: Line, taking: _Taking, more: int) -> None:
    """A dispute takes ``more`` out of what is owed."""
    taken = {str(Component.PRINCIPAL): _take(booking, line, taking, Component.PRINCIPAL, more)}
    made = recipes.suspend(taking.source, line.book, booking.house(line), taken, booking.now)
    _move(booking, line, made, taking.on)


def _leave(booking: Booking, line: Line, taking: _Taking, less: int) -> None:
    """A dispute takes ``less`` out of what is owed than it has: what fell due last of it is owed again."""
    parts, left = list[Part](), less
    for part in reversed([s.part for s in store.settlements_of(booking.tx, taking.source)]):
        minor = min(left, part.amount_minor) if part.component == Component.PRINCIPAL else 0
        if minor > 0:
            parts.append(replace(part, amount_minor=-minor))
            left -= minor
    booking.trace(line, taking.source, "disputed", parts, taking.on)
    if less - left:
        house = booking.house(line)
        back = recipes.unsuspend(taking.source, line.book, house, less - left, booking.now)
        _move(booking, line, [back], taking.on)


def keep(tx: Tx, found: Collection[Line], now: datetime) -> None:
    """Take the mark of a broken plan back where its instalments were paid within their grace after all, by
    what is known now, and nothing was agreed in its place.
    """
    wanted = [line.id for line in found]
    days = [line.today(now) for line in found]
    for row in _queries.keep_hardships(tx.conn, lines=wanted, days=days) if wanted else ():
        tx.record(Entry(now, "hardship.kept", "line", row["line"], "system", {"plan": row["plan"]}))
