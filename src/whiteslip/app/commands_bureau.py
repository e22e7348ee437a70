"""Files and events for credit bureaus, and objections to them."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, TextIO
from uuid import UUID

from cyclopts import App, Parameter

from whiteslip import bureau, identity
from whiteslip.app.commands_setup import Json, Limit
from whiteslip.app.duty import By, acting
from whiteslip.app.settings import Settings, load
from whiteslip.app.terminal import CommandError, Exit, answer, data, pairs, refuse, say, table
from whiteslip.app.wiring import opened, working
from whiteslip.base import Refusal
from whiteslip.base.ids import parse_public, public
from whiteslip.bureau import Ground, Objection, Outcome, Report, Reporter, Subject, cn
from whiteslip.bureau import store as bureau_store
from whiteslip.store.timers import present

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_PROGRAMS: Final = ("equifax", "experian", "innovis", "transunion")
_SHOWN_LEFT_OUT: Final = 20

Month = Annotated[str, Parameter(help="A month, such as 2026-10.")]


def _month(text: str) -> date:
    found = _MONTH.fullmatch(text)
    if found is None:
        raise CommandError(f"a month is written as 2026-10, not {text!r}", Exit.USAGE)
    return date(int(found[1]), int(found[2]), 1)


def _reporter(settings: Settings) -> Reporter:
    programs: dict[str, str] = {}
    for pair in filter(None, settings.text("bureau_programs").split(",")):
        name, _, identifier = (part.strip() for part in pair.partition("="))
        if name not in _PROGRAMS or not identifier:
            raise CommandError(
                f"WHITESLIP_BUREAU_PROGRAMS names {', '.join(_PROGRAMS)}, each with =; not {pair!r}",
                Exit.USAGE,
            )
        programs[name] = identifier
    return Reporter(
        name=settings.text("issuer_name"),
        address=settings.text("bureau_address"),
        phone=re.sub(r"\D", "", settings.text("bureau_phone"))[-10:],
        member=settings.text("bureau_member"),
        **programs,
    )


@contextmanager
def _whole_or_none(out: Path) -> Generator[TextIO]:
    """A file that only we can read, in place under its name once it is whole; else nothing is left."""
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(out)
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


def file_month(*, month: Month, out: Path, by: By, json: Json = False) -> None:
    """Write the Metro 2 file of a month for the lines under the us pack.

    Only its owner can read the file; it is there whole or not at all. Made again, it is replaced.
    """
    wanted, settings = _month(month), load(os.environ)
    reporter = _reporter(settings)
    with opened(settings) as platform, _whole_or_none(out) as file, platform.database.transaction() as tx:
        vault, actor = platform.ports.vault, acting(tx, by)
        report = bureau.report_month(
            tx, wanted, reporter, lambda who: identity.peek(tx, vault, who), file.write, actor, present(tx)
        )
        if isinstance(report, Refusal):
            refuse(report)
    for line, code in report.left_out[:_SHOWN_LEFT_OUT]:
        say(f"left out: {public('line', line)} ({code})")
    if len(report.left_out) > _SHOWN_LEFT_OUT:
        say(f"left out: {len(report.left_out) - _SHOWN_LEFT_OUT} more; --json lists them all")
    shown = _report_row(report)
    answer(shown, json, lambda: pairs(shown | {"left_out": len(report.left_out)}))


def _report_row(report: Report) -> dict[str, Any]:
    return {
        "month": f"{report.month:%Y-%m}",
        "as_of": report.as_of,
        "records": report.records,
        "first_time": report.first_time,
        "paid_and_closed": report.paid_and_closed,
        "corrections": report.corrections,
        "deletions": report.deletions,
        "left_out": [{"line": public("line", line), "code": code} for line, code in report.left_out],
    }


def events(*, since: date, by: By) -> None:
    """Tell of Chinese credit agreements since a day: ends, corrections and objections, as JSON lines."""
    with working() as (_, tx):
        found = bureau.events_due(tx, since, acting(tx, by), present(tx))
    for event in found:
        data(cn.json_line(event))


def _row(objection: Objection) -> dict[str, Any]:
    return {
        "id": public("objection", objection.id),
        "line": public("line", objection.line),
        "field": objection.field,
        "ground": objection.ground,
        "month": f"{objection.month:%Y-%m}" if objection.month else None,
        "disputed_minor": objection.disputed_minor,
        "opened_on": objection.opened_on,
        "due_at": objection.due_at,
        "outcome": objection.outcome,
        "resolved_on": objection.resolved_on,
    }


def objections_list(*, every: bool = False, limit: Limit = 50, json: Json = False) -> None:
    """List open objections, the nearest deadline first; with --every, answered ones too."""
    with working() as (_, tx):
        rows = [_row(each) for each in bureau_store.objections(tx, not every, limit)]
    columns = ["id", "line", "field", "ground", "due_at", "outcome"]
    answer(rows, json, lambda: table(columns, [[row[c] or "" for c in columns] for row in rows]))


def _line(text: str) -> UUID:
    line = parse_public("line", text)
    if line is None:
        refuse(Refusal("line.not_found"))
    return line


def objections_open(
    line_id: str,
    /,
    *,
    field: Subject,
    by: By,
    ground: Ground = Ground.RECORD,
    disputed_minor: int | None = None,
    month: Month | None = None,
    json: Json = False,
) -> None:
    """Note that a customer objects to what is reported of a line. A clock begins.

    A billing_error needs --disputed-minor. --month names the month objected to.
    """
    about = _month(month) if month else None
    with working() as (platform, tx):
        issuer, actor = platform.ports.office.issuer_name, acting(tx, by)
        made = bureau.object_to(
            tx, issuer, _line(line_id), field, actor, present(tx), ground, disputed_minor, about
        )
        if isinstance(made, Refusal):
            refuse(made)
    answer(_row(made), json, lambda: pairs(_row(made)))


def objections_resolve(objection_id: str, outcome: Outcome, /, *, by: By, json: Json = False) -> None:
    """Answer an objection: corrected, or stays."""
    wanted = parse_public("objection", objection_id)
    if wanted is None:
        refuse(Refusal("bureau.objection_not_found"))
    with working() as (platform, tx):
        issuer = platform.ports.office.issuer_name
        done = bureau.resolve(tx, issuer, wanted, outcome, acting(tx, by), present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    answer(_row(done), json, lambda: pairs(_row(done)))


def never_made(line_id: str, /, *, by: By, json: Json = False) -> None:
    """Note that a customer withdrew in time: the line is told of no more, and deleted where it was."""
    with working() as (_, tx):
        refusal = bureau.deem_never_made(tx, _line(line_id), acting(tx, by), present(tx))
        if refusal:
            refuse(refusal)
    shown = {"line": line_id, "never_made": True}
    answer(shown, json, lambda: say("bureaus are told of it no more"))


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="bureau", help="What credit bureaus are told.")
    group.command(file_month, name="file")
    group.command(events, name="events")
    group.command(never_made, name="never-made")
    objections = App(name="objections", help="Objections to what is told.")
    objections.command(objections_list, name="list")
    objections.command(objections_open, name="open")
    objections.command(objections_resolve, name="resolve")
    group.command(objections)
    app.command(group)
