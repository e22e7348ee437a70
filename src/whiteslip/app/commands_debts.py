"""Debts sold, as a terminal shows them. One person at a terminal proposes; another key or desk agrees."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from cyclopts import App

from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.terminal import CommandError, Exit, answer, pairs, refuse, table
from whiteslip.app.wiring import working
from whiteslip.base import Refusal, local_day
from whiteslip.base.ids import parse_public, public
from whiteslip.billing import handover, sales
from whiteslip.billing.sales import Buyer, Sale, State
from whiteslip.exits import debtsales
from whiteslip.store import Tx
from whiteslip.store.timers import present


def _buyer(one: Buyer) -> dict[str, Any]:
    return {
        "id": public("byr", one.id),
        "name": one.name,
        "pay_to": one.pay_to,
        "currency": one.currency,
        "due_minor": one.due_minor,
    }


def _sale(one: Sale) -> dict[str, Any]:
    return {
        "line": public("line", one.line),
        "state": one.state,
        "buyer": one.buyer_name,
        "price_minor": one.price_minor,
        "passes_at": one.passes_at,
        "sold_on": one.on_day,
        "face_minor": one.face_minor,
        "left_minor": one.left_minor,
    }


def _known(tx: Tx, name: str) -> Buyer:
    found = next((one for one in sales.buyers(tx) if name in (one.name, public("byr", one.id))), None)
    if found is None:
        raise CommandError(f"there is no buyer {name}", Exit.NOT_FOUND, hint="whiteslip debts buyers")
    return found


def _line(text: str) -> UUID:
    found = parse_public("line", text)
    if found is None:
        refuse(Refusal("line.not_found"))
    return found


def buyers(*, json: Json = False) -> None:
    """List who buys debts, and what is owed to them."""
    with working() as (_, tx):
        rows = [_buyer(one) for one in sales.buyers(tx)]
    columns = ["id", "name", "currency", "due_minor"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows], ["due_minor"]))


def add_buyer(name: str, pay_to: str, /, *, by: By, currency: str | None = None, json: Json = False) -> None:
    """Register NAME as a buyer; PAY_TO is where customers pay them, and is printed in letters."""
    with working() as (platform, tx):
        made = sales.add_buyer(
            tx, name, pay_to, currency or platform.pack.currency, acting(tx, by), present(tx)
        )
    if isinstance(made, Refusal):
        refuse(made)
    answer(_buyer(made), json, lambda: pairs(_buyer(made)))


def sell(line: str, buyer: str, price_minor: int, /, *, by: By, json: Json = False) -> None:
    """Propose to sell the debt of LINE to BUYER; the same by somebody else agrees."""
    with working() as (platform, tx):
        known, office, actor = _known(tx, buyer), platform.ports.office, acting(tx, by)
        done = debtsales.sell(tx, office, _line(line), known.id, price_minor, actor, present(tx))
    if isinstance(done, Refusal):
        refuse(done)
    answer(_sale(done), json, lambda: pairs(_sale(done)))


def call_off(line: str, /, *, by: By, json: Json = False) -> None:
    """Call off the sale of the debt of LINE that was agreed, while its days of notice run."""
    with working() as (platform, tx):
        now, actor = present(tx), acting(tx, by)
        refused = debtsales.call_off(tx, platform.ports.office, _line(line), actor, now)
    if refused:
        refuse(refused)
    shown = {"line": line, "called_off_at": now}
    answer(shown, json, lambda: pairs(shown))


def show(line: str, /, *, json: Json = False) -> None:
    """Show who owns the debt of LINE."""
    with working() as (_, tx):
        found = sales.newest(tx, _line(line))
    if found is None:
        refuse(Refusal("sale.not_found"))
    answer(_sale(found), json, lambda: pairs(_sale(found)))


def waiting(*, json: Json = False) -> None:
    """List sales that wait for a second person."""
    with working() as (_, tx):
        rows = [_sale(one) for one in sales.proposals(tx, None, 200) if one.state is State.PROPOSED]
    columns = ["line", "buyer", "price_minor"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows], ["price_minor"]))


def remit(buyer: str, /, *, by: By, json: Json = False) -> None:
    """Send BUYER what reached us of debts they own."""
    with working() as (platform, tx):
        now = present(tx)
        today = local_day(now, platform.pack.timezone)
        sent = sales.remit(tx, _known(tx, buyer).id, today, acting(tx, by), now)
    if isinstance(sent, Refusal):
        refuse(sent)
    shown = {"buyer": buyer, "remitted_minor": sent}
    answer(shown, json, lambda: pairs(shown))


def sold(buyer: str, /, *, since: str = "2000-01-01", json: Json = False) -> None:
    """Write what BUYER bought since a day as CSV: sums, days and references, nobody's name."""
    try:
        first = date.fromisoformat(since)
    except ValueError:
        raise CommandError(f"--since is a day such as 2026-11-20, not {since}", Exit.USAGE) from None
    with working() as (_, tx):
        rows = handover.sold_to(tx, _known(tx, buyer).id, first)
    if isinstance(rows, Refusal):
        refuse(rows)

    def write() -> None:
        sys.stdout.write(handover.as_csv(rows))

    answer([asdict(row) for row in rows], json, write)


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="debts", help="Debts sold, and who owns them.")
    group.command(buyers, name="buyers")
    group.command(add_buyer, name="add-buyer")
    group.command(sell, name="sell")
    group.command(call_off, name="call-off")
    group.command(show, name="show")
    group.command(waiting, name="waiting")
    group.command(remit, name="remit")
    group.command(sold, name="sold")
    app.command(group)
