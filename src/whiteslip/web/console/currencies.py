"""Which currencies the lines of the newest snapshot have: where a page is about one, the reader chooses."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from whiteslip import lake
from whiteslip.base import Refusal
from whiteslip.lake import Lake
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.treasury import reading
from whiteslip.web.console.duty import Duty


@lru_cache(maxsize=8)
def _known(place: Lake, day: date, engine: str) -> list[str] | Refusal:
    """Those of a snapshot, which never changes."""
    return reading.currencies(place, day, engine)


def currencies(duty: Duty) -> list[str]:
    """That of the most lines first, which is meant where none is said. None without a snapshot."""
    place = duty.ports.lake
    snapshot = lake.newest(place, last_sealed_day(duty.tx)) if place else None
    if place is None or snapshot is None or isinstance(snapshot, Refusal):
        return []
    known = _known(place, snapshot.day, duty.ports.lake_engine)
    return [] if isinstance(known, Refusal) else known
