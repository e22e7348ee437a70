"""What the scores of a night look like beside what a model was fitted on, and what came of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip.decisions import champions
from whiteslip.decisions.champions import Serving
from whiteslip.decisions.scoring import Model
from whiteslip.decisions.stability import SCORE, Spread, band_of, psi
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row
from whiteslip.watch import store
from whiteslip.watch.nightly import MODEL, UNSCORED

_queries = load_queries(__file__)
STRIP_DAYS: Final = 90
LATE_AFTER_DAYS: Final = 90
MOST_LINES: Final = 500


@dataclass(frozen=True, slots=True)
class Overview:
    """A night's scores: by whom, how many lines, how many not, and how they are spread."""

    night: date
    champion: Serving
    challengers: tuple[Serving, ...]
    scored: int
    unscored: int
    counts: tuple[int, ...]
    indices: tuple[tuple[str, float], ...]

    @property
    def model(self) -> Model:
        """The champion."""
        return self.champion.model

    @property
    def spread(self) -> Spread:
        """How scores were spread where the champion was fitted; one band where it does not say."""
        return self.model.reference.get(SCORE, Spread([], [1.0, 0.0]))

    @property
    def stability(self) -> float | None:
        """PSI of the score."""
        return dict(self.indices).get(SCORE)


@dataclass(frozen=True, slots=True)
class Scale:
    """What was predicted and what came, of the lines of a band."""

    band: int
    lines: int
    predicted: float
    late: int

    @property
    def observed(self) -> float:
        """The share that was late."""
        return self.late / self.lines


def overview(tx: Tx, until: date | None = None) -> Overview | None:
    """The newest night, no later than ``until``; None where no champion has scored one."""
    found = champions.in_service(tx, MODEL)
    night = _queries.last_night(tx.conn, name=MODEL, until=until)
    if not found or night is None:
        return None
    model, version, counted = found[0].model, found[0].version, store.bands(tx, night, MODEL)
    counts = {band: n for (v, item, band), n in counted.items() if v == version and item == SCORE}
    bands = len(model.reference[SCORE].cuts) + 1 if SCORE in model.reference else 1
    indices = [
        (item, value)
        for item, spread in model.reference.items()
        if (value := psi(spread, _of(counted, version, item))) is not None
    ]
    return Overview(
        night,
        found[0],
        tuple(found[1:]),
        sum(n for band, n in counts.items() if band != UNSCORED),
        counts.get(UNSCORED, 0),
        tuple(counts.get(band, 0) for band in range(bands)),
        tuple(sorted(indices, key=lambda pair: -pair[1])),
    )


def _of(counted: dict[tuple[str, str, int], int], version: str, item: str) -> dict[int, int]:
    return {b: n for (v, i, b), n in counted.items() if (v, i) == (version, item) and b != UNSCORED}


def strip(tx: Tx, seen: Overview) -> list[tuple[date, float, float]]:
    """Night by night the index of the score, and the largest of a column."""
    rows = store.stability(tx, MODEL, seen.model.version, seen.night - timedelta(days=STRIP_DAYS), seen.night)
    by_day: dict[date, dict[str, float]] = {}
    for row in rows:
        by_day.setdefault(row["day"], {})[row["item"]] = row["index"]
    return [
        (day, found[SCORE], max((v for name, v in found.items() if name != SCORE), default=0.0))
        for day, found in sorted(by_day.items())
        if SCORE in found
    ]


def lines_of(
    tx: Tx,
    seen: Overview,
    until: datetime,
    band: int | None = None,
    reason: str | None = None,
    count: int = MOST_LINES,
) -> list[Row]:
    """Lines with their newest scores, the riskiest first: all, those of a band, or of a first reason."""
    low, high = _edges(seen.spread, band)
    return list(
        _queries.last_scores(
            tx.conn,
            name=MODEL,
            version=seen.model.version,
            until=until,
            low=low,
            high=high,
            reason=reason,
            count=count,
        )
    )


def _edges(spread: Spread, band: int | None) -> tuple[float | None, float | None]:
    if band is None or not 0 <= band <= len(spread.cuts):
        return None, None
    edges = [None, *spread.cuts, None]
    return edges[band], edges[band + 1]


def reasons(tx: Tx, seen: Overview, until: datetime) -> list[tuple[str, int]]:
    """How many lines have each code as their first reason."""
    rows = _queries.first_reasons(tx.conn, name=MODEL, version=seen.model.version, until=until)
    return [(row["reason"], row["lines"]) for row in rows]


def calibration(tx: Tx, seen: Overview) -> list[Scale]:
    """What the champion said ninety days before the night, and who has been thirty days late since."""
    since = seen.night - timedelta(days=LATE_AFTER_DAYS)
    by_band: dict[int, list[tuple[float, bool]]] = {}
    rows = _queries.outcomes(tx.conn, name=MODEL, version=seen.model.version, since=since, until=seen.night)
    for row in rows:
        band = band_of(seen.spread, row["probability"])
        by_band.setdefault(band, []).append((row["probability"], row["late"]))
    return [
        Scale(band, len(found), sum(p for p, _ in found) / len(found), sum(late for _, late in found))
        for band, found in sorted(by_band.items())
    ]


def versus(tx: Tx, seen: Overview, challenger: Model, until: datetime) -> list[Row]:
    """The newest pair of scores of each line by the champion and a challenger."""
    return list(
        _queries.pairs(
            tx.conn, name=MODEL, version=seen.model.version, challenger=challenger.version, until=until
        )
    )


def crossed(seen: Overview, pairs: Sequence[Row]) -> dict[tuple[int, int], int]:
    """How many lines fall into each pair of bands of the champion's reference."""
    found: dict[tuple[int, int], int] = {}
    for pair in pairs:
        cell = band_of(seen.spread, pair["champion"]), band_of(seen.spread, pair["challenger"])
        found[cell] = found.get(cell, 0) + 1
    return found


def score_of(tx: Tx, line: UUID) -> Row | None:
    """The champion's newest score of a line, with its facts."""
    row: Row | None = _queries.score_of(tx.conn, name=MODEL, line=line)
    return row
