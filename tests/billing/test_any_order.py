"""Whatever happens to a line, in whatever order: the books agree after every step."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import worlds
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from whiteslip import billing, lines
from whiteslip.base import Refusal
from whiteslip.billing import chargeoff, disputed, hardship, late, store
from whiteslip.billing.acts import pay_off_with_credit
from whiteslip.billing.model import Payment, Relief
from whiteslip.lines.acts import change_limit
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Database

LINES = 3
which = st.integers(0, LINES - 1)


class BillingMachine(RuleBasedStateMachine):
    """A few lines, a calendar, and everything that may be done to them."""

    db: Database

    @initialize(statement_day=st.integers(1, 28))
    def start(self, statement_day: int) -> None:
        self.day = worlds.DAY
        self.lines = worlds.open_lines(self.db, LINES, 500_000, statement_day=statement_day)
        self.bought: list[tuple[UUID, UUID, int, date]] = []
        self.paid: list[Payment] = []
        self.schedules: dict[tuple[UUID, int], Any] = {}

    @rule(line=which, minor=st.integers(1, 200_000), instalments=st.sampled_from([1, 3, 6, 12]))
    def buy(self, line: int, minor: int, instalments: int) -> None:
        if minor > worlds.line_of(self.db, self.lines[line]).available_minor:
            return
        purchase = worlds.buy(self.db, self.lines[line], minor, instalments, self.day)
        self.bought.append((self.lines[line], purchase, minor, self.day))

    def _not_before_it_opened(self, line: int, late: int) -> date:
        opened = worlds.line_of(self.db, self.lines[line]).opened_on
        return max(self.day - timedelta(days=late), opened)

    @rule(line=which, minor=st.integers(1, 150_000), late=st.sampled_from([0, 1, 9, 40]))
    def pay(self, line: int, minor: int, late: int) -> None:
        on = self._not_before_it_opened(line, late)
        self.paid.append(worlds.pay(self.db, self.lines[line], minor, self.day, value_on=on))

    @rule(line=which)
    def pay_the_bill(self, line: int) -> None:
        with self.db.transaction() as tx:
            billed = billing.debt(tx, self.lines[line], self.day).billed_minor
        if billed:
            self.paid.append(worlds.pay(self.db, self.lines[line], billed, self.day))

    @rule(line=which, ahead=st.integers(0, 40), late=st.integers(0, 3))
    def pay_everything_off(self, line: int, ahead: int, late: int) -> None:
        total = worlds.quote(self.db, self.lines[line], self.day + timedelta(days=ahead)).total_minor
        on = self._not_before_it_opened(line, late)
        if total:
            self.paid.append(worlds.pay(self.db, self.lines[line], total, self.day, value_on=on))
        else:
            with self.db.transaction() as tx:
                found = worlds.locked(tx, self.lines[line])
                pay_off_with_credit(tx, found, worlds.at(self.day))
        assert worlds.line_of(self.db, self.lines[line]).owed_minor == 0
        assert worlds.items(self.db, self.lines[line]) == []

    @precondition(lambda self: self.paid)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        payment = self.paid.pop(data.draw(st.integers(0, len(self.paid) - 1)))
        before = worlds.net_owed(self.db, payment.line, self.day)
        worlds.give_back(self.db, payment, self.day)
        after = worlds.net_owed(self.db, payment.line, self.day)
        with self.db.transaction() as tx:
            plans = store.hardships(tx, payment.line)
        # All of it is owed again; months that had been paid early cost their price again as well. A plan that
        # was agreed since may have forgiven what it had paid of a price.
        forgives = any(made.relief is Relief.REDUCED for made in plans)
        assert forgives or after - before >= payment.amount_minor

    @precondition(lambda self: self.paid)
    @rule(data=st.data(), minor=st.integers(1, 150_000), late=st.sampled_from([0, 3, 40]))
    def correct(self, data: st.DataObject, minor: int, late: int) -> None:
        place = data.draw(st.integers(0, len(self.paid) - 1))
        wrong = self.paid[place]
        on = max(self.day - timedelta(days=late), worlds.line_of(self.db, wrong.line).opened_on)
        self.paid[place] = worlds.correct(self.db, wrong.id, minor, on, self.day)

    def _draw_bought(self, data: st.DataObject) -> tuple[UUID, UUID, int, date]:
        """A part of a purchase, which is not drawn again, and a day since it was bought."""
        place = data.draw(st.integers(0, len(self.bought) - 1))
        line, purchase, left, bought_on = self.bought.pop(place)
        minor = data.draw(st.integers(1, left))
        if left > minor:
            self.bought.append((line, purchase, left - minor, bought_on))
        late = data.draw(st.sampled_from([0, 3, 40]))
        return line, purchase, minor, max(self.day - timedelta(days=late), bought_on)

    @precondition(lambda self: self.bought)
    @rule(data=st.data())
    def dispute(self, data: st.DataObject) -> None:
        line, purchase, minor, on = self._draw_bought(data)
        with self.db.transaction() as tx:
            disputed.suspend(tx, worlds.locked(tx, line), uuid4(), purchase, minor, worlds.at(self.day), on)

    @precondition(lambda self: self.bought)
    @rule(data=st.data())
    def pause_late(self, data: st.DataObject) -> None:
        line, purchase, *_ = self._draw_bought(data)
        with self.db.transaction() as tx:
            late.unprice(tx, worlds.locked(tx, line), [purchase], uuid4(), worlds.at(self.day))

    @precondition(lambda self: self.bought)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        line, purchase, minor, on = self._draw_bought(data)
        worlds.refund(self.db, line, purchase, minor, self.day, on)

    @rule(line=which)
    def pay_out(self, line: int) -> None:
        with self.db.transaction() as tx:
            found = worlds.locked(tx, self.lines[line])
            billing.pay_out_credit(tx, found, found.customer, "test", worlds.at(self.day))

    @rule(line=which, trifle=st.integers(1, 5_000))
    def waive(self, line: int, trifle: int) -> None:
        with self.db.transaction() as tx:
            found = worlds.locked(tx, self.lines[line])
            if billing.waive_remainder(tx, found, trifle, worlds.at(self.day)):
                assert worlds.locked(tx, self.lines[line]).owed_minor == 0

    @rule(line=which, relief=st.sampled_from(Relief))
    def agree_on_relief(self, line: int, relief: Relief) -> None:
        with self.db.transaction() as tx:
            found = worlds.locked(tx, self.lines[line])
            before = billing.debt(tx, found.id, self.day)
            full = billing.payoff(tx, found, self.day)
            made = hardship.agree(tx, found, relief, "test", worlds.at(self.day), foreseen=True)
            after = billing.debt(tx, found.id, self.day)
            assert after.days_past_due == before.days_past_due
            if not isinstance(made, Refusal):
                assert after.owed_minor <= full.total_minor + full.credit_minor

    @rule(line=which)
    def charge_off(self, line: int) -> None:
        """Whatever is owed, however late: the days are a rule of its own."""
        with self.db.transaction() as tx, patch.object(chargeoff, "_is_due", return_value=True):
            for actor in ("ann", "ben"):
                chargeoff.charge_off(tx, worlds.locked(tx, self.lines[line]), actor, worlds.at(self.day))

    @rule(line=which)
    def settle(self, line: int) -> None:
        with self.db.transaction() as tx:
            for actor in ("ann", "ben"):
                chargeoff.settle(tx, worlds.locked(tx, self.lines[line]), actor, worlds.at(self.day))

    @rule(line=which, minor=st.integers(0, 500_000))
    def change_limit(self, line: int, minor: int) -> None:
        with self.db.transaction() as tx:
            change_limit(tx, worlds.locked(tx, self.lines[line]), minor, "test", worlds.at(self.day))

    @rule(line=which)
    def close(self, line: int) -> None:
        """Leave by the shortest way and let somebody else have the place."""
        with self.db.transaction() as tx:
            found = worlds.locked(tx, self.lines[line])
            if found.owed_minor:
                return
            now = worlds.at(self.day)
            billing.pay_out_credit(tx, found, found.customer, "test", now)
            lines.move(tx, found, Lifecycle.CLOSING, "test", "test", now)
            lines.move(tx, worlds.locked(tx, found.id), Lifecycle.CLOSED, "test", "test", now)
        self.lines[line] = worlds.open_line(self.db, 500_000, day=self.day)

    @rule(days=st.sampled_from([1, 1, 3, 12, 31]))
    def sleep(self, days: int) -> None:
        worlds.nights(self.db, self.day, self.day + timedelta(days=days - 1))
        self.day += timedelta(days=days)

    @invariant()
    def the_books_agree(self) -> None:
        assert worlds.offences(self.db) == []

    @invariant()
    def no_schedule_ever_changes(self) -> None:
        with self.db.transaction() as tx:
            rows = tx.conn.execute(
                "SELECT plan, no, bill_on, due_on, principal_minor, interest_minor, fee_minor"
                " FROM billing.instalment"
            ).fetchall()
        found = {(row["plan"], row["no"]): tuple(row.values()) for row in rows}
        assert self.schedules.items() <= found.items()
        self.schedules = found

    @invariant()
    def debts_sum_to_the_ledger(self) -> None:
        with self.db.transaction() as tx:
            debts = billing.debts(tx, self.lines, self.day)
            for line in self.lines:
                found = worlds.locked(tx, line)
                assert (debts[line].owed_minor if line in debts else 0) == found.owed_minor
                assert found.credit_minor >= 0


BillingMachine.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def test_any_order_of_acts_keeps_the_invariants(db: Database):
    BillingMachine.db = db
    BillingMachine.TestCase("runTest").runTest()
