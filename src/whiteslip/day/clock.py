"""A test clock: time that goes by because somebody says so."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from whiteslip import lake
from whiteslip.base import Refusal, end_of_day, local_day
from whiteslip.day.model import Ports
from whiteslip.day.runner import seal
from whiteslip.day.timers import run_due, run_letters, run_webhooks
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.notices.mailers import MailError
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock, present

FARTHEST: Final = timedelta(days=400)
_STEP: Final = re.compile(r"\+?(\d{1,4})([dhm])", re.ASCII)
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}


def step_of(text: str) -> timedelta | None:
    """How far ``+30d``, ``+6h`` or ``+15m`` is; None for anything else."""
    match = _STEP.fullmatch(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def advance(database: Database, ports: Ports, timezone: str, to: datetime) -> Refusal | int:
    """Move the installation's clock to ``to``: each night on the way is sealed, each timer runs.

    Each night's letters go out before the next, and what fell due since is done before letters are sent.
    Only the last night leaves a snapshot: one tells all history, and it takes longer than the night.
    Webhooks are sent when the clock stands again, all that fell due on the way in their order.
    An installation that has sealed no day and has no clock of its own may begin at any time, also
    in the past. Returns how many nights were sealed. Refusals: ``clock.backwards``, ``clock.too_far``.
    """
    with database.transaction() as tx:
        now, last = present(tx), last_sealed_day(tx)
        begins = last is None and StoredClock(tx).read() is None
    if begins:
        _set(database, to)
        return 0
    if to < now:
        return Refusal("clock.backwards", {"at": now.isoformat()})
    if to > now + FARTHEST:
        return Refusal("clock.too_far", {"at": now.isoformat(), "days": FARTHEST.days})
    if last:
        # What is left to do of a night that was cut off.
        seal(database, ports, last, timezone, now, with_letters=True)
    today, nights = local_day(now, timezone), 0
    first = min(today, last + timedelta(days=1)) if last else today
    until = local_day(to, timezone)
    for step in range((until - first).days):
        night = first + timedelta(days=step)
        end = end_of_day(night, timezone)
        if end >= now:
            _set(database, end)
        on_the_way = night + timedelta(days=1) < until
        if on_the_way and ports.lake:
            lake.pass_over(ports.lake, night)
        given = replace(ports, lake=None) if on_the_way else ports
        sealed = seal(database, given, night, timezone, max(end, now), with_letters=True)
        if isinstance(sealed, Refusal):
            return sealed
        nights += 1
    _set(database, to)
    run_due(database, ports, to)
    with suppress(MailError):
        run_letters(database, ports, lambda _: to)
    run_webhooks(database, ports, to)
    return nights


def _set(database: Database, at: datetime) -> None:
    with database.transaction() as tx:
        StoredClock(tx).set(at)
