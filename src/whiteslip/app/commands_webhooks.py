"""Webhooks at a terminal: follow them, try them out, send them again."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Final, NoReturn

from cyclopts import App, Parameter

from whiteslip import webhooks
from whiteslip.app.commands_setup import Json
from whiteslip.app.settings import Settings, load
from whiteslip.app.terminal import CommandError, Exit, answer, data, refuse, say, table
from whiteslip.app.wiring import opened, web_secret, working
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.store import Database
from whiteslip.store.database import journal_head
from whiteslip.store.files import write_once
from whiteslip.store.timers import present
from whiteslip.webhooks import Courier, guard, store
from whiteslip.webhooks.courier import new_secret
from whiteslip.webhooks.events import PUBLISHED
from whiteslip.webhooks.model import Answer, Event

LISTENER_FILE: Final = "listen.secret"
_MOST: Final = 1_000
_ACTOR: Final = "terminal"
_PAUSE_SECONDS: Final = 0.5


def show(*, json: Json = False) -> None:
    """List the endpoints that are told what happens."""
    with working() as (_, tx):
        found = store.page(tx, None, _MOST)
    rows = [
        {
            "id": public("whe", each.id),
            "url": each.url,
            "events": each.kinds,
            "state": each.state,
            "reason": each.reason,
            "failing_since": each.failing_since,
        }
        for each in found
    ]
    shown = [
        [row["id"], row["state"], ",".join(each.kinds) or "all", row["url"]]
        for row, each in zip(rows, found, strict=True)
    ]
    answer(rows, json, lambda: table(["id", "state", "events", "url"], shown))


def trigger(kind: str, /, *, json: Json = False) -> None:
    """Send a sample event of KIND to every endpoint, marked as a test. The worker sends it."""
    with working() as (_, tx):
        seq = webhooks.test(tx, None, kind, _ACTOR, present(tx))
        told = [public("whe", each.id) for each in store.active(tx)]
        if isinstance(seq, Refusal):
            _unknown([kind])
    _asked(seq, told, json)


def resend(number: int, /, *, json: Json = False) -> None:
    """Send event NUMBER again, under its own id, to each endpoint that wants its kind."""
    with working() as (_, tx):
        told = webhooks.resend(tx, number, _ACTOR, present(tx))
        if isinstance(told, Refusal):
            refuse(told)
    _asked(number, [public("whe", each.id) for each in told], json)


def _asked(seq: int, told: list[str], json: bool) -> None:
    result = {"event": seq, "webhook_id": f"evt_{seq}", "endpoints": told}
    answer(result, json, lambda: data(f"evt_{seq} goes to {len(told)} endpoints"))


def listen(
    *,
    forward_to: Annotated[
        str, Parameter(help="Where to post events, such as http://localhost:3000/hooks.")
    ] = "",
    events: Annotated[str, Parameter(help="Types to forward, with commas between; all if absent.")] = "",
    print_secret: Annotated[bool, Parameter(negative="", help="Print the signing secret and end.")] = False,
) -> None:
    """Follow what happens from now on and post it, signed, to a server of yours while you develop.

    No endpoint is needed, nothing is tried twice, and the secret stays the same.
    """
    settings = load(os.environ)
    with opened(settings, size=1) as platform:
        secret = _secret(settings)
        if print_secret:
            data(secret)
            return
        kinds = [kind.strip() for kind in events.split(",") if kind.strip()]
        if not PUBLISHED.keys() >= set(kinds):
            _unknown(kinds)
        if guard.fault(forward_to, allow_internal=True):
            said = f"{forward_to!r} is no address of a server" if forward_to else "listen wants an address"
            hint = "whiteslip webhooks listen --forward-to http://localhost:3000/hooks"
            raise CommandError(said, Exit.USAGE, hint)
        say(f"forwarding to {forward_to}; stop with Ctrl-C")
        _follow(
            platform.database, Courier(web_secret(settings), allow_internal=True), forward_to, secret, kinds
        )


def _follow(database: Database, courier: Courier, url: str, secret: str, kinds: list[str]) -> NoReturn:
    with database.transaction() as tx:
        after, _ = journal_head(tx)
    while True:
        with database.transaction() as tx:
            found, read = store.news(tx, after, kinds)
        for event in found:
            data(_line(event, courier.send(url, [secret], event)))
        if read == after:
            time.sleep(_PAUSE_SECONDS)
        after = read


def _line(event: Event, given: Answer) -> str:
    return f"{event.id}  {event.kind}  {given.status or given.error}  {given.ms} ms"


def _secret(settings: Settings) -> str:
    path: Path = settings.home / LISTENER_FILE
    if not path.exists():
        write_once(path, new_secret())
    return path.read_text()


def _unknown(kinds: list[str]) -> NoReturn:
    unknown = ", ".join(sorted(set(kinds) - PUBLISHED.keys()))
    raise CommandError(f"not published: {unknown}; these are: {', '.join(sorted(PUBLISHED))}", Exit.USAGE)


def register(app: App) -> None:
    """Add these commands."""
    hooks = App(name="webhooks", help="What other systems are told of.")
    hooks.command(show, name="list")
    hooks.command(listen)
    hooks.command(trigger)
    hooks.command(resend)
    app.command(hooks)
