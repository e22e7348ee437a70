"""What the packs say, and whether they say it in good form."""

from __future__ import annotations

from dataclasses import asdict

from cyclopts import App

from whiteslip import packs
from whiteslip.app.commands_setup import Json
from whiteslip.app.terminal import CommandError, Exit, answer, data, table
from whiteslip.packs import PackError


def show(name: str | None = None, /, *, json: Json = False) -> None:
    """List the packs; or what pack NAME says, with source, verified or not, and the duty it serves."""
    if name is None:
        found = [packs.load(each) for each in packs.names()]
        listed = [
            {
                "name": pack.name,
                "title": pack.title,
                "currency": pack.currency,
                "timezone": pack.timezone,
                "verified": sum(parameter.verified for parameter in pack.parameters.values()),
                "parameters": len(pack.parameters),
            }
            for pack in found
        ]
        columns = list(listed[0])
        answer(listed, json, lambda: table(columns, [list(row.values()) for row in listed]))
        return
    try:
        pack = packs.load(name)
    except PackError as error:
        raise CommandError(str(error), Exit.NOT_FOUND) from None
    rows = [asdict(parameter) for parameter in pack.listed()]
    columns = ["key", "value", "unit", "verified", "pack", "duty", "source"]
    shown = [
        ["yes" if cell is True else "no" if cell is False else cell for cell in _row(row, columns)]
        for row in rows
    ]
    answer(rows, json, lambda: table(columns, shown, numbers=["value"]))


def _row(row: dict[str, object], columns: list[str]) -> list[object]:
    return [row[column] for column in columns]


def check() -> None:
    """Look whether each number of each pack has its unit, source and duty; exit code 1 when not."""
    faults = packs.check()
    if faults:
        raise CommandError("the packs have faults:\n" + "\n".join(faults))
    data(f"{len(packs.names())} packs are in good form")


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="packs", help="Jurisdiction packs: what the law demands, as sourced parameters.")
    group.command(show)
    group.command(check)
    app.command(group)
