"""Six months of the books, read by index, are what adding up every movement there ever was gives."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from books import END, varied
from scored import OFFICE, bought
from worlds import DAY, at, buy, correct, give_back, night, nights, open_lines, pay, refund

from whiteslip import world
from whiteslip.base import end_of_day
from whiteslip.day.model import Ports
from whiteslip.identity import Vault
from whiteslip.notices import DemoPhone
from whiteslip.purchases import disputes
from whiteslip.purchases.model import Dispute, Ground
from whiteslip.store import Database
from whiteslip.watch import store
from whiteslip.watch.months import Month
from whiteslip.world import Setting

PLAIN: Final = (Path(__file__).parents[2] / "benchmarks" / "months.sql").read_text(encoding="utf-8")


def same_as_plain(db: Database, days: list[date], zone: str = "Asia/Shanghai") -> dict[UUID, list[Month]]:
    """The months of all lines on each of some days, both ways; returns those of the last."""
    found: dict[UUID, list[Month]] = {}
    for day in days:
        now = end_of_day(day, zone)
        with db.transaction() as tx:
            lines = [row["id"] for row in tx.conn.execute("SELECT id FROM lines.line ORDER BY id")]
            found = store.months(tx, lines, day, now)
            plain: dict[UUID, list[Month]] = {line: [] for line in lines}
            facts: dict[str, Any] = {"lines": lines, "day": day, "now": now}
            for row in tx.conn.execute(PLAIN, facts):  # type: ignore[arg-type]
                figures = row["owed_minor"], row["paid_minor"], row["open_minor"], row["due_on"]
                plain[row["line"]].append(Month(row["on_day"], *figures))
        assert found == plain, day
    return found


def test_months_by_index_are_those_of_the_whole_history(db: Database):
    varied(db)
    found = same_as_plain(db, [END - timedelta(days=18 * n) for n in range(18)])
    assert any(month.late_since for months in found.values() for month in months)
    assert any(month.owed_minor and not month.open_minor for months in found.values() for month in months)


def test_months_by_index_follow_what_becomes_known_late(db: Database):
    late, vocal, mended = open_lines(db, 3, statement_day=5)
    for line in (late, vocal, mended):
        bought(db, line, 90_000, DAY, 3)
    small = bought(db, vocal, 12_000, DAY)
    with db.transaction() as tx:
        disputed = disputes.dispute(tx, small, 9_000, Ground.NOT_RECEIVED, "customer", at(DAY, 13))
        assert isinstance(disputed, Dispute)
    nights(db, date(2026, 2, 5), date(2026, 2, 5))
    kept = pay(db, mended, 30_000, date(2026, 2, 15))
    back = pay(db, late, 20_000, date(2026, 2, 16))
    nights(db, date(2026, 3, 5), date(2026, 3, 5))
    give_back(db, back, date(2026, 3, 9))
    correct(db, kept.id, 10_000, date(2026, 2, 14), date(2026, 3, 10))
    returned = buy(db, mended, 24_000, 6, date(2026, 3, 11))
    refund(db, mended, returned, 24_000, date(2026, 3, 12))
    with db.transaction() as tx:
        disputes.resolve(tx, disputed.id, True, "desk", at(date(2026, 3, 20)))
    for month in range(4, 13):
        night(db, date(2026, month, 5))
    found = same_as_plain(db, [date(2026, 2, 20), date(2026, 3, 20), date(2026, 4, 6), date(2026, 9, 5)])
    assert found[late][0].late_since == date(2026, 2, 25)
    same_as_plain(db, [date(2026, 10, 4), date(2026, 12, 30)])


def test_months_by_index_hold_in_a_world(db: Database):
    start = date(2026, 1, 1)
    ports = Ports(OFFICE, Vault(bytes(32)), DemoPhone(db))
    world.run(db, ports, Setting(20, 50, 7, start))
    same_as_plain(db, [start + timedelta(days=n) for n in (33, 49)])
