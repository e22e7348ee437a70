"""Complaints as a terminal shows them."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from whiteslip import complaints
from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.terminal import CommandError, Exit, answer, pairs, refuse, table
from whiteslip.app.wiring import working
from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public
from whiteslip.complaints import Complaint, Outcome, Topic
from whiteslip.complaints import store as complaints_store
from whiteslip.complaints.model import Delay, Why
from whiteslip.store import Tx
from whiteslip.store.timers import present


def _row(found: Complaint) -> dict[str, Any]:
    return {
        "reference": found.reference,
        "topic": found.topic,
        "filed_at": found.filed_at,
        "due_at": found.due_at,
        "extensions": found.extensions,
        "overdue": found.overdue_at is not None,
        "outcome": found.outcome,
    }


def _known(tx: Tx, reference: str) -> Complaint:
    found = complaints_store.by_reference(tx, reference)
    if found is None:
        raise CommandError(
            f"there is no complaint {reference}", Exit.NOT_FOUND, hint="whiteslip complaints list"
        )
    return found


def _told(done: Complaint | Refusal, json: bool) -> None:
    if isinstance(done, Refusal):
        refuse(done)
    answer(_row(done), json, lambda: pairs(_row(done)))


def show_all(*, json: Json = False) -> None:
    """List complaints that wait for an answer, the nearest deadline first."""
    with working() as (_, tx):
        rows = [_row(found) for found in complaints_store.queue(tx)]
    columns = ["reference", "topic", "due_at", "extensions", "overdue"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows]))


def show(reference: str, /, *, json: Json = False) -> None:
    """Show one complaint by its reference."""
    with working() as (_, tx):
        found = _known(tx, reference)
    _told(found, json)


def file(customer: str, topic: Topic, /, *, by: By, json: Json = False) -> None:
    """File a complaint of CUSTOMER (cus_…) who is on the phone. It is acknowledged by letter."""
    wanted = parse_public("cus", customer)
    if wanted is None:
        refuse(Refusal("customer.not_found"))
    with working() as (platform, tx):
        ports = platform.ports
        issuer, now = ports.office.issuer_name, present(tx)
        done = complaints.file(
            tx, ports.vault, platform.pack, issuer, wanted, topic, "desk", acting(tx, by), now
        )
    _told(done, json)


def extend(reference: str, delay: Delay, /, *, by: By, json: Json = False) -> None:
    """Take longer to answer, as far as the pack allows. The complainant is told why."""
    with working() as (platform, tx):
        found, issuer = _known(tx, reference), platform.ports.office.issuer_name
        done = complaints.extend(tx, issuer, found.id, delay, acting(tx, by), present(tx))
    _told(done, json)


def final(reference: str, outcome: Outcome, why: Why, /, *, by: By, json: Json = False) -> None:
    """Answer a complaint for good."""
    with working() as (platform, tx):
        found, issuer = _known(tx, reference), platform.ports.office.issuer_name
        done = complaints.answer(tx, issuer, found.id, outcome, why, acting(tx, by), present(tx))
    _told(done, json)


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="complaints", help="Complaints and their clocks.")
    group.command(show_all, name="list")
    group.command(show, name="show")
    group.command(file, name="file")
    group.command(extend, name="extend")
    group.command(final, name="answer")
    app.command(group)
