"""The worker: runs timers when they fall due and seals days when they are over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from whiteslip import day
from whiteslip.app.wiring import Platform
from whiteslip.base import Refusal, end_of_day, local_day
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.store.timers import StoredClock, present

_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_log: Any = structlog.get_logger("whiteslip.worker")


def run(platform: Platform, stop: threading.Event) -> None:
    """Work until ``stop`` is set: deadlines, letters and nights here, webhooks beside.

    A receiver of webhooks that is slow holds up other receivers at most.
    """
    beside = threading.Thread(target=_repeat, args=(platform, stop, send_webhooks), name="webhooks")
    beside.start()
    try:
        _repeat(platform, stop, work)
    finally:
        stop.set()
        beside.join()


def _repeat(platform: Platform, stop: threading.Event, task: Callable[[Platform], int]) -> None:
    """Do a task each second. What fails is logged and tried again, ever more slowly."""
    pause = _PAUSE
    while not stop.is_set():
        try:
            task(platform)
            pause = _PAUSE
        except Exception as error:
            _log.error("worker.failed", error=f"{type(error).__module__}.{type(error).__qualname__}")
            pause = min(pause * 2, _LONGEST_PAUSE)
        stop.wait(pause)


def work(platform: Platform) -> int:
    """Do what is due now: seal the days that are over, then run timers. Returns how many ran.

    The first day is sealed by hand (``whiteslip day seal``); from then on none is forgotten.
    """
    with platform.database.transaction() as tx:
        now, last = present(tx), last_sealed_day(tx)
    yesterday = local_day(now, platform.pack.timezone) - timedelta(days=1)
    if last and last < yesterday:
        day.seal(platform.database, platform.ports, yesterday, platform.pack.timezone, now)
    return day.run_due(platform.database, platform.ports, now)


def send_webhooks(platform: Platform) -> int:
    """Tell endpoints what the journal has for them and what is due again. Returns how many lanes ran."""
    with platform.database.transaction() as tx:
        now = present(tx)
    return day.run_webhooks(platform.database, platform.ports, now)


def advance(platform: Platform, to: datetime) -> Refusal | int:
    """Move the installation's clock to ``to``: each night on the way is sealed, each timer runs.

    Webhooks are sent when the clock stands again, all that fell due on the way in their order.
    An installation that has sealed no day and has no clock of its own may begin at any time, also
    in the past. Returns how many nights were sealed. Refusal: ``clock.backwards``.
    """
    zone = platform.pack.timezone
    with platform.database.transaction() as tx:
        now, last = present(tx), last_sealed_day(tx)
        begins = last is None and StoredClock(tx).read() is None
    if begins:
        _set(platform, to)
        return 0
    if to < now:
        return Refusal("clock.backwards", {"at": now.isoformat()})
    today, nights = local_day(now, zone), 0
    first = min(today, last + timedelta(days=1)) if last else today
    for step in range((local_day(to, zone) - first).days):
        night = first + timedelta(days=step)
        end = end_of_day(night, zone)
        if end >= now:
            _set(platform, end)
        sealed = day.seal(platform.database, platform.ports, night, zone, max(end, now))
        if isinstance(sealed, Refusal):
            return sealed
        nights += 1
    _set(platform, to)
    day.run_due(platform.database, platform.ports, to)
    day.run_webhooks(platform.database, platform.ports, to)
    return nights


def _set(platform: Platform, at: datetime) -> None:
    with platform.database.transaction() as tx:
        StoredClock(tx).set(at)
