"""What becomes known late: booked today, counted from its value date, by compensating transfers.

A line is told again from that day (``retelling``), and the difference to what is booked is posted:
interest that was not earned, late fees that were not justified, money that belongs elsewhere. Days
past due and the class follow, for they are derived from what is unpaid. Nothing is edited.

The acts want the line locked. None commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

import msgspec

from whiteslip import lines
from whiteslip.base import new_id
from whiteslip.billing import across, history, residuals
from whiteslip.billing.booked import GIVEN_UP, TOLD, Booked, read
from whiteslip.billing.booking import Booking
from whiteslip.billing.model import Component, Part, Payment
from whiteslip.billing.retelling import Event, Outcome, Untold, retell
from whiteslip.billing.rules import by_component
from whiteslip.ledger import Transfer, recipes
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Entry, Tx


def take_payment(tx: Tx, line: Line, payment: Payment, now: datetime) -> bool:
    """Book a payment, stored already, where it would have gone on its value date.

    False, and nothing is booked, where something since then does not let itself be told again.
    """
    new = Event(payment.id, "payment", payment.value_on, payment.amount_minor, payment.reference)
    return _tell(tx, line, payment.value_on, payment.id, new, now) is not None


def suspend(
    tx: Tx, line: Line, source: UUID, purchase: UUID, amount_minor: int, began_on: date, now: datetime
) -> int | None:
    """Take up to ``amount_minor`` of a purchase's principal that was open on ``began_on`` out of what is
    owed. Returns what was taken out; None, and nothing is booked, as with :func:`take_payment`.
    """
    new = Event(source, "disputed", began_on, amount_minor, purchase=purchase, firm=False)
    outcome = _tell(tx, line, began_on, source, new, now)
    if outcome is None:
        return None
    return sum(minor for key, minor in outcome.settled.items() if key[:2] == (source, "disputed"))


def correct_payment(tx: Tx, line: Line, wrong: Payment, right: Payment, now: datetime) -> bool:
    """Book ``right``, stored already, instead of ``wrong``: as if it had been booked in the first place.

    False, and nothing is booked, as with :func:`take_payment`.
    """
    since = min(wrong.value_on, right.value_on)
    new = Event(right.id, "payment", right.value_on, right.amount_minor, right.reference)
    return _tell(tx, line, since, right.id, new, now, wrong) is not None


def take_back_payment(tx: Tx, line: Line, payment: Payment, now: datetime) -> bool:
    """A payment came back: the line ends as if it had never been made. What others paid since goes where
    it would have gone. False, and nothing is booked, as with :func:`take_payment`.
    """
    # Not under the payment's own name: what else changes now stands, the payment does not.
    return _tell(tx, line, payment.value_on, new_id(now), None, now, payment) is not None


def give_back(
    tx: Tx,
    line: Line,
    source: UUID,
    purchase: UUID,
    payable: UUID,
    amount_minor: int,
    on: date,
    now: datetime,
) -> list[Part] | None:
    """A shop gave money of a purchase back ``on`` an earlier day. Returns what it settled; None, and
    nothing is booked, as with :func:`take_payment`.
    """
    new = Event(source, "refund", on, amount_minor, purchase=purchase)
    outcome = _tell(tx, line, on, source, new, now, payable=payable)
    if outcome is None:
        return None
    return [
        Part(component, minor, plan, no)
        for (by, kind, plan, no, component), minor in outcome.settled.items()
        if (by, kind) == (source, "refund")
    ]


def unprice(tx: Tx, line: Line, purchases: Sequence[UUID], cause: UUID, now: datetime) -> set[UUID]:
    """Purchases cost nothing beside what the shop gets: they should not have been possible, because
    ``cause``, a pause, had begun. Their price and late fees on them are given back; what they are for
    stays owed on its days. What is captured of them later has no price either. Returns those that had one.

    Where the line cannot be told again, what is open of their price is given up as of today, and what
    was paid of it becomes credit.
    """
    opened = {
        row["plan"]: row["opened_on"]
        for row in history.all_instalments(tx, line.id)
        if row["purchase"] in purchases and row["purchase"] not in history.unpriced(tx, line.id)
    }
    known = across.look(tx, line, min(opened.values(), default=line.today(now)), now)
    fresh = history.add_unpriced(tx, line.id, purchases, cause, now)
    last = known.plans[-1].agreed_on if known.plans else None
    before = {plan for plan, on in opened.items() if last and on <= last}
    if before and not known.told:
        _give_up_price(tx, line, before, cause, now)
    since = {plan: on for plan, on in opened.items() if plan not in before}
    if since and _tell(tx, line, min(since.values()), cause, None, now) is None:
        _give_up_price(tx, line, set(since), cause, now)
    across.correct(tx, line.id, known, cause, now)
    booking = Booking(tx, lines.get_lines(tx, {line.id}, lock=True).values(), now)
    booking.pay_off_with_credit(line, booking.day(line))
    booking.write()
    return fresh


def _give_up_price(tx: Tx, line: Line, plans: set[UUID], cause: UUID, now: datetime) -> None:
    booking = Booking(tx, [line], now)
    today, house = booking.day(line), booking.house(line)
    prices = (Component.FEE, Component.INTEREST)
    items = [item for item in booking.items[line.id] if item.plan in plans]
    for charged, kind in ((True, "waiver"), (False, "unpriced")):
        parts = [
            Part(name, item.of(name), item.plan, item.no)
            for item in items
            if item.charged is charged
            for name in prices
            if item.of(name)
        ]
        if charged:
            booking.move(line, *recipes.waive(cause, line.book, house, by_component(parts), now))
        booking.trace(line, cause, kind, parts, today)
    for name in prices:
        paid = sum(
            part.amount_minor
            for _, kind, part, _ in history.all_settlements(tx, line.id)
            if part.plan in plans and part.component == name and kind in ("payment", "credit", "return")
        )
        if paid > 0:
            booking.move(line, recipes.give_back(cause, line.book, house, name, paid, now))
    booking.write()


def _tell(
    tx: Tx,
    line: Line,
    since: date,
    cause: UUID,
    new: Event | None,
    now: datetime,
    wrong: Payment | None = None,
    payable: UUID | None = None,
) -> Outcome | None:
    """Tell the line again with ``new`` and without ``wrong``, and post by how much it ends differently."""
    try:
        booked = read(tx, line, since, line.today(now))
        told = booked.story
        gone = wrong.id if wrong else None
        known = (gone, new.source if new else None)
        events = [event for event in told.events if event.source not in known] + ([new] if new else [])
        waived_by = {key: by for key, by in told.waived_by.items() if by != gone}
        told = replace(told, events=events, waived_by=waived_by)
        outcome = retell(told, cause, lambda: new_id(now))
    except Untold:
        return None
    if line.lifecycle is Lifecycle.CLOSED and any(item.total_minor for item in outcome.items):
        return None
    _compensate(tx, line, booked, outcome, _Cause(cause, new, wrong, payable), now)
    return outcome


@dataclass(frozen=True)
class _Cause:
    """Why a line is told again: what is new, and the payment that is not true any more. ``payable`` is
    the account of the shop that gives money back.
    """

    id: UUID
    new: Event | None
    wrong: Payment | None
    payable: UUID | None


def _compensate(tx: Tx, line: Line, booked: Booked, outcome: Outcome, cause: _Cause, now: datetime) -> None:
    """Post and trace by how much the outcome differs from what is booked."""
    changed = {
        key: outcome.settled.get(key, 0) - booked.settled.get(key, 0)
        for key in booked.settled.keys() | outcome.settled.keys()
        if outcome.settled.get(key, 0) != booked.settled.get(key, 0)
    }
    booking = Booking(tx, [line], now)
    sums = _Sums()
    for key in sorted(changed, key=str):
        source, kind, plan, no, component = key
        part = Part(component, changed[key], plan, no)
        on = outcome.days.get(key) or booked.days[key]
        booking.trace(line, source, kind, [part], on)
        charged = plan is None or no is None or (plan, no) in booked.charged
        whose = sums.moved
        if kind == "disputed":
            whose = sums.disputed.setdefault((source, on), {})
        elif cause.new and source == cause.new.source:
            whose = sums.new
        elif cause.wrong and source == cause.wrong.id:
            whose = sums.wrong
        sums.add(kind, part, charged, whose)
    booking.move(line, *_transfers(booking, line, sums, cause, booked.story.since))
    grown = sum(-minor for (_, kind, *_, part), minor in changed.items() if part == "principal" and kind)
    residuals.write_over_limit(booking, line, max(0, grown))
    told_of = cause.wrong.id if cause.wrong and not cause.new else cause.id
    _record(tx, line, sums, told_of, booked.story.since, now)


@dataclass
class _Sums:
    """By component: what the new payment settles, what the wrong one did (negative), what each dispute
    takes out, more or less, from its day; what others settle more or less, what is earned and waived.
    """

    wrong: dict[str, int] = field(default_factory=dict[str, int])
    new: dict[str, int] = field(default_factory=dict[str, int])
    disputed: dict[tuple[UUID, date], dict[str, int]] = field(
        default_factory=dict[tuple[UUID, date], dict[str, int]]
    )
    moved: dict[str, int] = field(default_factory=dict[str, int])
    earned: dict[str, int] = field(default_factory=dict[str, int])
    waived: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, kind: str, part: Part, charged: bool, whose: dict[str, int]) -> None:
        """Count one change of a settlement; ``charged``: its interest and fee are owed on the ledger."""
        name, minor = part.component, part.amount_minor
        if kind in TOLD:
            _count(whose, name, minor)
            if kind == "credit":
                _count(self.moved, "credit", -minor)
            if not charged and name in ("interest", "fee"):
                _count(self.earned, name, minor)
        elif kind in GIVEN_UP and charged:
            _count(self.earned, name, -minor)
        elif kind == "waiver":
            _count(self.waived, name, minor)


def _count(sums: dict[str, int], name: str, minor: int) -> None:
    sums[name] = sums.get(name, 0) + minor


def _transfers(booking: Booking, line: Line, sums: _Sums, why: _Cause, since: date) -> list[Transfer]:
    now, book, house, new, cause = booking.now, line.book, booking.house(line), why.new, why.id
    if sum(sums.moved.values()):
        raise ValueError(f"money of line {line.id} would settle more or less than it is")
    made = recipes.rebook(cause, book, sums.moved, now)
    for component, minor in sums.earned.items():
        if minor > 0:
            made.append(recipes.charge(cause, book, house, component, minor, now))
        elif minor < 0:
            made.append(recipes.uncharge(cause, book, house, component, -minor, now))
    given_up = {name: minor for name, minor in sums.waived.items() if minor > 0}
    restored = {name: -minor for name, minor in sums.waived.items() if minor < 0}
    made += recipes.waive(cause, book, house, given_up, now)
    made += recipes.unwaive(cause, book, house, restored, now)
    made = [msgspec.structs.replace(transfer, value_on=since) for transfer in made]
    if why.wrong:
        undone = {name: -minor for name, minor in sums.wrong.items()}
        take_back = recipes.correct if new else recipes.bounce
        made += take_back(why.wrong.id, book, house, undone, now, why.wrong.value_on)
    if new and new.kind == "payment":
        made += recipes.receive(new.source, book, house, sums.new, now, new.on)
    elif new and why.payable:
        given = recipes.refund(new.source, book, why.payable, sums.new, now)
        made += [msgspec.structs.replace(transfer, value_on=new.on) for transfer in given]
    for (source, on), parts in sums.disputed.items():
        minor = sum(parts.values())
        if minor > 0:
            taken = recipes.suspend(source, book, house, {Component.PRINCIPAL: minor}, now)
        else:
            taken = [recipes.unsuspend(source, book, house, -minor, now)] if minor else []
        made += [msgspec.structs.replace(transfer, value_on=on) for transfer in taken]
    return made


def _record(tx: Tx, line: Line, sums: _Sums, cause: UUID, since: date, now: datetime) -> None:
    waived = sum(sums.waived.values())
    if waived > 0:
        data = {"amount_minor": waived, "payment": cause}
        tx.record(Entry(now, "fee.waived", "line", line.id, "system", data))
    data = {"cause": cause, "since": since, "earned_minor": sum(sums.earned.values())}
    data |= {"waived_minor": waived}
    tx.record(Entry(now, "debt.recomputed", "line", line.id, "system", data))
