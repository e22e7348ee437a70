"""Payments and what was wrong about them, disputes, and refunds that shops promise."""

from __future__ import annotations

import os
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from cyclopts import App, Parameter

from whiteslip.app.commands_people import line_named
from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.settings import load
from whiteslip.app.terminal import answer, pairs, refuse, say, table
from whiteslip.app.wiring import opened, working
from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public, public
from whiteslip.billing import store
from whiteslip.billing.model import Payment
from whiteslip.exits import owed
from whiteslip.purchases import promises
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Bears, Dispute, Ground, Outcome, RefundPromise
from whiteslip.store.timers import present

Told = Annotated[date | None, Parameter(help="The day it was said, if that is told later; today if absent.")]
Says = Literal[
    Ground.NOT_RECEIVED, Ground.NOT_AS_DESCRIBED, Ground.NOT_MINE, Ground.WRONG_AMOUNT, Ground.CANCELLED
]


def _row(payment: Payment) -> dict[str, Any]:
    return {
        "id": public("pay", payment.id),
        "reference": payment.reference,
        "amount_minor": payment.amount_minor,
        "value_on": payment.value_on,
        "returned_at": payment.returned_at,
        "corrected_by": public("pay", payment.corrected_by) if payment.corrected_by else None,
    }


def payments_list(line_id: str, /, *, json: Json = False) -> None:
    """List the payments on a LINE, those that came back or were corrected too."""
    with working() as (_, tx):
        rows = [_row(payment) for payment in store.payments(tx, line_named(tx, line_id).id)]
    columns = ["id", "reference", "amount_minor", "value_on", "returned_at", "corrected_by"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows], ["amount_minor"]))


def payments_correct(
    payment: str,
    /,
    *,
    amount_minor: Annotated[int | None, Parameter(help="What it really was; as booked if absent.")] = None,
    value_on: Annotated[
        date | None, Parameter(help="The day it really counts from; as booked if absent.")
    ] = None,
    by: By,
    dry_run: bool = False,
    json: Json = False,
) -> None:
    """Say what a PAYMENT really was: from its own day, the line ends as if it had been booked so.

    --dry-run tells what would happen and changes nothing.
    """
    with opened(load(os.environ)) as platform:
        database = platform.database
        with database.dry_run() if dry_run else database.transaction() as tx:
            wanted = parse_public("pay", payment)
            known = store.payment(tx, wanted) if wanted else None
            if known is None:
                refuse(Refusal("payment.not_found"))
            minor, on = amount_minor or known.amount_minor, value_on or known.value_on
            now = present(tx)
            right = owed.correct_payment(tx, platform.ports.office, known.id, minor, on, acting(tx, by), now)
            if isinstance(right, Refusal):
                refuse(right)
            row = _row(right)
    answer(row, json, lambda: pairs(row))


def _purchase(text: str) -> UUID:
    found = parse_public("pur", text)
    if found is None:
        refuse(Refusal("purchase.not_found"))
    return found


def _dispute(one: Dispute) -> dict[str, Any]:
    return {
        "id": public("dsp", one.id),
        "purchase": public("pur", one.purchase) if one.purchase else None,
        "ground": one.ground,
        "amount_minor": one.amount_minor,
        "suspended_minor": one.suspended_minor,
        "outcome": one.outcome,
        "due_at": one.due_at,
        "told_late": one.told_late,
        "bears": one.bears,
    }


def disputes_list(line_id: str, /, *, json: Json = False) -> None:
    """List the disputes of a LINE, the oldest first."""
    with working() as (_, tx):
        found = purchases_store.disputes_of_line(tx, line_named(tx, line_id).id)
    rows = [_dispute(one) for one in found]
    columns = ["id", "ground", "amount_minor", "suspended_minor", "outcome", "due_at"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows], columns[2:4]))


def disputes_open(
    purchase: str,
    amount_minor: int,
    /,
    *,
    ground: Says,
    began_on: Told = None,
    by: By,
    dry_run: bool = False,
    json: Json = False,
) -> None:
    """Note that a customer disputes a PURCHASE, or AMOUNT_MINOR of it: what is owed of it is not demanded.

    Told late, it counts from --began-on: fees, interest and days past due since then are taken back.
    --dry-run tells what would happen and changes nothing.
    """
    with opened(load(os.environ)) as platform:
        database = platform.database
        with database.dry_run() if dry_run else database.transaction() as tx:
            wanted, office, actor = _purchase(purchase), platform.ports.office, acting(tx, by)
            done = owed.dispute(tx, office, wanted, amount_minor, ground, actor, present(tx), began_on)
            if isinstance(done, Refusal):
                refuse(done)
    answer(_dispute(done), json, lambda: pairs(_dispute(done)))
    if not dry_run:
        say(f"once it is known who was right: whiteslip disputes resolve {public('dsp', done.id)} won|lost")


def disputes_resolve(
    dispute: str,
    outcome: Literal[Outcome.WON, Outcome.LOST],
    /,
    *,
    bears: Annotated[Bears | None, Parameter(help="Whose loss a won one is; by rule if absent.")] = None,
    by: By,
    json: Json = False,
) -> None:
    """Say who was right in a DISPUTE, as the customer sees it. Again changes nothing."""
    with working() as (platform, tx):
        wanted, office, actor = parse_public("dsp", dispute), platform.ports.office, acting(tx, by)
        if wanted is None:
            refuse(Refusal("dispute.not_found"))
        won, now = outcome is Outcome.WON, present(tx)
        done = owed.resolve_dispute(tx, office, wanted, won, actor, now, bears=bears)
        if isinstance(done, Refusal):
            refuse(done)
    answer(_dispute(done), json, lambda: pairs(_dispute(done)))


def _promise(one: RefundPromise) -> dict[str, Any]:
    return {
        "id": public("rfp", one.id),
        "purchase": public("pur", one.purchase),
        "amount_minor": one.amount_minor,
        "promised_on": one.promised_on,
        "due_at": one.due_at,
    }


def refunds_promise(
    purchase: str, amount_minor: int, /, *, promised_on: Told = None, by: By, json: Json = False
) -> None:
    """Note that a shop promised to give AMOUNT_MINOR of a PURCHASE back; what does not come is disputed."""
    with working() as (_, tx):
        actor, wanted = acting(tx, by), _purchase(purchase)
        made = promises.promise(tx, wanted, amount_minor, promised_on, actor, present(tx))
        if isinstance(made, Refusal):
            refuse(made)
    answer(_promise(made), json, lambda: pairs(_promise(made)))


def register(app: App) -> None:
    """Add these commands."""
    of_payments = App(name="payments", help="Payments.")
    of_payments.command(payments_list, name="list")
    of_payments.command(payments_correct, name="correct")
    app.command(of_payments)
    of_disputes = App(name="disputes", help="Charges that customers dispute.")
    of_disputes.command(disputes_list, name="list")
    of_disputes.command(disputes_open, name="open")
    of_disputes.command(disputes_resolve, name="resolve")
    app.command(of_disputes)
    refunds = App(name="refunds", help="Refunds that shops promise.")
    refunds.command(refunds_promise, name="promise")
    app.command(refunds)
