"""Find the snapshot, run a measure, say how old the figures are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeAlias

from whiteslip import lake
from whiteslip.base import Refusal
from whiteslip.lake import Lake, Snapshot
from whiteslip.portfolio import kept
from whiteslip.portfolio.book import Book, load
from whiteslip.portfolio.engine import opened
from whiteslip.portfolio.model import SEGMENTS, Measure, Parameters, Result
from whiteslip.portfolio.registry import MEASURES

Figures: TypeAlias = tuple[list[str], list[list[Any]]]


def compute(
    place: Lake,
    name: str,
    as_of: date | None = None,
    segment: str = "none",
    parameters: Parameters | None = None,
    engine: str = "",
) -> Result | Refusal:
    """One measure as of a day, the newest snapshot's by default.

    Refusals: ``portfolio.measure_unknown``, ``portfolio.segment_unknown``, those of ``lake.newest``.
    """
    found = compute_all(place, as_of, segment, parameters, engine, [name])
    return found if isinstance(found, Refusal) else found[0]


def compute_all(
    place: Lake,
    as_of: date | None = None,
    segment: str = "none",
    parameters: Parameters | None = None,
    engine: str = "",
    names: Sequence[str] = tuple(MEASURES),
) -> list[Result] | Refusal:
    """Several measures of one snapshot; the book is built once, and only for what is not kept yet."""
    for name in names:
        if name not in MEASURES:
            return Refusal("portfolio.measure_unknown", {"measure": name, "known": ", ".join(MEASURES)})
    if segment not in SEGMENTS:
        return Refusal("portfolio.segment_unknown", {"segment": segment, "known": ", ".join(SEGMENTS)})
    snapshot = lake.newest(place, as_of)
    if isinstance(snapshot, Refusal):
        return snapshot
    given = parameters or Parameters()
    places = {name: kept.place_of(snapshot, name, segment, given, engine) for name in names}
    found = {name: kept.find(path) for name, path in places.items()}
    lacking = [name for name, figures in found.items() if figures is None]
    if lacking:
        with opened(engine) as running:
            book = load(running, snapshot, segment, given)
            for name in lacking:
                found[name] = columns, rows = _computed(book, MEASURES[name])
                kept.keep(places[name], columns, rows)
    asked = as_of or snapshot.day
    return [
        _result(MEASURES[name], figures, asked, segment, snapshot)
        for name, figures in found.items()
        if figures
    ]


def _computed(book: Book, measure: Measure) -> Figures:
    found = book.engine.rows(measure.express(book))
    rows = measure.finish(found) if measure.finish else found
    columns = [name for name in rows[0] if name != "point"] if rows else []
    return columns, sorted(([row[name] for name in columns] for row in rows), key=_order)


def _result(measure: Measure, figures: Figures, as_of: date, segment: str, taken: Snapshot) -> Result:
    return Result(
        measure.name, measure.title, measure.formula, measure.source,
        as_of, taken.day, taken.instead_of is not None, segment, *figures, taken.instead_of,
    )  # fmt: skip


def told(found: Result) -> Result:
    """The figures as a door tells them: where they are about those who leave, without small groups."""
    tell = MEASURES[found.measure].tell
    if tell is None:
        return found
    rows = tell(found.records())
    return replace(found, rows=[[row[name] for name in found.columns] for row in rows])


def prepare(place: Lake, engine: str = "") -> int:
    """Keep all figures of the newest snapshot, unsegmented, before anybody asks. Returns how many are new."""
    snapshot = lake.newest(place)
    if isinstance(snapshot, Refusal):
        return 0
    places = [kept.place_of(snapshot, name, "none", Parameters(), engine) for name in MEASURES]
    lacking = sum(not path.exists() for path in places)
    if lacking:
        compute_all(place, snapshot.day, engine=engine)
    return lacking


def _order(cells: Sequence[Any]) -> tuple[tuple[bool, Any], ...]:
    """Rows in the order of their columns, nulls last: the same on every engine."""
    return tuple((cell is None, cell if cell is not None else 0) for cell in cells)
