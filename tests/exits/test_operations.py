"""Every operation in every state of a line: what happens is what the matrix says."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from worlds import DAY, at, line_of, night, open_line

from whiteslip import billing, exits, identity, lines, purchases
from whiteslip.base import Refusal, new_id
from whiteslip.billing import chargeoff, payments, sales
from whiteslip.billing.chargeoff import ChargeOff
from whiteslip.billing.model import Payment, Relief
from whiteslip.decisions import Tables
from whiteslip.exits import (
    Office,
    chargeoffs,
    debtsales,
    estates,
    hardship,
    operations,
    payday,
    restrictions,
    softer,
    terminations,
    withdrawal,
)
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Cause, Channel, Identity, Kind, Termination
from whiteslip.exits.operations import (
    ALLOWED,
    ALREADY,
    AS_DISPUTE,
    FOR_CONSENT,
    FOR_SECOND,
    NO_FEE,
    Debt,
    Lifecycle,
    Lock,
    Operation,
    Sum,
)
from whiteslip.exits.restrictions import Limits, Measure
from whiteslip.identity import Person, Vault
from whiteslip.lines import increases, users
from whiteslip.lines.increases import Increase
from whiteslip.lines.model import Agreement, Feature, LockKind, NewLine, Part, Party
from whiteslip.purchases import Capture, Declined, Purchase, Request, disputes
from whiteslip.purchases.model import Dispute, Ground
from whiteslip.store import Database, Tx

OFFICE = Office(Tables.load(), "Test Lender")
VAULT = Vault(bytes(32))
DOC = Path(__file__).parents[2] / "docs" / "reference" / "operations.md"
OWED = 20_000
BILLED_ON = date(2026, 2, 5)
# Billed on 5 February, due on the 25th, and on the 28th out of grace.
LATER = date(2026, 2, 28)
BEFORE_DUE = date(2026, 2, 24)
# Later than the days after which a debt may be taken as lost.
MUCH_LATER = date(2027, 3, 31)
# A plan of three instalments agreed on that day asks for the first on 5 March, due on the 25th.
PLAN_LATE_ON, PLAN_BILLED_ON = date(2026, 3, 26), date(2026, 3, 5)
NOW = {
    **dict.fromkeys((Debt.NONE, Debt.CURRENT, Debt.RESIDUAL), DAY),
    Debt.LONG_PAST_DUE: MUCH_LATER,
    Debt.PLAN_LATE: PLAN_LATE_ON,
}
HELPED = (Debt.PLAN_KEPT, Debt.PLAN_LATE)
# What the room of lines calls the states that leaving tells apart.
AS_LINE = {Lifecycle.NOTICE: Lifecycle.ACTIVE, Lifecycle.CLEARING: Lifecycle.RUN_OFF}
ENDED = (Debt.SETTLED, Debt.SOLD)
SMALLER = (Lock.FIRM, Lock.PART, Lock.ISSUER_PART, Lock.CAP)
AFTER_CLOSING = (Debt.NONE, Debt.SOLD, Debt.RESIDUAL)


@dataclass
class Scene:
    """A line in one state, with something to operate on."""

    line: UUID
    bought: Purchase
    held: Purchase
    paid: Payment
    now: datetime
    disputed: UUID


class Draft(Database):
    """Transactions inside one that is rolled back: what many states share is made once."""

    def __init__(self, tx: Tx) -> None:
        self.conn = tx.conn

    @contextmanager
    def transaction(self) -> Generator[Tx]:
        with self.conn.transaction():
            tx = Tx(self.conn)
            yield tx
            tx.flush()

    @contextmanager
    def dry_run(self) -> Generator[Tx]:
        with self.conn.transaction(force_rollback=True):
            yield Tx(self.conn)


def shop(tx: Tx, line: UUID, amount_minor: int, now: datetime) -> Purchase:
    (held,) = purchases.authorise(tx, OFFICE.tables, [Request(line, "shop", amount_minor)], "shop", now)
    assert isinstance(held, Purchase), held
    return held


def payment(tx: Tx, line: UUID, amount_minor: int, now: datetime, clearing_days: int = 0) -> Payment:
    on, reference = now.date(), uuid4().hex
    paid = billing.receive(tx, line, reference, amount_minor, on, "transfer", clearing_days, "test", now)
    assert not isinstance(paid, Refusal), paid
    return paid


def with_debt(db: Database, debt: Debt) -> Scene:
    """An active line without a lock that has come into that debt, by the acts."""
    line = open_line(db)
    start, now = at(DAY), at(NOW.get(debt, LATER))
    with db.transaction() as tx:
        person = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
        identity.enrol(tx, VAULT, line_of(db, line).customer, person, "test", start)
        bought = shop(tx, line, OWED, start)
        (captured,) = purchases.capture(tx, [Capture(bought.id, OWED)], "shop", start)
        assert isinstance(captured, Purchase)
        paid = payment(tx, line, OWED, start)
        if debt not in (Debt.NONE, Debt.RESIDUAL):
            more = shop(tx, line, OWED, start)
            (owed,) = purchases.capture(tx, [Capture(more.id, OWED)], "shop", start)
            assert isinstance(owed, Purchase)
            captured = owed
    made = Scene(line, captured, captured, paid, now, uuid4())
    if now == at(DAY):
        if debt is not Debt.RESIDUAL:
            with db.transaction() as tx:
                made.held = shop(tx, line, 100, now)
        return made
    night(db, BILLED_ON)
    match debt:
        case Debt.LONG_PAST_DUE:
            night(db, LATER)
        case Debt.CHARGED_OFF | Debt.SETTLED | Debt.SOLD:
            _charge_off(db, line, debt, now)
        case _:
            with db.transaction() as tx:
                made.held = shop(tx, line, 100, at(BEFORE_DUE))
                if debt in HELPED:
                    hardship.agree(tx, OFFICE, line, Relief.LONGER, "customer", at(LATER))
    if debt is Debt.PLAN_LATE:
        night(db, PLAN_BILLED_ON)
    return made


def _charge_off(db: Database, line: UUID, debt: Debt, now: datetime) -> None:
    """By two people, a year before its time, with a part paid since; then settled for it, or sold."""
    with db.transaction() as tx, patch.object(chargeoff, "_is_due", return_value=True):
        for actor in ("ann", "ben"):
            chargeoffs.charge_off(tx, OFFICE, line, actor, now)
        payment(tx, line, 100, now)
        if debt is Debt.SETTLED:
            for actor in ("ann", "ben"):
                chargeoffs.settle(tx, OFFICE, line, actor, now)
        if debt is Debt.SOLD:
            _sell(tx, line, now)


def _sell(tx: Tx, line: UUID, now: datetime) -> None:
    buyer = sales.add_buyer(tx, "Example Debt Buyer", "IBAN XX00 0000", "CNY", "test", now)
    assert isinstance(buyer, sales.Buyer)
    for actor in ("ann", "ben"):
        sale = debtsales.sell(tx, OFFICE, line, buyer.id, 100, actor, now)
        assert isinstance(sale, sales.Sale), sale
    assert sale.state is sales.State.SOLD


def enter(tx: Tx, at_hand: Scene, lifecycle: Lifecycle, lock: Lock, debt: Debt, total: Sum) -> None:
    """From an active line in debt to a state of all regions."""
    if lifecycle in (Lifecycle.CLEARING, Lifecycle.CLOSED) and at_hand.held.hold:
        purchases.release(tx, at_hand.held.id, "shop", at_hand.now)
        at_hand.held = at_hand.bought
    if total is Sum.UNCLEARED:
        at_hand.paid = payment(tx, at_hand.line, 100, at_hand.now, clearing_days=10)
    # A case waits where a freeze stands, and at the desk where a dispute is open; later ones find it run off.
    if lock is not Lock.LEGAL:
        _lock(tx, at_hand.line, lock, at_hand.now)
    match lifecycle:
        case Lifecycle.ACTIVE:
            pass
        case Lifecycle.NOTICE:
            causes = [Cause.PRODUCT_ENDED]
            asked = terminations.propose(tx, at_hand.line, Kind.TERMINATION, causes, "ann", at_hand.now)
            assert isinstance(asked, Termination), asked
            terminations.decide(tx, OFFICE, asked.id, True, "ben", at_hand.now)
        case _:
            who = Identity.PENDING if lifecycle is Lifecycle.CLOSING else Identity.VERIFIED
            case = exits.request(tx, OFFICE, at_hand.line, Channel.API, "customer", at_hand.now, who)
            assert not isinstance(case, Refusal), case
    if debt is Debt.RESIDUAL:
        billing.return_payment(tx, at_hand.paid.id, "bank", at_hand.now)
        at_hand.paid = payment(tx, at_hand.line, 100, at_hand.now)
    if total is Sum.DISPUTED:
        ground, part = Ground.NOT_RECEIVED, OWED // 4
        found = disputes.dispute(tx, at_hand.bought.id, part, ground, "customer", at_hand.now)
        assert isinstance(found, Dispute), found
        at_hand.disputed = found.id
    if lock is Lock.LEGAL:
        _lock(tx, at_hand.line, lock, at_hand.now)


def _lock(tx: Tx, line: UUID, lock: Lock, now: datetime) -> None:
    match lock:
        case Lock.CUSTOMER:
            softer.pause(tx, line, "customer", now)
        case Lock.FIRM:
            softer.pause(tx, line, "customer", now, days=30, firm=True)
        case Lock.PART:
            softer.pause(tx, line, "customer", now, part=Part(Feature.CASH))
        case Lock.ISSUER_PART:
            limits = Limits(Measure.PAUSE_FEATURE, feature=Feature.CASH)
            restrictions.restrict(tx, OFFICE, line, [Cause.CONTACT_LOST], "desk", now, limits)
        case Lock.CAP:
            softer.reduce(tx, line, 50, "customer", now)
        case Lock.ISSUER:
            restrictions.restrict(tx, OFFICE, line, [Cause.CONTACT_LOST], "desk", now)
        case Lock.LEGAL:
            lines.set_lock(tx, line, LockKind.LEGAL, Party.AUTHORITY, "order", "court", now)
        case Lock.NONE:
            pass


def _cancel(tx: Tx, at_hand: Scene) -> Any:
    found = exits_store.of_line(tx, at_hand.line)
    return exits.cancel(tx, OFFICE, found[0].id if found else uuid4(), "customer", at_hand.now)


def _agree(tx: Tx, at_hand: Scene) -> Any:
    line = lines.get_line(tx, at_hand.line)
    assert not isinstance(line, Refusal)
    agreement = Agreement(line.pack, line.currency, line.timezone, line.terms)
    new = NewLine(new_id(at_hand.now), line.customer, 100_000, 5, line.today(at_hand.now))
    return lines.open_lines(tx, agreement, [new], "test", at_hand.now)


def _contact(tx: Tx, at_hand: Scene) -> Any:
    line = lines.get_line(tx, at_hand.line)
    assert not isinstance(line, Refusal)
    return identity.change_contact(tx, VAULT, line.customer, "+8613900000099", None, "customer", at_hand.now)


def _fee(tx: Tx, at_hand: Scene) -> Any:
    """The night in which what was billed on the first statement runs out of grace."""
    return billing.charge_late_fees(tx, LATER, at_hand.now) > 0


DONE: dict[Operation, Callable[[Tx, Scene], Any]] = {
    Operation.AUTHORISE: lambda tx, s: purchases.authorise(
        tx, OFFICE.tables, [Request(s.line, "shop", 100, cash=True)], "shop", s.now
    )[0],
    Operation.CAPTURE: lambda tx, s: purchases.capture(tx, [Capture(s.held.id, 100)], "shop", s.now)[0],
    Operation.VOID: lambda tx, s: purchases.release(tx, s.held.id, "shop", s.now),
    Operation.REFUND: lambda tx, s: purchases.refund(tx, s.bought.id, 100, "shop", s.now),
    Operation.PAYMENT: lambda tx, s: payment(tx, s.line, 100, s.now),
    Operation.RETURNED_PAYMENT: lambda tx, s: billing.return_payment(tx, s.paid.id, "bank", s.now),
    Operation.CORRECT_PAYMENT: lambda tx, s: payments.correct(
        tx, s.paid.id, s.paid.amount_minor + 100, s.paid.value_on, "bank", s.now
    ),
    Operation.FEE: _fee,
    Operation.FORCED_POST: lambda tx, s: disputes.force_post(tx, s.line, "shop", 100, "shop", s.now),
    Operation.DISPUTE: lambda tx, s: disputes.dispute(
        tx, s.bought.id, 100, Ground.NOT_RECEIVED, "customer", s.now
    ),
    Operation.RESOLVE_DISPUTE: lambda tx, s: disputes.resolve(tx, s.disputed, True, "desk", s.now),
    Operation.REDUCE_LIMIT: lambda tx, s: softer.reduce(tx, s.line, 10, "customer", s.now),
    Operation.RAISE_LIMIT: lambda tx, s: increases.propose(
        tx, s.line, 1_000_100, s.now + timedelta(days=1), "lender", s.now
    ),
    Operation.PAUSE: lambda tx, s: softer.pause(tx, s.line, "customer", s.now),
    Operation.LATE_PAUSE: lambda tx, s: softer.pause_late(
        tx, s.line, s.now - timedelta(hours=1), "desk", s.now
    ),
    Operation.RESUME: lambda tx, s: softer.resume(tx, s.line, "customer", s.now),
    Operation.LOCK_PART: lambda tx, s: softer.pause(tx, s.line, "customer", s.now, part=Part(Feature.NIGHT)),
    Operation.ADD_USER: lambda tx, s: users.add_user(tx, s.line, uuid4(), "en", "customer", s.now),
    Operation.RESTRICT: lambda tx, s: restrictions.restrict(
        tx, OFFICE, s.line, [Cause.INSOLVENCY], "desk", s.now
    ),
    Operation.TERMINATE: lambda tx, s: terminations.propose(
        tx, s.line, Kind.TERMINATION, [Cause.PRODUCT_ENDED], "desk", s.now
    ),
    Operation.REPORT_DEATH: lambda tx, s: estates.report(tx, OFFICE, s.line, Channel.DESK, "desk", s.now),
    Operation.CLOSE: lambda tx, s: exits.request(tx, OFFICE, s.line, Channel.API, "customer", s.now),
    Operation.CANCEL_CLOSING: _cancel,
    Operation.WITHDRAW: lambda tx, s: withdrawal.withdraw(tx, OFFICE, s.line, Channel.API, "customer", s.now),
    Operation.CHARGE_OFF: lambda tx, s: chargeoffs.charge_off(tx, OFFICE, s.line, "cid", s.now),
    Operation.SETTLE: lambda tx, s: chargeoffs.settle(tx, OFFICE, s.line, "cid", s.now),
    Operation.SCHEDULE_CHANGE: lambda tx, s: hardship.agree(
        tx, OFFICE, s.line, Relief.LONGER, "customer", s.now
    ),
    Operation.PAYDAY_CHANGE: lambda tx, s: payday.move(tx, OFFICE, s.line, 15, "customer", s.now),
    Operation.CONTACT_CHANGE: _contact,
    Operation.NEW_AGREEMENT: _agree,
}


def told(answer: Any, operation: Operation) -> str:
    """An act's answer in the words of the matrix."""
    if isinstance(answer, Refusal | Declined):
        return answer.code
    if operation is Operation.FEE and not answer:
        return NO_FEE
    if isinstance(answer, ChargeOff):
        waits = answer.settle_by if operation is Operation.SETTLE else answer.approved_by is None
        return FOR_SECOND if waits and not answer.settled_on else ALREADY
    if isinstance(answer, Termination) and answer.outcome == "open":
        return FOR_SECOND
    if isinstance(answer, Increase) and answer.state is increases.State.PROPOSED:
        return FOR_CONSENT
    return AS_DISPUTE if operation is Operation.FORCED_POST else ALLOWED


