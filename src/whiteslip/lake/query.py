"""SQL on a snapshot: read-only, in an engine that can reach nothing else."""

from __future__ import annotations

from typing import Any

from whiteslip.base import Refusal
from whiteslip.base.later import Later
from whiteslip.lake.model import Snapshot

duckdb: Any = Later("duckdb")


def read(snapshot: Snapshot, sql: str) -> tuple[list[str], list[tuple[Any, ...]]] | Refusal:
    """Columns and rows of a SELECT over the snapshot's tables.

    The tables are views of the snapshot's files, of which only what is asked for is read; the engine is shut
    off from every other file and from the network. Refusal: ``lake.query_invalid``.
    """
    with duckdb.connect() as engine:
        quoted = {table: str(snapshot.path(table)).replace("'", "''") for table in snapshot.tables}
        for table, path in quoted.items():
            source = f"read_parquet('{path}', hive_partitioning = false)"
            engine.execute(f'CREATE VIEW "{table}" AS FROM {source}')
        allowed = ", ".join(f"'{path}'" for path in quoted.values())
        engine.execute(f"SET allowed_paths = [{allowed}]")
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
