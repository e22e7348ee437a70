"""What packs promise in minutes and days, and where it was not kept. Looked at as a whole, not each night.

The acts keep these by how they are written: drawing stops with the request, a dispute is acknowledged with
it, the night closes what owes nothing. Here the rows are held against the numbers, whoever wrote them.
"""

from __future__ import annotations

from datetime import date, datetime

from whiteslip import packs
from whiteslip.base import local_day
from whiteslip.packs import Pack
from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)


def broken(tx: Tx, now: datetime) -> list[str]:
    """Promises that were not kept, in words."""
    known = {name: packs.load(name) for name in packs.names()}
    each = list(known.values())
    minutes = [pack.minutes("exit.draw_stop_minutes") for pack in each]
    days = [pack.days("dispute.acknowledge_days") for pack in each]
    stopped = _queries.stopped_late(tx.conn, packs=list(known), minutes=minutes)
    unacknowledged = _queries.unacknowledged(tx.conn, now=now, packs=list(known), days=days)
    return [
        *(f"drawing stops in time: {row['reference']}" for row in stopped),
        *(f"a dispute is acknowledged in time: {row['id']}" for row in unacknowledged),
        *(f"what owes nothing is closed in time: {reference}" for reference in too_long_at_zero(tx, now)),
    ]


def too_long_at_zero(tx: Tx, now: datetime) -> list[str]:
    """References of cases that owe nothing and should have been closed, the oldest first."""
    return [
        row["reference"]
        for row in _queries.open_at_zero(tx.conn)
        if is_overdue(packs.load(row["pack"]), row["zero_on"], local_day(now, row["timezone"]))
    ]


def is_overdue(pack: Pack, zero_on: date, today: date) -> bool:
    """Whether a case that owes nothing since a day should have been closed (GB/T 35273-2020 section 8.5)."""
    days = pack.business_days("exit.zero_balance_business_days")
    return pack.calendar.add_business_days(zero_on, days) < today
