"""Every named query of every room is accepted by PostgreSQL against the migrated schema."""

from __future__ import annotations

import re
from pathlib import Path

import aiosql
import psycopg
import pytest

import whiteslip
from whiteslip.store import Database

FILES = sorted(Path(whiteslip.__file__).parent.rglob("queries.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_query_prepares(db: Database, path: Path):
    queries = aiosql.from_path(path, "psycopg", mandatory_parameters=False)
    broken: list[str] = []
    for name in queries.available_queries:
        if name.endswith("_cursor"):
            continue
        numbers: dict[str, int] = {}

        def number(match: re.Match[str], numbers: dict[str, int] = numbers) -> str:
            return f"${numbers.setdefault(match.group(1), len(numbers) + 1)}"

        sql = re.sub(r"%\((\w+)\)s", number, getattr(queries, name).sql)
        with db.pool.connection() as conn:
            try:
                conn.execute(f"PREPARE {name} AS {sql}")  # type: ignore[arg-type]
            except psycopg.Error as error:
                broken.append(f"{name}: {error}")
            finally:
                conn.rollback()
    assert broken == []
