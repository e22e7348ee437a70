"""Tables: rows of a file, read as a stream. A row that cannot be used is left out and told."""

from __future__ import annotations

import csv
import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from whiteslip.decisions.scoring import derive
from whiteslip.lab.model import Flags, Floats, LabError
from whiteslip.lab.recipe import FactRecipe, Group, Recipe

LONGEST_LINE: Final = 1 << 20
_KEPT_FAULTS: Final = 1_000
_NOT_KNOWN: Final = float("nan")
_TURNED_DOWN: Final = -1.0


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a row was left out: the line of the file, the column, what is wrong. No cell is repeated."""

    line: int
    column: str
    why: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in columns.

    ``facts`` has a column per fact of the recipe, absent ones not a number. ``event`` is 1.0, 0.0,
    or -1.0 where the outcome is not known because somebody was turned down. ``unseen`` marks rows
    kept from fitting. ``groups`` are the protected columns as texts.
    """

    facts: Floats
    event: Floats
    unseen: Flags
    groups: Mapping[str, list[str]]
    sha256: str
    read: int
    faults: tuple[RowFault, ...]
    left_out: int

    @property
    def known(self) -> Flags:
        """Rows whose outcome is known."""
        return self.event >= 0


@dataclass(slots=True)
class _Columns:
    """A table while it grows: machine numbers, not Python objects, so 100 MB of text stay small."""

    facts: array[float] = field(default_factory=lambda: array("d"))
    event: array[float] = field(default_factory=lambda: array("d"))
    place: array[int] = field(default_factory=lambda: array("q"))
    times: list[str] = field(default_factory=list[str])
    groups: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    faults: list[RowFault] = field(default_factory=list[RowFault])
    read: int = 0
    left_out: int = 0


class _RowError(ValueError):
    """A cell that cannot be used."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(column, why)
        self.column, self.why = column, why


def read_table(path: Path, recipe: Recipe, tell: Callable[[int], None] = lambda _: None) -> Table:
    """Read a CSV file by a recipe. ``tell`` hears how many bytes have been read.

    Raises LabError for a file that cannot be opened, has no such columns, or leaves fewer than two
    rows of either outcome.
    """
    digest = hashlib.sha256()
    columns = _Columns(groups={name: [] for name in recipe.protected})
    try:
        with path.open("rb") as file:
            lines = _lines(file, digest.update, tell)
            rows = csv.reader(lines, strict=True)
            header = _header(path, rows, recipe)
            _read_rows(rows, header, recipe, columns)
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}") from None
    table = _table(columns, recipe, digest.hexdigest())
    fitted = table.event[~table.unseen & table.known]
    if min((fitted == 1).sum(), (fitted == 0).sum()) < 2:
        raise LabError(
            f"{path} leaves too few rows to fit: {columns.left_out} of {columns.read} were left out"
        )
    return table


def _lines(file: Iterable[bytes], eat: Callable[[bytes], None], tell: Callable[[int], None]) -> Iterator[str]:
    """Lines as text; what is not UTF-8 becomes a sign that no number has, so its row is told."""
    done = 0
    reader = getattr(file, "readline", None)
    while reader and (line := reader(LONGEST_LINE)):
        eat(line)
        done += len(line)
        tell(done)
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            raise LabError(f"a line is longer than {LONGEST_LINE} bytes: this is no table")
        yield line.decode("utf-8-sig" if done == len(line) else "utf-8", errors="replace").replace(
            "\0", "\ufffd"
        )


def _header(path: Path, rows: Iterator[list[str]], recipe: Recipe) -> dict[str, int]:
    try:
        names = next(rows, list[str]())
    except csv.Error as error:
        raise LabError(f"{path} is no CSV table: {error}") from None
    places = {name.strip(): place for place, name in enumerate(names)}
    wanted = [recipe.id, *recipe.outcome_columns, *(f.column for f in recipe.facts.values())]
    wanted += [recipe.event.before] if recipe.event else []
    wanted += [group.column for group in recipe.protected.values()] + ([recipe.time] if recipe.time else [])
    absent = sorted(set(wanted) - places.keys())
    if absent:
        raise LabError(f"{path} has no column {', '.join(absent)}; it has {', '.join(names[:40]) or 'none'}")
    return places


def _read_rows(
    rows: Iterator[list[str]], header: Mapping[str, int], recipe: Recipe, columns: _Columns
) -> None:
    width = max(header.values()) + 1
    line = 1
    while True:
        line += 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            _leave_out(columns, RowFault(line, "", str(error)))
            continue
        if not cells:
            continue
        columns.read += 1
        try:
            if len(cells) < width:
                raise _RowError("", f"has {len(cells)} cells, not {width}: cut off?")
            _take(cells, header, recipe, columns)
        except _RowError as fault:
            _leave_out(columns, RowFault(line, fault.column, fault.why))


def _leave_out(columns: _Columns, fault: RowFault) -> None:
    columns.left_out += 1
    if len(columns.faults) < _KEPT_FAULTS:
        columns.faults.append(fault)


def _take(cells: list[str], header: Mapping[str, int], recipe: Recipe, columns: _Columns) -> None:
    """One row: all of it is understood before any of it is kept."""
    numbers = [_fact(cells[header[f.column]].strip(), f, recipe) for f in recipe.facts.values()]
    event = _event(cells, header, recipe)
    groups = {name: _group(cells[header[g.column]].strip(), g) for name, g in recipe.protected.items()}
    columns.facts.extend(numbers)
    columns.event.append(event)
    columns.place.append(_share(recipe.seed, cells[header[recipe.id]].strip()))
    if recipe.time:
        columns.times.append(cells[header[recipe.time]].strip())
    for name, group in groups.items():
        columns.groups[name].append(group)


def _event(cells: list[str], header: Mapping[str, int], recipe: Recipe) -> float:
    """1.0 where it came, 0.0 where it did not."""
    told = [cells[header[column]].strip() for column in recipe.outcome_columns]
    empty = [
        column for column, text in zip(recipe.outcome_columns, told, strict=True) if text in recipe.missing
    ]
    if empty:
        if recipe.reject_inference == "none":
            raise _RowError(empty[0], "is empty, and the recipe does not infer from who was turned down")
        return _TURNED_DOWN
    if recipe.event is None:
        return float(_same(told[0], recipe.target_is))
    before = recipe.event.before
    if _number(cells[header[before]].strip(), before) >= recipe.event.at_least:
        raise _RowError(before, "says that it had come already: nobody to wait for")
    numbers = [_number(text, column) for column, text in zip(recipe.outcome_columns, told, strict=True)]
    return float(max(numbers) >= recipe.event.at_least)


def _number(text: str, column: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _RowError(column, "is no number") from None


def _same(answer: str, wanted: str) -> bool:
    """Whether a target is the event: as texts, or as numbers (1.0 is 1)."""
    if answer == wanted:
        return True
    try:
        return float(answer) == float(wanted)
    except ValueError:
        return False


def _share(seed: str, identifier: str) -> int:
    """0 to 99, the same for the same row whatever else the file holds."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{identifier}".encode()).digest()[:8]) % 100


