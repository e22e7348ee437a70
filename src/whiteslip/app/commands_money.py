"""Payments, and what was wrong about them."""

from __future__ import annotations

import os
from datetime import date
from typing import Annotated, Any

from cyclopts import App, Parameter

from whiteslip.app.commands_people import line_named
from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.settings import load
from whiteslip.app.terminal import answer, pairs, refuse, table
from whiteslip.app.wiring import opened
from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public, public
from whiteslip.billing import store
from whiteslip.billing.model import Payment
from whiteslip.exits import owed
from whiteslip.store.timers import present


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
    with opened(load(os.environ)) as platform, platform.database.transaction() as tx:
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


def register(app: App) -> None:
    """Add these commands."""
    of_payments = App(name="payments", help="Payments.")
    of_payments.command(payments_list, name="list")
    of_payments.command(payments_correct, name="correct")
    app.command(of_payments)
