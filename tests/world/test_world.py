"""A population lives for months, and every night's books agree."""

from __future__ import annotations

from datetime import date

import pytest

from whiteslip import day, world
from whiteslip.base import Refusal
from whiteslip.decisions import Tables, replay
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.notices import DemoPhone
from whiteslip.store import Database


@pytest.fixture
def ports(db: Database) -> day.Ports:
    return day.Ports(Office(Tables.load(), "Test Lender"), Vault(bytes(32)), DemoPhone(db))


def test_a_small_town_lives_for_four_months(db: Database, ports: day.Ports):
    result = world.run(db, ports, world.Setting(40, 120, 7, date(2025, 1, 1)))
    assert not isinstance(result, Refusal)
    assert result.violations == ()
    assert result.balanced
    assert result.done["captures"] > 50
    assert result.done["payments"] > 20
    assert sum(result.exits.values()) >= 3
    with db.transaction() as tx:
        replayed = replay(tx)
    assert replayed.decisions > 60
    assert replayed.is_same
