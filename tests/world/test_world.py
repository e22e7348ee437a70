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


def test_a_thousand_people_live_for_four_hundred_nights_and_every_night_balances(
    db: Database, ports: day.Ports
):
    """Every night is sealed, and is not when an invariant breaks; the end looks at every row."""
    result = world.run(db, ports, world.Setting(1_000, 400, 7, date(2025, 1, 1)))
    assert not isinstance(result, Refusal)
    assert result.violations == ()
    assert result.balanced
    assert result.done["captures"] > 10_000
    assert result.done["payments"] > 5_000
    assert result.done["returned"] > 20
    assert result.exits.keys() >= {"closed", "run_off", "cancelled", "lapsed"}
    with db.transaction() as tx:
        replayed = replay(tx)
    assert replayed.decisions > 10_000
    assert replayed.is_same
