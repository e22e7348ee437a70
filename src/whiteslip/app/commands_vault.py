"""The identity vault's keys at a terminal."""

from __future__ import annotations

import os
from typing import Final
from uuid import UUID

from cyclopts import App

from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.settings import load
from whiteslip.app.terminal import CommandError, Exit, answer, pairs, progress, say
from whiteslip.app.wiring import opened
from whiteslip.identity import rotation
from whiteslip.store.timers import present

_PAGE: Final = 500


def rotate(*, by: By, json: Json = False) -> None:
    """Wrap every person's key under a new master key; BY answers for it. Nothing else may run meanwhile.

    Cut off, it goes on where it stopped when it is called again. The old key stays in a file of its own.
    """
    settings = load(os.environ)
    path = settings.master_key_file
    with opened(settings, size=1) as platform, progress("people") as tell:
        with platform.database.transaction() as tx:
            actor = acting(tx, by)
            if others := rotation.others_connected(tx):
                raise CommandError(
                    f"{others} others use the database; they would not know the new key",
                    Exit.CONFLICT,
                    hint="stop whiteslip up, then whiteslip vault rotate --by NAME",
                )
        vault = rotation.begin(path)
        after: UUID | None = None
        done = 0
        while True:
            with platform.database.transaction() as tx:
                after, count = rotation.rewrap(tx, vault, after, _PAGE)
            done += count
            tell(done)
            if after is None:
                break
        with platform.database.transaction() as tx:
            kept = rotation.finish(tx, vault, path, actor, present(tx))
    shown = {"people": done, "master": vault.master_id, "old_key": str(kept)}
    answer(shown, json, lambda: pairs(shown))
    say(f"copy {path} to another place now; keep {kept} as long as backups made before today")


def register(app: App) -> None:
    """Add the command."""
    group = App(name="vault", help="The keys of the identity vault.")
    group.command(rotate)
    app.command(group)
