"""Versions and their steps in the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from whiteslip.base import new_id
from whiteslip.decisions.lifecycle import PolicyStep, Step
from whiteslip.decisions.model import Contract, Decision, Table
from whiteslip.decisions.tables import Tables
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)


def keep_version(tx: Tx, table: Table, now: datetime) -> None:
    """Keep a version's content and contract; once."""
    _queries.keep_version(
        tx.conn,
        name=table.name,
        version=table.version,
        content=Jsonb(table.content),
        contract=Jsonb(msgspec.to_builtins(table.contract)),
        now=now,
    )


def kept_version(tx: Tx, name: str, version: str) -> Table | None:
    """A version as it was kept, or None."""
    row = _queries.kept_version(tx.conn, name=name, version=version)
    return _table(row) if row else None


def versions_like(tx: Tx, name: str, start: str) -> list[str]:
    """Up to two versions whose digits begin with ``start``."""
    return [row["version"] for row in _queries.versions_like(tx.conn, name=name, start=start)]


def _table(row: Row) -> Table:
    return Table(row["name"], row["version"], row["content"], msgspec.convert(row["contract"], Contract))


def lock(tx: Tx, name: str) -> None:
    """One act at a time on a table's versions."""
    list(_queries.lock_policy(tx.conn, name=name))


def steps(tx: Tx, name: str) -> list[PolicyStep]:
    """All steps of a table's versions, in the order they were recorded."""
    return [_step(row) for row in _queries.policy_steps(tx.conn, name=name)]


def _step(row: Row) -> PolicyStep:
    typed: Row = row | {"step": Step(row["step"])}
    return PolicyStep(**typed)


def keep_step(
    tx: Tx,
    name: str,
    version: str,
    step: Step,
    actor: str,
    now: datetime,
    note: str = "",
    effective_at: datetime | None = None,
    result: Mapping[str, Any] | None = None,
) -> PolicyStep:
    """Record a step of a version that is kept."""
    step_id: UUID = new_id(now)
    row = _queries.keep_step(
        tx.conn,
        id=step_id,
        name=name,
        version=version,
        step=step,
        actor=actor,
        note=note,
        effective_at=effective_at,
        result=None if result is None else Jsonb(result),
        now=now,
    )
    return PolicyStep(row["seq"], step_id, name, version, step, actor, note, effective_at, result, now)


def decision(tx: Tx, decision_id: UUID) -> Decision | None:
    """A decision as it was made, or None."""
    row = _queries.decision(tx.conn, id=decision_id)
    if row is None:
        return None
    typed: Row = row | {"reasons": tuple(row["reasons"])}
    return Decision(**typed)


def hear(tx: Tx, tables: Tables) -> None:
    """Let ``tables`` know every activation recorded. Raises TableError when one cannot be used."""
    tables.hear(
        [_step(row) for row in _queries.activations(tx.conn)],
        [_table(row) for row in _queries.activated_versions(tx.conn)],
    )
