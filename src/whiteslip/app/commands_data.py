"""Worlds to run and portfolios to read."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, timedelta

from cyclopts import App

from whiteslip import world
from whiteslip.app.commands_setup import Json
from whiteslip.app.settings import load
from whiteslip.app.terminal import CommandError, Exit, answer, pairs, progress, refuse
from whiteslip.app.wiring import create_database, opened, prepare_home
from whiteslip.base import Refusal
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.notices import DemoPhone
from whiteslip.world import Setting

_FIRST_DAY = date(2025, 1, 1)


def world_run(*, customers: int = 100, nights: int = 60, seed: int = 1, json: Json = False) -> None:
    """Let people who do not exist live for some nights, and check every invariant each night.

    In a home that is new everything is set up first; a later world begins where the last ended.
    """
    settings = load(os.environ)
    prepare_home(settings)
    create_database(settings)
    with opened(settings, durable=False) as platform:
        with platform.database.transaction() as tx:
            last = last_sealed_day(tx)
        start = last + timedelta(days=1) if last else _FIRST_DAY
        setting = Setting(customers, nights, seed, start, platform.pack.name)
        with progress("nights", nights) as tell:
            # People who do not exist get their letters on the demonstration phone.
            ports = replace(platform.ports, mailer=DemoPhone(platform.database))
            result = world.run(platform.database, ports, setting, tell)
    if isinstance(result, Refusal):
        refuse(result)
    shown = {
        "customers": result.customers,
        "nights": result.nights,
        "seed": result.seed,
        "last_day": result.last_day,
        "balanced": result.balanced,
        "violations": list(result.violations),
        "done": dict(sorted(result.done.items())),
        "exits": result.exits,
    }
    answer(shown, json, lambda: pairs(shown))
    if result.violations or not result.balanced:
        raise CommandError("invariants are broken", Exit.UNHEALTHY)


def register(app: App) -> None:
    """Add these commands."""
    worlds = App(name="world", help="A simulated population.")
    worlds.command(world_run, name="run")
    app.command(worlds)
