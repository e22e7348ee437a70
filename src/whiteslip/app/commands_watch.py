"""The watch as a terminal shows it."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from whiteslip import watch
from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.settings import load
from whiteslip.app.terminal import CommandError, Exit, answer, csv_rows, data, pairs, refuse, say, table
from whiteslip.app.wiring import opened, working
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.store import Tx
from whiteslip.store.timers import present
from whiteslip.watch import Alert
from whiteslip.watch import store as watch_store


def _row(found: Alert) -> dict[str, Any]:
    return {
        "reference": found.reference,
        "line": public("line", found.line),
        "rule": found.rule,
        "act": found.act,
        "tells": found.tells,
        "raised_at": found.raised_at,
        "state": found.state,
        "right": found.label,
    }


def _known(tx: Tx, reference: str) -> Alert:
    found = watch_store.by_reference(tx, reference)
    if found is None:
        raise CommandError(f"there is no alert {reference}", Exit.NOT_FOUND, hint="whiteslip watch alerts")
    return found


def _told(done: Alert | Refusal, json: bool) -> None:
    if isinstance(done, Refusal):
        refuse(done)
    answer(_row(done), json, lambda: pairs(_row(done)))


def alerts(
    *,
    rule: Annotated[str | None, Parameter(help="All that this rule raised, also what is labelled.")] = None,
    json: Json = False,
) -> None:
    """List alerts that wait for somebody, the strongest act on top."""
    with working() as (_, tx):
        rows = [_row(found) for found in watch_store.waiting(tx, rule=rule)]
    columns = ["reference", "line", "rule", "act", "tells", "raised_at", "state"]
    answer(rows, json, lambda: table(columns, [[row[c] for c in columns] for row in rows]))


def ack(reference: str, /, *, by: By, json: Json = False) -> None:
    """Say that somebody looks into an alert."""
    with working() as (_, tx):
        done = watch.acknowledge(tx, _known(tx, reference).id, acting(tx, by), present(tx))
    _told(done, json)


def label(reference: str, outcome: Literal["true", "false"], /, *, by: By, json: Json = False) -> None:
    """Say what came of an alert: true or false. Saying it again corrects it."""
    with working() as (_, tx):
        done = watch.label(tx, _known(tx, reference).id, outcome == "true", acting(tx, by), present(tx))
    _told(done, json)


def labels(*, json: Json = False) -> None:
    """Write labelled alerts as CSV for the lab: the facts of each, and whether it was right."""
    with working() as (_, tx):
        rows = watch.labelled_facts(tx)

    def human() -> None:
        if rows:
            csv_rows(list(rows[0]), [list(row.values()) for row in rows])
        else:
            say("no alert is labelled yet; try: whiteslip watch label REFERENCE true --by NAME")

    answer(rows, json, human)


def rebuild(*, write: Annotated[bool, Parameter(negative="")] = False, json: Json = False) -> None:
    """Make every memory again from the first row of the journal and compare; exit code 1 when any
    differs. With --write they are put right.
    """
    differ, after = 0, None
    with opened(load(os.environ)) as platform:
        while True:
            with platform.database.transaction() as tx:
                after, found = watch.rebuild(tx, after, write)
            differ += len(found)
            if after is None:
                break
    told = {"differ": differ, "written": differ if write else 0}
    answer(
        told, json, lambda: data(f"{differ} memories differ" + (", put right" if write and differ else ""))
    )
    if differ and not write:
        raise CommandError("memories differ from the journal", hint="whiteslip watch rebuild --write")


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="watch", help="What the watch saw, and what came of it.")
    group.command(alerts, name="alerts")
    group.command(ack, name="ack")
    group.command(label, name="label")
    group.command(labels, name="labels")
    group.command(rebuild, name="rebuild")
    app.command(group)
