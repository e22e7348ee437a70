"""Note steps, measure, report a month, draft a proposal, judge offers, forget. None commits."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid5

import msgspec
import psycopg

from whiteslip import portfolio
from whiteslip.base import Refusal, add_months, end_of_day
from whiteslip.decisions import Tables, policies
from whiteslip.decisions.grid import Grid, grids_of, with_rows
from whiteslip.decisions.lifecycle import Policy
from whiteslip.decisions.model import Table
from whiteslip.exits import offering
from whiteslip.insight import feedback, store, uplift
from whiteslip.insight.model import (
    SEGMENTS,
    Change,
    Figures,
    Journey,
    Proposal,
    Report,
    Row,
    Step,
    Window,
)
from whiteslip.insight.registry import MEASURES, looks
from whiteslip.lake import Lake
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.portfolio import Result
from whiteslip.store import Entry, Tx

SURVIVAL: Final = "survival"
NAMES: Final = (*MEASURES, SURVIVAL)
_WATCH, _ROUTING = "watch-monitor", "exit-routing"
_KEEP_STEPS: Final = timedelta(days=800)
_SALT_BYTES: Final = 32
_WALK_BYTES: Final = 16
_MONTHS: Final = UUID("f0f4b7f6-4a0e-5e0c-9f53-2d3f3f8c4c31")


def see(
    tx: Tx, journey: Journey, step: Step, key: str, pack: str, now: datetime, simulated: bool = False
) -> None:
    """Note that a walk reached a step. ``key`` is what is the same on every page of one walk.

    What is ``simulated`` is told apart from what people did, everywhere and for good.
    It is hashed under the day's salt, which is deleted the day after, and kept nowhere. There is no
    journal row: it would name the customer. What fails here fails silently: measuring costs nobody
    their exit.
    """
    try:
        with tx.conn.transaction():
            salts = store.salts(tx, now.date(), secrets.token_bytes(_SALT_BYTES))
            walks = [hmac.digest(salt, key.encode(), "sha256")[:_WALK_BYTES] for salt in salts]
            store.add_step(tx, walks, journey, step, pack, now, simulated)
    except psycopg.Error:
        return


def compute(tx: Tx, lake: Lake | None, name: str, window: Window, engine: str = "") -> Result | Refusal:
    """One measure of a window. Small groups are hidden.

    Refusals: ``insight.measure_unknown``, ``insight.segment_unknown``, ``insight.window_empty``, and for
    survival those of the portfolio and ``lake.off``.
    """
    if name not in NAMES:
        return Refusal("insight.measure_unknown", {"measure": name, "known": ", ".join(NAMES)})
    if window.segment not in SEGMENTS:
        return Refusal("insight.segment_unknown", {"segment": window.segment, "known": ", ".join(SEGMENTS)})
    if not window.is_possible:
        return Refusal("insight.window_empty")
    if name == SURVIVAL:
        return _survival(tx, lake, window, engine)
    measure = MEASURES[name]
    rows = measure.work(measure.gather(tx, window))
    return Result(
        name, measure.title, measure.formula, measure.source,
        window.until, window.until, False, window.segment, *_cells(rows),
    )  # fmt: skip


def _survival(tx: Tx, lake: Lake | None, window: Window, engine: str) -> Result | Refusal:
    """The portfolio's survival, as it is told at every door; of a day that is sealed."""
    if lake is None:
        return Refusal("lake.off")
    sealed = last_sealed_day(tx)
    day = min(window.until, sealed) if sealed else window.until
    found = portfolio.compute(lake, SURVIVAL, day, window.segment, engine=engine)
    if isinstance(found, Refusal):
        return found
    return portfolio.told(found)


def _cells(rows: list[Row]) -> tuple[list[str], list[list[object]]]:
    columns = list(rows[0]) if rows else []
    return columns, [[row[column] for column in columns] for row in rows]


def month_of(month: date, timezone: str) -> Window:
    """The window of a month; any of its days names it."""
    first = month.replace(day=1)
    return Window(first, add_months(first, 1) - timedelta(days=1), "none", timezone)


def make_report(
    tx: Tx, tables: Tables, month: date, timezone: str, actor: str, now: datetime
) -> Report | Refusal:
    """Report a month that is over, once: what was told stays told.

    Refusal: ``insight.month_not_over``.
    """
    window = month_of(month, timezone)
    if now < end_of_day(window.until, timezone):
        return Refusal("insight.month_not_over", {"month": f"{window.since:%Y-%m}"})
    known = store.report(tx, window.since)
    if known:
        return known[0]
    # Two measures may be of the same rows.
    gathered = {gather: gather(tx, window) for gather in {each.gather for each in MEASURES.values()}}
    rows = {name: measure.work(gathered[measure.gather]) for name, measure in MEASURES.items()}
    proposals = _proposals(tx, tables, window, rows, now)
    figures = [Figures(name, *_cells(found)) for name, found in rows.items()]
    report = Report(window.since, figures, proposals)
    # As it is read back, so that what is answered now and later is the same to the byte.
    report = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    sha256 = hashlib.sha256(msgspec.json.encode(report)).hexdigest()
    store.add_report(tx, report, sha256, now)
    data = {"month": f"{window.since:%Y-%m}", "proposals": len(proposals), "sha256": sha256}
    tx.record(Entry(now, "insight.reported", "month", _subject(window.since), actor, data))
    return report


