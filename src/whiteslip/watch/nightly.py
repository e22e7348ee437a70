"""Every night: score the lines that live, and hold those who are scored against the model. None commits.

A score informs. It closes, holds and restricts nothing by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip import decisions
from whiteslip.base import new_id
from whiteslip.base.ids import NO_ID
from whiteslip.decisions import Tables, champions
from whiteslip.decisions.champions import Seen, Serving
from whiteslip.decisions.scoring import Model
from whiteslip.decisions.stability import SCORE, band_of, psi
from whiteslip.store import Entry, Tx
from whiteslip.watch import features, months, store
from whiteslip.watch.features import SCORED
from whiteslip.watch.memory import Memory, forget_until
from whiteslip.watch.model import Shift

MODEL: Final = "behaviour"
TABLE: Final = "score-drift"
PAGE: Final = 1_000
UNSCORED: Final = -1
_MILLI: Final = 1_000
_SHOWN_ITEMS: Final = 5
Band = tuple[str, str, int]


def score_page(tx: Tx, day: date, now: datetime, after: UUID | None = None) -> tuple[int, UUID | None]:
    """Score a page of lines by the champion, and in silence by its challengers, as of a night.

    Returns how many lines there were, and the last of them, None after the last page or where no model
    is in service. The first page forgets what a night that was cut off had counted.
    """
    if after is None:
        store.forget_night(tx, day)
    found = champions.in_service(tx, MODEL)
    page = store.lines_to_score(tx, day, after or NO_ID, PAGE) if found else {}
    if not page:
        return 0, None
    wanted = {fact.name for each in found for fact in each.model.facts}
    batch = list(facts_of(tx, page, day, now, wanted).items())
    seen = champions.score_changed(tx, found, batch, now)
    store.add_bands(tx, day, MODEL, _counted(found, seen))
    return len(page), max(page) if len(page) == PAGE else None


def facts_of(
    tx: Tx, limits: Mapping[UUID, int], day: date, now: datetime, wanted: Collection[str] = SCORED
) -> dict[UUID, dict[str, object]]:
    """What a behaviour model may read of lines: six months of the books, and features of the watch.

    Leaving, pausing, disputing and complaining move none of it. A line that the watch has not seen yet
    is like a new one. Features are made where one of them is ``wanted``.
    """
    of_watch = [name for name in SCORED if name in wanted]
    of_months = store.months(tx, list(limits), day, now)
    memories = store.memories(tx, list(limits)) if of_watch else {}
    found: dict[UUID, dict[str, object]] = {}
    for line, limit in limits.items():
        found[line] = months.facts(limit, of_months[line])
        if of_watch:
            memory = memories.get(line) or Memory()
            forget_until(memory, now.timestamp())
            seen = features.facts(memory)
            found[line] |= {name: seen[name] for name in of_watch}
    return found


def watched(tx: Tx, line: UUID, now: datetime) -> Mapping[str, int]:
    """All features of a line as of an instant; none where the watch has not seen it yet."""
    memory = store.memories(tx, [line]).get(line)
    if memory is None:
        return {}
    forget_until(memory, now.timestamp())
    return {name: value for name, value in features.facts(memory).items() if isinstance(value, int)}


def _counted(found: Sequence[Serving], seen: Sequence[Sequence[Seen]]) -> Counter[Band]:
    """How many lines fell into each band of each version's own reference."""
    counts: Counter[Band] = Counter()
    for each, said in zip(found, seen, strict=True):
        model, version = each.model, each.version
        spreads = [(place, name, model.reference[name]) for place, name in _referred(model)]
        of_score = model.reference.get(SCORE)
        for one in said:
            if one.scored is None:
                counts[version, SCORE, UNSCORED] += 1
                continue
            counts[version, SCORE, band_of(of_score, one.scored.probability) if of_score else 0] += 1
            for place, name, spread in spreads:
                counts[version, name, band_of(spread, one.read[place])] += 1
    return counts


def _referred(model: Model) -> list[tuple[int, str]]:
    return [(place, name) for place, name in enumerate(model.columns) if name in model.reference]


def measure_shift(tx: Tx, tables: Tables, day: date, now: datetime) -> int:
    """The stability of each version's scores and columns on a night, and an alarm when the table wants one.

    Returns how many versions were measured. Twice measures the same and says nothing twice.
    """
    counted = store.bands(tx, day, MODEL)
    done = 0
    for each in champions.in_service(tx, MODEL) if counted else []:
        found = {
            item: value
            for item, spread in each.model.reference.items()
            if (value := psi(spread, _scored_only(counted, each.version, item))) is not None
        }
        if SCORE not in found:
            continue
        lines = sum(_scored_only(counted, each.version, SCORE).values())
        store.keep_stability(tx, day, each.model, found, lines)
        _judge(tx, tables, each.model, found, lines, now)
        done += 1
    return done


def _scored_only(counted: Mapping[Band, int], version: str, item: str) -> dict[int, int]:
    return {
        band: lines
        for (of, name, band), lines in counted.items()
        if (of, name) == (version, item) and band != UNSCORED
    }


def _judge(
    tx: Tx, tables: Tables, model: Model, found: Mapping[str, float], lines: int, now: datetime
) -> None:
    columns = sorted(((v, name) for name, v in found.items() if name != SCORE), reverse=True)
    facts = {
        "psi_milli": round(found[SCORE] * _MILLI),
        "worst_csi_milli": round(columns[0][0] * _MILLI) if columns else 0,
        "lines": lines,
    }
    decision = decisions.decide(tx, tables, TABLE, champions.subject_of(model.name), facts, now)
    outcome = decision.outcome
    quiet = timedelta(days=outcome["cool_down_days"])
    said = [each for each in store.shifts(tx, model.name) if each.version == model.version]
    if outcome["act"] == "none" or any(
        now - each.at < quiet and each.figures["act"] == outcome["act"] for each in said
    ):
        return
    figures: dict[str, object] = {
        "act": outcome["act"],
        "psi": found[SCORE],
        "columns": [[name, value] for value, name in columns[:_SHOWN_ITEMS]],
        "reasons": list(decision.reasons),
    }
    shift = Shift(new_id(now), "model", model.name, model.version, figures, decision.id, now)
    store.add_shift(tx, shift)
    data = {"model": model.name, "version": model.version, **facts, "reasons": list(decision.reasons)}
    tx.record(Entry(now, "model.shifted", "model", champions.subject_of(model.name), "system", data))
