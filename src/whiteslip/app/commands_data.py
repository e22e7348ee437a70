"""Worlds to run and portfolios to read."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from whiteslip import intake, world
from whiteslip.app.commands_setup import Count, Json
from whiteslip.app.settings import load
from whiteslip.app.terminal import CommandError, Exit, answer, data, must_exist, pairs, progress, refuse
from whiteslip.app.wiring import WORLD_MARK, Platform, create_database, opened, prepare_home
from whiteslip.base import Refusal
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.lines.acts import page_of_customers
from whiteslip.notices import DemoPhone
from whiteslip.store import Tx
from whiteslip.store.timers import present
from whiteslip.world import Setting

_FIRST_DAY = date(2025, 1, 1)


def world_run(*, customers: Count = 100, nights: Count = 60, seed: int = 1, json: Json = False) -> None:
    """Let people who do not exist live for some nights, and check every invariant each night.

    In a home that is new everything is set up first; a later world begins where the last ended. A home
    with customers who are not a world's is left alone.
    """
    settings = load(os.environ)
    prepare_home(settings)
    create_database(settings)
    with opened(settings, durable=False) as platform:
        with platform.database.transaction() as tx:
            _of_its_own(platform, tx)
            last = last_sealed_day(tx)
        start = last + timedelta(days=1) if last else _FIRST_DAY
        setting = Setting(customers, nights, seed, start, platform.pack.name)
        with progress("nights", nights) as tell:
            # People who do not exist get their letters on the demonstration phone; their last night
            # can be exported by hand.
            ports = replace(platform.ports, mailer=DemoPhone(platform.database), lake=None)
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


def _of_its_own(platform: Platform, tx: Tx) -> None:
    """Mark the home as a world's. Raises CommandError where it may hold real people."""
    home, mark = platform.settings.home, platform.settings.home / WORLD_MARK
    if not (mark.exists() or platform.is_demo) and page_of_customers(tx, None, 1):
        raise CommandError(
            f"{home} has customers, and a world would mix people who do not exist with them",
            Exit.CONFLICT,
            hint="WHITESLIP_HOME=.world whiteslip world run",
        )
    mark.touch()


def import_file(
    file: Path,
    /,
    *,
    mapping: Annotated[str, Parameter(help="A shipped mapping, or the path of one of yours.")],
    rejected: Annotated[Path | None, Parameter(help="Write rejected rows to this CSV file.")] = None,
    json: Json = False,
) -> None:
    """Take over a portfolio from a CSV FILE: customers, lines, statements and payments.

    A customer comes whole or not at all; an interrupted import goes on where it stopped.
    """
    with opened(load(os.environ)) as platform:
        with platform.database.transaction() as tx:
            now = present(tx)
        must_exist(file)
        size = file.stat().st_size
        options = intake.Options(rejected_report=rejected)
        try:
            with progress("importing", size) as tell:
                vault = platform.ports.vault
                report = intake.run(platform.database, vault, mapping, file, options, now, tell)
        except intake.IntakeError as error:
            missing = error.code == "mapping.not_found"
            raise CommandError(str(error), Exit.NOT_FOUND if missing else Exit.ERROR) from None
    shown = asdict(report)

    def human() -> None:
        data(
            f"{report.customers_loaded} loaded, {report.customers_rejected} rejected, "
            f"{report.customers_known} known before"
        )
        for row in report.rejected[:10]:
            data(row.text)

    answer(shown, json, human)


def register(app: App) -> None:
    """Add these commands."""
    app.command(import_file, name="import")
    worlds = App(name="world", help="A simulated population.")
    worlds.command(world_run, name="run")
    app.command(worlds)
