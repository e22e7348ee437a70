"""Facilities as a terminal shows them."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

from cyclopts import App, Parameter

from whiteslip import funding
from whiteslip.app.commands_lake import say_stale
from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.settings import load
from whiteslip.app.terminal import CommandError, Exit, answer, data, pairs, read_file, refuse, say, table
from whiteslip.app.wiring import Platform, opened, working
from whiteslip.base import Refusal, local_day
from whiteslip.base.ids import parse_public, public
from whiteslip.funding import deals, report, serving
from whiteslip.funding import store as funding_store
from whiteslip.funding.model import Base, Position, Remedy
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.store import Tx
from whiteslip.store.timers import present

_PROVEN: Final = "the proof gives the base"
Stated = Annotated[list[str] | None, Parameter(name="--set", help="NAME=VALUE of what a file requires.")]


def _today(platform: Platform, tx: Tx) -> tuple[date, datetime]:
    now = present(tx)
    return local_day(now, platform.pack.timezone), now


def load_deal(source: str, /, *, by: By, stated: Stated = None, json: Json = False) -> None:
    """Load a deal file, or an example that ships, and put it in force.

    SOURCE is a path or the name of an example. What the file requires is stated with --set, such as
    --set cure_days=2.
    """
    given: dict[str, str] = {}
    for pair in stated or []:
        name, found, value = pair.partition("=")
        if not found:
            raise CommandError(f"--set takes NAME=VALUE, not {pair!r}", Exit.USAGE)
        given[name] = value
    try:
        ours = source in deals.examples()
        text = deals.example(source) if ours else read_file(Path(source), "whiteslip funding load --help")
        deal = deals.read(text if isinstance(text, str) else text.decode("utf-8", "replace"), given)
    except funding.DealError as error:
        for fault in error.faults:
            say(f"- {fault}")
        _note_refused(error, by)
        raise CommandError(f"{source} is not put in force", Exit.USAGE) from None
    with working() as (_, tx):
        version = funding.load(tx, deal, acting(tx, by), present(tx))
        if isinstance(version, Refusal):
            refuse(version)
    shown = {"facility": deal.name, "version": version}
    answer(shown, json, lambda: pairs(shown))
    say(f"next: whiteslip funding fill {deal.name} AMOUNT_MINOR")


def _note_refused(error: funding.DealError, by: By) -> None:
    """Keep the faults beside the facility, if there is one: its page says that another is in force."""
    settings = load(os.environ)
    if settings.master_key_file.exists():
        with opened(settings) as platform, platform.database.transaction() as tx:
            serving.refuse_deal(tx, error.name, error.faults, acting(tx, by), present(tx))


def show_all(*, json: Json = False) -> None:
    """List facilities with their base and headroom."""
    with working() as (_, tx):
        rows = [_listed(tx, found.deal.name) for found in funding_store.facilities(tx)]
    columns = ["facility", "currency", "day", "base_minor", "debt_minor", "available_minor", "phase"]
    answer(
        rows,
        json,
        lambda: table(columns, [["" if row[c] is None else row[c] for c in columns] for row in rows]),
    )


def _listed(tx: Tx, name: str) -> dict[str, Any]:
    found, told = funding.find(tx, name), funding.statement(tx, name)
    kept = None if isinstance(told, Refusal) else told
    return {
        "facility": name,
        "currency": None if isinstance(found, Refusal) else found.deal.currency,
        "day": kept and kept.day,
        "base_minor": kept and kept.base.base_minor,
        "debt_minor": kept and kept.base.debt_minor,
        "available_minor": kept and kept.base.available_minor,
        "phase": kept and kept.base.phase,
    }


def fill(facility: str, up_to_minor: int, /, *, by: By, json: Json = False) -> None:
    """Pledge eligible receivables, the oldest first, up to an amount."""
    with working() as (platform, tx):
        today, now = _today(platform, tx)
        done = funding.fill(tx, facility, up_to_minor, today, acting(tx, by), now)
        if isinstance(done, Refusal):
            refuse(done)
    answer({"pledged_minor": done}, json, lambda: pairs({"pledged_minor": done}))


def position(
    facility: str,
    /,
    *,
    debt_minor: int,
    by: By,
    cash_minor: int = 0,
    reserve_minor: int = 0,
    json: Json = False,
) -> None:
    """State what was drawn and what the accounts hold."""
    if min(debt_minor, cash_minor, reserve_minor) < 0:
        raise CommandError("amounts are 0 or more", Exit.USAGE)
    stated = Position(debt_minor, cash_minor, reserve_minor)
    with working() as (_, tx):
        done = funding.state_position(tx, facility, stated, acting(tx, by), present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    shown = {"facility": facility, "debt_minor": debt_minor, "cash_minor": cash_minor}
    answer(shown | {"reserve_minor": reserve_minor}, json, lambda: pairs(shown))


def base(facility: str, /, *, now: bool = False, json: Json = False) -> None:
    """Show the borrowing base of a facility: the newest night's, or with --now as it stands."""
    with working() as (platform, tx):
        today, _ = _today(platform, tx)
        if now:
            found = funding.find(tx, facility)
            if isinstance(found, Refusal):
                refuse(found)
            seen = funding.picture(tx, found, today)
            shown = _base(seen.base, seen.day)
        else:
            told = serving.serve(tx, facility, today, last_sealed_day(tx))
            if isinstance(told, Refusal):
                refuse(told)
            say_stale(told.day, told.why)
            shown = _base(told.base, told.day) | {"proof_sha256": told.sha256}
        _say_refused(tx, facility)
    answer(shown, json, lambda: pairs(shown))


