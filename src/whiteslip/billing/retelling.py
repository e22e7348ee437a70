"""What a line would owe had everything been booked on its value date. Pure.

The schedules, the bills that were made and what happened (payments, refunds, credit that was used,
disputes) are told again in the order of their value dates, by the same rules that book them on the
day. Whoever compares the outcome with what is booked knows what to compensate.

Told again in the customer's favour only: a late fee that is not justified any more is given up, one
that would have been never arises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from whiteslip.billing import rules
from whiteslip.billing.earning import settle
from whiteslip.billing.model import Component, OpenItem, Part
from whiteslip.lines.model import Terms

# Within one day: what takes a debt away comes before what pays it.
_ORDER: Final = {"disputed": 0, "refund": 1, "payment": 2, "credit": 3}
# Source, kind, plan, instalment, component: what a sum was settled by and for.
Key: TypeAlias = tuple[UUID, str, UUID | None, int | None, str]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that settles ``amount_minor``, and the day it counts from.

    ``reference`` and ``purchase`` order events of one day alike, whichever arrived first. A ``firm`` one
    has to find all of its amount open; any other takes what there is.
    """

    source: UUID
    kind: str
    on: date
    amount_minor: int
    reference: str = ""
    purchase: UUID | None = None
    firm: bool = True


@dataclass(frozen=True, slots=True)
class Story:
    """A line from ``since`` on: what was unpaid at its beginning, and what happened then.

    ``items`` are all instalments with what was unpaid of them before ``since``; ``billed_on`` has the
    days of their bills. ``waived_by`` names what gave up a late fee before. ``unpriced`` has purchases
    that cost nothing, and because of what; ``earlier`` the days of grace of plans on earlier terms;
    ``carried`` how much of the principal of purchases is in hardship plans.
    """

    since: date
    today: date
    terms: Terms
    items: Sequence[OpenItem]
    billed_on: Mapping[tuple[UUID, int], date]
    credit_minor: int
    events: Sequence[Event]
    waived_by: Mapping[tuple[UUID, int], UUID]
    unpriced: Mapping[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    earlier: Mapping[UUID, int] = field(default_factory=dict[UUID, int])
    carried: Mapping[UUID, int] = field(default_factory=dict[UUID, int])

    def fee_on(self, item: OpenItem) -> date:
        """The night in which a late fee may arise on an instalment that is unpaid."""
        grace = self.earlier.get(item.plan, self.terms.late_fee_grace_days)
        return item.due_on + timedelta(days=grace)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a story ends: what each source settled, the day it counts from, and what is left."""

    settled: Mapping[Key, int]
    days: Mapping[Key, date]
    items: Sequence[OpenItem]
    credit_minor: int


class Untold(Exception):  # noqa: N818
    """The facts do not fit into the order of their value dates."""


@dataclass
class _Teller:
    story: Story
    cause: UUID
    fresh: Callable[[], UUID]
    items: list[OpenItem] = field(default_factory=list[OpenItem])
    credit_minor: int = 0
    settled: dict[Key, int] = field(default_factory=dict[Key, int])
    days: dict[Key, date] = field(default_factory=dict[Key, date])
    credits: dict[date, list[UUID]] = field(default_factory=dict[date, list[UUID]])
    carried: dict[UUID, int] = field(default_factory=dict[UUID, int])

    def share(self, event: Event) -> int:
        """How much of what an event is about is in hardship plans."""
        return max(0, self.carried.get(event.purchase, 0)) if event.purchase else 0

    def settle(self, source: UUID, kind: str, parts: Sequence[Part], on: date) -> None:
        """Settle parts as :meth:`Booking.settle` does."""
        done = settle(self.items, parts, on)
        self.items = done.items
        for name, taken in ((kind, parts), ("unearned", done.given_up)):
            for part in taken:
                key = (source, name, part.plan, part.no, part.component)
                self.settled[key] = self.settled.get(key, 0) + part.amount_minor
                self.days[key] = on
        self.credit_minor += sum(part.amount_minor for part in parts if part.component == "credit")

    def use_credit(self, items: Sequence[OpenItem], on: date) -> None:
        """Use the credit balance for ``items``, under the name it was used by on that day."""
        parts = rules.allocate(self.credit_minor, items, on) if self.credit_minor > 0 else []
        parts = [part for part in parts if part.component != "credit"]
        if parts:
            known = self.credits.get(on)
            self.settle(known.pop(0) if known else self.fresh(), "credit", parts, on)
            self.credit_minor -= sum(part.amount_minor for part in parts)

    def pay_off(self, on: date) -> None:
        """Use the credit balance for everything, where it covers everything."""
        if self.credit_minor > 0:
            total = rules.payoff_quote(self.items, 0, on).total_minor
            if 0 < total <= self.credit_minor:
                self.use_credit(self.items, on)

    def opens(self, items: Sequence[OpenItem], on: date) -> None:
        """Plans are made; where their purchase has no price, it is given up from the start."""
        self.items += items
        for item in items:
            by = self.story.unpriced.get(item.purchase) if item.purchase else None
            price = [
                Part(component, item.of(component), item.plan, item.no)
                for component in (Component.INTEREST, Component.FEE)
                if item.of(component)
            ]
            if by and price:
                self.settle(by, "unpriced", price, on)

    def happens(self, event: Event) -> None:
        """One event of the day."""
        match event.kind:
            case "payment":
                parts = rules.allocate(event.amount_minor, self.items, event.on)
            case "refund":
                parts = rules.allocate_refund(
                    event.amount_minor, self.items, event.purchase, self.share(event)
                )
            case "disputed":
                parts = rules.oldest_first(event.amount_minor, self.items, event.purchase, self.share(event))
                if event.firm and sum(part.amount_minor for part in parts) < event.amount_minor:
                    raise Untold("what is disputed had been paid")
            case _:
                parts = []
        if parts:
            self.settle(event.source, event.kind, parts, event.on)
        if self.share(event) and event.purchase:
            plans = {item.plan for item in self.items if item.kind == "hardship"}
            self.carried[event.purchase] -= sum(part.amount_minor for part in parts if part.plan in plans)
        if event.kind != "refund":
            self.pay_off(event.on)

    def night(self, day: date) -> None:
        """Bills of the day and the credit that is used for them; then its late fees."""
        billed = {key for key, on in self.story.billed_on.items() if on == day}
        falling = [i for i in self.items if (i.plan, i.no) in billed and i.total_minor]
        self.items = [
            replace(i, billed=True, charged=True) if (i.plan, i.no) in billed else i for i in self.items
        ]
        if falling:
            self.use_credit([item for item in self.items if item.billed], day)
        unpaid = sum(
            i.total_minor
            for i in self.items
            if i.billed
            and i.kind == "purchase"
            and self.story.fee_on(i) == day
            and i.purchase not in self.story.unpriced
        )
        for fee in [i for i in self.story.items if i.kind == "late_fee" and i.opened_on == day]:
            self.items.append(fee)
            most = rules.late_fee(fee.scheduled_fee_minor, unpaid)
            if fee.fee_minor > most:
                part = Part(Component.FEE, fee.fee_minor - most, fee.plan, fee.no)
                by = self.story.waived_by.get((fee.plan, fee.no), self.cause)
                self.settle(by, "waiver", [part], day)


def retell(story: Story, cause: UUID, fresh: Callable[[], UUID]) -> Outcome:
    """Tell ``story`` by its value dates; what nothing else did is put down to ``cause``, and uses of
    credit that never were get ``fresh`` ids.

    Raises :class:`Untold` where the facts do not fit: a sum that is disputed was paid before, or
    credit would have been used that had been paid out.
    """
    asked = {key for key, on in story.billed_on.items() if on < story.since}
    earlier = [
        replace(i, billed=True, charged=True) if (i.plan, i.no) in asked else i
        for i in story.items
        if i.opened_on < story.since
    ]
    teller = _Teller(story, cause, fresh, earlier, story.credit_minor, carried=dict(story.carried))
    for event in story.events:
        if event.kind == "credit":
            teller.credits.setdefault(event.on, []).append(event.source)
    for day in _days(story):
        opened = [i for i in story.items if i.opened_on == day and i.kind != "late_fee"]
        teller.opens(opened, day)
        todays = [event for event in story.events if event.on == day]
        for event in sorted(todays, key=_turn):
            teller.happens(event)
        teller.night(day)
    if teller.credit_minor < 0:
        raise Untold("credit is gone that would have been needed")
    return Outcome(teller.settled, teller.days, teller.items, teller.credit_minor)


def _turn(event: Event) -> tuple[int, str, int, int]:
    purchase = event.purchase.int if event.purchase else 0
    return _ORDER[event.kind], event.reference, purchase, event.source.int


def _days(story: Story) -> Iterable[date]:
    found = {event.on for event in story.events} | set(story.billed_on.values())
    found |= {item.opened_on for item in story.items}
    return sorted(day for day in found if story.since <= day <= story.today)
