"""Letters that were given up, or of which nobody knows, as a terminal shows them."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from cyclopts import App, Parameter

from whiteslip.app.commands_setup import Json, Limit
from whiteslip.app.duty import By, acting
from whiteslip.app.terminal import CommandError, Exit, answer, data, refuse, say, table
from whiteslip.app.wiring import working
from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public, public
from whiteslip.notices import acts
from whiteslip.notices.model import State
from whiteslip.store.timers import present

_COLUMNS: Final = ("id", "kind", "state", "attempts", "queued_at", "tried_at", "reply")
_ALL: Final = 1_000_000


def _known(text: str) -> UUID:
    found = parse_public("ltr", text)
    if found is None:
        refuse(Refusal("notice.not_found"))
    return found


def show_all(*, state: State | None = None, limit: Limit = 100, json: Json = False) -> None:
    """List letters that were given up or are in doubt, the oldest first; with --state, those in one state."""
    wanted = [state] if state else [State.FAILED, State.UNKNOWN]
    with working() as (_, tx):
        found = [row | {"id": public("ltr", row["id"])} for row in acts.in_states(tx, wanted, limit)]
    rows: list[dict[str, Any]] = [{name: row[name] for name in _COLUMNS} for row in found]
    answer(rows, json, lambda: table(_COLUMNS, [list(row.values()) for row in rows]))
    if rows and not state and not json:
        say("next: whiteslip letters send-again LETTER --by NAME")


def send_again(
    *letters: str,
    by: By,
    every_failed: Annotated[bool, Parameter(negative="", help="All that have failed.")] = False,
    not_taken: Annotated[
        bool, Parameter(negative="", help="You looked: the mail server's log has none of them.")
    ] = False,
    json: Json = False,
) -> None:
    """Queue LETTERS (ltr_…) that have failed once more, or with --not-taken those in doubt: all or none."""
    if bool(letters) == every_failed:
        raise CommandError("name letters, or say --every-failed", Exit.USAGE, "whiteslip letters list")
    with working() as (_, tx):
        actor, now = acting(tx, by), present(tx)
        wanted = [_known(text) for text in letters]
        if every_failed:
            wanted = [row["id"] for row in acts.in_states(tx, [State.FAILED], _ALL)]
        for letter in wanted:
            done = acts.send_again(tx, letter, not_taken, actor, now)
            if isinstance(done, Refusal):
                refuse(Refusal(done.code, {"letter": public("ltr", letter)}))
    answer({"queued": len(wanted)}, json, lambda: data(f"{len(wanted)} letters are queued again"))


def taken(letter: str, /, *, by: By, json: Json = False) -> None:
    """Note that the mail server's log shows that it has taken a LETTER (ltr_…) in doubt: it was sent then."""
    with working() as (_, tx):
        done = acts.note_taken(tx, _known(letter), acting(tx, by), present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    answer({"id": letter, "state": done.state}, json, lambda: data(f"{letter} was sent"))


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="letters", help="Letters that were given up, or of which nobody knows.")
    group.command(show_all, name="list")
    group.command(send_again)
    group.command(taken)
    app.command(group)
