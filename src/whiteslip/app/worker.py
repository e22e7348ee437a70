"""The worker: runs timers when they fall due, sends letters, and seals days when they are over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

import structlog

from whiteslip import day, portfolio, treasury
from whiteslip.app.logs import log_to_stderr
from whiteslip.app.wiring import Platform, signals_left_to_main
from whiteslip.base import local_day
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.store.timers import present

_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_log: Any = structlog.get_logger("whiteslip.worker")


def run(platform: Platform, stop: threading.Event) -> None:
    """Work until ``stop`` is set: deadlines and nights here; letters, webhooks, the watch and figures beside.

    A mail server that is slow holds up letters at most, a receiver of webhooks other receivers.
    """
    log_to_stderr()
    tasks: dict[str, Callable[[Platform], int]] = {
        "letters": partial(send_letters, is_over=stop.is_set),
        "webhooks": send_webhooks,
        "watch": watch_lines,
        "figures": measure_book,
    }
    beside = [
        threading.Thread(target=_repeat, args=(platform, stop, task), name=name)
        for name, task in tasks.items()
    ]
    with signals_left_to_main():
        for thread in beside:
            thread.start()
    try:
        _repeat(platform, stop, work)
    finally:
        stop.set()
        for thread in beside:
            thread.join()


def _repeat(platform: Platform, stop: threading.Event, task: Callable[[Platform], int]) -> None:
    """Do a task each second. What fails is logged and tried again, ever more slowly."""
    pause = _PAUSE
    while not stop.is_set():
        try:
            task(platform)
            pause = _PAUSE
        except Exception as error:
            name = f"{type(error).__module__}.{type(error).__qualname__}"
            # What a mail server answers is a code, or the kind of error.
            _log.error("worker.failed", error=name, reply=getattr(error, "reply", None))
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


def send_letters(platform: Platform, is_over: Callable[[], bool]) -> int:
    """Send the letters that are due. A stop waits for the one in hand. Returns how many there were."""
    return day.run_letters(platform.database, platform.ports, present, is_over)


def send_webhooks(platform: Platform) -> int:
    """Tell endpoints what the journal has for them and what is due again. Returns how many lanes ran."""
    with platform.database.transaction() as tx:
        now = present(tx)
    return day.run_webhooks(platform.database, platform.ports, now)


def measure_book(platform: Platform) -> int:
    """Compute the figures of a new snapshot before anybody asks. Returns how many were new."""
    place = platform.ports.lake
    if place is None:
        return 0
    engine = platform.settings.text("lake_engine")
    if made := portfolio.prepare(place, engine):
        # What every future starts from, by groups of lines: the fan on the portfolio's page is quick then.
        treasury.start(place, engine=engine)
    return made


def watch_lines(platform: Platform) -> int:
    """Let the watch learn what the journal has and raise alerts. Returns how many batches it took."""
    with platform.database.transaction() as tx:
        now = present(tx)
    return day.run_watch(platform.database, platform.ports, now)
