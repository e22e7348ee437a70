"""Whatever happens to a line, in whatever order: its three regions and the purchases it allows agree.

The machine keeps a record of its own: which locks stand, whose and until when, and what is late, counted
again from the ledger's transfers. What a shop is told is then what the published matrix says of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import product
from typing import LiteralString
from uuid import UUID

import worlds
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from worlds import at

from whiteslip import billing, day, exits, lines, purchases
from whiteslip.base import Refusal, end_of_day
from whiteslip.billing import rules
from whiteslip.billing.model import Bucket, Payment
from whiteslip.day.timers import run_one
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, freezes, operations, restrictions, softer
from whiteslip.exits import store as exits_store
from whiteslip.exits.freezes import Order
from whiteslip.exits.model import Cause, Channel, Identity, State
from whiteslip.exits.restrictions import Limits, Measure
from whiteslip.identity import Vault
from whiteslip.lines import Line, increases, locks
from whiteslip.lines.model import Feature, Lifecycle, LockGround, LockKind, Part, Party, Product, Terms
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Capture, Purchase, Request
from whiteslip.store import Database, Tx

OFFICE = Office(Tables.load(), "Test")
# One price-free instalment: what is late follows from a line's transfers and the calendar alone.
TERMS = Terms(due_days=20, products=(Product(1),))
CASH = Part(Feature.CASH)
GAMES = Part(Feature.CATEGORY, "games")
TIMERS = ("exit.deadline", "limit.rises", "lock.ends", "restriction.review")
LIMIT, MOST_A_DAY = 300_000, 15
_BUCKETS = {
    0: Bucket.CURRENT,
    1: Bucket.DPD_1_29,
    30: Bucket.DPD_30_59,
    60: Bucket.DPD_60_89,
    90: Bucket.DPD_90_PLUS,
}
COLUMN = {
    LockKind.LEGAL: operations.Lock.LEGAL,
    LockKind.ISSUER: operations.Lock.ISSUER,
    LockKind.CUSTOMER: operations.Lock.CUSTOMER,
}
_PRINCIPAL: LiteralString = """
    SELECT t.event, t.recipe, t.phase, t.booked_on, t.debit_account = a.id AS debit, t.amount, r.purchase
    FROM ledger.account AS a JOIN ledger.transfer AS t ON a.id IN (t.debit_account, t.credit_account)
    LEFT JOIN billing.refund AS r ON r.source = t.event
    WHERE a.owner = %s AND a.code = 'line.principal' AND t.phase IN ('single', 'post')
"""
thousands = st.integers(1, 90).map(lambda minor: minor * 1_000)


@dataclass(frozen=True)
class Key:
    """Which lock: a party's, on one ground, on all drawing or a part of it."""

    kind: LockKind
    party: Party
    ground: LockGround
    part: Part | None = None


@dataclass(frozen=True)
class Owed:
    """A capture that is owed until it is paid."""

    due_on: date
    purchase: UUID
    since: date
    minor: int


@dataclass(frozen=True)
class Recount:
    """What a line's principal account says of it, transfer by transfer. ``late_since``: the oldest due day
    that has passed unpaid.
    """

    owed_minor: int
    held_minor: int
    late_since: date | None

    @property
    def used_minor(self) -> int:
        """Of the limit."""
        return self.owed_minor + self.held_minor

    def bucket(self, today: date) -> Bucket:
        """By the published days."""
        if not self.owed_minor:
            return Bucket.NONE
        days = (today - self.late_since).days if self.late_since else 0
        return _BUCKETS[max(least for least in _BUCKETS if days >= least)]


OWN = Key(LockKind.CUSTOMER, Party.CUSTOMER, LockGround.GENERAL)
STOP = Key(LockKind.ISSUER, Party.ISSUER, LockGround.RESTRICTION)
ORDER = Key(LockKind.LEGAL, Party.AUTHORITY, LockGround.ORDER)


