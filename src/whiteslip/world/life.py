"""One day in the world: people and shops act through the same acts as the doors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from stdnum import luhn

from whiteslip import billing, exits, lines, purchases
from whiteslip.base import Refusal
from whiteslip.billing import NewPayment
from whiteslip.day import Ports
from whiteslip.exits import accounts, owed
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, Path, Reason
from whiteslip.identity.accounts import How
from whiteslip.purchases import Capture, Purchase, Request
from whiteslip.store import Database, Tx
from whiteslip.world.model import Habit, Leaving, Resident
from whiteslip.world.walks import Walks

_SHOPS: Final = ("bookshop", "grocer", "hardware", "clothes", "pharmacy", "canteen", "travel")
_RETURNED_BPS, _NEVER_SENT_BPS, _IN_PARTS_BPS = 80, 300, 800
_SKIPS_PERCENT: Final = 45
_REGRETS_AFTER: Final = timedelta(days=9)


@dataclass(slots=True)
class Life:
    """The people, the dice, and what is on its way between days."""

    database: Database
    ports: Ports
    people: Sequence[Resident]
    dice: Random
    timezone: str
    clearing_days: int
    done: Counter[str] = field(default_factory=Counter[str])
    _to_send: list[Capture] = field(default_factory=list[Capture])
    _bought: list[tuple[Resident, UUID, int]] = field(default_factory=list[tuple[Resident, UUID, int]])
    _returning: defaultdict[date, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    _regrets: defaultdict[date, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    _gone: set[UUID] = field(default_factory=set[UUID])
    _walks: Walks = field(init=False)

    def __post_init__(self) -> None:
        self._walks = Walks.beside(self.dice)

    def live(self, day: date) -> None:
        """One day: parcels, payments, purchases, refunds, then those who leave."""
        with self.database.transaction() as tx:
            self._send(tx, self._at(day, 9))
            self._pay(tx, day, self._at(day, 10))
            self._buy(tx, day, self._at(day, 12))
        self._refund(self._at(day, 15))
        self._look(self._at(day, 14))
        self._leave(day, self._at(day, 16))
        self._review(self._at(day, 17))

    def _at(self, day: date, hour: int) -> datetime:
        return datetime.combine(day, time(hour), ZoneInfo(self.timezone))

    def _happens(self, bps: int) -> bool:
        return self.dice.randrange(10_000) < bps

    def _send(self, tx: Tx, now: datetime) -> None:
        """Shops send what was bought yesterday, some of it in two parcels, some of it never."""
        batch, self._to_send = self._to_send, []
        if not batch:
            return
        answers = purchases.capture(tx, batch, "world", now)
        for asked, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Refusal):
                continue
            self.done["captures"] += 1
            if answer.held_minor:
                self._to_send.append(Capture(asked.purchase, answer.held_minor))

    def _buy(self, tx: Tx, day: date, now: datetime) -> None:
        buyers = [person for person in self.people if self._wants(person, day)]
        if not buyers:
            return
        batch = [
            Request(
                person.line,
                self.dice.choice(_SHOPS),
                self.dice.randint(900, max(1_000, person.limit_minor // 6)),
                self.dice.choice((1, 1, 1, 3, 3, 6)),
            )
            for person in buyers
        ]
        answers = purchases.authorise(tx, self.ports.office.tables, batch, "world", now)
        for person, answer in zip(buyers, answers, strict=True):
            if isinstance(answer, Purchase):
                self.done["authorised"] += 1
                self._dispatch(person, answer)
            else:
                self.done["declined"] += 1

    def _wants(self, person: Resident, day: date) -> bool:
        """Those who left try now and then too: the line must say no."""
        pace = person.pace_bps // 10 if person.line in self._gone else person.pace_bps
        opened = day.day != person.statement_day
        return opened and self._happens(pace)

    def _dispatch(self, person: Resident, purchase: Purchase) -> None:
        if self._happens(_NEVER_SENT_BPS):
            return
        whole = purchase.authorised_minor
        first = whole // 2 if self._happens(_IN_PARTS_BPS) else whole
        self._to_send.append(Capture(purchase.id, first, final=first == whole))
        if self._happens(person.refunds_bps):
            self._bought.append((person, purchase.id, whole))

    def _pay(self, tx: Tx, day: date, now: datetime) -> None:
        payers = [person for person in self.people if self._pays(person, day)]
        if not payers and day not in self._returning:
            return
        for payment in self._returning.pop(day, []):
            owed.return_payment(tx, self.ports.office, payment, "world", now)
            self.done["returned"] += 1
        debts = billing.debts(tx, [person.line for person in payers], day)
        due = [line for line in (person.line for person in payers) if line in debts]
        self._settle(tx, {line: debts[line].billed_minor for line in due}, day, now)

    def _settle(self, tx: Tx, billed: Mapping[UUID, int], day: date, now: datetime) -> None:
        """Pay what is billed; now and then the payer's bank takes it back."""
        reference, clearing = f"W{day:%Y%m%d}", self.clearing_days
        batch = [
            NewPayment(line, reference, amount_minor, day, "transfer", clearing)
            for line, amount_minor in billed.items()
            if amount_minor
        ]
        for paid in billing.receive_many(tx, batch, "world", now):
            if isinstance(paid, Refusal):
                continue
            self.done["payments"] += 1
            if self._happens(_RETURNED_BPS):
                self._returning[day + timedelta(days=3)].append(paid.id)
        for line in [payment.line for payment in batch if payment.line in self._gone]:
            exits.advance_line(tx, self.ports.office, line, now)

    def _pays(self, person: Resident, day: date) -> bool:
        since = (day - timedelta(days=person.pays_after_days)).day == person.statement_day
        if not since or (person.habit is Habit.STOPS and day >= person.gives_up_on):
            return False
        return person.habit is not Habit.STRUGGLING or self.dice.randrange(100) >= _SKIPS_PERCENT

    def _refund(self, now: datetime) -> None:
        """Customers send things back, also after they have left."""
        if not self._bought or not self._happens(2_000):
            return
        _person, purchase, whole = self._bought.pop(self.dice.randrange(len(self._bought)))
        with self.database.transaction() as tx:
            answer = purchases.refund(tx, purchase, self.dice.randint(1, whole), "world", now)
        self.done["refunds"] += not isinstance(answer, Refusal)

    def _look(self, now: datetime) -> None:
        """Some look at the way out and go away again."""
        for person in self.people:
            if self._walks.looks() and person.line not in self._gone:
                with self.database.transaction() as tx:
                    self._walks.look(tx, person.line, now)

    def _leave(self, day: date, now: datetime) -> None:
        for person in self.people:
            if person.leaves_on == day:
                self._ask(person, day, now)
        for exit_id in self._regrets.pop(day, []):
            with self.database.transaction() as tx:
                answer = exits.cancel(tx, self.ports.office, exit_id, "customer", now)
            self.done["cancelled"] += not isinstance(answer, Refusal)

    def _ask(self, person: Resident, day: date, now: datetime) -> None:
        who = {
            Leaving.UNANSWERED: Identity.PENDING,
            Leaving.DOUBTED: Identity.DOUBTED,
        }.get(person.leaving, Identity.VERIFIED)
        with self.database.transaction() as tx:
            if who is Identity.VERIFIED:
                self._name_account(tx, person, now)
            case = exits.request(tx, self.ports.office, person.line, Channel.WORLD, "customer", now, who)
            if isinstance(case, Refusal):
                return
            if self._happens(3_000):
                exits.give_reason(tx, case.id, self.dice.choice(list(Reason)), "customer", now)
            self._walks.leave(tx, person.line, person.leaving, now)
        self.done["exits"] += 1
        self._gone.add(person.line)
        if person.leaving is Leaving.REGRETS:
            self._regrets[day + _REGRETS_AFTER].append(case.id)

    def _name_account(self, tx: Tx, person: Resident, now: datetime) -> None:
        """Where a credit may be sent to, as its bank confirms: a card, with its check digit."""
        vault, line = self.ports.vault, lines.get_line(tx, person.line)
        if isinstance(line, Refusal):
            return
        digits = f"62{int(person.customer) % 10**16:016}"
        number = digits + luhn.calc_check_digit(digits)
        made = accounts.give(tx, self.ports.office, vault, line, number, "customer", now)
        if not isinstance(made, Refusal):
            accounts.verify(tx, vault, line, made.id, How.NAME_MATCH, "world", now)

    def _review(self, now: datetime) -> None:
        """The desk takes a case now and then; the rest end by their deadlines."""
        if not self._happens(3_000):
            return
        with self.database.transaction() as tx:
            for case in exits_store.queue(tx, now, 3):
                exits.choose_path(
                    tx, self.ports.office, case.id, Path.RUN_OFF, ["papers_checked"], "desk", now
                )
                self.done["reviews"] += 1
