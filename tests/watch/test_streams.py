"""Streams over the whole book: quiet while they stay as they are, told soon when they move."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from scored import TABLES, bought
from worlds import DAY, at, open_line

from whiteslip import watch
from whiteslip.store import Database
from whiteslip.store.database import journal_of
from whiteslip.watch import acts, store, streams
from whiteslip.watch.streams import Detector, Found, take


def events(seed: int, count: int, rate: float | None = None, mean: float = 0.0) -> list[float]:
    dice = Random(seed)
    return [float(dice.random() < rate) if rate is not None else dice.gauss(mean, 2.0) for _ in range(count)]


def run(detectors: dict[str, Detector], values: list[float]) -> list[tuple[int, Found]]:
    found = [(n, take(detectors, "one", value)) for n, value in enumerate(values)]
    return [(n, each) for n, each in found if each]


@pytest.mark.parametrize("rate", [None, 0.03, 0.3])
def test_a_stream_that_stays_as_it_is_wakes_nobody_and_one_that_moves_does_soon(rate: float | None):
    for seed in range(4):
        detectors: dict[str, Detector] = {}
        assert run(detectors, events(seed, 8_000, rate)) == []
        more = events(seed + 100, 400, None if rate is None else rate + 0.35, mean=2.0)
        first, told = run(detectors, more)[0]
        assert first < 120
        assert told.direction == "up"
        assert told.lately > told.usual
        assert detectors["one"].count < 400, "it learns anew"


def test_a_detector_is_a_fold_that_may_be_kept_between_any_two_events():
    values, whole, parts = events(7, 3_000), dict[str, Detector](), dict[str, Detector]()
    run(whole, values)
    for start in range(0, 3_000, 250):
        run(parts, values[start : start + 250])
        parts = msgspec.json.decode(msgspec.json.encode(parts), type=dict[str, Detector])
    assert parts == whole


def test_the_watch_keeps_detectors_with_the_journal_and_tells_a_shift_once(
    db: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(streams, "_WARM", 12)
    monkeypatch.setattr(streams, "_LIMIT", 3.0)
    line = open_line(db, limit_minor=90_000_000)
    now = at(DAY)
    for n in range(14):
        bought(db, line, 4_000 + 100 * (n % 3), DAY)
    with db.transaction() as tx:
        assert not watch.follow(tx, TABLES, now)
        assert store.shifts(tx) == []
    for _ in range(3):
        bought(db, line, 900_000, DAY)
    with db.transaction() as tx:
        watch.follow(tx, TABLES, now)
        (told,) = store.shifts(tx)
        assert (told.kind, told.name, told.figures["direction"]) == ("stream", "purchase_size", "up")
        rows = journal_of(tx, [acts.subject_of("purchase_size")])
        assert [row["kind"] for row in rows] == ["stream.shifted"]
        assert set(store.streams(tx)) == {"purchase_size", "night_share"}
        watch.follow(tx, TABLES, now)
        assert len(store.shifts(tx)) == 1