def _subject(month: date) -> UUID:
    return uuid5(_MONTHS, month.isoformat())


def _proposals(
    tx: Tx, tables: Tables, window: Window, rows: Mapping[str, list[Row]], now: datetime
) -> list[Proposal]:
    before = month_of(window.since - timedelta(days=1), window.timezone)
    reasons = MEASURES["reasons"]
    found = [
        *feedback.friction(rows["funnel"]),
        *feedback.product(rows["reasons"], reasons.work(reasons.gather(tx, before))),
        *feedback.offers([uplift.judge(own) for own in uplift.by_offer(looks(tx, window)).values()]),
    ]
    since, until = (
        end_of_day(day, window.timezone) for day in (window.until - timedelta(days=365), window.until)
    )
    alarms = [
        feedback.Alarm(row["rule"], row["right"], row["facts"])
        for row in store.counted(tx, "alarms", since=since, until=until)
    ]
    desk = store.counted(tx, "desk", since=since, until=until)
    for grid in _rules(policies.active(tx, tables, _WATCH, now)):
        found += feedback.early_warning(_WATCH, grid, alarms)
    for grid in _rules(policies.active(tx, tables, _ROUTING, now)):
        found += feedback.routing(_ROUTING, grid, desk)
    return found


def _rules(table: Table) -> list[Grid]:
    """The decision tables of a policy, without its expressions."""
    return [grid for grid in grids_of(table) if not grid.is_named]


def draft_proposal(
    tx: Tx, tables: Tables, month: date, no: int, actor: str, now: datetime
) -> Policy | Refusal:
    """Make a draft of proposal ``no`` (from 1) and hold it against the past, as anybody's draft is.

    It decides nothing until two people have put it in force. Refusals: ``insight.not_found``,
    ``insight.no_change``, ``insight.overtaken``, those of ``policies.draft`` and of its backtest.
    """
    kept = store.report(tx, month.replace(day=1))
    if kept is None or not 1 <= no <= len(kept[0].proposals):
        return Refusal("insight.not_found")
    change = kept[0].proposals[no - 1].change
    if change is None:
        return Refusal("insight.no_change")
    content = _changed(tx, tables, change, now)
    if isinstance(content, Refusal):
        return content
    note = (
        f"insight {month:%Y-%m}/{no}: {change.rule}.{change.column} {change.now or '(any)'} -> {change.then}"
    )
    drafted = policies.draft(tx, tables, change.table, content, actor, now, note)
    if isinstance(drafted, Refusal):
        return drafted
    table = policies.table_of(tx, tables, change.table, drafted.version, now)
    if isinstance(table, Refusal):
        return table
    ran = policies.run_backtest(
        tx, tables, table, actor, now, follow=partial(store.what_followed, tx, day=now.date())
    )
    if isinstance(ran, Refusal):
        return ran
    store.add_draft(tx, month.replace(day=1), no, change.table, drafted.version, actor, now)
    data = {"month": f"{month:%Y-%m}", "no": no, "table": change.table, "version": drafted.version}
    tx.record(Entry(now, "insight.drafted", "month", _subject(month.replace(day=1)), actor, data))
    return policies.granted_policy(tx, tables, change.table, drafted.version, now)


def _changed(tx: Tx, tables: Tables, change: Change, now: datetime) -> dict[str, object] | Refusal:
    """The table in force with one cell changed. Refusal: ``insight.overtaken`` where it is not as it was."""
    table = policies.active(tx, tables, change.table, now)
    grid = next((each for each in _rules(table) if each.node == change.node), None)
    rows = [dict(row) for row in grid.rows] if grid else []
    row = next((each for each in rows if each["_id"] == change.rule), None)
    if row is None or row.get(change.column, "") != change.now:
        return Refusal("insight.overtaken")
    row[change.column] = change.then
    return with_rows(table, {change.node: rows})


def judge_offers(tx: Tx, day: date, timezone: str, now: datetime) -> int:
    """Switch off what the rule says; returns how many offers went. Run every night."""
    window = Window(day, day, "none", timezone)
    gone = 0
    for name, own in uplift.by_offer(looks(tx, window)).items():
        judged = uplift.judge(own)
        if judged.verdict.switches_off and not judged.ended:
            gone += offering.switch_off(tx, name, judged.verdict, "system", now)
    return gone


def forget(tx: Tx, now: datetime) -> int:
    """Delete the salts of days that are over, and steps of more than two years ago."""
    return store.forget(tx, now.date(), now - _KEEP_STEPS)
