"""What an act does to lines, gathered in memory and written at once.

An act on many lines costs a handful of statements, and later steps of it see what earlier ones
settled: two payments on one line in one batch take turns without a round trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from whiteslip import ledger
from whiteslip.base import new_id
from whiteslip.billing import rules, store
from whiteslip.billing.earning import settle
from whiteslip.billing.model import Component, OpenItem, Part
from whiteslip.ledger import Transfer, recipes
from whiteslip.ledger.recipes import House
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx


class Booking:
    """The open items and credit of locked lines, and what becomes of them.

    On a line that was charged off, each change of what is owed changes the loss with it.

    It is booked on each line's own day at ``now``, or on ``day`` where one is given. Where only
    ``paid`` comes in, by line, months that are not charged are read only if the money may reach them.
    """

    def __init__(
        self,
        tx: Tx,
        lines: Iterable[Line],
        now: datetime,
        day: date | None = None,
        paid: Mapping[UUID, int] | None = None,
    ) -> None:
        opened = {line.id: line for line in lines}
        self.tx, self.now = tx, now
        whole = None if paid is None else _beyond_bills(tx, opened, paid, now)
        self.items = store.open_items(tx, list(opened), whole) if opened else {}
        self.credit = {line.id: line.credit_minor for line in opened.values()}
        self._day = day
        self._moves: list[tuple[Line, date, Transfer]] = []
        self._settlements: list[store.Settlement] = []

    def day(self, line: Line) -> date:
        """The business day the act is booked on."""
        return self._day or line.today(self.now)

    def house(self, line: Line) -> House:
        """The house's accounts in the line's currency."""
        return House.of(line.currency)

    def move(self, line: Line, *transfers: Transfer) -> None:
        """Post transfers with the rest."""
        day = self.day(line)
        self._moves += [(line, day, transfer) for transfer in transfers]

    def trace(
        self, line: Line, source: UUID, kind: str, parts: Iterable[Part], on: date | None = None
    ) -> None:
        """Count ``parts`` against their instalments from ``on``, or the day of booking; nothing more."""
        day = self.day(line)
        self._settlements += [(line.id, source, kind, part, day, on or day) for part in parts]

    def settle(self, line: Line, source: UUID, kind: str, parts: Sequence[Part], on: date) -> None:
        """Settle ``parts`` as of ``on``: what they take of months that were not charged yet is
        charged, and what will not be earned any more is given up.
        """
        done = settle(self.items[line.id], parts, on)
        for component, minor in rules.by_component(done.early).items():
            if component != Component.PRINCIPAL:
                charge = recipes.charge(source, line.book, self.house(line), component, minor, self.now)
                self.move(line, charge)
        self.trace(line, source, kind, parts, on)
        self.trace(line, source, "unearned", done.given_up, on)
        self.items[line.id] = done.items
        credited = sum(part.amount_minor for part in parts if part.component == "credit")
        self.credit[line.id] += credited

    def waive(self, line: Line, source: UUID, parts: Sequence[Part], on: date) -> None:
        """Give up ``parts`` of what is owed."""
        sums = rules.by_component(parts)
        self.move(line, *recipes.waive(source, line.book, self.house(line), sums, self.now))
        self.settle(line, source, "waiver", parts, on)

    def apply_credit(self, line: Line, items: Sequence[OpenItem], on: date) -> None:
        """Use the customer's credit balance for ``items``, as far as it goes."""
        spread = rules.allocate(self.credit[line.id], items, on) if self.credit[line.id] > 0 else []
        parts = [part for part in spread if part.component != "credit"]
        if not parts:
            return
        event, sums = new_id(self.now), rules.by_component(parts)
        used = sum(sums.values())
        self.move(line, *recipes.apply_credit(event, line.book, sums, self.now))
        self.settle(line, event, "credit", parts, on)
        self.credit[line.id] -= used
        self.tx.record(Entry(self.now, "credit.applied", "line", line.id, "system", {"amount_minor": used}))

    def pay_off_with_credit(self, line: Line, on: date) -> None:
        """Use the credit balance for everything, where it covers everything."""
        credit, items = self.credit[line.id], self.items[line.id]
        if credit > 0 and 0 < rules.payoff_quote(items, 0, on).total_minor <= credit:
            self.apply_credit(line, items, on)

    def write(self) -> None:
        """Post and store everything gathered."""
        # A charge-off ends drawing for good, so of a line that may draw nothing need be asked.
        off = store.charged_off(self.tx, {line.id for line, _, _ in self._moves if line.drawing_stopped})
        days: dict[date, list[Transfer]] = {}
        for line, day, transfer in self._moves:
            of_day = days.setdefault(day, [])
            of_day.append(transfer)
            if line.id in off:
                of_day += recipes.mirror(line.book, self.house(line), transfer, self.now)
        for day, transfers in sorted(days.items()):
            ledger.post(self.tx, transfers, day, self.now)
        store.settle_many(self.tx, self._settlements)


def _beyond_bills(tx: Tx, opened: Mapping[UUID, Line], paid: Mapping[UUID, int], now: datetime) -> list[UUID]:
    """Lines on which what is paid, or credit that may be used with it, exceeds what is billed."""
    debts = store.debts(tx, list(opened), now.date())
    billed = {line: debt.billed_minor for line, debt in debts.items()}
    return [
        line.id for line in opened.values() if line.credit_minor or paid[line.id] > billed.get(line.id, 0)
    ]
