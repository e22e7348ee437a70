"""Terminal manners: data on stdout, messages on stderr, JSON on demand, exit codes."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import IntEnum
from errno import ENOENT
from os import strerror
from pathlib import Path
from typing import Final, NoReturn, cast

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from whiteslip.base import Refusal
from whiteslip.base.spreadsheet import csv_text
from whiteslip.web.kit.i18n import Speech
from whiteslip.web.kit.sentences import sentence

# Control characters but tab and line feed: some terminals obey them (ECMA-48).
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


_LISTS: Final = {
    "line.not_found": "whiteslip lines list",
    "funding.not_found": "whiteslip funding list",
    "capacity.plan_not_found": "whiteslip capacity list",
    "terms.change_not_found": "whiteslip terms list",
    "model.not_found": "whiteslip models list",
    "notice.not_found": "whiteslip letters list",
}


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4
    UNHEALTHY = 5


class CommandError(Exception):
    """Ends a command with a message for a person and an exit code."""

    def __init__(self, message: str, code: Exit = Exit.ERROR, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def data(text: str) -> None:
    """Write data to stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # a program that goes on, to a pipe, has said it


def say(text: str) -> None:
    """Write a message to stderr."""
    sys.stderr.write(text + "\n")


def answer(result: object, as_json: bool, human: Callable[[], None]) -> None:
    """Give a command's result: one JSON document, or what ``human`` prints."""
    if as_json:
        data(msgspec.json.format(msgspec.json.encode(result, order="sorted"), indent=2).decode())
    else:
        human()


def csv_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows to stdout as CSV in which a spreadsheet computes nothing."""
    sys.stdout.write(csv_text(columns, rows))


def read_file(file: Path, hint: str | None = None) -> bytes:
    """The content of a file that a command was given. Raises CommandError: not found, or an error."""
    must_exist(file, hint)
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}", hint=hint) from None


def must_exist(file: Path, hint: str | None = None) -> None:
    """Raises CommandError, not found, where a file that a command was given is not there."""
    if not file.exists():
        raise CommandError(f"{file} cannot be read: {strerror(ENOENT)}", Exit.NOT_FOUND, hint)


def shown(cell: object) -> str:
    """A cell as text that moves no cursor and gives a terminal no order.

    What there is none of is blank; an instant is told in whole seconds of UTC, a share in six
    digits; ``--json`` tells all.
    """
    match cell:
        case None:
            return ""
        case float():
            return f"{cell:.6g}"
        case datetime():
            return cell.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case list() | tuple():
            return ", ".join(map(shown, cast("Sequence[object]", cell)))
        case _:
            return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", str(cell))


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    numbers: Sequence[str] = (),
    wrapped: Sequence[str] = (),
    none: str = "there is nothing to list",
) -> None:
    """Print a table to stdout; ``numbers`` are set flush right, ``wrapped`` may take several lines.

    Without rows a sentence on stderr, ``none``, says so.
    """
    if not rows:
        say(none)
        return
    grid = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        grid.add_column(
            column,
            justify="right" if column in numbers else "left",
            no_wrap=column not in wrapped,
            overflow="fold" if column in wrapped else "ellipsis",
        )
    for row in rows:
        grid.add_row(*(Text(shown(cell)) for cell in row))
    width = None if sys.stdout.isatty() else 200
    Console(file=sys.stdout, width=width, highlight=False).print(grid)


def pairs(values: Mapping[str, object]) -> None:
    """Print names and values to stdout, one pair a line."""
    longest = max(map(len, values), default=0)
    for name, value in values.items():
        data(f"{name.ljust(longest)}  {shown(value)}")


def in_words(refusal: Refusal) -> str:
    """What was refused, for a person, and its code and the facts left out, for whoever looks it up."""
    said = sentence(refusal, Speech("en", "UTC"))
    untold = {name: fact for name, fact in refusal.facts.items() if str(fact) not in said}
    return f"{said} [{Refusal(refusal.code, untold)}]"


def refuse(refusal: Refusal) -> NoReturn:
    """End the command with what was refused, and its code; what is not there leads to the list of what is."""
    missing = refusal.code.endswith("not_found")
    code = Exit.NOT_FOUND if missing else Exit.CONFLICT
    raise CommandError(in_words(refusal), code, _LISTS.get(refusal.code))


@contextmanager
def progress(label: str, total: int | None = None) -> Generator[Callable[[int], None]]:
    """A progress bar on stderr while something long runs; silent where there is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    shown = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
    with shown:
        task = shown.add_task(label, total=total)
        yield lambda done: shown.update(task, completed=done)
