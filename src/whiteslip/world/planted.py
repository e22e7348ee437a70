"""Lively people act, those who went bad among them, and the watch looks on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from whiteslip import billing, identity, lines, purchases
from whiteslip.base import Refusal
from whiteslip.billing import NewPayment
from whiteslip.day import Ports, run_watch
from whiteslip.exits import owed
from whiteslip.lines import Customer
from whiteslip.lines.model import Agreement, NewLine
from whiteslip.packs import Pack
from whiteslip.purchases import Capture, Purchase, Request
from whiteslip.store import Database, Tx
from whiteslip.world import lively, population
from whiteslip.world.lively import Lively
from whiteslip.world.model import Setting

# Their phones are beside those of everybody else.
_FIRST_PHONE, _FIRST_CHANGED = 50_000_000, 70_000_000
_SENDS_AT, _PAYS_AT = 9, 10
_INSTALMENTS: Final = (1, 1, 3, 3, 6)


@dataclass(slots=True)
class Planted:
    """Lively people, and what is on its way between days."""

    database: Database
    ports: Ports
    people: Sequence[Lively]
    timezone: str
    clearing_days: int
    done: Counter[str] = field(default_factory=Counter[str])
    _to_send: list[Capture] = field(default_factory=list[Capture])
    _returning: defaultdict[date, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    _phones: count[int] = field(default_factory=lambda: count(_FIRST_CHANGED))

    @classmethod
    def of(cls, database: Database, ports: Ports, setting: Setting, pack: Pack) -> Planted:
        """Register them with a line each, on the morning of the first day."""
        now = datetime.combine(setting.start, time(8), ZoneInfo(pack.timezone))
        people = lively.settlers(setting, now)
        if people:
            with database.transaction() as tx:
                _register(tx, ports, people, setting.start, pack, now)
        return cls(database, ports, people, pack.timezone, pack.days("exit.clearing_days"))

    def live(self, day: date) -> None:
        """One day by its hours; the watch reads what happened at its end."""
        if not self.people:
            return
        changed = [person for person in self.people if lively.changes_contact(person, day)]
        wished: defaultdict[int, list[tuple[Lively, lively.Wish]]] = defaultdict(list)
        for person in self.people:
            for wish in lively.wishes(person, day):
                wished[wish.hour].append((person, wish))
        self._change_contacts(changed, self._at(day, 0))
        for hour in range(24):
            if hour == _SENDS_AT:
                self._send(self._at(day, hour))
            if hour == _PAYS_AT:
                self._pay(day, self._at(day, hour))
            if hour in wished:
                self._buy(wished[hour], self._at(day, hour))

    def watch(self, now: datetime) -> None:
        """The watch reads the journal and raises alerts. In a world without them nobody runs it."""
        if self.people:
            run_watch(self.database, self.ports, now)

    def _at(self, day: date, hour: int) -> datetime:
        return datetime.combine(day, time(hour, 30), ZoneInfo(self.timezone))

    def _change_contacts(self, people: Sequence[Lively], now: datetime) -> None:
        for person in people:
            phone = f"+86138{next(self._phones):08d}"
            with self.database.transaction() as tx:
                identity.change_contact(tx, self.ports.vault, person.customer, phone, None, "customer", now)
            self.done["contacts_changed"] += 1

    def _buy(self, wished: Sequence[tuple[Lively, lively.Wish]], now: datetime) -> None:
        batch = [
            Request(person.line, wish.shop, wish.amount_minor, person.dice.choice(_INSTALMENTS), wish.trade)
            for person, wish in wished
        ]
        with self.database.transaction() as tx:
            answers = purchases.authorise(tx, self.ports.office.tables, batch, "world", now)
        for answer in answers:
            if isinstance(answer, Purchase):
                self.done["authorised"] += 1
                self._to_send.append(Capture(answer.id, answer.authorised_minor))
            else:
                self.done["declined"] += 1

    def _send(self, now: datetime) -> None:
        batch, self._to_send = self._to_send, []
        if batch:
            with self.database.transaction() as tx:
                answers = purchases.capture(tx, batch, "world", now)
            self.done["captures"] += sum(not isinstance(answer, Refusal) for answer in answers)

    def _pay(self, day: date, now: datetime) -> None:
        for person in self.people:
            if person.statement_day == day.day and person.pays_on is None:
                person.pays_on = lively.means_to_pay_on(person, day)
        payers = {person.line: person for person in self.people if person.pays_on == day}
        if not payers and day not in self._returning:
            return
        with self.database.transaction() as tx:
            for payment in self._returning.pop(day, []):
                owed.return_payment(tx, self.ports.office, payment, "world", now)
                self.done["returned"] += 1
            self._settle(tx, payers, day, now)

    def _settle(self, tx: Tx, payers: dict[UUID, Lively], day: date, now: datetime) -> None:
        """Pay what was billed, or some of it."""
        debts, batch = billing.debts(tx, list(payers), day), list[NewPayment]()
        for line, person in payers.items():
            person.pays_on = None
            billed = debts[line].billed_minor if line in debts else 0
            amount_minor = int(billed * lively.share_paid(person, day))
            if amount_minor > 0:
                reference = f"P{day:%Y%m%d}"
                batch.append(NewPayment(line, reference, amount_minor, day, "transfer", self.clearing_days))
        for asked, paid in zip(batch, billing.receive_many(tx, batch, "world", now), strict=True):
            if isinstance(paid, Refusal):
                continue
            self.done["payments"] += 1
            if lively.comes_back(payers[asked.line], day):
                self._returning[day + timedelta(days=3)].append(paid.id)


def _register(tx: Tx, ports: Ports, people: Sequence[Lively], start: date, pack: Pack, now: datetime) -> None:
    lines.open_customers(tx, [Customer(person.customer, None, "zh-CN", now) for person in people], now)
    persons = [
        (each.customer, population.person(each.dice, _FIRST_PHONE + n)) for n, each in enumerate(people)
    ]
    identity.enrol_many(tx, ports.vault, persons, "world", now)
    opened = [NewLine(p.line, p.customer, p.limit_minor, p.statement_day, start) for p in people]
    lines.open_lines(tx, Agreement.of(pack), opened, "world", now)
