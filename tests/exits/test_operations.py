"""Every operation in every state of a line: what happens is what the matrix says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
from whiteslip.billing import chargeoff, payments
from whiteslip.billing.model import Payment, Relief
from whiteslip.decisions import Tables
from whiteslip.exits import (
    Office,
    chargeoffs,
    estates,
    hardship,
    operations,
    restrictions,
    softer,
    terminations,
)
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Cause, Channel, Identity, Kind, Termination
from whiteslip.exits.operations import (
    ALLOWED,
    AS_DISPUTE,
    FOR_CONSENT,
    FOR_SECOND,
    NO_FEE,
    Debt,
    Lifecycle,
    Lock,
    Operation,
)
from whiteslip.identity import Person, Vault
from whiteslip.lines import increases
from whiteslip.lines.increases import Increase
from whiteslip.lines.model import Agreement, LockKind, NewLine, Party
from whiteslip.purchases import Capture, Declined, Purchase, Request, disputes
from whiteslip.purchases.model import Ground
from whiteslip.store import Database, Tx

OFFICE = Office(Tables.load(), "Test Lender")
VAULT = Vault(bytes(32))
DOC = Path(__file__).parents[2] / "docs" / "reference" / "operations.md"
OWED = 20_000
BILLED_ON = date(2026, 2, 5)
# Billed on 5 February, due on the 25th, and on the 28th out of grace.
LATER = date(2026, 2, 28)
BEFORE_DUE = date(2026, 2, 24)
# A plan of three instalments agreed on that day asks for the first on 5 March, due on the 25th.
PLAN_LATE_ON, PLAN_BILLED_ON = date(2026, 3, 26), date(2026, 3, 5)
LOST = (Debt.CHARGED_OFF, Debt.SETTLED)
HELPED = (Debt.PLAN_KEPT, Debt.PLAN_LATE)
LATE = (Debt.PAST_DUE, *HELPED, *LOST)


@dataclass
class Scene:
    """A line in one state, with something to operate on."""

    line: UUID
    bought: Purchase
    held: Purchase
    paid: Payment
    now: datetime


def shop(tx: Tx, line: UUID, amount_minor: int, now: datetime) -> Purchase:
    (held,) = purchases.authorise(tx, OFFICE.tables, [Request(line, "shop", amount_minor)], "shop", now)
    assert isinstance(held, Purchase), held
    return held


def payment(tx: Tx, line: UUID, amount_minor: int, now: datetime) -> Payment:
    on = now.date()
    paid = billing.receive(tx, line, uuid4().hex, amount_minor, on, "transfer", 0, "test", now)
    assert not isinstance(paid, Refusal), paid
    return paid


def scene(db: Database, lifecycle: Lifecycle, lock: Lock, debt: Debt) -> Scene | None:
    """A line brought into that state by the acts; None where there is no such state."""
    if lifecycle is Lifecycle.CLOSED and (debt is not Debt.NONE or lock is not Lock.NONE):
        return None
    if lifecycle is Lifecycle.RUN_OFF and debt is Debt.NONE and lock is not Lock.NONE:
        return None
    if lifecycle is Lifecycle.RUN_OFF and debt is Debt.SETTLED:
        return None  # nothing is owed and nothing held: it has closed
    line = open_line(db)
    start, now = at(DAY), at(LATER if debt in LATE else DAY)
    if debt is Debt.PLAN_LATE:
        now = at(PLAN_LATE_ON)
    with db.transaction() as tx:
        person = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
        identity.enrol(tx, VAULT, line_of(db, line).customer, person, "test", start)
        bought = shop(tx, line, OWED, start)
        (captured,) = purchases.capture(tx, [Capture(bought.id, OWED)], "shop", start)
        assert isinstance(captured, Purchase)
        paid = payment(tx, line, OWED, start)
        if debt is not Debt.NONE:
            more = shop(tx, line, OWED, start)
            purchases.capture(tx, [Capture(more.id, OWED)], "shop", start)
    held: Purchase | None = None
    if debt in LATE:
        night(db, BILLED_ON)
    if debt is Debt.PAST_DUE or debt in HELPED:
        with db.transaction() as tx:
            held = shop(tx, line, 100, at(BEFORE_DUE))
    if debt in LOST:
        _charge_off(db, line, debt, now)
    if debt in HELPED:
        with db.transaction() as tx:
            hardship.agree(tx, OFFICE, line, Relief.LONGER, "customer", at(LATER))
    if debt is Debt.PLAN_LATE:
        night(db, PLAN_BILLED_ON)
    with db.transaction() as tx:
        if held is None:
            nothing_held = lifecycle is Lifecycle.CLOSED or debt in LOST
            held = bought if nothing_held else shop(tx, line, 100, now)
        _lock(tx, line, lock, now)
        if lifecycle is not Lifecycle.ACTIVE:
            who = Identity.PENDING if lifecycle is Lifecycle.CLOSING else Identity.VERIFIED
            case = exits.request(tx, OFFICE, line, Channel.API, "customer", now, who)
            assert not isinstance(case, Refusal), case
    found = line_of(db, line)
    assert found.lifecycle == lifecycle.value or lock is Lock.LEGAL, found.lifecycle
    return Scene(line, captured, held, paid, now) if found.lifecycle == lifecycle.value else None


def _charge_off(db: Database, line: UUID, debt: Debt, now: datetime) -> None:
    """By two people, a year before its time; of a settled one a part was paid."""
    with db.transaction() as tx, patch.object(chargeoff, "_is_due", return_value=True):
        for actor in ("ann", "ben"):
            chargeoffs.charge_off(tx, OFFICE, line, actor, now)
        if debt is Debt.SETTLED:
            payment(tx, line, 100, now)
            for actor in ("ann", "ben"):
                chargeoffs.settle(tx, OFFICE, line, actor, now)


def _lock(tx: Tx, line: UUID, lock: Lock, now: datetime) -> None:
    match lock:
        case Lock.CUSTOMER:
            softer.pause(tx, line, "customer", now)
        case Lock.ISSUER:
            restrictions.restrict(tx, OFFICE, line, [Cause.PAST_DUE], "desk", now)
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
        tx, OFFICE.tables, [Request(s.line, "shop", 100)], "shop", s.now
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
    Operation.REDUCE_LIMIT: lambda tx, s: softer.reduce(tx, s.line, 1_000, "customer", s.now),
    Operation.RAISE_LIMIT: lambda tx, s: increases.propose(
        tx, s.line, 1_000_100, s.now + timedelta(days=1), "lender", s.now
    ),
    Operation.PAUSE: lambda tx, s: softer.pause(tx, s.line, "customer", s.now),
    Operation.LATE_PAUSE: lambda tx, s: softer.pause_late(
        tx, s.line, s.now - timedelta(hours=1), "desk", s.now
    ),
    Operation.RESUME: lambda tx, s: softer.resume(tx, s.line, "customer", s.now),
    Operation.RESTRICT: lambda tx, s: restrictions.restrict(
        tx, OFFICE, s.line, [Cause.INSOLVENCY], "desk", s.now
    ),
    Operation.TERMINATE: lambda tx, s: terminations.propose(
        tx, s.line, Kind.TERMINATION, [Cause.PRODUCT_ENDED], "desk", s.now
    ),
    Operation.REPORT_DEATH: lambda tx, s: estates.report(tx, OFFICE, s.line, Channel.DESK, "desk", s.now),
    Operation.CLOSE: lambda tx, s: exits.request(tx, OFFICE, s.line, Channel.API, "customer", s.now),
    Operation.CANCEL_CLOSING: _cancel,
    Operation.SCHEDULE_CHANGE: lambda tx, s: hardship.agree(
        tx, OFFICE, s.line, Relief.LONGER, "customer", s.now
    ),
    Operation.CONTACT_CHANGE: _contact,
    Operation.NEW_AGREEMENT: _agree,
}


def told(answer: Any, operation: Operation) -> str:
    """An act's answer in the words of the matrix."""
    if isinstance(answer, Refusal | Declined):
        return answer.code
    if operation is Operation.FEE and not answer:
        return NO_FEE
    if isinstance(answer, Termination) and answer.outcome == "open":
        return FOR_SECOND
    if isinstance(answer, Increase) and answer.state is increases.State.PROPOSED:
        return FOR_CONSENT
    return AS_DISPUTE if operation is Operation.FORCED_POST else ALLOWED


