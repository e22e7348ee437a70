"""How people leave, at a terminal."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from whiteslip import insight
from whiteslip.app.commands_lake import Csv, say_stale
from whiteslip.app.commands_setup import Json
from whiteslip.app.duty import By, acting
from whiteslip.app.terminal import (
    CommandError,
    Exit,
    answer,
    csv_rows,
    data,
    in_words,
    pairs,
    refuse,
    say,
    table,
)
from whiteslip.app.wiring import Platform, working
from whiteslip.base import Refusal, local_day
from whiteslip.insight import MEASURES, Window, store
from whiteslip.insight.feedback import evidence_of
from whiteslip.insight.model import YEARS, Proposal, Report
from whiteslip.insight.paper import as_pdf
from whiteslip.insight.registry import line_facts
from whiteslip.insight.words import Words
from whiteslip.store import Tx
from whiteslip.store.timers import present

# Evidence that is a list of its own; the rest are measures.
_LISTS: Final = {"alerts": "watch alerts", "exits": "exits list"}
Month = Annotated[str, Parameter(help="A month, such as 2026-09.")]
Since = Annotated[date | None, Parameter(help="First day; a year before the last by default.")]
Until = Annotated[date | None, Parameter(help="Last day; today by default.")]


def _month(text: str) -> date:
    try:
        found = date.fromisoformat(f"{text}-01")
        if found.year not in YEARS:
            raise ValueError(text)
        return found
    except ValueError:
        raise CommandError(f"a month is written 2026-09, not {text!r}", Exit.USAGE) from None


def _today(platform: Platform, tx: Tx) -> date:
    return local_day(present(tx), platform.pack.timezone)


def list_measures(*, json: Json = False) -> None:
    """List the measures with their formulas and sources."""
    rows = [[m.name, m.title, m.formula, m.source] for m in MEASURES.values()]
    columns = ("measure", "title", "formula", "source")
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    answer(records, json, lambda: table(columns, rows, wrapped=columns[1:]))


def show(
    name: str,
    /,
    *,
    since: Since = None,
    until: Until = None,
    segment: Annotated[str, Parameter(help="none or pack.")] = "none",
    csv: Csv = False,
    json: Json = False,
) -> None:
    """Compute measure NAME of a window. Groups of fewer than ten are not told."""
    with working() as (platform, tx):
        last = until or _today(platform, tx)
        window = Window.of(since, last, segment, platform.pack.timezone)
        found = insight.compute(tx, platform.ports.lake, name, window, platform.settings.text("lake_engine"))
    if isinstance(found, Refusal):
        missing = found.code in ("insight.measure_unknown", "lake.empty")
        raise CommandError(
            in_words(found), Exit.NOT_FOUND if missing else Exit.USAGE, hint="whiteslip insight list"
        )
    say_stale(found.day, found.why)
    if csv and not json:
        sys.stdout.write(found.as_csv())
        return
    words = Words("en")
    cells = [[words.cell(c, v) for c, v in zip(found.columns, row, strict=True)] for row in found.rows]
    answer(asdict(found), json, lambda: table(list(found.columns), cells))


def reports(*, json: Json = False) -> None:
    """List the months that were reported."""
    with working() as (_, tx):
        rows = [f"{month:%Y-%m}" for month in store.months(tx)]
    answer(rows, json, lambda: table(["month"], [[row] for row in rows]))


def report(
    month: Month,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Write it to a .pdf or .json file.")] = None,
    lang: Annotated[str, Parameter(help="en or zh-CN, of the PDF.")] = "en",
    json: Json = False,
) -> None:
    """Show the report of a month that is over, and make it if no night did; with --out as a file."""
    if lang not in ("en", "zh-CN"):
        raise CommandError(f"--lang is en or zh-CN, not {lang!r}", Exit.USAGE)
    with working() as (platform, tx):
        tables, zone = platform.ports.office.tables, platform.pack.timezone
        told = insight.make_report(tx, tables, _month(month), zone, "system", present(tx))
        if isinstance(told, Refusal):
            refuse(told)
        kept = store.report(tx, told.month)
        drafts = store.drafts(tx, told.month)
    if out and kept:
        pdf = out.suffix == ".pdf"
        out.write_bytes(as_pdf(told, kept[2], lang) if pdf else msgspec.json.encode(told))
        say(f"written: {out}")
        return
    cases = [_cases(each, insight.month_of(told.month, zone)) for each in told.proposals]
    shown = msgspec.to_builtins(told)
    shown["proposals"] = [
        each | {"cases": command} for each, command in zip(shown["proposals"], cases, strict=True)
    ]
    answer(shown, json, lambda: _proposals(told, {n: d.version for n, d in drafts.items()}, cases))
    if any(proposal.change for proposal in told.proposals) and not json:
        say(f"next: whiteslip insight draft {month} NO --by WHO")


def _cases(proposal: Proposal, window: Window) -> str:
    """The command that lists what a proposal rests on."""
    what, of = evidence_of(proposal, window)
    command = _LISTS.get(what, f"insight show {what}")
    return " ".join(
        ["whiteslip", command, *(f"--{name.replace('_', '-')} {value}" for name, value in of.items())]
    )


def _proposals(told: Report, drafts: dict[int, str], cases: list[str]) -> None:
    words, rows = Words("en"), list[list[Any]]()
    for no, (proposal, command) in enumerate(zip(told.proposals, cases, strict=True), 1):
        said = words.say(proposal)
        draft = drafts.get(no, "yes" if proposal.change else "")
        rows.append([no, said.what, said.evidence, said.effect, command, draft])
    columns = ["no", "proposal", "evidence", "expected", "cases", "draft"]
    table(columns, rows, wrapped=columns[1:5], none=words.paper("none"))


def draft(month: Month, no: int, /, *, by: By, json: Json = False) -> None:
    """Make a policy draft of proposal NO of a month and hold it against the past. It decides nothing."""
    with working() as (platform, tx):
        tables = platform.ports.office.tables
        done = insight.draft_proposal(tx, tables, _month(month), no, acting(tx, by), present(tx))
        if isinstance(done, Refusal):
            refuse(done)
    shown = {"table": done.name, "version": done.version, "state": done.state}
    answer(shown, json, lambda: pairs(shown))
    say(f"next: whiteslip policy diff {done.name} {done.version}")


def judge(*, json: Json = False) -> None:
    """Judge the offers as every night does, and switch off what the rule says."""
    with working() as (platform, tx):
        today, now = _today(platform, tx), present(tx)
        gone = insight.judge_offers(tx, today, platform.pack.timezone, now)
    answer({"switched_off": gone}, json, lambda: data(f"{gone} switched off"))


def facts(*, day: date, json: Json = False) -> None:
    """Write facts of lines at the end of a day as CSV for the lab's recipe "leaving"."""
    with working() as (platform, tx):
        if day > _today(platform, tx) - timedelta(days=30):
            raise CommandError("what followed is known thirty days later: give an earlier --day", Exit.USAGE)
        rows = line_facts(tx, day, platform.pack.timezone)
    if not rows:
        raise CommandError(f"there was no line on {day}", Exit.NOT_FOUND)
    told = [row | {"asked": int(row["asked"])} for row in rows]
    answer(told, json, lambda: csv_rows(list(told[0]), [list(row.values()) for row in told]))


def register(app: App) -> None:
    """Add these commands."""
    group = App(name="insight", help="Why, when and how customers leave, and what that teaches.")
    group.command(list_measures, name="list")
    for command in (show, reports, report, draft, judge, facts):
        group.command(command)
    app.command(group)