class LineMachine(RuleBasedStateMachine):
    """One line, a calendar, and everything that customer, shop, bank, lender and court may do to it."""

    db: Database

    @initialize(statement_day=st.integers(1, 28))
    def start(self, statement_day: int) -> None:
        self.day, self.statement_day = worlds.DAY, statement_day
        self.line = worlds.open_line(self.db, LIMIT, TERMS, statement_day)
        self.ports = day.Ports(OFFICE, Vault(bytes(32)), DemoPhone(self.db))
        self.locks: dict[Key, tuple[datetime | None, bool]] = {}
        self.measure: Measure | None = None
        self.cap: int | None = None
        self.over: int | None = None
        self.rise: tuple[UUID, int, bool] | None = None
        self.limit, self.used, self.may_rise_to = LIMIT, 0, set[int]()
        self.came_back, self.today = False, 0
        self.held: list[Purchase] = []
        self.sent: list[Purchase] = []
        self.paid: list[Payment] = []
        self.refunded_on = worlds.DAY
        self.ended: dict[str, State] = {}
        self.open: Exit | None = None
        self.stopped: operations.Lifecycle | None = None
        self.probe = Request(self.line, "shop", 1)

    @property
    def now(self) -> datetime:
        """Noon."""
        return at(self.day)

    # Locks, each by its party

    @rule(
        days=st.sampled_from([None, 1, 3, 30]), firm=st.booleans(), part=st.sampled_from([None, CASH, GAMES])
    )
    def pause(self, days: int | None, firm: bool, part: Part | None) -> None:
        with self.db.transaction() as tx:
            done = softer.pause(tx, self.line, "customer", self.now, days, firm, part)
        if isinstance(done, Refusal):
            return
        until = self.now + timedelta(days=days) if days else None
        ground = LockGround.FIRM if firm else OWN.ground
        self._set(Key(OWN.kind, OWN.party, ground, part), until, firm)
        if part is None:
            self.rise = None

    def _set(self, key: Key, until: datetime | None, firm: bool = False) -> None:
        """What stands already only gets longer."""
        before = self.locks[key][0] if key in self.locks else until
        self.locks[key] = (max(before, until) if before and until else None, firm)

    @rule(part=st.sampled_from([None, CASH, GAMES]))
    def resume(self, part: Part | None) -> None:
        key = Key(OWN.kind, OWN.party, OWN.ground, part)
        with self.db.transaction() as tx:
            done = softer.resume(tx, self.line, "customer", self.now, part)
        firm = Key(OWN.kind, OWN.party, LockGround.FIRM, part)
        assert isinstance(done, Refusal) is (key not in self.locks and firm in self.locks)
        if isinstance(done, Refusal):
            assert done.code == "lock.firm"
        else:
            self.locks.pop(key, None)

    @rule(measure=st.sampled_from(Measure))
    def restrict(self, measure: Measure) -> None:
        cap = self.limit // 2 // 1_000 * 1_000 if measure is Measure.LOWER_CAP else None
        limits = Limits(measure, "cash" if measure is Measure.PAUSE_FEATURE else None, cap)
        with self.db.transaction() as tx:
            done = restrictions.restrict(tx, OFFICE, self.line, [Cause.INSOLVENCY], "desk", self.now, limits)
        if isinstance(done, Refusal):
            return
        self.review_at = end_of_day(done.review_on, worlds.TIMEZONE)
        if cap is None:
            self.locks[Key(STOP.kind, STOP.party, STOP.ground, limits.part)] = (self.review_at, False)
        elif self.measure is None:
            self.may_rise_to.add(self.limit)
            self.cap = cap
        self.measure = measure

    @precondition(lambda self: self.measure)
    @rule()
    def lift_the_restriction(self) -> None:
        with self.db.transaction() as tx:
            restrictions.lift(tx, OFFICE, self.line, "looked_at", "desk", self.now)
        self._unrestricted()

    def _unrestricted(self) -> None:
        self.measure, self.cap, self.over = None, None, self.cap
        for part in (None, CASH):
            self.locks.pop(Key(STOP.kind, STOP.party, STOP.ground, part), None)

    @rule()
    def court_orders(self) -> None:
        with self.db.transaction() as tx:
            for actor in ("ann", "ben"):
                freezes.place(tx, OFFICE, self.line, Order.COURT_ORDER, "C 1/26", actor, self.now)
        self.locks[ORDER] = (None, False)

    @precondition(lambda self: ORDER in self.locks)
    @rule()
    def court_lifts(self) -> None:
        with self.db.transaction() as tx:
            for actor in ("ann", "ben"):
                freezes.lift(tx, OFFICE, self.line, actor, self.now)
        self.locks.pop(ORDER, None)

    # The limit

    @rule(minor=thousands)
    def reduce(self, minor: int) -> None:
        with self.db.transaction() as tx:
            done = softer.reduce(tx, self.line, minor, "customer", self.now)
        if not isinstance(done, Refusal):
            self.rise = None

    @precondition(lambda self: self.rise is None)
    @rule(more=thousands, days=st.sampled_from([1, 3]))
    def propose_a_higher_limit(self, more: int, days: int) -> None:
        with self.db.transaction() as tx:
            to, when = self.limit + more, self.now + timedelta(days=days)
            made = increases.propose(tx, self.line, to, when, "lender", self.now)
        if not isinstance(made, Refusal):
            self.rise = (made.id, to, False)

    @precondition(lambda self: self.rise)
    @rule()
    def consent(self) -> None:
        assert self.rise
        with self.db.transaction() as tx:
            done = increases.consent(tx, self.rise[0], "customer", self.now)
        if isinstance(done, Refusal):
            self.rise = None
        else:
            self.rise = (*self.rise[:2], True)
            self.may_rise_to.add(self.rise[1])

    # Purchases

    @precondition(lambda self: self.today < MOST_A_DAY)
    @rule(minor=thousands, cash=st.booleans())
    def buy(self, minor: int, cash: bool) -> None:
        request = Request(self.line, "shop", minor, category="games" if cash else "", cash=cash)
        with self.db.transaction() as tx:
            said = self.expected(request, self.recount(tx))
            assert self.told(tx, request) == said
        if said == operations.ALLOWED:
            self.held.append(self.answer)
            self.today += 1

    @precondition(lambda self: self.held)
    @rule(data=st.data(), half=st.booleans(), goes=st.booleans())
    def ship_or_let_go(self, data: st.DataObject, half: bool, goes: bool) -> None:
        place = data.draw(st.integers(0, len(self.held) - 1))
        purchase = self.held.pop(place)
        with self.db.transaction() as tx:
            if goes:
                minor = purchase.held_minor // 2_000 * 1_000 if half else purchase.held_minor
                batch = [Capture(purchase.id, minor or purchase.held_minor, final=not half)]
                (done,) = purchases.capture(tx, batch, "shop", self.now)
            else:
                done = purchases.release(tx, purchase.id, "shop", self.now)
        if not isinstance(done, Purchase):
            assert done.code == "purchase.nothing_held"
            return
        if done.hold:
            self.held.insert(place, done)
        if done.captured_minor and not any(done.id == each.id for each in self.sent):
            self.sent.append(done)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        """All of a purchase of which nothing is paid yet: what else a refund settles is billing's machine."""
        purchase = self.sent[data.draw(st.integers(0, len(self.sent) - 1))]
        with self.db.transaction() as tx:
            items, paid = self._transfers(tx)
            own = [item for item in items if item.purchase == purchase.id]
            if not own or sum(item.minor for item in items if item.due_on < own[0].due_on) < paid:
                return
            minor = sum(item.minor for item in own)
            done = purchases.refund(tx, purchase.id, minor, "shop", self.now)
        assert isinstance(done, Purchase)
        self.refunded_on = self.day

    # Money

    @rule(share=st.sampled_from([1, 1, 2, 5]), late=st.integers(0, 9))
    def pay(self, share: int, late: int) -> None:
        """A part of what was owed on the value date already, which may be days ago."""
        value_on = max(self.day - timedelta(days=late), self.refunded_on)
        with self.db.transaction() as tx:
            items, paid = self._transfers(tx)
        then = sum(item.minor for item in items if item.since <= value_on) - paid
        minor = then // share // 1_000 * 1_000
        if minor > 0 and self.stopped is not operations.Lifecycle.CLOSED:
            self.paid.append(worlds.pay(self.db, self.line, minor, self.day, value_on=value_on))

    @precondition(lambda self: self.paid)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        payment = self.paid.pop(data.draw(st.integers(0, len(self.paid) - 1)))
        with self.db.transaction() as tx:
            done = billing.return_payment(tx, payment.id, "bank", self.now)
        assert isinstance(done, Payment)
        self.came_back = True

    # Leaving

    @rule(who=st.sampled_from(Identity), thinks_again=st.booleans())
    def leave(self, who: Identity, thinks_again: bool) -> None:
        with self.db.transaction() as tx:
            asked = exits.request(tx, OFFICE, self.line, Channel.PORTAL, "customer", self.now, who)
            if isinstance(asked, Refusal):
                return
            if thinks_again:
                assert self.told(tx, self.probe) == "line.stopped"
                exits.cancel(tx, OFFICE, asked.id, "customer", self.now)
        self.rise = None

    @precondition(lambda self: self.open)
    @rule(proven=st.booleans())
    def prove(self, proven: bool) -> None:
        assert self.open
        with self.db.transaction() as tx:
            act = exits.confirm if proven else exits.doubt
            act(tx, OFFICE, self.open.id, "customer", self.now)

    @precondition(lambda self: self.open)
    @rule()
    def change_ones_mind(self) -> None:
        assert self.open
        with self.db.transaction() as tx:
            exits.cancel(tx, OFFICE, self.open.id, "customer", self.now)

    # Time

    @rule(days=st.sampled_from([1, 3, 20, 45]))
    def days_go_by(self, days: int) -> None:
        self._wait_until(self.day + timedelta(days=days))

    @rule(more=st.integers(0, 1))
    def the_next_due_day_comes(self, more: int) -> None:
        """Or the day after it."""
        with self.db.transaction() as tx:
            items, _ = self._transfers(tx)
        due = next((item.due_on for item in items if item.due_on > self.day), self.day)
        self._wait_until(due + timedelta(days=more))

    def _wait_until(self, until: date) -> None:
        while self.day < until:
            worlds.night(self.db, self.day)
            self.day += timedelta(days=1)
        self.today = 0
        with self.db.transaction() as tx:
            while purchases.expire(tx, self.now):
                pass
            exits.advance_line(tx, OFFICE, self.line, self.now)
        while run_one(self.db, self.ports, self.now, TIMERS):
            pass
        self.held = [each for each in self.held if each.expires_at > self.now]
        if self.measure and self.review_at <= self.now:
            self._unrestricted()
        over = [key for key, (ends_at, _) in self.locks.items() if ends_at and ends_at <= self.now]
        for key in over:
            del self.locks[key]

    # What is known without asking the line

    def _transfers(self, tx: Tx) -> tuple[list[Owed], int]:
        """What was captured and not refunded, soonest due first, and what was paid."""
        rows = tx.conn.execute(_PRINCIPAL, (self.line,)).fetchall()
        refunded = {row["purchase"] for row in rows if row["recipe"] == "purchase.refund"}
        items = [
            Owed(self._due(row["booked_on"]), row["event"], row["booked_on"], row["amount"])
            for row in rows
            if row["phase"] == "post" and row["event"] not in refunded
        ]
        others = [row for row in rows if row["phase"] == "single" and row["purchase"] not in refunded]
        paid = sum(-row["amount"] if row["debit"] else row["amount"] for row in others)
        return sorted(items, key=lambda item: item.due_on), paid

    def _due(self, on: date) -> date:
        """Twenty days after the first statement day after a day."""
        billed = on + timedelta(days=1)
        while billed.day != self.statement_day:
            billed += timedelta(days=1)
        return billed + timedelta(days=TERMS.due_days)

    def recount(self, tx: Tx) -> Recount:
        """What the line owes and holds, from its transfers and from what shops were promised."""
        items, paid = self._transfers(tx)
        owed, late = sum(item.minor for item in items) - paid, None
        for item in items:
            paid -= item.minor
            if paid < 0:
                late = item.due_on if item.due_on < self.day else None
                break
        return Recount(owed, sum(each.held_minor for each in self.held), late)

    def _states(self, counted: Recount, parts: Collection[Part]) -> Iterator[StrEnum]:
        """The columns of the matrix in which the line is."""
        if self.stopped:
            yield self.stopped
        for key in self.locks:
            if key.part is None:
                yield COLUMN[key.kind]
            elif key.part in parts:
                yield operations.Lock.ISSUER_PART if key.kind is LockKind.ISSUER else operations.Lock.PART
        if counted.late_since:
            yield operations.Debt.PAST_DUE

    def expected(self, request: Request, counted: Recount) -> str:
        """What the matrix says of a purchase, and then what the sums say."""
        states = set(self._states(counted, (CASH, GAMES) if request.cash else ()))
        told = operations.told(operations.Operation.AUTHORISE, states)
        if told == operations.ALLOWED and request.amount_minor > self.limit:
            told = "purchase.over_cap"
        if told == operations.ALLOWED and counted.used_minor + request.amount_minor > self.limit:
            told = "purchase.over_available"
        return told

    # What holds after every step

    @invariant()
    def the_regions_agree(self) -> None:
        with self.db.transaction() as tx:
            self._nothing_that_ended_goes_on(exits_store.of_line(tx, self.line))
            line = lines.get_line(tx, self.line)
            assert isinstance(line, Line)
            counted = self.recount(tx)
            self._limits(line)
            self._debt(tx, line, counted)
            self._locks(tx)
            for request in (self.probe, replace(self.probe, cash=True, category="games")):
                with tx.conn.transaction(force_rollback=True):
                    assert self.told(Tx(tx.conn), request) == self.expected(request, counted)
            assert day.every_violation(tx) == []

    def told(self, tx: Tx, request: Request) -> str:
        """What a shop that asks is told."""
        (answer,) = purchases.authorise(tx, OFFICE.tables, [request], "shop", self.now)
        if isinstance(answer, Purchase):
            self.answer = answer
            return operations.ALLOWED
        return answer.code

    def _nothing_that_ended_goes_on(self, cases: Sequence[Exit]) -> None:
        for case in cases:
            before = self.ended.get(case.reference)
            assert before in (None, case.state)
            if case.has_ended and before is None:
                self.ended[case.reference] = case.state
                if case.state in (State.LAPSED, State.REJECTED):
                    self._set(OWN, None)
        self.open = next((case for case in cases if case.is_open), None)
        closed = State.CLOSED in self.ended.values()
        leaving = operations.Lifecycle.CLOSING if self.open else None
        self.stopped = operations.Lifecycle.CLOSED if closed else leaving

    def _limits(self, line: Line) -> None:
        """A limit rises by consent, or where a cap is lifted; use grows within it, or by money that comes
        back.
        """
        used = line.principal_minor + line.held_minor
        assert line.limit_minor <= self.limit or line.limit_minor in self.may_rise_to
        # A cap that is over is gone, whether the customer is leaving or not.
        assert line.lifecycle is Lifecycle.CLOSED or line.limit_minor != self.over or self.over is None
        self.over = None
        assert used <= max(self.used, line.limit_minor) or self.came_back
        assert line.advised_limit_minor == max(used, line.limit_minor)
        self.limit, self.used, self.came_back = line.limit_minor, used, False

    def _debt(self, tx: Tx, line: Line, counted: Recount) -> None:
        assert (line.owed_minor, line.held_minor) == (counted.owed_minor, counted.held_minor)
        assert (line.lifecycle is Lifecycle.CLOSED) is (self.stopped is operations.Lifecycle.CLOSED)
        assert (line.lifecycle is Lifecycle.ACTIVE) is (self.stopped is None)
        # What comes back after closing has a due day of its own.
        if line.lifecycle is not Lifecycle.CLOSED:
            debt = billing.debt(tx, self.line, self.day)
            assert debt.past_due_since == counted.late_since
            assert rules.bucket(debt) is counted.bucket(self.day)

    def _locks(self, tx: Tx) -> None:
        """Exactly those stand that their parties set, and the stop of leaving while it lasts."""
        standing = locks.standing(tx, self.line)
        leaving = [lock for lock in standing if lock.kind is LockKind.EXIT]
        assert bool(leaving) is bool(self.stopped)
        # The day of review ends a restriction, and not the lock by itself.
        ends = {
            key: (None if key.kind is LockKind.ISSUER else until, firm)
            for key, (until, firm) in self.locks.items()
        }
        assert ends == {
            Key(lock.kind, lock.party, lock.ground, lock.part): (lock.until, lock.firm)
            for lock in standing
            if lock not in leaving
        }
        for lock, party in product(standing, Party):
            with tx.conn.transaction(force_rollback=True):
                told = lines.lift_lock(
                    Tx(tx.conn), self.line, lock.kind, party, "x", self.now, lock.part, lock.ground
                )
            code = "lock.firm" if lock.firm else None
            assert (told.code if told else None) == (code if party is lock.party else "lock.not_yours")


LineMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def test_any_order_of_acts_keeps_the_regions_apart_and_agreed(db: Database):
    LineMachine.db = db
    LineMachine.TestCase("runTest").runTest()
