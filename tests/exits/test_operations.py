"""Every operation in every state of a line: what happens is what the matrix says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from linestates import (
    AFTER_CLOSING,
    AS_LINE,
    ENDED,
    HELPED,
    LATER,
    OFFICE,
    SMALLER,
    VAULT,
    Draft,
    Scene,
    enter,
    payment,
    with_debt,
)
from worlds import TERMS, line_of

from whiteslip import billing, exits, identity, lines, purchases
from whiteslip.base import Refusal, new_id
from whiteslip.billing import payments
from whiteslip.billing.chargeoff import ChargeOff
from whiteslip.billing.model import Relief
from whiteslip.exits import (
    chargeoffs,
    estates,
    hardship,
    newterms,
    operations,
    payday,
    restrictions,
    softer,
    terminations,
    withdrawal,
)
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Cause, Channel, Kind, Termination
from whiteslip.exits.operations import (
    ALLOWED,
    ALREADY,
    AS_DISPUTE,
    FOR_CONSENT,
    FOR_SECOND,
    KEPT,
    NO_FEE,
    Debt,
    Lifecycle,
    Lock,
    Operation,
    Sum,
)
from whiteslip.lines import changes, increases, users
from whiteslip.lines.changes import Change, Outcome, Scope
from whiteslip.lines.increases import Increase
from whiteslip.lines.model import Agreement, Feature, NewLine, Part
from whiteslip.purchases import Capture, Declined, Request, disputes
from whiteslip.purchases.model import Ground
from whiteslip.store import Database, Tx

DOC = Path(__file__).parents[2] / "docs" / "reference" / "operations.md"


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


def _propose(tx: Tx, scope: Scope | Refusal, now: datetime) -> Any:
    if isinstance(scope, Refusal):
        return scope
    terms = replace(TERMS, due_days=TERMS.due_days + 1)
    return changes.propose(tx, scope, terms, now.date() + timedelta(days=90), "ann", now)


def _take_effect(tx: Tx, at_hand: Scene) -> Any:
    """Terms of which the holder was told; the letter has been sent, and it is their day."""
    line = lines.get_line(tx, at_hand.line)
    assert not isinstance(line, Refusal)
    own = Scope(line.pack, line.terms_version)
    _agree(tx, at_hand)  # somebody is on those terms
    change = _propose(tx, own, at_hand.now)
    assert isinstance(change, Change), change
    changes.decide(tx, change.id, True, "ben", at_hand.now)
    told = changes.tell(tx, change, line, at_hand.now)
    with patch.object(newterms, "had_at", return_value=told.effective_at):
        newterms.take_effect(tx, OFFICE, told.id, told.effective_at)
    after = changes.locked(tx, told.id)
    assert after
    return after[1].outcome


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
    Operation.NEW_TERMS: lambda tx, s: _propose(tx, changes.scope_of_line(tx, s.line), s.now),
    Operation.TERMS_IN_FORCE: _take_effect,
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
    if answer is Outcome.PASSED_OVER:
        return KEPT
    if isinstance(answer, Change) and answer.state is changes.State.PROPOSED:
        return FOR_SECOND
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
