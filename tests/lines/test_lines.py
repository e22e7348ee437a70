"""x"""

from __future__ import annotations
from whiteslip.store import Database
import worlds


def test_world(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 120_000, 12)
    worlds.nights(db, worlds.DAY, worlds.date(2026, 3, 1))
    worlds.pay(db, line, 5000, worlds.date(2026, 3, 1))
    assert worlds.offences(db) == []
