"""Whatever happens to a leaving customer, in whatever order: the promises of the room hold."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import worlds
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from walked import Taken, recording, walked

from whiteslip import billing, day, exits, identity, lines, notices, packs, purchases
from whiteslip.base import Refusal
from whiteslip.billing.model import Payment
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, estates, machine, restrictions, softer, telling, terminations
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import BY_LENDER, Cause, Channel, Ground, Identity, Kind, Path, State, Termination
from whiteslip.exits.rules import Clocks
from whiteslip.exits.withdrawal import withdraw
from whiteslip.identity import Person, Vault
from whiteslip.lines.model import Lifecycle, LockKind, Party
from whiteslip.purchases import Capture, Declined, Purchase, Request
from whiteslip.store import Database

OFFICE = Office(Tables.load(), "Test")
# From where to where a case may move between two looks at it, any number of steps apart.
ENDED = {State.CLOSED, State.LAPSED, State.CANCELLED, State.REJECTED}
VAULT = Vault(bytes(32))
HEIR = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
CLOSING = {"exit.closed", "withdrawal.settled", "termination.closed", "estate.closed"}


class ExitMachine(RuleBasedStateMachine):
    """One line, a calendar, and all that customer, heirs, shop, bank, lender, desk and court may do."""

    db: Database
    known: set[Taken]
    taken: list[Taken]

    @initialize(statement_day=st.integers(1, 28), informed=st.booleans())
    def start(self, statement_day: int, informed: bool) -> None:
        self.day = worlds.DAY
        self.taken.clear()
        (self.line,) = worlds.open_lines(self.db, 1, 500_000, statement_day=statement_day, informed=informed)
        self.held: list[Purchase] = []
        self.paid: list[Payment] = []
        self.seen: dict[str, State] = {}
        self.days: dict[str, object] = {}

    def case(self) -> Exit | None:
        with self.db.transaction() as tx:
            return exits_store.open_of_line(tx, self.line)

    @rule(minor=st.integers(1, 120_000), instalments=st.sampled_from([1, 3, 6]))
    def buy(self, minor: int, instalments: int) -> None:
        stopped = worlds.line_of(self.db, self.line).drawing_stopped
        with self.db.transaction() as tx:
            asked = Request(self.line, "shop", minor, instalments)
            answer = purchases.authorise(tx, OFFICE.tables, [asked], "shop", worlds.at(self.day))[0]
        if stopped:
            assert isinstance(answer, Declined)
        if isinstance(answer, Purchase):
            self.held.append(answer)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        purchase = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        with self.db.transaction() as tx:
            batch = [Capture(purchase.id, purchase.held_minor)]
            purchases.capture(tx, batch, "shop", worlds.at(self.day))

    @rule(share=st.sampled_from([1, 2, 10]))
    def pay(self, share: int) -> None:
        owed = worlds.quote(self.db, self.line, self.day).total_minor
        if owed // share:
            self.paid.append(worlds.pay(self.db, self.line, owed // share, self.day))

    @precondition(lambda self: self.paid)
    @rule()
    def give_back(self) -> None:
        with self.db.transaction() as tx:
            billing.return_payment(tx, self.paid.pop().id, "bank", worlds.at(self.day))

    @rule(who=st.sampled_from(Identity), not_me=st.booleans())
    def ask(self, who: Identity, not_me: bool) -> None:
        with self.db.transaction() as tx:
            now = worlds.at(self.day)
            answer = exits.request(tx, OFFICE, self.line, Channel.PORTAL, "customer", now, who, not_me)
        if isinstance(answer, Refusal):
            assert answer.code == "exit.line_closed"
            assert worlds.line_of(self.db, self.line).lifecycle is Lifecycle.CLOSED

    @rule(proven=st.booleans())
    def prove(self, proven: bool) -> None:
        case = self.case()
        if case:
            with self.db.transaction() as tx:
                act = exits.confirm if proven else exits.doubt
                act(tx, OFFICE, case.id, "customer", worlds.at(self.day))

    @rule(path=st.sampled_from(Path), ground=st.sampled_from([None, *Ground]))
    def choose(self, path: Path, ground: Ground | None) -> None:
        case = self.case()
        if case:
            with self.db.transaction() as tx:
                now = worlds.at(self.day)
                exits.choose_path(tx, OFFICE, case.id, path, ["looked_at"], "staff:1", now, ground)

    @rule()
    def change_ones_mind(self) -> None:
        case = self.case()
        if case:
            with self.db.transaction() as tx:
                exits.cancel(tx, OFFICE, case.id, "customer", worlds.at(self.day))

    @rule(lifted=st.booleans())
    def court(self, lifted: bool) -> None:
        with self.db.transaction() as tx:
            now = worlds.at(self.day)
            if lifted:
                lines.lift_lock(tx, self.line, LockKind.LEGAL, Party.AUTHORITY, "court", now)
            else:
                lines.set_lock(tx, self.line, LockKind.LEGAL, Party.AUTHORITY, "order", "court", now)

    @rule()
    def withdraw(self) -> None:
        with self.db.transaction() as tx:
            withdraw(tx, OFFICE, self.line, Channel.PORTAL, "customer", worlds.at(self.day))

    @rule(firm=st.booleans())
    def pause(self, firm: bool) -> None:
        with self.db.transaction() as tx:
            softer.pause(tx, self.line, "customer", worlds.at(self.day), days=3 if firm else None, firm=firm)

    @rule()
    def reduce(self) -> None:
        with self.db.transaction() as tx:
            softer.reduce(tx, self.line, 100_000, "customer", worlds.at(self.day))

    @rule()
    def restrict(self) -> None:
        with self.db.transaction() as tx:
            now = worlds.at(self.day)
            restrictions.restrict(tx, OFFICE, self.line, [Cause.CONTACT_LOST], "staff:1", now)

    @rule()
    def give_notice(self) -> None:
        with self.db.transaction() as tx:
            now, why = worlds.at(self.day), [Cause.PRODUCT_ENDED]
            asked = terminations.propose(tx, self.line, Kind.TERMINATION, why, "staff:1", now)
            if isinstance(asked, Termination):
                terminations.decide(tx, OFFICE, asked.id, True, "staff:2", now)

    @rule()
    def take_the_notice_back(self) -> None:
        with self.db.transaction() as tx:
            notice = exits_store.notice_of_line(tx, self.line)
            if notice:
                terminations.withdraw_notice(tx, OFFICE, notice.id, "staff:1", worlds.at(self.day))

    @rule()
    def report_a_death(self) -> None:
        with self.db.transaction() as tx:
            estates.report(tx, OFFICE, self.line, Channel.DESK, "staff:1", worlds.at(self.day))

    @rule(shown=st.booleans())
    def show_or_undo_it(self, shown: bool) -> None:
        case, now = self.case(), worlds.at(self.day)
        if case is None:
            return
        with self.db.transaction() as tx:
            if shown:
                contact = uuid4()
                identity.enrol(tx, VAULT, contact, HEIR, "staff:1", now)
                estates.show_authority(tx, OFFICE, case.id, contact, "en", "probate", "staff:1", now)
            else:
                estates.undo(tx, OFFICE, case.id, "customer", now, proven=True)

    @rule(days=st.sampled_from([1, 3, 8, 15, 40]))
    def days_go_by(self, days: int) -> None:
        for _ in range(days):
            worlds.night(self.db, self.day)
            self.day += timedelta(days=1)
        with self.db.transaction() as tx:
            while purchases.expire(tx, worlds.at(self.day)):
                pass
            exits.advance_line(tx, OFFICE, self.line, worlds.at(self.day))
            exits.review(tx, OFFICE, worlds.at(self.day))

    @invariant()
    def every_promise_holds(self) -> None:
        with self.db.transaction() as tx:
            assert day.every_violation(tx) == []
            for case in exits_store.of_line(tx, self.line):
                before = self.seen.get(case.reference)
                assert before not in ENDED or before is case.state
                self.seen[case.reference] = case.state

    @invariant()
    def every_step_is_one_that_was_walked(self) -> None:
        assert [step for step in self.taken if step not in self.known] == []
        self.taken.clear()

    @invariant()
    def a_line_ends_in_one_way_and_is_told_of_once(self) -> None:
        with self.db.transaction() as tx:
            cases = exits_store.of_line(tx, self.line)
            told = [letter.kind for case in cases for letter in notices.of_subject(tx, case.id)]
        assert len([kind for kind in told if kind in CLOSING]) <= 1, told
        assert len([case for case in cases if case.state is State.CLOSED]) <= 1
        for case in cases:
            if case.state is State.NOTICE:
                assert self.days.setdefault(case.reference, case.due_at) == case.due_at
            elif case.kind in BY_LENDER and case.confirmed_at:
                assert all(each is case or each.has_ended for each in cases)


ExitMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def test_any_order_of_acts_keeps_the_promises(db: Database, monkeypatch: pytest.MonkeyPatch):
    ExitMachine.db, ExitMachine.taken = db, []
    ExitMachine.known = walked(machine.walk(Clocks.of(packs.load("cn"))))
    monkeypatch.setattr(telling, "told", recording(ExitMachine.taken))
    ExitMachine.TestCase("runTest").runTest()
