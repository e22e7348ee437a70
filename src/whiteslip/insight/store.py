"""Rows and queries of this room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from whiteslip.decisions import champions
from whiteslip.decisions.backtest import Later
from whiteslip.decisions.scoring import Model
from whiteslip.insight.model import Journey, Report, Row, Seen, Step
from whiteslip.insight.modelled import MODEL
from whiteslip.insight.uplift import Look
from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)


class Draft(msgspec.Struct, frozen=True):
    """A proposal that somebody made a draft of: which version of which table."""

    no: int
    table_name: str
    version: str
    actor: str
    at: datetime


def counted(tx: Tx, name: str, **given: Any) -> list[Row]:
    """The rows of a counting query."""
    query = getattr(_queries, name)
    wanted = {key: value for key, value in given.items() if f"%({key})s" in query.sql}
    return list(query(tx.conn, **wanted))


def steps(tx: Tx, since: datetime, until: datetime, segment: str) -> list[Seen]:
    """The steps of walks that began in the window."""
    rows = _queries.steps(tx.conn, since=since, until=until, segment=segment)
    return [
        Seen(bytes(r["walk"]), r["segment"], Journey(r["journey"]), Step(r["step"]), r["at"]) for r in rows
    ]


def looks(tx: Tx, until: datetime, timezone: str) -> list[Look]:
    """All looks at offers until an instant."""
    return msgspec.convert(list(_queries.trials(tx.conn, until=until, timezone=timezone)), list[Look])


def salts(tx: Tx, day: date, fresh: bytes) -> list[bytes]:
    """Salts of a day and of the day before, the newest first; ``fresh`` becomes the day's if it has none."""
    since = day - timedelta(days=1)
    found = list(_queries.salts(tx.conn, since=since))
    if not found or found[0]["day"] < day:
        _queries.add_salt(tx.conn, day=day, salt=fresh)
        found = list(_queries.salts(tx.conn, since=since))
    return [bytes(row["salt"]) for row in found]


def add_step(
    tx: Tx, walks: Sequence[bytes], journey: Journey, step: Step, pack: str, now: datetime, simulated: bool
) -> None:
    """Note the first time a walk reaches a step: the one of ``walks`` that is there, else the first."""
    _queries.add_step(
        tx.conn, walks=list(walks), journey=journey, step=step, pack=pack, now=now, simulated=simulated
    )


def forget(tx: Tx, salts_before: date, steps_before: datetime) -> int:
    """Delete salts and steps that are old; returns how many."""
    done: int = _queries.forget(tx.conn, salts_before=salts_before, steps_before=steps_before)
    return done


def attrition_model(tx: Tx) -> Model | None:
    """The champion that says who may leave, if one is in service."""
    found = champions.champion(tx, MODEL)
    return found.model if found else None


def lines_there(tx: Tx, day: date) -> int:
    """How many lines are there at the end of a day."""
    return _queries.lines_there(tx.conn, day=day)


def add_report(tx: Tx, report: Report, sha256: str, now: datetime) -> bool:
    """Keep a month's report, unless it has one."""
    content = msgspec.json.encode(report).decode()
    return (
        _queries.add_report(tx.conn, month=report.month, content=content, sha256=sha256, now=now) is not None
    )


def report(tx: Tx, month: date) -> tuple[Report, datetime, str] | None:
    """A month's report, when it was made, and its hash."""
    row = _queries.report(tx.conn, month=month)
    return (msgspec.convert(row["content"], Report), row["made_at"], row["sha256"]) if row else None


def months(tx: Tx) -> list[date]:
    """Months that were reported, the newest first."""
    return [row["month"] for row in _queries.months(tx.conn)]


def add_draft(tx: Tx, month: date, no: int, table_name: str, version: str, actor: str, now: datetime) -> None:
    """Remember that a draft was made of a proposal."""
    _queries.add_draft(
        tx.conn, month=month, no=no, table_name=table_name, version=version, actor=actor, now=now
    )


def drafts(tx: Tx, month: date) -> dict[int, Draft]:
    """Drafts of a month's proposals, by number."""
    return {row["no"]: msgspec.convert(row, Draft) for row in _queries.drafts(tx.conn, month=month)}


def what_followed(tx: Tx, decisions: Sequence[UUID], day: date) -> dict[UUID, Later]:
    """What came after each decision by ``day``: the most days past due, and what became of a leaver; of those
    that can be followed.

    A purchase is followed by itself, an application through its line, a restriction, an alert and the
    routing of an exit by theirs.
    """
    rows = _queries.what_followed(tx.conn, decisions=list(decisions), day=day)
    return {row["id"]: Later(row["days"], tuple(row["became"])) for row in rows}
