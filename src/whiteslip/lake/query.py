"""SQL on a snapshot: read-only, in an engine that can reach nothing else."""

from __future__ import annotations

from typing import Any

from whiteslip.base import Refusal
from whiteslip.base.later import Later
from whiteslip.lake.model import Snapshot

duckdb: Any = Later("duckdb")


def read(snapshot: Snapshot, sql: str) -> tuple[list[str], list[tuple[Any, ...]]] | Refusal:
    """Columns and rows of a SELECT over the snapshot's tables.

    The tables are loaded, then the engine is shut off from files and the network. Refusal:
    ``lake.query_invalid``.
    """
    with duckdb.connect() as engine:
        for table in snapshot.tables:
            engine.execute(f'CREATE TABLE "{table}" AS FROM read_parquet(?)', [str(snapshot.path(table))])
        engine.execute("SET enable_external_access = false")
        engine.execute("SET lock_configuration = true")
        try:
            statements = engine.extract_statements(sql)
            if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:
                return Refusal("lake.query_invalid", {"fault": "one SELECT is wanted"})
            found = engine.execute(statements[0])
            return [column[0] for column in found.description or ()], found.fetchall()
        except duckdb.Error as error:
            return Refusal("lake.query_invalid", {"fault": str(error).splitlines()[0]})
