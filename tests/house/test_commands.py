"""Every command answers in one way: JSON on demand, and no cell that a spreadsheet computes."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from cyclopts import App

import whiteslip
from whiteslip.app.cli import app

HOUSE: Final = Path(whiteslip.__file__).parent
# Commands that give no data, or give it in a format of its own.
WITHOUT_JSON: Final = {
    "bureau events": "is JSON lines already",
    "policy pull": "writes the table itself, which is JSON",
    "privacy export": "writes a file that is JSON",
    "serve": "runs until it is stopped",
    "up": "runs until it is stopped",
    "worker": "runs until it is stopped",
    "webhooks listen": "runs until it is stopped",
}
# Whoever writes CSV without ``base.spreadsheet.csv_text``.
OWN_CSV: Final = {
    "base/spreadsheet.py": "is the guard",
    "intake/report.py": "writes row by row what was rejected, each cell inert",
    "intake/sample.py": "makes a portfolio of numbers for the import to read",
}


def commands(group: App, before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in group:
        if name.startswith("-"):
            continue
        below = group[name]
        if below.default_command:
            yield f"{before}{name}", below.default_command
        yield from commands(below, f"{before}{name} ")


def test_every_command_that_gives_data_gives_it_as_json_too():
    without = {name for name, act in commands(app()) if "json" not in inspect.signature(act).parameters}
    assert without == set(WITHOUT_JSON)


def test_a_command_is_found_alone_as_it_is_among_all():
    whole = app()
    names = [name for name in whole if not name.startswith("-")]
    alone = {name: app([name]) for name in names}
    assert all(dict(commands(alone[name][name])) == dict(commands(whole[name])) for name in names)
    assert all(len(list(alone[name])) < len(list(whole)) for name in names)


def test_every_csv_file_goes_through_the_guard_against_formulas():
    found: set[str] = set()
    for path in HOUSE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(attr="writer" | "DictWriter", value=ast.Name(id=name)) if "csv" in name:
                    found.add(str(path.relative_to(HOUSE)))
                case ast.ImportFrom(module="csv"):
                    found.add(str(path.relative_to(HOUSE)))
                case _:
                    pass
    assert found == set(OWN_CSV)
