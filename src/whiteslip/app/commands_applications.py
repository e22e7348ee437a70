"""Applications as a terminal shows them."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from whiteslip.app.commands_setup import Json, Limit
from whiteslip.app.terminal import CommandError, Exit, answer, pairs, table
from whiteslip.app.wiring import working
from whiteslip.applications import Application, store
from whiteslip.applications.model import State


def _row(found: Application) -> dict[str, Any]:
    return {
        "reference": found.reference,
        "state": found.state,
        "outcome": found.outcome or "",
        "score": found.score,
        "limit_minor": found.limit_minor,
        "reasons": " ".join(found.reasons),
        "applied_at": found.applied_at.isoformat(),
    }


def applications_list(*, state: State | None = None, limit: Limit = 50, json: Json = False) -> None:
    """List applications, the newest first."""
    with working() as (_, tx):
        rows = [_row(found) for found in store.recent(tx, state, limit)]
    columns = ["reference", "state", "outcome", "score", "limit_minor", "reasons"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows]))


def applications_show(reference: str, /, *, json: Json = False) -> None:
    """Show one application by its reference, with its facts and their sources."""
    with working() as (_, tx):
        found = store.by_reference(tx, reference)
        facts = store.facts(tx, found.id) if found else []
    if found is None:
        raise CommandError(
            f"there is no application {reference}", Exit.NOT_FOUND, hint="whiteslip applications list"
        )
    row = _row(found) | {fact.name: f"{fact.value} ({fact.source})" for fact in facts}
    answer(row, json, lambda: pairs(row))


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="applications", help="Applications for a line.")
    group.command(applications_list, name="list")
    group.command(applications_show, name="show")
    app.command(group)
