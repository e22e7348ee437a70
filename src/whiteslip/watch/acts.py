"""Follow the journal, raise alerts, and say what came of them. None commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from whiteslip import decisions
from whiteslip.base import Refusal, ids, new_id
from whiteslip.base.ids import NO_ID
from whiteslip.decisions import Tables
from whiteslip.decisions import store as decisions_store
from whiteslip.lines.model import NIGHT_HOURS
from whiteslip.store import Entry, Tx
from whiteslip.store.database import Row, journal_after, journal_of
from whiteslip.watch import features, rules, store
from whiteslip.watch.memory import KINDS, Memory, learn
from whiteslip.watch.model import Act, Alert, Event, Shift, Shown, State
from whiteslip.watch.store import Known
from whiteslip.watch.streams import Found, observed, take

TABLE: Final = "watch-monitor"
_BATCH: Final = 500
_PAGE: Final = 200
_SPACE: Final = UUID("7f1b0c52-55a1-5b0e-8a57-2f6c1d9a4e03")
_PURCHASE: Final = "purchase.authorised"
# After these kinds a monitor looks; a changed limit or contact by itself is no news.
_LOOKED_AT: Final = frozenset({_PURCHASE, "bill.issued", "payment.returned"})
# Who reads an old journal for the first time learns from it and wakes nobody.
_NEWS: Final = timedelta(days=2)
_LABELS_OF: Final = timedelta(days=90)
_AMOUNTS: Final = {
    "line.opened": "limit_minor",
    "line.limit_changed": "to_minor",
    "bill.issued": "demanded_minor",
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a monitor looks at: a line's facts after an event."""

    line: UUID
    event: Event
    facts: Mapping[str, object]
    shown: Sequence[Shown]


def _event(row: Row, known: Known, shops: Mapping[str, str]) -> Event:
    data: Mapping[str, Any] = row["data"]
    kind: str = row["kind"]
    local = row["at"].astimezone(ZoneInfo(known.timezone))
    return Event(
        seq=row["seq"],
        at=row["at"],
        kind=kind,
        amount_minor=data.get(_AMOUNTS.get(kind, "amount_minor"), 0),
        balance_minor=data.get("balance_minor", 0),
        category=data.get("category", ""),
        shop=shops.get(data.get("purchase", ""), ""),
        is_night=local.hour in NIGHT_HOURS,
    )


def _shops(tx: Tx, rows: Iterable[Row]) -> dict[str, str]:
    return store.shops_of(tx, {UUID(row["data"]["purchase"]) for row in rows if row["kind"] == _PURCHASE})


def _by_subject(known: Iterable[Known]) -> dict[UUID, list[Known]]:
    """Lines by the subjects of the rows that concern them: themselves, and their customers."""
    found: dict[UUID, list[Known]] = {}
    for each in known:
        for subject in {each.line, each.customer}:
            found.setdefault(subject, []).append(each)
    return found


def follow(tx: Tx, tables: Tables, now: datetime) -> bool:
    """Read the journal on by a batch, learn from it and raise what the monitors find.

    True when there is more to read. The journal is numbered in commit order and without gaps, so
    nothing is missed and nothing learned twice.
    """
    rows = journal_after(tx, store.lock_cursor(tx), _BATCH)
    if not rows:
        return False
    ours = [row for row in rows if row["kind"] in KINDS]
    concerned = _by_subject(store.lines_of(tx, {row["subject"] for row in ours}))
    memories = store.memories(tx, {each.line for found in concerned.values() for each in found})
    detectors, moved = store.streams(tx), list[tuple[Event, Found]]()
    shops, seen = _shops(tx, ours), list[_Seen]()
    for row in ours:
        for known in concerned.get(row["subject"], []):
            memory = memories.setdefault(known.line, Memory())
            event, before = _event(row, known, shops), memory.cycle
            learn(memory, event)
            for stream, value in observed(event, before, memory):
                if found := take(detectors, stream, value):
                    moved.append((event, found))
            if event.kind in _LOOKED_AT and now - event.at <= _NEWS:
                seen.append(_Seen(known.line, event, features.facts(memory), features.shown(memory)))
    store.save_memories(tx, memories)
    store.save_streams(tx, detectors)
    for event, found in moved:
        if now - event.at <= _NEWS:
            _tell_moved(tx, found, now)
    store.move_cursor(tx, rows[-1]["seq"])
    _look(tx, tables, seen, now)
    return len(rows) == _BATCH


def subject_of(stream: str) -> UUID:
    """The id under which the journal knows a stream."""
    return uuid5(_SPACE, stream)


def _tell_moved(tx: Tx, found: Found, now: datetime) -> None:
    figures = {"direction": found.direction, "usual": found.usual, "lately": found.lately}
    store.add_shift(tx, Shift(new_id(now), "stream", found.stream, None, figures, None, now))
    data = {"stream": found.stream, "direction": found.direction}
    tx.record(Entry(now, "stream.shifted", "stream", subject_of(found.stream), "system", data))


def _look(tx: Tx, tables: Tables, seen: Sequence[_Seen], now: datetime) -> None:
    """Ask the table about each; only what fires is kept as a decision."""
    if not seen:
        return
    decisions_store.hear(tx, tables)
    in_use = tables.in_use
    answers = in_use.engine.run_many(in_use.at(TABLE, now), [each.facts for each in seen])
    fired = [each for each, (_, outcome) in zip(seen, answers, strict=True) if outcome["act"] != "none"]
    if not fired:
        return
    last = store.last_of_rules(tx, sorted({each.line for each in fired}))
    wrong = store.false_alarms(tx, now - _LABELS_OF)
    for each in fired:
        _raise(tx, tables, each, last, wrong, now)


