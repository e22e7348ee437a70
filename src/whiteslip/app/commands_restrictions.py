"""Customers who object to a restriction, as a terminal shows them."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from whiteslip.app.commands_setup import Json, Limit
from whiteslip.app.duty import By, acting
from whiteslip.app.terminal import answer, pairs, refuse, say, table
from whiteslip.app.wiring import working
from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public, public
from whiteslip.exits import proposals
from whiteslip.exits.proposals import Objection, StayWhy
from whiteslip.store.timers import present

Stays = Annotated[StayWhy | None, Parameter(help="Why it stays, which takes two; without it, it ends.")]


def _row(one: Objection) -> dict[str, Any]:
    return {
        "id": public("rob", one.id),
        "line": public("line", one.line),
        "opened_at": one.opened_at,
        "due_at": one.due_at,
        "stay_why": one.stay_why,
        "outcome": one.outcome,
    }


def objections(*, limit: Limit = 50, json: Json = False) -> None:
    """List objections to restrictions that wait for an answer, the nearest deadline first."""
    with working() as (_, tx):
        rows = [_row(each) for each in proposals.objections_waiting(tx, None, limit)]
    columns = ["id", "line", "due_at", "stay_why"]
    answer(rows, json, lambda: table(columns, [[row[c] or "" for c in columns] for row in rows]))


def answer_objection(objection_id: str, /, *, by: By, stays: Stays = None, json: Json = False) -> None:
    """Answer an objection: the restriction ends; with --stays it is kept, once two people say so."""
    wanted = parse_public("rob", objection_id)
    if wanted is None:
        refuse(Refusal("restriction.objection_not_found"))
    with working() as (platform, tx):
        office, actor = platform.ports.office, acting(tx, by)
        done = proposals.answer(tx, office, wanted, stays, actor, present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    answer(_row(done), json, lambda: pairs(_row(done)))
    if done.outcome is None:
        say("somebody else who had no part in it gives the same reason, and then the customer is answered")


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="restrictions", help="What the lender restricts.")
    group.command(objections, name="objections")
    group.command(answer_objection, name="answer")
    app.command(group)
