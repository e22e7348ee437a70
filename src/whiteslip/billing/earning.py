"""What a month of a plan has earned by a day, and what prepaying gives up. Pure.

A schedule prices each month on the principal that is then outstanding, by interest or by a fee.
The price is earned day by day from the statement before (the first month: from the purchase) to
the month's own. Principal that is repaid early costs nothing from its value date on:

    rest = price x (outstanding now / outstanding as scheduled) x (days left / days of the month)

is what a month will still cost. What is open above the rest has been earned (:func:`accrued`);
by how much repaying lowers the rest is given up (:func:`unearned`). Billing ends both: what is
charged is owed in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from whiteslip.base import Rounding, add_months
from whiteslip.base.money import divide
from whiteslip.billing.model import Component, OpenItem, Part

_PRICES: Final = (Component.FEE, Component.INTEREST)


@dataclass(frozen=True, slots=True)
class _Outstanding:
    """Open principal of plans by instalment: how much of a plan falls in an instalment or after it."""

    rows: dict[UUID, list[tuple[int, int]]]

    @classmethod
    def of(cls, items: Iterable[OpenItem]) -> _Outstanding:
        rows: dict[UUID, list[tuple[int, int]]] = {}
        for item in items:
            if item.principal_minor:
                rows.setdefault(item.plan, []).append((item.no, item.principal_minor))
        return cls(rows)

    def from_(self, item: OpenItem) -> int:
        """Open principal of the item's plan from that instalment on."""
        return sum(minor for no, minor in self.rows.get(item.plan, ()) if no >= item.no)


def _scheduled(item: OpenItem, component: Component) -> int:
    return item.scheduled_interest_minor if component is Component.INTEREST else item.scheduled_fee_minor


def _month(item: OpenItem) -> tuple[date, date]:
    """From when to when the item's month is earned."""
    start = item.opened_on if item.no == 1 else add_months(item.bill_on, -1)
    return min(start, item.bill_on), item.bill_on


def _rest(item: OpenItem, component: Component, outstanding_minor: int, on: date) -> int:
    """What the item's month will still cost after ``on`` if ``outstanding_minor`` stays unpaid."""
    if not item.outstanding_minor:
        return 0
    start, end = _month(item)
    days = (end - start).days
    left = (end - max(start, min(on, end))).days
    price = _scheduled(item, component) * outstanding_minor * left
    return divide(price, item.outstanding_minor * days, Rounding.HALF_UP) if days else 0


def accrued(items: Sequence[OpenItem], on: date) -> list[Part]:
    """Interest and fees that uncharged months have earned by the end of ``on``, soonest due first."""
    outstanding = _Outstanding.of(items)
    parts: list[Part] = []
    for item in items:
        if item.charged:
            continue
        for component in _PRICES:
            unpaid = item.of(component)
            earned = unpaid - _rest(item, component, outstanding.from_(item), on) if unpaid else 0
            if earned > 0:
                parts.append(Part(component, earned, item.plan, item.no))
    return parts


def unearned(before: Sequence[OpenItem], after: Sequence[OpenItem], on: date) -> list[Part]:
    """Interest and fees that will never be asked for, because principal was settled on ``on``.

    ``before`` and ``after`` are all open items of the lines. When nothing is outstanding any more,
    everything uncharged that payment left open is given up.
    """
    old, new = _Outstanding.of(before), _Outstanding.of(after)
    parts: list[Part] = []
    for item in after:
        was, is_now = old.from_(item), new.from_(item)
        if item.charged or was == is_now:
            continue
        for component in _PRICES:
            unpaid = item.of(component)
            lost = _rest(item, component, was, on) - _rest(item, component, is_now, on)
            minor = min(unpaid, lost) if is_now else unpaid
            if minor:
                parts.append(Part(component, minor, item.plan, item.no))
    return parts


@dataclass(frozen=True, slots=True)
class Settling:
    """Items after parts of them were settled: what became owed early, and what was given up."""

    items: list[OpenItem]
    early: list[Part]
    given_up: list[Part]


def settle(before: Sequence[OpenItem], parts: Sequence[Part], on: date) -> Settling:
    """Settle ``parts`` of all open items of the lines as of ``on``.

    What is settled of months that were not charged is owed from then on; what will not be earned
    any more is given up.
    """
    uncharged = {(item.plan, item.no) for item in before if not item.charged}
    early = [part for part in parts if (part.plan, part.no) in uncharged]
    after = settled(before, parts)
    given_up = unearned(before, after, on) if early else []
    return Settling(settled(after, given_up), early, given_up)


def settled(items: Sequence[OpenItem], parts: Sequence[Part]) -> list[OpenItem]:
    """The items after ``parts`` of them were settled; an item that has nothing left stays, with zeros."""
    sums: dict[tuple[UUID | None, int | None], dict[str, int]] = {}
    for part in parts:
        of_item = sums.setdefault((part.plan, part.no), {})
        of_item[part.component] = of_item.get(part.component, 0) + part.amount_minor

    def left(item: OpenItem, taken: Mapping[str, int]) -> OpenItem:
        return replace(
            item,
            principal_minor=item.principal_minor - taken.get(Component.PRINCIPAL, 0),
            interest_minor=item.interest_minor - taken.get(Component.INTEREST, 0),
            fee_minor=item.fee_minor - taken.get(Component.FEE, 0),
        )

    return [left(item, sums[item.plan, item.no]) if (item.plan, item.no) in sums else item for item in items]
