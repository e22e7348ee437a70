"""Jurisdiction packs at a terminal: their numbers with source and duty, and whether they are sound."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from cyclopts import App

from whiteslip import packs
from whiteslip.app.commands_setup import Json
from whiteslip.app.terminal import CommandError, Exit, answer, data, pairs, read_file, say, table
from whiteslip.billing.rules import built_in
from whiteslip.exits import demands
from whiteslip.packs import Pack, PackError, Parameter, Unit

_COLUMNS = ("key", "value", "unit", "verified", "from", "duty", "source")
_TEXTS = ("key", "value", "verified", "from", "duty", "source")


def show(name: str | None = None, /, *, json: Json = False) -> None:
    """Show a pack: each number with its unit, source and duty. Without NAME, list the packs.

    Verified says that the source was read for this pack's own law. A duty that is served is no
    statement that whoever runs Whiteslip complies with the law.
    """
    if name is None:
        rows = [_head(packs.load(each)) for each in packs.names()]
        answer(rows, json, lambda: table(list(rows[0]), [list(row.values()) for row in rows]))
        return
    try:
        pack = packs.load(name)
    except PackError as error:
        raise CommandError(str(error), Exit.NOT_FOUND, hint="whiteslip packs show") from None
    until = packs.make_up_days_until(pack.calendar)
    head = _head(pack) | {"make_up_days_until": until}

    def human() -> None:
        pairs({what: value for what, value in head.items() if value is not None})
        for columns, wanted in ((_COLUMNS, False), (_TEXTS, True)):
            data("")
            rows = [_row(one) for one in pack.listed() if (one.unit is Unit.TEXT) is wanted]
            shown = [[_cell(row, column) for column in columns] for row in rows]
            table(columns, shown, [] if wanted else ["value"], ["value", "source"] if wanted else ["source"])

    parameters = [_row(one) | {"duty": asdict(packs.duties()[one.duty])} for one in pack.listed()]
    answer(head | {"parameters": parameters}, json, human)


def check(file: Path | None = None, /, *, json: Json = False) -> None:
    """Check the packs that ship and their duties, or a FILE of your own; exit code 1 for faults.

    Every path of leaving is walked: it sends exactly the letters that the pack demands.
    """
    if file:
        read_file(file)
    faults = packs.check(file)
    if not faults:
        found = [packs.read(file)] if file else [packs.load(name) for name in packs.names()]
        faults = [fault for pack in found for fault in built_in(pack)] + demands.check(found)
    told = {"packs": [str(file)] if file else packs.names(), "faults": faults}
    if not file:
        told |= {"duties": len(packs.duties()), "not_served": _not_served()}

    def human() -> None:
        for fault in faults:
            say(fault)
        if not faults:
            data(f"{file} is sound" if file else _sound())

    answer(told, json, human)
    if faults:
        raise CommandError("not sound")


def _not_served() -> list[str]:
    """Served are the duties that tests hold; these are not."""
    return [duty.id for duty in packs.duties().values() if not duty.tests]


def _sound() -> str:
    """What ships is well-formed; the duties that are not served are named apart."""
    count, told = len(packs.duties()), _not_served()
    said = f"{len(packs.names())} packs are sound; {count - len(told)} of {count} duties are served"
    return f"{said}; not yet {', '.join(told)}" if told else said


def _head(pack: Pack) -> dict[str, Any]:
    return {
        "name": pack.name,
        "title": pack.title,
        "currency": pack.currency,
        "timezone": pack.timezone,
        "calendar": pack.calendar_name,
        "country": pack.country,
    }


def _cell(row: dict[str, Any], column: str) -> object:
    if column == "verified":
        return "yes" if row[column] else "no"
    return row[column]


def _row(one: Parameter) -> dict[str, Any]:
    return {
        "key": one.key,
        "value": one.value,
        "unit": one.unit,
        "verified": one.verified,
        "from": one.pack,
        "duty": one.duty,
        "source": one.source,
    }


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="packs", help="Jurisdiction packs.")
    group.command(show)
    group.command(check)
    app.command(group)
