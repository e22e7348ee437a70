"""All measures by name, with what each counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from whiteslip.base import end_of_day
from whiteslip.insight import measures, modelled, store, uplift
from whiteslip.insight.model import Measure, Row, Window
from whiteslip.portfolio.registry import words_of
from whiteslip.store import Tx

# What somebody did is looked at for so long, and what followed for so long after that.
_DID_DAYS, _FOLLOWED_DAYS = 90, 180
_SCORED_MOST: Final = 2_000


def _bounds(window: Window) -> tuple[datetime, datetime]:
    """The last instant before the window, and its last."""
    return (
        end_of_day(window.since - timedelta(days=1), window.timezone),
        end_of_day(window.until, window.timezone),
    )


def _counted(name: str) -> Callable[[Tx, Window], Sequence[Row]]:
    """A query of the store that takes the window's instants."""

    def gather(tx: Tx, window: Window) -> Sequence[Row]:
        since, until = _bounds(window)
        return store.counted(
            tx,
            name,
            since=since,
            until=until,
            since_day=window.since,
            until_day=window.until,
            segment=window.segment,
            timezone=window.timezone,
        )

    return gather


def _steps(tx: Tx, window: Window) -> Sequence[Any]:
    return store.steps(tx, *_bounds(window), window.segment)


def _outcomes(tx: Tx, window: Window) -> Sequence[Row]:
    cut = window.until - timedelta(days=_FOLLOWED_DAYS)
    start = cut - timedelta(days=_DID_DAYS)
    return store.counted(
        tx,
        "outcomes",
        start=end_of_day(start, window.timezone),
        cut=end_of_day(cut, window.timezone),
        cut_day=cut,
        until_day=window.until,
        segment=window.segment,
    )


def looks(tx: Tx, window: Window) -> Sequence[uplift.Look]:
    """Every look there ever was at an offer, as it stands at the window's end."""
    return store.looks(tx, _bounds(window)[1], window.timezone)


def line_facts(tx: Tx, day: date, timezone: str, one_in: int = 1) -> list[Row]:
    """What the attrition model reads of lines at a day's end, and who of them asked to leave in 30 days."""
    return store.counted(tx, "facts", day=day, until=end_of_day(day, timezone), one_in=one_in)


def _scored(tx: Tx, window: Window) -> Sequence[Any]:
    champion = store.attrition_model(tx)
    if champion is None or modelled.missing(champion):
        return []
    one_in = 1 + store.lines_there(tx, window.until) // _SCORED_MOST
    return [(champion, row) for row in line_facts(tx, window.until, window.timezone, one_in)]


def _measure(
    work: Callable[[Sequence[Any]], list[Row]], gather: Callable[[Tx, Window], Sequence[Any]]
) -> Measure:
    return Measure(work.__name__, *words_of(work), gather, work)


_ALL: Final = (
    _measure(measures.funnel, _steps),
    _measure(measures.flows, _steps),
    _measure(measures.reasons, _counted("reasons")),
    _measure(measures.complaints, _counted("complaints")),
    _measure(measures.rejoins, _counted("rejoins")),
    _measure(measures.hazard, _counted("hazard")),
    _measure(modelled.drivers, _scored),
    _measure(measures.leavers, _outcomes),
    _measure(measures.outcomes, _outcomes),
    _measure(uplift.offers, looks),
    _measure(uplift.qini, looks),
)
MEASURES: Final[Mapping[str, Measure]] = {measure.name: measure for measure in _ALL}
