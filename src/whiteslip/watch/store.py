"""Rows of this room, and what it reads of lower rooms through their views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import msgspec

from whiteslip.base.ids import NO_ID
from whiteslip.decisions.scoring import Model
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row
from whiteslip.watch.memory import Memory
from whiteslip.watch.model import Alert, Shift, State
from whiteslip.watch.months import Month
from whiteslip.watch.streams import Detector

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Known:
    """A line with whom it belongs to and whose clock it goes by."""

    line: UUID
    customer: UUID
    timezone: str


def lock_cursor(tx: Tx) -> int:
    """How far the journal was read; nobody else reads on until we commit."""
    return _queries.lock_cursor(tx.conn)


def move_cursor(tx: Tx, seq: int) -> None:
    """Remember how far the journal was read."""
    _queries.move_cursor(tx.conn, seq=seq)


def lines_of(tx: Tx, ids: Iterable[UUID]) -> list[Known]:
    """The lines among ``ids``, and those of the customers among them."""
    return [Known(**row) for row in _queries.lines_of(tx.conn, ids=sorted(ids))]


def page_of_lines(tx: Tx, after: UUID, count: int) -> list[Known]:
    """Up to ``count`` lines above ``after``."""
    return [Known(**row) for row in _queries.page_of_lines(tx.conn, after=after, count=count)]


def shops_of(tx: Tx, purchases: Iterable[UUID]) -> dict[str, str]:
    """At which shop each purchase was made."""
    rows = _queries.shops_of(tx.conn, purchases=sorted(purchases))
    return {str(row["purchase"]): str(row["merchant"]) for row in rows}


def memories(tx: Tx, lines: Iterable[UUID]) -> dict[UUID, Memory]:
    """What is remembered of lines; those of which nothing is are left out."""
    rows = _queries.memories(tx.conn, lines=sorted(lines))
    return {row["line"]: msgspec.convert(row["memory"], Memory) for row in rows}


def save_memories(tx: Tx, memories: Mapping[UUID, Memory]) -> None:
    """Write memories."""
    if memories:
        texts = [msgspec.json.encode(memory).decode() for memory in memories.values()]
        _queries.save_memories(tx.conn, line=list(memories), memory=texts)


def add_alert(tx: Tx, alert: Alert) -> None:
    """Store a new alert."""
    _queries.add_alert(
        tx.conn,
        id=alert.id,
        reference=alert.reference,
        line=alert.line,
        seq=alert.seq,
        rule=alert.rule,
        reasons=list(alert.reasons),
        act=alert.act,
        feature=alert.feature,
        tells=alert.tells,
        demoted=alert.demoted,
        decision=alert.decision,
        shown=msgspec.json.encode(alert.shown).decode(),
        happened_at=alert.happened_at,
        raised_at=alert.raised_at,
    )


def last_of_rules(tx: Tx, lines: Sequence[UUID]) -> dict[tuple[UUID, str], datetime]:
    """When each rule last fired for each line."""
    return {
        (row["line"], row["rule"]): row["at"] for row in _queries.last_of_rules(tx.conn, lines=list(lines))
    }


def false_alarms(tx: Tx, since: datetime) -> dict[str, tuple[int, int]]:
    """Labels given since, by rule: how many, and how many of them say that the alarm was false."""
    rows = _queries.false_alarms(tx.conn, since=since)
    return {row["rule"]: (row["labelled"], row["wrong"]) for row in rows}


def _alert(row: Row) -> Alert:
    return msgspec.convert(row, Alert)


def alerts(tx: Tx, state: State | None = None, line: UUID | None = None, count: int = 100) -> list[Alert]:
    """Alerts, the newest first."""
    return [_alert(row) for row in _queries.alerts(tx.conn, state=state, line=line, count=count)]


def page(tx: Tx, after: UUID | None, count: int, rule: str | None = None) -> list[Alert]:
    """Up to ``count`` alerts above ``after``, of a rule or of all, in the order in which they were raised."""
    rows = _queries.page(tx.conn, after=after or NO_ID, count=count, rule=rule)
    return [_alert(row) for row in rows]


def waiting(tx: Tx, count: int = 100, tells: str | None = None, rule: str | None = None) -> list[Alert]:
    """What waits for somebody: unacknowledged first, then for a label; the strongest act on top.

    ``tells``: only what that desk is told. ``rule``: all that this rule raised, what is labelled too.
    """
    return [_alert(row) for row in _queries.waiting(tx.conn, count=count, tells=tells, rule=rule)]


def labelled(tx: Tx) -> list[Alert]:
    """Alerts of which it is known whether they were right, in the order in which that was said."""
    return [_alert(row) for row in _queries.labelled(tx.conn)]


def alert(tx: Tx, alert_id: UUID) -> Alert | None:
    """An alert."""
    row = _queries.alert(tx.conn, id=alert_id)
    return _alert(row) if row else None


def by_reference(tx: Tx, reference: str) -> Alert | None:
    """An alert by what people call it."""
    row = _queries.alert_by_reference(tx.conn, reference=reference)
    return _alert(row) if row else None


def lock_alert(tx: Tx, alert_id: UUID) -> Alert | None:
    """An alert, held until the transaction ends."""
    row = _queries.lock_alert(tx.conn, id=alert_id)
    return _alert(row) if row else None


def save_alert(tx: Tx, alert: Alert) -> None:
    """Write where an alert stands."""
    _queries.save_alert(
        tx.conn,
        id=alert.id,
        state=alert.state,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_at=alert.acknowledged_at,
        label=alert.label,
        labelled_by=alert.labelled_by,
        labelled_at=alert.labelled_at,
    )


def lines_to_score(tx: Tx, day: date, after: UUID, count: int) -> dict[UUID, int]:
    """Up to ``count`` lines above ``after`` that live, in order, with the highest limit they had."""
    rows = _queries.lines_to_score(tx.conn, day=day, after=after, count=count)
    return {row["line"]: row["limit_minor"] for row in rows}


def months(tx: Tx, lines: Sequence[UUID], day: date, now: datetime) -> dict[UUID, list[Month]]:
    """The last six months of each line as of the end of ``day``, the newest first."""
    found: dict[UUID, list[Month]] = {line: [] for line in lines}
    _queries.plan_each_time(tx.conn)
    for row in _queries.months(tx.conn, lines=list(lines), day=day, now=now):
        found[row["line"]].append(
            Month(row["on_day"], row["owed_minor"], row["paid_minor"], row["open_minor"], row["due_on"])
        )
    return found


def forget_night(tx: Tx, day: date) -> None:
    """Forget what was counted on a night."""
    _queries.forget_night(tx.conn, day=day)


def add_bands(tx: Tx, day: date, name: str, counts: Counter[tuple[str, str, int]]) -> None:
    """Count on: how many lines fell into each band of (version, item, band)."""
    keys = sorted(counts)
    _queries.add_bands(
        tx.conn,
        day=day,
        name=name,
        version=[version for version, _, _ in keys],
        item=[item for _, item, _ in keys],
        band=[band for _, _, band in keys],
        lines=[counts[key] for key in keys],
    )


def bands(tx: Tx, day: date, name: str) -> dict[tuple[str, str, int], int]:
    """What was counted on a night, by (version, item, band)."""
    rows = _queries.bands(tx.conn, day=day, name=name)
    return {(row["version"], row["item"], row["band"]): row["lines"] for row in rows}


def keep_stability(tx: Tx, day: date, model: Model, found: Mapping[str, float], lines: int) -> None:
    """Keep the indices of a night."""
    _queries.keep_stability(
        tx.conn,
        day=day,
        name=model.name,
        version=model.version,
        lines=lines,
        item=list(found),
        index=[repr(value) for value in found.values()],
    )


def stability(tx: Tx, name: str, version: str, since: date, until: date) -> list[Row]:
    """Indices of the nights after ``since``: day, item, index, lines."""
    return list(_queries.stability_since(tx.conn, name=name, version=version, since=since, until=until))


def add_shift(tx: Tx, shift: Shift) -> None:
    """Keep a shift."""
    _queries.add_shift(
        tx.conn,
        id=shift.id,
        kind=shift.kind,
        name=shift.name,
        version=shift.version,
        figures=msgspec.json.encode(shift.figures).decode(),
        decision=shift.decision,
        now=shift.at,
    )


def shifts(tx: Tx, name: str | None = None, count: int = 100) -> list[Shift]:
    """Shifts, the newest first; of a model or stream, or of all."""
    return [Shift(**row) for row in _queries.shifts(tx.conn, name=name, count=count)]


def streams(tx: Tx) -> dict[str, Detector]:
    """What is remembered of each stream."""
    return {row["name"]: msgspec.convert(row["state"], Detector) for row in _queries.streams(tx.conn)}


def save_streams(tx: Tx, detectors: Mapping[str, Detector]) -> None:
    """Write what is remembered of streams."""
    if detectors:
        states = [msgspec.json.encode(each).decode() for each in detectors.values()]
        _queries.save_streams(tx.conn, name=list(detectors), state=states)
