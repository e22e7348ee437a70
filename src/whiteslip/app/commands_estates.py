"""A death that was reported, as a terminal shows it, and whether the report was an error."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from whiteslip.app.commands_people import line_named
from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.terminal import answer, pairs, refuse, say
from whiteslip.app.wiring import working
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import estates
from whiteslip.exits import store as exits_store
from whiteslip.exits.estates import StandsWhy
from whiteslip.exits.model import Estate
from whiteslip.store import Tx
from whiteslip.store.timers import present


def _row(one: Estate) -> dict[str, Any]:
    return {
        "line": public("line", one.line),
        "exit": public("exit", one.exit),
        "reported_at": one.reported_at,
        "authority": one.authority,
        "told_minor": one.told_minor,
        "settle_by": one.settle_by,
        "undo_proposed": one.undo_asked_by is not None,
    }


def _estate(tx: Tx, line_id: str) -> Estate:
    found = exits_store.estate_of_line(tx, line_named(tx, line_id).id)
    if found is None:
        refuse(Refusal("estate.not_reported"))
    return found


def show(line_id: str, /, *, json: Json = False) -> None:
    """Show the estate of a LINE: what was reported, and what the estate was told."""
    with working() as (_, tx):
        found = _estate(tx, line_id)
    answer(_row(found), json, lambda: pairs(_row(found)))


def undo(line_id: str, /, *, by: By, json: Json = False) -> None:
    """Propose that a death was reported in error; again by somebody else brings the LINE back."""
    with working() as (platform, tx):
        estate, office, actor = _estate(tx, line_id), platform.ports.office, acting(tx, by)
        done = estates.undo(tx, office, estate.exit, actor, present(tx))
        if isinstance(done, Refusal):
            refuse(done)
        left = exits_store.estate_of_line(tx, estate.line)
    shown = {"line": line_id, "state": done.state, "undone": left is None}
    answer(shown, json, lambda: pairs(shown))
    if left:
        say("somebody else agrees by the same command, or: whiteslip estates turn-down-undo")


def turn_down_undo(line_id: str, /, *, why: StandsWhy, by: By, json: Json = False) -> None:
    """Turn down what somebody else proposed: the report of a death on a LINE stands, for a reason."""
    with working() as (_, tx):
        estate, actor = _estate(tx, line_id), acting(tx, by)
        done = estates.turn_down_undo(tx, estate.exit, why, actor, present(tx))
        if isinstance(done, Refusal):
            refuse(done)
        found = _estate(tx, line_id)
    answer(_row(found), json, lambda: pairs(_row(found)))


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="estates", help="Customers who have died.")
    group.command(show, name="show")
    group.command(undo, name="undo")
    group.command(turn_down_undo, name="turn-down-undo")
    app.command(group)