def _fact(text: str, fact: FactRecipe, recipe: Recipe) -> float:
    if text in recipe.missing:
        if fact.may_miss:
            return _NOT_KNOWN
        raise _RowError(fact.column, "is empty")
    if fact.levels:
        if text not in fact.levels:
            raise _RowError(fact.column, f"is none of {', '.join(fact.levels)}")
        return float(fact.levels.index(text))
    number = _number(text, fact.column)
    if not fact.least <= number <= fact.most:  # not-a-number is in no range
        raise _RowError(fact.column, f"is not from {fact.least:g} to {fact.most:g} {fact.unit}")
    return number


def _group(text: str, group: Group) -> str:
    if not group.bands:
        return text or "not known"
    try:
        number = float(text)
    except ValueError:
        return "not known"
    edges = [None, *group.bands, None]
    place = bisect_right(group.bands, number)
    low, high = edges[place], edges[place + 1]
    if low is None:
        return f"under {high:g}"
    return f"{low:g} and over" if high is None else f"{low:g} to {high:g}"


def _table(columns: _Columns, recipe: Recipe, sha256: str) -> Table:
    # The machine numbers as they are: a copy would take as much memory again.
    flat = np.frombuffer(columns.facts, dtype=np.float64) if columns.facts else np.zeros(0)
    facts = flat.reshape(len(columns.event), len(recipe.facts))
    if recipe.time:
        # Instants as ISO texts sort as they happened; the latest rows are the unseen ones.
        ordered = np.argsort(np.array(columns.times), kind="stable")
        unseen = np.zeros(len(ordered), dtype=np.bool_)
        unseen[ordered[len(ordered) * (100 - recipe.unseen_percent) // 100 :]] = True
    else:
        unseen = np.array(columns.place, dtype=np.int64) < recipe.unseen_percent
    return Table(
        facts,
        np.array(columns.event, dtype=np.float64),
        unseen,
        columns.groups,
        sha256,
        columns.read,
        tuple(columns.faults),
        columns.left_out,
    )


def columns_of(recipe: Recipe, facts: Floats) -> Floats:
    """What a model reads: the facts, and what is derived from them by the code that derives live."""
    names = list(recipe.facts)
    made = [facts[:, [names.index(name) for name in names if recipe.facts[name].scored]]]
    for derived in recipe.model_derived():
        places = [names.index(name) for name in derived.of]
        picked: list[list[float]] = facts[:, places].tolist()
        values = [derive(derived, [None if v != v else v for v in row]) for row in picked]
        made.append(np.array([_NOT_KNOWN if v is None else v for v in values], dtype=np.float64)[:, None])
    return np.concatenate(made, axis=1)
