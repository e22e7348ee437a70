"""What is held of people: hand it over, erase what may go, keep what an authority orders."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from cyclopts import App

from whiteslip import privacy
from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.terminal import CommandError, Exit, answer, data, pairs, refuse, say, table
from whiteslip.app.wiring import working, write_private
from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public, public
from whiteslip.day.forgetting import FORGET
from whiteslip.privacy import requests
from whiteslip.privacy import store as privacy_store
from whiteslip.privacy.model import Delay, Outcome, Request, RequestKind, Why
from whiteslip.store import Tx
from whiteslip.store.timers import present


def _customer(text: str) -> UUID:
    found = parse_public("cus", text)
    if found is None:
        raise CommandError(f"a customer is written as cus_…, not {text!r}", Exit.USAGE)
    return found


def export(customer: str, /, *, out: Path, by: By) -> None:
    """Write everything that is held of CUSTOMER into one JSON file that only you can read."""
    wanted = _customer(customer)
    with working() as (platform, tx):
        found = privacy.export(tx, platform.ports.vault, wanted, acting(tx, by), present(tx))
    if isinstance(found, Refusal):
        refuse(found)
    try:
        write_private(out, msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from None
    say(f"everything that is held of {customer} is in {out}; hand it over and delete it")


def erase(customer: str, /, *, by: By, json: Json = False) -> None:
    """Erase what no law keeps of CUSTOMER. A letter tells them what stays and until when."""
    wanted = _customer(customer)
    with working() as (platform, tx):
        issuer = platform.ports.office.issuer_name
        done = privacy.erase(tx, wanted, FORGET, issuer, acting(tx, by), present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    shown = {
        "reference": done.reference,
        "erased": dict(done.erased),
        "kept": {kept.kind: kept.until for kept in done.kept},
    }
    answer(shown, json, lambda: pairs(shown))


def hold(customer: str, /, *, until: date, reference: str, by: By, json: Json = False) -> None:
    """Keep the records of CUSTOMER longer, as an authority's order with this REFERENCE demands."""
    wanted = _customer(customer)
    with working() as (_, tx):
        order = privacy.keep_longer(tx, wanted, reference, until, acting(tx, by), present(tx))
        if isinstance(order, Refusal):
            refuse(order)
    answer({"order": public("kpo", order.id)}, json, lambda: data(public("kpo", order.id)))


def release(order: str, /, *, by: By, json: Json = False) -> None:
    """End an authority's ORDER before its day."""
    wanted = parse_public("kpo", order)
    if wanted is None:
        raise CommandError(f"an order is written as kpo_…, not {order!r}", Exit.USAGE)
    with working() as (_, tx):
        done = privacy.release(tx, wanted, acting(tx, by), present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    answer({"order": order, "released": True}, json, lambda: say("the order is over"))


def show(customer: str, /, *, json: Json = False) -> None:
    """Tell what is kept of CUSTOMER, by which source and until when."""
    wanted = _customer(customer)
    with working() as (_, tx):
        known = privacy.overview(tx, wanted)
    if isinstance(known, Refusal):
        refuse(known)
    kept = {k.kind: {"until": k.until, "months": k.months, "source": k.source} for k in known.kept}
    shown = {"customer": customer, "left_on": known.ended_on, "gone_after": known.until, "kept": kept}
    answer(
        shown,
        json,
        lambda: pairs(
            {"left_on": known.ended_on or "-", "gone_after": known.until or "-"}
            | {k.kind: f"until {k.until}" if k.until else f"{k.months} months" for k in known.kept}
        ),
    )


def _row(found: Request) -> dict[str, Any]:
    return {
        "reference": found.reference,
        "kind": found.kind,
        "asked_at": found.asked_at,
        "due_at": found.due_at,
        "extended_for": found.delay,
        "overdue": found.overdue_at is not None,
        "outcome": found.outcome,
    }


def _asked(tx: Tx, reference: str) -> Request:
    found = privacy_store.request_by_reference(tx, reference)
    if found is None:
        raise CommandError(
            f"there is no request {reference}", Exit.NOT_FOUND, hint="whiteslip privacy requests"
        )
    return found


def _told(done: Request | Refusal, json: bool) -> None:
    if isinstance(done, Refusal):
        refuse(done)
    answer(_row(done), json, lambda: pairs(_row(done)))


def waiting(*, json: Json = False) -> None:
    """List requests about data that wait for an answer, the nearest deadline first."""
    with working() as (_, tx):
        rows = [_row(found) for found in privacy_store.requests_waiting(tx)]
    columns = ["reference", "kind", "due_at", "extended_for", "overdue"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows]))


def ask(customer: str, kind: RequestKind, /, *, by: By, json: Json = False) -> None:
    """Take a request of CUSTOMER (cus_…) about their data, on paper or over the phone."""
    wanted = _customer(customer)
    with working() as (platform, tx):
        ports, now = platform.ports, present(tx)
        issuer, actor = ports.office.issuer_name, acting(tx, by)
        done = requests.ask(tx, ports.vault, platform.pack, issuer, wanted, kind, "desk", actor, now)
    _told(done, json)


def extend(reference: str, delay: Delay, /, *, by: By, json: Json = False) -> None:
    """Take longer to answer a request, once, where the pack allows it. Who asked is told why."""
    with working() as (platform, tx):
        found, issuer = _asked(tx, reference), platform.ports.office.issuer_name
        done = requests.extend(tx, issuer, found.id, delay, acting(tx, by), present(tx))
    _told(done, json)


def final(reference: str, outcome: Outcome, why: Why, /, *, by: By, json: Json = False) -> None:
    """Answer a request about data for good."""
    with working() as (platform, tx):
        found, issuer = _asked(tx, reference), platform.ports.office.issuer_name
        done = requests.answer(tx, issuer, found.id, outcome, why, acting(tx, by), present(tx))
    _told(done, json)


def register(app: App) -> None:
    """Add the commands."""
    group = App(name="privacy", help="What is held of people, and erasing it.")
    for command in (ask, erase, export, extend, hold, release, show):
        group.command(command)
    group.command(final, name="answer")
    group.command(waiting, name="requests")
    app.command(group)
