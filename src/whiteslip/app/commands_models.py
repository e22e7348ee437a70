"""Models in service: who scores for real, who in silence, and how the two compare."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from cyclopts import App

from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.settings import load
from whiteslip.app.terminal import CommandError, answer, pairs, read_file, refuse, table
from whiteslip.app.wiring import opened, working
from whiteslip.applications import scorecard
from whiteslip.base import Refusal
from whiteslip.decisions import champions
from whiteslip.decisions.champions import Serving
from whiteslip.decisions.model import TableError
from whiteslip.decisions.signing import make_key, verified
from whiteslip.store import Tx
from whiteslip.store.timers import present


def _row(each: Serving) -> dict[str, Any]:
    return {
        "model": each.model.name,
        "version": each.model.version,
        "kind": each.model.kind,
        "standing": each.standing,
        "since": each.since,
        "by": each.actor,
    }


def models_list(*, json: Json = False) -> None:
    """List the models that were ever taken into service, and where each stands."""
    with working() as (_, tx):
        rows = [_row(each) for each in champions.serving(tx)]
    columns = ["model", "version", "kind", "standing", "since", "by"]
    answer(rows, json, lambda: table(columns, [[*row.values()] for row in rows]))


def enter(artefact: Path, /, *, by: By, json: Json = False) -> None:
    """Take a signed ARTEFACT into service as a challenger: it scores in silence."""
    settings = load(os.environ)
    content = read_file(artefact, "whiteslip lab ship")
    try:
        key = make_key(settings.home / "model.key").public_key()
        model = verified(content, key)
    except (OSError, TableError) as error:
        raise CommandError(f"{artefact}: {error}") from None
    wrong = scorecard.faults(model) if model.name == scorecard.NAME else []
    if wrong:
        raise CommandError(f"{artefact} cannot score applications: {'; '.join(wrong)}")
    with opened(settings) as platform, platform.database.transaction() as tx:
        row = _row(champions.enter(tx, content, key, acting(tx, by), present(tx)))
    answer(row, json, lambda: pairs(row))


def _moved(
    name: str,
    version: str,
    by: By,
    act: Callable[[Tx, str, str, str, datetime], Serving | Refusal],
    json: bool,
) -> None:
    with working() as (_, tx):
        done = act(tx, name, version, acting(tx, by), present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    row = _row(done)
    answer(row, json, lambda: pairs(row))


def propose(name: str, version: str, /, *, by: By, json: Json = False) -> None:
    """Propose that a challenger, or a retired version, becomes the champion; BY is a member of staff."""
    _moved(name, version, by, champions.propose, json)


def promote(name: str, version: str, /, *, by: By, json: Json = False) -> None:
    """Approve a promotion that somebody else proposed."""
    _moved(name, version, by, champions.promote, json)


def retire(name: str, version: str, /, *, by: By, json: Json = False) -> None:
    """Take a version out of service."""
    _moved(name, version, by, champions.retire, json)


def compare(name: str, version: str, /, *, json: Json = False) -> None:
    """What a challenger said beside the champion: how far apart, and how often by more than a tenth."""
    with working() as (_, tx):
        found = champions.side_by_side(tx, name, version)
    apart = [abs(mine - other) for _, _, mine, other in found]
    shown = {
        "scored_by_both": len(apart),
        "mean_distance": round(sum(apart) / len(apart), 6) if apart else None,
        "largest_distance": round(max(apart), 6) if apart else None,
        "more_than_a_tenth_apart": len([distance for distance in apart if distance > 0.1]),
    }
    answer(shown, json, lambda: pairs(shown))


def register(app: App) -> None:
    """Add the commands."""
    group = App(name="models", help="Models in service.")
    group.command(models_list, name="list")
    for command in (compare, enter, promote, propose, retire):
        group.command(command)
    app.command(group)