def is_state(lifecycle: Lifecycle, lock: Lock, debt: Debt, total: Sum) -> bool:
    """Whether a line can be there."""
    match lifecycle:
        case Lifecycle.CLOSED:
            return debt in AFTER_CLOSING and lock is Lock.NONE and total is not Sum.UNCLEARED
        case Lifecycle.CLEARING:
            return debt in (Debt.NONE, *ENDED) and total is Sum.UNCLEARED
        case Lifecycle.RUN_OFF if debt in ENDED:
            return False  # nothing is owed and nothing open: it has closed, or clears
        case _:
            return debt is not Debt.RESIDUAL


def states(debt: Debt) -> Iterator[tuple[Lifecycle, Lock, Sum]]:
    """What is driven with a debt: all lifecycles, locks and sums, each beside the plainest of the others,
    and two of them together on what is current, so that the order in which codes are told is held too.
    """
    for lifecycle, lock, total in product(Lifecycle, Lock, Sum):
        special = (lifecycle is not Lifecycle.ACTIVE) + (lock is not Lock.NONE) + (total is not Sum.NONE)
        if lock in SMALLER:
            wanted = special == 1 and debt in (Debt.CURRENT, Debt.PAST_DUE)
        elif lock is not Lock.NONE and debt in HELPED:
            wanted = False  # plans do not look at locks, nor locks at plans
        elif special == 2 and debt is not Debt.CURRENT:
            wanted = lifecycle in (Lifecycle.CLEARING, Lifecycle.CLOSED)
        else:
            wanted = special <= 2
        if wanted and is_state(lifecycle, lock, debt, total):
            yield lifecycle, lock, total


