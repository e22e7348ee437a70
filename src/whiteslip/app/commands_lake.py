"""Snapshots of the books: take, look at, ask."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from typing import Annotated

from cyclopts import App, Parameter

from whiteslip import lake
from whiteslip.app.commands_setup import Json
from whiteslip.app.settings import load
from whiteslip.app.terminal import (
    CommandError,
    Exit,
    answer,
    csv_rows,
    data,
    in_words,
    pairs,
    refuse,
    say,
    table,
)
from whiteslip.app.wiring import Platform, lake_of, opened, working
from whiteslip.base import Refusal, end_of_day
from whiteslip.lake import Lake, Snapshot
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.store.timers import present

Csv = Annotated[bool, Parameter(help="Print CSV instead of a table.")]
AsOf = Annotated[date | None, Parameter(help="The day asked for; the newest snapshot by default.")]


def the_lake() -> Lake:
    """The lake of this installation; ends the command where it is switched off."""
    found = lake_of(load(os.environ))
    if found is None:
        refuse(Refusal("lake.off"))
    return found


def the_snapshot(place: Lake, as_of: date | None) -> Snapshot:
    """The newest whole snapshot; says on stderr when it stands in for another day."""
    found = lake.newest(place, as_of or last_sealed())
    if isinstance(found, Refusal):
        raise CommandError(in_words(found), Exit.NOT_FOUND, hint="whiteslip lake export")
    say_stale(found.day, found.instead_of)
    return found


def last_sealed() -> date | None:
    """The day that figures are wanted of; None where there is no database to ask."""
    try:
        with working() as (_, tx):
            return last_sealed_day(tx)
    except CommandError:
        return None


def say_stale(day: date, instead_of: Refusal | None) -> None:
    """Say on stderr that figures are not of the day asked for, and why."""
    if instead_of:
        say(f"{in_words(instead_of)} These are the figures of {day}")


def take_snapshot(platform: Platform, place: Lake, day: date) -> Snapshot:
    """Snapshot a sealed day."""
    zone = platform.pack.timezone
    with platform.database.transaction() as tx:
        now = present(tx)
    taken = lake.export(platform.database, place, day, end_of_day(day, zone), zone, now)
    if isinstance(taken, Refusal):
        refuse(taken)
    return taken


def export(day: date | None = None, /, *, json: Json = False) -> None:
    """Snapshot the books of a sealed DAY, the last one by default, and check it by the ledger."""
    place = the_lake()
    with opened(load(os.environ)) as platform:
        with platform.database.transaction() as tx:
            last = last_sealed_day(tx)
        if last is None:
            raise CommandError("no day is sealed yet", Exit.CONFLICT, hint="whiteslip day seal")
        taken = take_snapshot(platform, place, day or last)
    manifest = taken.manifest
    rows = {name: file.rows for name, file in manifest.files.items()}
    shown = {"day": taken.day, "written": taken.fresh, "rows": rows, "totals": manifest.totals}

    def human() -> None:
        data(f"{taken.day}: {'written' if taken.fresh else 'there already'}, agrees with the ledger")
        pairs(rows)

    answer(shown, json, human)


def verify(*, json: Json = False) -> None:
    """Look at every snapshot byte by byte, and for days that are missing; exit code 1 for faults."""
    sound, faults = lake.verify(the_lake())
    older = [snapshot for snapshot in sound if snapshot.tables != lake.TABLES]
    shown = {
        "sound": [snapshot.day for snapshot in sound],
        "older_schema": [snapshot.day for snapshot in older],
        "faults": [{"day": f.day, "code": f.code, "detail": f.detail} for f in faults],
    }

    def human() -> None:
        for fault in faults:
            data(f"{fault.day}  {fault.code}  {fault.detail}".rstrip())
        data(f"{len(sound)} snapshots are whole, {len(faults)} faults")
        if older:
            missing = ", ".join(name for name in lake.TABLES if name not in older[0].tables)
            data(f"{len(older)} of them are of an older schema, without {missing}")

    answer(shown, json, human)
    if faults:
        raise CommandError("the lake is not whole", hint="whiteslip lake export DAY")


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[object]], as_csv: bool) -> None:
    """Rows as a table, or as CSV."""
    if as_csv:
        csv_rows(columns, rows)
    else:
        table(columns, [["" if cell is None else cell for cell in row] for row in rows])


def query(sql: str, /, *, as_of: AsOf = None, csv: Csv = False, json: Json = False) -> None:
    """Answer a SELECT on the newest whole snapshot.

    Its tables are line, plan, instalment, settlement, payment, hardship, decision, exit, score and lock.
    """
    snapshot = the_snapshot(the_lake(), as_of)
    found = lake.read(snapshot, sql)
    if isinstance(found, Refusal):
        raise CommandError(in_words(found), Exit.USAGE)
    columns, rows = found
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    shown = {"day": snapshot.day, "rows": records}
    answer(shown, json, lambda: print_rows(columns, rows, csv))


def register(app: App) -> None:
    """Add these commands."""
    lakes = App(name="lake", help="Snapshots of the books for figures about the portfolio.")
    lakes.command(export)
    lakes.command(verify)
    lakes.command(query)
    app.command(lakes)