def _raise(
    tx: Tx,
    tables: Tables,
    seen: _Seen,
    last: dict[tuple[UUID, str], datetime],
    wrong: Mapping[str, tuple[int, int]],
    now: datetime,
) -> None:
    """Raise an alert, unless the rule has fired for this line within its cool-down."""
    outcome = _answer(tables, seen.facts, now)
    rule, quiet = str(outcome["rule"]), timedelta(days=outcome["cool_down_days"])
    before = last.get((seen.line, rule))
    if outcome["act"] == "none" or (before and seen.event.at - before < quiet):
        return
    decision = decisions.decide(tx, tables, TABLE, seen.line, seen.facts, now)
    demoted = rules.is_over_budget(*wrong.get(rule, (0, 0)), outcome["false_alarms_percent"])
    act = Act.WATCH if demoted else Act(outcome["act"])
    alert = Alert(
        id=new_id(now),
        reference=ids.new_reference("AL"),
        line=seen.line,
        seq=seen.event.seq,
        rule=rule,
        reasons=decision.reasons,
        act=act,
        feature=outcome["feature"] if act is Act.PAUSE_FEATURE else None,
        tells=outcome["tells"],
        demoted=demoted and outcome["act"] != Act.WATCH,
        decision=decision.id,
        shown=tuple(seen.shown),
        happened_at=seen.event.at,
        raised_at=now,
    )
    store.add_alert(tx, alert)
    last[seen.line, rule] = seen.event.at
    data = {"alert": alert.id, "rule": rule, "act": act, "reasons": list(alert.reasons), "tells": alert.tells}
    tx.record(Entry(now, "alert.raised", "line", alert.line, "system", data))


def _answer(tables: Tables, facts: Mapping[str, object], now: datetime) -> Mapping[str, Any]:
    """What the version in force answers; nothing is kept."""
    in_use = tables.in_use
    return in_use.engine.run(in_use.at(TABLE, now), facts)[1]


def rebuild(tx: Tx, after: UUID | None = None, write: bool = False) -> tuple[UUID | None, list[UUID]]:
    """Make the memories of a page of lines again from the first row of the journal.

    Returns the last line of the page, None after the last page, and the lines whose memory differed.
    With ``write`` they are put right.
    """
    head = store.lock_cursor(tx)
    page = store.page_of_lines(tx, after or NO_ID, _PAGE)
    if not page:
        return None, []
    made: dict[UUID, Memory] = {}
    for line, event in events_of(tx, page, head):
        learn(made.setdefault(line, Memory()), event)
    kept = store.memories(tx, [each.line for each in page])
    differ = {line: memory for line, memory in made.items() if kept.get(line) != memory}
    if write:
        store.save_memories(tx, differ)
    return page[-1].line, sorted(differ)


def events_of(tx: Tx, lines: Sequence[Known], until: int) -> Iterator[tuple[UUID, Event]]:
    """What the journal says of lines, up to row ``until``, in its order."""
    concerned = _by_subject(lines)
    rows = [row for row in journal_of(tx, list(concerned)) if row["kind"] in KINDS and row["seq"] <= until]
    shops = _shops(tx, rows)
    for row in rows:
        for known in concerned[row["subject"]]:
            yield known.line, _event(row, known, shops)


def acknowledge(tx: Tx, alert_id: UUID, actor: str, now: datetime) -> Alert | Refusal:
    """Somebody looks into it. Twice changes nothing. Refusal: ``alert.not_found``."""
    found = store.lock_alert(tx, alert_id)
    if found is None:
        return Refusal("alert.not_found")
    if found.state is not State.OPEN:
        return found
    done = replace(found, state=State.ACKNOWLEDGED, acknowledged_by=actor, acknowledged_at=now)
    store.save_alert(tx, done)
    tx.record(Entry(now, "alert.acknowledged", "line", done.line, actor, {"alert": done.id}))
    return done


def label(tx: Tx, alert_id: UUID, right: bool, actor: str, now: datetime) -> Alert | Refusal:
    """Say what turned out: whether the alarm was right. Saying it again corrects it.

    Labels are what the budget of false alarms counts and what the lab learns from. Refusals:
    ``alert.not_found``, ``alert.not_acknowledged``.
    """
    found = store.lock_alert(tx, alert_id)
    if found is None:
        return Refusal("alert.not_found")
    if found.state is State.OPEN:
        return Refusal("alert.not_acknowledged")
    if found.label is right:
        return found
    done = replace(found, state=State.LABELLED, label=right, labelled_by=actor, labelled_at=now)
    store.save_alert(tx, done)
    data = {"alert": done.id, "rule": done.rule, "right": right}
    tx.record(Entry(now, "alert.labelled", "line", done.line, actor, data))
    return done


def labelled_facts(tx: Tx) -> list[dict[str, object]]:
    """Labelled alerts with the facts that raised each, in the order in which they were labelled."""
    rows: list[dict[str, object]] = []
    for each in store.labelled(tx):
        decision = next(one for one in decisions.decisions_about(tx, each.line) if one.id == each.decision)
        head: dict[str, object] = {
            "reference": each.reference,
            "happened_at": each.happened_at.isoformat(),
            "rule": each.rule,
        }
        rows.append(head | dict(decision.facts) | {"right": int(each.label is True)})
    return rows