@pytest.mark.parametrize("debt", Debt)
def test_every_operation_does_in_every_state_what_the_matrix_says(db: Database, debt: Debt):
    wrong: dict[str, tuple[str, str]] = {}
    with db.dry_run() as outer:
        draft = Draft(outer)
        made = with_debt(draft, debt)
        for lifecycle, lock, total in states(debt):
            at_hand = replace(made)
            with draft.dry_run() as tx:
                enter(tx, at_hand, lifecycle, lock, debt, total)
                assert line_of(draft, at_hand.line).lifecycle == AS_LINE.get(lifecycle, lifecycle)
                for operation in Operation:
                    with draft.dry_run() as tried:
                        did = told(DONE[operation](tried, at_hand), operation)
                    said = operations.answer(operation, lifecycle, lock, debt, total)
                    if did != said:
                        wrong[f"{operation} {lifecycle} {lock} {total}"] = (did, said)
    assert not wrong, "\n".join(f"{where}: {did}, not {said}" for where, (did, said) in wrong.items())


def test_every_column_is_driven():
    driven = [(debt, *state) for debt in Debt for state in states(debt)]
    assert {column for state in driven for column in state} == {*Lifecycle, *Lock, *Debt, *Sum}


def test_the_page_in_the_docs_is_made_from_the_matrix():
    assert operations.page() in DOC.read_text()


def test_no_state_stands_against_leaving_but_having_left():
    assert set(operations.AGAINST[Operation.CLOSE]) == {Lifecycle.CLOSED}