# Locks do not look at plans, nor plans at locks: these are driven without one.
STATES = [
    state for state in product(Lifecycle, Lock, Debt) if state[1] is Lock.NONE or state[2] not in HELPED
]


@pytest.mark.parametrize(("lifecycle", "lock", "debt"), STATES)
def test_every_operation_does_in_every_state_what_the_matrix_says(
    db: Database, lifecycle: Lifecycle, lock: Lock, debt: Debt
):
    at_hand = scene(db, lifecycle, lock, debt)
    if at_hand is None:
        pytest.skip("a line is never in this state")
    wrong: dict[str, tuple[str, str]] = {}
    for operation in Operation:
        with db.dry_run() as tx:
            found = told(DONE[operation](tx, at_hand), operation)
        said = operations.answer(operation, lifecycle, lock, debt)
        if found != said:
            wrong[operation] = (found, said)
    assert wrong == {}


def test_the_page_in_the_docs_is_made_from_the_matrix():
    assert operations.page() in DOC.read_text()


def test_what_the_matrix_leaves_out_is_driven_by_tests_that_exist():
    root = Path(__file__).parents[2]
    assert [tests for tests in operations.ELSEWHERE.values() if not (root / tests).is_file()] == []


def test_no_state_stands_against_leaving_but_having_left():
    assert set(operations.AGAINST[Operation.CLOSE]) == {Lifecycle.CLOSED}
