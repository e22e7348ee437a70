"""Find the snapshot, run a measure, say how old the figures are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from whiteslip import lake
from whiteslip.base import Refusal
from whiteslip.lake import Lake
from whiteslip.portfolio.book import Book, load
from whiteslip.portfolio.engine import opened
from whiteslip.portfolio.model import SEGMENTS, Measure, Parameters, Result
from whiteslip.portfolio.registry import MEASURES


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
    """Several measures of one snapshot; the book is built once."""
    for name in names:
        if name not in MEASURES:
            return Refusal("portfolio.measure_unknown", {"measure": name, "known": ", ".join(MEASURES)})
    if segment not in SEGMENTS:
        return Refusal("portfolio.segment_unknown", {"segment": segment, "known": ", ".join(SEGMENTS)})
    snapshot = lake.newest(place, as_of)
    if isinstance(snapshot, Refusal):
        return snapshot
    with opened(engine) as running:
        book = load(running, snapshot, segment, parameters or Parameters())
        return [_result(book, MEASURES[name], as_of or snapshot.day, segment, snapshot.day) for name in names]


def _result(book: Book, measure: Measure, as_of: date, segment: str, day: date) -> Result:
    found = book.engine.rows(measure.express(book))
    rows = measure.finish(found) if measure.finish else found
    columns = [name for name in rows[0] if name != "point"] if rows else []
    cells = sorted(([row[name] for name in columns] for row in rows), key=_order)
    return Result(
        measure.name, measure.title, measure.formula, measure.source,
        as_of, day, day < as_of, segment, columns, cells,
    )  # fmt: skip


def _order(cells: Sequence[Any]) -> tuple[tuple[bool, Any], ...]:
    """Rows in the order of their columns, nulls last: the same on every engine."""
    return tuple((cell is None, cell if cell is not None else 0) for cell in cells)
