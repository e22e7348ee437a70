"""The verbs of decisions. None commits."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from whiteslip.base import new_id
from whiteslip.base.ids import new_ids
from whiteslip.decisions import store
from whiteslip.decisions.model import (
    Contract,
    Decision,
    Difference,
    FactError,
    Outcome,
    Replay,
    Table,
    TableError,
    version_of,
)
from whiteslip.decisions.tables import Engine, Tables
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)
_KEPT_DIFFERENCES: Final = 1000
_ROWS_AT_ONCE: Final = 2000
# Once for the version, once for an activation meanwhile, once to be kept.
_TRIES: Final = 4


def decide(
    tx: Tx,
    tables: Tables,
    name: str,
    subject: UUID,
    facts: Mapping[str, object],
    now: datetime,
    trace: bool = True,
) -> Decision:
    """Decide by table ``name`` about ``subject``, and keep the decision.

    Raises FactError when the facts break the table's contract.
    """

    def one(engine: Engine, table: Table) -> list[Decision]:
        plain, outcome, steps = engine.run(table, facts, trace)
        reasons = tuple(outcome["reasons"])
        return [Decision(new_id(now), name, table.version, subject, plain, outcome, reasons, steps, now)]

    return _decided(tx, tables, name, one, now)[0]


def decide_batch(
    tx: Tx,
    tables: Tables,
    name: str,
    batch: Sequence[tuple[UUID, Mapping[str, object]]],
    now: datetime,
) -> list[Decision]:
    """Decide about each (subject, facts) and keep all decisions in one statement, without trace.

    The answers are in the batch's order. Raises FactError, keeping none, when any facts are bad.
    """
    if not batch:
        return []

    def many(engine: Engine, table: Table) -> list[Decision]:
        decided = engine.run_many(table, [facts for _, facts in batch])
        return [
            Decision(key, name, table.version, subject, facts, outcome, tuple(outcome["reasons"]), None, now)
            for key, (subject, _), (facts, outcome) in zip(
                new_ids(now, len(batch)), batch, decided, strict=True
            )
        ]

    return _decided(tx, tables, name, many, now)


def _decided(
    tx: Tx, tables: Tables, name: str, by: Callable[[Engine, Table], list[Decision]], now: datetime
) -> list[Decision]:
    """Decide by the version in force as far as we know, and keep; nothing is kept when we know too little.

    Then the version is kept, activations are heard of, and it is decided again. So an activation
    counts from the next decision on, in every process, and no decision pays for asking.
    """
    for _ in range(_TRIES):
        in_use = tables.in_use
        table = in_use.at(name, now)
        decisions = by(in_use.engine, table)
        if _insert(tx, table, decisions, in_use.last_activation, now) == len(decisions):
            return decisions
        store.keep_version(tx, table, now)
        store.hear(tx, tables)
    raise RuntimeError(f"{name}: its version or an activation is another transaction's, unseen by this one")


def _insert(
    tx: Tx, table: Table, decisions: Sequence[Decision], last_activation: UUID | None, now: datetime
) -> int:
    return _queries.keep_decisions(
        tx.conn,
        table_name=table.name,
        version=table.version,
        last_activation=last_activation,
        ids=[d.id for d in decisions],
        subjects=[d.subject for d in decisions],
        facts=[_text(d.facts) for d in decisions],
        outcomes=[_text(d.outcome) for d in decisions],
        reasons=[" ".join(d.reasons) for d in decisions],
        traces=[None if d.trace is None else _text(d.trace) for d in decisions],
        now=now,
    )


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def decisions_about(tx: Tx, subject: UUID) -> list[Decision]:
    """Decisions about ``subject``, oldest first."""
    return [Decision(**_typed(row)) for row in _queries.decisions_about(tx.conn, subject=subject)]


def _typed(row: Row) -> Row:
    return row | {"reasons": tuple(row["reasons"])}


def replay(tx: Tx, since: datetime | None = None) -> Replay:
    """Decide again everything decided at or after ``since`` (or ever), by the version it was decided by.

    Rows stream from the server, so a million of them fit in memory.
    """
    tables, altered = _kept_tables(tx)
    engine = Engine(tables.values())
    count = differing = 0
    differences: list[Difference] = []
    for row in _stream(tx, since):
        count += 1
        fault, again = _decide_again(engine, tables.get((row["table_name"], row["version"])), row)
        if fault is None:
            continue
        differing += 1
        if differing <= _KEPT_DIFFERENCES:
            differences.append(
                Difference(row["id"], row["table_name"], row["version"], row["outcome"], again, fault)
            )
    return Replay(count, differing, tuple(differences), tuple(altered))


def _kept_tables(tx: Tx) -> tuple[dict[tuple[str, str], Table], list[str]]:
    """Every version that is kept as it was used, and the keys of those that are not.

    The engine must not see an altered one: it may not even be a table any more.
    """
    tables: dict[tuple[str, str], Table] = {}
    altered: list[str] = []
    for row in _queries.kept_versions(tx.conn):
        name, version = row["name"], row["version"]
        if version_of(row["content"], row["contract"]) != version:
            altered.append(f"{name}@{version}")
            continue
        contract = msgspec.convert(row["contract"], Contract)
        tables[name, version] = Table(name, version, row["content"], contract)
    return tables, altered


def _stream(tx: Tx, since: datetime | None) -> Generator[Row]:
    """Decisions from a cursor on the server, a few thousand at a time."""
    with tx.conn.cursor(name="replay") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(_queries.decisions_since.sql, {"since": since})
        yield from cursor


def _decide_again(engine: Engine, table: Table | None, row: Row) -> tuple[str | None, Outcome | None]:
    """(what is wrong, the outcome now); nothing is wrong when both outcomes are the same text."""
    if table is None:
        return "the version is missing or altered", None
    kept: Any = row["outcome"]
    try:
        _, again, _ = engine.run(table, row["facts"])
    except (FactError, TableError) as error:
        return str(error), None
    if again != kept or _text(_sorted(again)) != _text(_sorted(kept)):
        return "the outcome differs", again
    if list(again["reasons"]) != row["reasons"]:
        return "the reasons differ", again
    return None, again


def _sorted(outcome: Outcome) -> Outcome:
    return dict(sorted(outcome.items()))
