"""What a draft would have decided: stored decisions, decided again under another version.

It streams: memory does not grow with history. Nothing is kept here; see ``policies.note_backtest``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from whiteslip.base.spreadsheet import csv_text
from whiteslip.decisions.model import Contract, FactError, Kind, Outcome, Table, TableError
from whiteslip.decisions.tables import Engine
from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)
_ROWS_AT_ONCE: Final = 2_000
SHOWN: Final = 200
BAD_DAYS: Final = (30, 90)
_LATER: Final = ("followed", "late_30", "late_90")
_MONEY: Final = ("amount_minor", "owed_minor", "wanted_minor")


class Later(NamedTuple):
    """What followed a decision: the most days past due, and in words what became of who was decided about."""

    days: int
    became: Sequence[str] = ()


# Decisions -> what followed, for those that can be followed.
Follow: TypeAlias = Callable[[Sequence[UUID]], Mapping[UUID, Later]]


@dataclass(slots=True)
class Cell:
    """Decisions that were ``old`` and would be ``new``: how many, over what amount in minor units.

    ``followed`` of them can be followed; ``late_30`` and ``late_90`` of those were later 30 and 90
    days past due, and ``became`` counts what else became of them. All are counted where the outcome
    changes: that is the swap set.
    """

    old: str
    new: str
    count: int = 0
    minor: int = 0
    followed: int = 0
    late_30: int = 0
    late_90: int = 0
    became: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def is_change(self) -> bool:
        """Whether the outcome would be another."""
        return self.old != self.new


@dataclass(frozen=True, slots=True)
class Case:
    """A decision that would be another. Of one that is adjusted ``old`` and ``new`` name what differs."""

    decision: UUID
    subject: UUID
    at: datetime
    old: str
    new: str
    minor: int


@dataclass(slots=True)
class Adjusted:
    """Decisions whose deciding outcome stays and that differ otherwise, in a limit say; as in a cell."""

    count: int = 0
    minor: int = 0
    followed: int = 0
    late_30: int = 0
    late_90: int = 0
    became: dict[str, int] = field(default_factory=dict[str, int])
    cases: list[Case] = field(default_factory=list[Case])


@dataclass(slots=True)
class Backtest:
    """The matrix of a draft against history, and the first 200 cases that change, of each kind.

    ``adjusted`` are on the diagonal and differ in something else than reasons; ``reworded`` differ in
    reasons alone; ``undecidable`` have facts of an older contract. ``deciding`` names the outcome that
    the matrix is about, ``money`` the fact summed.
    """

    table_name: str
    version: str
    deciding: str
    money: str | None
    since: datetime | None
    until: datetime | None
    decisions: int = 0
    reworded: int = 0
    undecidable: int = 0
    adjusted: Adjusted = field(default_factory=Adjusted)
    cells: list[Cell] = field(default_factory=list[Cell])
    cases: list[Case] = field(default_factory=list[Case])

    @property
    def changed(self) -> int:
        """How many decisions would come out differently."""
        return sum(cell.count for cell in self.cells if cell.is_change) + self.adjusted.count


def deciding_outcome(contract: Contract) -> str:
    """The outcome that a table is about: its first one that is a flag or a code and always there."""
    plain = [
        name
        for name, each in contract.outcome.items()
        if each.type in (Kind.BOOLEAN, Kind.TEXT) and not each.nullable
    ]
    return plain[0] if plain else next(iter(contract.outcome))


def backtest(
    tx: Tx,
    table: Table,
    since: datetime | None = None,
    until: datetime | None = None,
    follow: Follow | None = None,
    shown: int = SHOWN,
) -> Backtest:
    """Decide again, by ``table``, what its name decided from ``since`` up to but not at ``until``.

    ``shown`` is how many of the cases that change, and of those that are adjusted, are listed.
    """
    facts = table.contract.facts
    money = next((name for name in _MONEY if name in facts), None)
    deciding = deciding_outcome(table.contract)
    found = Backtest(table.name, table.version, deciding, money, since, until)
    cells: dict[tuple[str, str], Cell] = {}
    engine = Engine([table])
    for rows in _chunks(tx, table.name, since, until):
        moved: _Moved = defaultdict(list)
        for row, new in zip(rows, _again(engine, table, [row[3] for row in rows]), strict=True):
            found.decisions += 1
            if new is None:
                found.undecidable += 1
                continue
            _count(found, cells, moved, row, new, shown)
        if follow:
            for key, ids in moved.items():
                _follow(found.adjusted if key is None else cells[key], follow(ids))
    found.cells = sorted(cells.values(), key=lambda cell: (cell.old, cell.new))
    return found


_Row: TypeAlias = tuple[UUID, UUID, datetime, dict[str, Any], dict[str, Any]]
# What changes, by its cell; None for what is adjusted.
_Moved: TypeAlias = defaultdict[tuple[str, str] | None, list[UUID]]


def _count(
    found: Backtest,
    cells: dict[tuple[str, str], Cell],
    moved: _Moved,
    row: _Row,
    new: Outcome,
    shown: int,
) -> None:
    decision, subject, at, facts, old = row
    key = (_word(old.get(found.deciding)), _word(new[found.deciding]))
    cell = cells.get(key)
    if cell is None:
        cell = cells[key] = Cell(*key)
    minor = facts[found.money] if found.money else 0
    cell.count += 1
    cell.minor += minor
    if cell.is_change:
        moved[key].append(decision)
        if len(found.cases) < shown:
            found.cases.append(Case(decision, subject, at, *key, minor))
        return
    differs = sorted(
        name for name in {*old, *new} if name != "reasons" and _word(old.get(name)) != _word(new.get(name))
    )
    if differs:
        moved[None].append(decision)
        found.adjusted.count += 1
        found.adjusted.minor += minor
        if len(found.adjusted.cases) < shown:
            said = (_named(old, differs), _named(new, differs))
            found.adjusted.cases.append(Case(decision, subject, at, *said, minor))
    elif old != new:
        found.reworded += 1


def _follow(count: Cell | Adjusted, later: Mapping[UUID, Later]) -> None:
    late, very_late = BAD_DAYS
    count.followed += len(later)
    count.late_30 += sum(1 for each in later.values() if each.days >= late)
    count.late_90 += sum(1 for each in later.values() if each.days >= very_late)
    for each in later.values():
        for word in each.became:
            count.became[word] = count.became.get(word, 0) + 1


def _again(engine: Engine, table: Table, facts: Sequence[dict[str, Any]]) -> Sequence[Outcome | None]:
    """The outcomes now; None for facts that the table's contract does not take."""
    try:
        return [outcome for _, outcome in engine.run_many(table, facts)]
    except (FactError, TableError):
        return [_one_again(engine, table, each) for each in facts]


