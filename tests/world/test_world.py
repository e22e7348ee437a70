"""A population lives for months, and every night's books agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime

import pytest

from whiteslip import day, insight, watch, world
from whiteslip.base import Refusal
from whiteslip.decisions import Tables, replay
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.insight import Window
from whiteslip.notices import DemoPhone
from whiteslip.portfolio import Result
from whiteslip.store import Database
from whiteslip.watch import store as watch_store
from whiteslip.world.lively import Turn, settlers


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
    assert result.done["captures"] > 8_000
    assert result.done["payments"] > 5_000
    assert result.done["returned"] > 20
    assert result.exits.keys() >= {"closed", "run_off", "cancelled", "lapsed"}
    with db.transaction() as tx:
        replayed = replay(tx)
        window = Window(date(2025, 1, 1), result.last_day, "none", "Asia/Shanghai")
        funnel, flows = (insight.compute(tx, None, name, window) for name in ("funnel", "flows"))
    assert replayed.decisions > 8_000
    assert replayed.is_same
    assert isinstance(funnel, Result)
    assert isinstance(flows, Result)
    # The world's people pass pages too, and nobody takes that for something measured.
    first, *_ = funnel.records()
    assert {row["segment"] for row in (*funnel.records(), *flows.records())} == {"demonstration"}
    assert first["walks"] > result.done["exits"] * 4 // 5 < first["went_on"]
    assert first["went_away"] > 10
    assert 10 <= first["median_seconds"] <= 60


_RANDOM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|EX-[0-9A-Z-]+")


def lived_by(db: Database, seed: int) -> Counter[str]:
    """What a small world left: journal and facts of decisions, in no order: ids of an instant have none."""
    ports = day.Ports(Office(Tables.load(), "Test Lender"), Vault(bytes(32)), DemoPhone(db))
    assert not isinstance(world.run(db, ports, world.Setting(12, 40, seed, date(2025, 1, 1))), Refusal)
    with db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT at, kind, subject_kind, actor, data::text FROM store.journal"
        ).fetchall()
        rows += tx.conn.execute("SELECT at, table_name, facts::text FROM decisions.decision").fetchall()
    return Counter(_RANDOM.sub("#", str(row)) for row in rows)


def test_a_seed_tells_a_world_but_for_random_identifiers(fresh_url: Callable[[], str]):
    with ExitStack() as stack:
        one, again = (
            lived_by(stack.enter_context(closing(Database(fresh_url(), size=4))), 7) for _ in range(2)
        )
    assert one == again
    assert one.total() > 150
    assert any("'exit.requested'" in row for row in one)


def test_people_who_go_bad_live_among_others_and_the_watch_sees_them_in_decisions_that_replay(
    db: Database, ports: day.Ports
):
    lived = world.run(db, ports, world.Setting(3, 110, 5, date(2025, 1, 1), planted=4))
    assert not isinstance(lived, Refusal)
    assert (lived.violations, lived.balanced) == ((), True)
    assert sorted(how for how, _ in lived.turned.values()) == sorted(Turn)
    with db.transaction() as tx:
        raised = [alert for alert in watch_store.alerts(tx, count=1_000) if alert.line in lived.turned]
        replayed, differ = replay(tx), watch.rebuild(tx)[1]
    strong = [alert for alert in raised if alert.act is not watch.Act.WATCH]
    turned_on = {line: on for line, (_, on) in lived.turned.items()}
    assert len({a.line for a in strong if a.happened_at.date() >= turned_on[a.line]}) >= 2
    assert replayed.decisions > 500
    assert replayed.is_same
    assert differ == [], "what the watch remembers is what the journal says"
    assert lived.done["contacts_changed"] > 0


def test_without_anybody_planted_a_world_is_as_it_was():
    assert settlers(world.Setting(1_000, 400, 7, date(2025, 1, 1)), datetime(2025, 1, 1, tzinfo=UTC)) == []