def _say_refused(tx: Tx, facility: str) -> None:
    faults = serving.refused_deal(tx, facility)
    if faults:
        say(f"the last deal file was refused, and the version before it is in force: {'; '.join(faults)}")


def _base(found: Base, day: date) -> dict[str, Any]:
    return {
        "day": day,
        "phase": found.phase,
        "pool_minor": found.pool_minor,
        **{f"not_eligible.{rule}": minor for rule, minor in found.ineligible},
        "eligible_minor": found.eligible_minor,
        "excess_minor": found.excess_minor,
        "advance_bps": found.advance_bps,
        "held_back_minor": found.held_back_minor,
        "cash_minor": found.cash_minor,
        "base_minor": found.base_minor,
        "debt_minor": found.debt_minor,
        "available_minor": found.available_minor,
    }


def write_report(facility: str, /, *, out: Path, day: date | None = None, json: Json = False) -> None:
    """Write the funder's report of a night: CSV, PDF, or the proof as JSON.

    The ending of --out says which: .csv, .pdf or .json.
    """
    if out.suffix not in (".csv", ".pdf", ".json"):
        raise CommandError(f"{out} ends in none of .csv, .pdf and .json", Exit.USAGE)
    with working() as (_, tx):
        told = funding.statement(tx, facility, day)
        if isinstance(told, Refusal):
            refuse(told)
        kept = funding_store.proof(tx, funding.facility_id(facility), told.day)
    try:
        if out.suffix == ".csv":
            out.write_text(report.as_csv(told), "utf-8", newline="")
        elif out.suffix == ".pdf":
            out.write_bytes(report.as_pdf(told))
        elif kept:
            out.write_bytes(kept[1])
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from None
    shown = {"file": str(out), "day": told.day, "receivables": told.receivables, "sha256": told.sha256}
    in_short = f"{out}  {told.day}  {told.receivables} receivables  proof {told.sha256[:16]}"
    answer(shown, json, lambda: data(in_short))


def check(facility: str, /, *, day: date | None = None, json: Json = False) -> None:
    """Make a kept base again from its proof and compare."""
    with working() as (_, tx):
        faults = funding.check(tx, facility, day)
    if isinstance(faults, Refusal):
        refuse(faults)
    answer({"facility": facility, "faults": faults}, json, lambda: None if faults else data(_PROVEN))
    if faults:
        raise CommandError("; ".join(faults), Exit.UNHEALTHY)


def _remedy(found: Remedy) -> dict[str, Any]:
    return {
        "id": public("rem", found.id),
        "kind": found.kind,
        "plan": str(found.plan),
        "instead": str(found.instead) if found.instead else None,
        "price_minor": found.price_minor,
        "why": found.why,
        "proposed_by": found.proposed_by,
        "endorsed_by": found.endorsed_by,
        "outcome": found.outcome,
    }


def remedies_list(facility: str, /, *, every: bool = False, json: Json = False) -> None:
    """List what is proposed to make a pool whole; with --every, what was decided too."""
    with working() as (_, tx):
        found = funding.find(tx, facility)
        if isinstance(found, Refusal):
            refuse(found)
        rows = [_remedy(each) for each in funding_store.remedies(tx, found.id, not every)]
    columns = ["id", "kind", "plan", "price_minor", "why", "endorsed_by", "outcome"]
    answer(rows, json, lambda: table(columns, [[row[c] or "" for c in columns] for row in rows]))


def replace(
    facility: str, plan: UUID, /, *, why: str, by: By, instead: UUID | None = None, json: Json = False
) -> None:
    """Propose to buy a receivable back or, with --instead, to put another in its place."""
    with working() as (platform, tx):
        today, now = _today(platform, tx)
        done = funding.propose(tx, facility, plan, instead, why, today, acting(tx, by), now)
        if isinstance(done, Refusal):
            refuse(done)
    answer(_remedy(done), json, lambda: pairs(_remedy(done)))


def decide(remedy_id: str, /, *, by: By, turn_down: bool = False, json: Json = False) -> None:
    """Endorse, approve or turn down a proposal: who proposed or endorsed it does not approve it."""
    wanted = parse_public("rem", remedy_id)
    if wanted is None:
        refuse(Refusal("funding.remedy_not_found"))
    with working() as (platform, tx):
        today, now = _today(platform, tx)
        done = funding.decide(tx, wanted, not turn_down, today, acting(tx, by), now)
        if isinstance(done, Refusal):
            refuse(done)
    answer(_remedy(done), json, lambda: pairs(_remedy(done)))


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="funding", help="What funders lend against.")
    group.command(load_deal, name="load")
    group.command(show_all, name="list")
    group.command(fill, name="fill")
    group.command(position, name="position")
    group.command(base, name="base")
    group.command(write_report, name="report")
    group.command(check, name="check")
    group.command(remedies_list, name="remedies")
    group.command(replace, name="replace")
    group.command(decide, name="decide")
    app.command(group)