def _one_again(engine: Engine, table: Table, facts: dict[str, Any]) -> Outcome | None:
    try:
        return engine.run(table, facts)[1]
    except (FactError, TableError):
        return None


def _chunks(tx: Tx, name: str, since: datetime | None, until: datetime | None) -> Generator[list[_Row]]:
    """Decisions from a cursor on the server, as bare rows."""
    with tx.conn.cursor(name="backtest") as cursor:
        cursor.execute(_queries.decisions_between.sql, {"name": name, "since": since, "until": until})
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield [(r["id"], r["subject"], r["at"], r["facts"], r["outcome"]) for r in rows]


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def _named(outcome: Outcome, names: Sequence[str]) -> str:
    return ", ".join(f"{name} {_word(outcome.get(name))}" for name in names)


def changed_csv(ran: Backtest) -> str:
    """Every listed case that changes, as CSV: the decision, whom it was about, when, and which way.

    What an outcome says comes from a draft that anybody may have written: no cell starts a formula.
    """
    heads = ("decision", "subject", "at", "was", "would_be", "minor")
    return csv_text(
        heads,
        (
            (c.decision, c.subject, c.at.isoformat(), _plain(c.old), _plain(c.new), c.minor)
            for c in (*ran.cases, *ran.adjusted.cases)
        ),
    )


def matrix_csv(ran: Mapping[str, Any]) -> str:
    """The matrix of a backtest that was kept, as CSV: counts and minor units of each old and new outcome.

    What followed is counted where the outcome changes, and empty elsewhere. The last row, *adjusted*, is
    within the rows of an outcome that stays; who kept a backtest before there was one has none.
    """
    rows: list[list[object]] = []
    for cell in ran["cells"]:
        told: Sequence[object] = _followed(cell) if cell["old"] != cell["new"] else ("", "", "", "")
        rows.append([_plain(cell["old"]), _plain(cell["new"]), cell["count"], cell["minor"], *told])
    adjusted = ran.get("adjusted")
    if adjusted and adjusted["count"]:
        rows.append(["adjusted", "adjusted", adjusted["count"], adjusted["minor"], *_followed(adjusted)])
    return csv_text(("was", "would_be", "count", "minor", *_LATER, "became"), rows)


def _followed(counted: Mapping[str, Any]) -> list[object]:
    return [*(counted[name] for name in _LATER), became_words(counted.get("became") or {})]


def became_words(became: Mapping[str, int]) -> str:
    """What became of how many, as ``closed 3, held 1``."""
    return ", ".join(f"{word} {became[word]}" for word in sorted(became))


def _plain(text: str) -> str:
    return " ".join(text.split())
