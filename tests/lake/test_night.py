"""The night leaves a snapshot after its seal, whatever happens on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from worlds import DAY, TIMEZONE, buy, open_line

from whiteslip import day, lake
from whiteslip.base import Refusal, end_of_day
from whiteslip.day import runner, stages
from whiteslip.day.clock import advance
from whiteslip.day.model import Batch, Night
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.lake import Lake, Snapshot
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock

NEXT = DAY + timedelta(days=1)


@pytest.fixture
def ports(db: Database, tmp_path: Path) -> day.Ports:
    place = Lake(tmp_path / "lake", bytes(32))
    return day.Ports(Office(Tables.load(), "Test"), Vault(bytes(32)), DemoPhone(db), lake=place)


def seal(db: Database, ports: day.Ports, on: date = DAY) -> day.Sealed:
    done = day.seal(db, ports, on, TIMEZONE, end_of_day(on, TIMEZONE))
    assert not isinstance(done, Refusal), done
    return done


def newest(ports: day.Ports) -> Snapshot:
    assert ports.lake
    found = lake.newest(ports.lake)
    assert isinstance(found, Snapshot)
    return found


def test_a_night_leaves_a_snapshot(db: Database, ports: day.Ports):
    buy(db, open_line(db), 5_000)
    assert seal(db, ports).stages["snapshot"] == 1
    assert newest(ports).day == DAY
    assert newest(ports).manifest.totals["CNY"]["principal"] == 5_000


def test_a_night_without_a_lake_writes_nothing(db: Database, ports: day.Ports, tmp_path: Path):
    open_line(db)
    assert seal(db, replace(ports, lake=None)).stages["snapshot"] == 0
    assert not (tmp_path / "lake").exists()


def test_a_night_cut_off_after_its_seal_takes_its_snapshot_when_it_is_called_again(
    db: Database, ports: day.Ports, monkeypatch: pytest.MonkeyPatch
):
    open_line(db)

    def cut(night: Night) -> Batch:
        night.commit()
        raise ConnectionError

    broken = [replace(s, run=cut) if s.name == "snapshot" else s for s in stages.STAGES]
    with monkeypatch.context() as patch:
        patch.setattr(runner, "STAGES", broken)
        with pytest.raises(ConnectionError):
            seal(db, ports)
    assert seal(db, ports).already
    assert newest(ports).day == DAY


def test_a_disk_that_takes_nothing_does_not_stop_the_night(db: Database, ports: day.Ports, tmp_path: Path):
    open_line(db)
    (tmp_path / "lake").write_text("a file where the folder should be")
    assert seal(db, ports).stages["snapshot"] == 0
    assert seal(db, ports, NEXT).day == NEXT


def test_a_clock_that_moves_over_nights_leaves_the_last_snapshot_and_misses_none(
    db: Database, ports: day.Ports
):
    buy(db, open_line(db), 5_000)
    with db.transaction() as tx:
        StoredClock(tx).set(end_of_day(DAY, TIMEZONE))
    seal(db, ports)
    to = end_of_day(DAY + timedelta(days=4), TIMEZONE) + timedelta(hours=8)
    assert not isinstance(advance(db, ports, TIMEZONE, to), Refusal)
    assert ports.lake
    sound, faults = lake.verify(ports.lake)
    assert [snapshot.day for snapshot in sound] == [DAY + timedelta(days=4), DAY]
    assert faults == []
