"""New terms for open lines, as a terminal shows them. One person proposes, and another agrees."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from cyclopts import App, Parameter

from whiteslip import lines
from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.terminal import CommandError, Exit, answer, pairs, read_file, refuse, table
from whiteslip.app.wiring import working
from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public, public
from whiteslip.exits import behalf, newterms
from whiteslip.exits.behalf import How
from whiteslip.exits.model import Channel
from whiteslip.lines import changes
from whiteslip.lines.changes import Change, Scope
from whiteslip.lines.model import Product, terms_from
from whiteslip.store import Tx
from whiteslip.store.timers import present

_COLUMNS = ["id", "state", "effective_on", "from_version", "to_version", "told", "in_force", "rejected"]


def _line(text: str) -> UUID:
    found = parse_public("line", text)
    if found is None:
        refuse(Refusal("line.not_found"))
    return found


def _row(tx: Tx, one: Change) -> dict[str, Any]:
    return {
        "id": public("tch", one.id),
        "state": one.state,
        "effective_on": one.effective_on.isoformat(),
        "line": public("line", one.line) if one.line else None,
        "from_version": one.from_version,
        "to_version": one.to_version,
        **changes.counts(tx, one.id),
    }


def show(line: str, /, *, json: Json = False) -> None:
    """Show the terms of LINE, and new ones that its holder was told."""
    with working() as (_, tx):
        found = lines.get_line(tx, _line(line))
        if isinstance(found, Refusal):
            refuse(found)
        told = changes.told_of_line(tx, found.id)
    shown: dict[str, Any] = {"version": found.terms_version, **asdict(found.terms)}
    shown["products"] = [asdict(each) for each in found.terms.products]
    shown["told"] = told.to_version if told else None
    shown["effective_at"] = told.effective_at.isoformat() if told else None
    answer(
        shown, json, lambda: pairs(shown | {"products": [_in_words(each) for each in found.terms.products]})
    )


def _in_words(product: Product) -> str:
    fee, apr = product.monthly_fee_bps, product.apr_bps
    return f"{product.instalments} x (monthly fee {fee} bps, APR {apr} bps)"


def propose(
    file: Path,
    /,
    *,
    on: Annotated[str, Parameter(help="The first day of the new terms, such as 2027-01-15.")],
    by: By,
    line: Annotated[str | None, Parameter(help="For this line alone.")] = None,
    version: Annotated[str | None, Parameter(help="For all open lines on these terms.")] = None,
    json: Json = False,
) -> None:
    """Propose the terms in FILE, TOML as [terms] of a pack, for one line or for all on a version."""
    try:
        first = date.fromisoformat(on)
        raw = tomllib.loads(read_file(file).decode())
    except ValueError as error:
        raise CommandError(f"that is no day, or no TOML: {error}", Exit.USAGE) from None
    with working() as (platform, tx):
        if (line is None) == (version is None):
            refuse(Refusal("terms.scope_invalid"))
        scope = changes.scope_of_line(tx, _line(line)) if line else Scope(platform.pack.name, version or "")
        if isinstance(scope, Refusal):
            refuse(scope)
        terms = terms_from(raw.get("terms", raw), scope.pack)
        if isinstance(terms, Refusal):
            refuse(terms)
        done = changes.propose(tx, scope, terms, first, acting(tx, by), present(tx))
        if isinstance(done, Refusal):
            refuse(done)
        row = _row(tx, done)
    answer(row, json, lambda: pairs(row))


def listed(*, json: Json = False) -> None:
    """List changes of terms, with how many lines each came to."""
    with working() as (_, tx):
        rows = [_row(tx, one) for one in changes.page(tx, None, 200)]
    answer(rows, json, lambda: table(_COLUMNS, [[row[c] for c in _COLUMNS] for row in rows], _COLUMNS[5:]))


def decide(change: str, decision: Literal["approve", "turn-down"], /, *, by: By, json: Json = False) -> None:
    """Agree to CHANGE as the second person, and the holders are written to; or turn it down."""
    wanted = parse_public("tch", change)
    if wanted is None:
        refuse(Refusal("terms.change_not_found"))
    with working() as (platform, tx):
        actor, now = acting(tx, by), present(tx)
        done = newterms.decide(tx, platform.ports.office, wanted, decision == "approve", actor, now)
        if isinstance(done, Refusal):
            refuse(done)
        row = _row(tx, done)
    answer(row, json, lambda: pairs(row))


def take_back(change: str, /, *, by: By, json: Json = False) -> None:
    """Take CHANGE back where it is not in force yet; its holders who were told are written to."""
    wanted = parse_public("tch", change)
    if wanted is None:
        refuse(Refusal("terms.change_not_found"))
    with working() as (platform, tx):
        done = newterms.take_back(tx, platform.ports.office, wanted, acting(tx, by), present(tx))
        if isinstance(done, Refusal):
            refuse(done)
        row = _row(tx, done)
    answer(row, json, lambda: pairs(row))


def reject(
    line: str, /, *, by: By, channel: Literal["phone", "paper"], how: How | None = None, json: Json = False
) -> None:
    """Say for the holder of LINE, who called or wrote, that they do not want the new terms: it closes."""
    with working() as (platform, tx):
        office, actor = platform.ports.office, acting(tx, by)
        done = behalf.reject_terms(tx, office, _line(line), Channel(channel), how, actor, present(tx))
    if isinstance(done, Refusal):
        refuse(done)
    shown = {"exit": public("exit", done.id), "reference": done.reference, "state": done.state}
    answer(shown, json, lambda: pairs(shown))


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="terms", help="The terms of lines, and new ones.")
    group.command(show, name="show")
    group.command(propose, name="propose")
    group.command(listed, name="list")
    group.command(decide, name="decide")
    group.command(take_back, name="take-back")
    group.command(reject, name="reject")
    app.command(group)
