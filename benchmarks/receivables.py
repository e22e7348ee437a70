"""Fills a database with receivables, set-based, the same each time."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import psycopg

END: Final = date(2026, 10, 31)
ZONE: Final = "Asia/Shanghai"
PER_LINE: Final = 10


def queries(name: str) -> dict[str, str]:
    """The named queries of a file beside this one, in its order."""
    parts = (Path(__file__).parent / name).read_text().split("-- name: ")[1:]
    return {found.strip(): text for found, text in (part.split("\n", 1) for part in parts)}


def fill(url: str, receivables: int) -> dict[str, int]:
    """Make the book, and say how many rows each of its tables has."""
    given = {"receivables": receivables, "lines": receivables // PER_LINE}
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SET work_mem = '512MB'")
        conn.execute("SET maintenance_work_mem = '512MB'")
        conn.execute("SET synchronous_commit = off")
        for text in queries("receivables.sql").values():
            with conn.transaction():
                # Parameters would make it a prepared statement, which is one statement.
                for name, number in given.items():
                    text = text.replace(f"%({name})s", str(number))
                conn.execute(text.encode())
        conn.execute("VACUUM (ANALYZE)")
        conn.execute("CHECKPOINT")
        tables = ("lines.line", "billing.plan", "billing.instalment", "billing.settlement", "billing.payment")
        found = {
            table.split(".")[1]: conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            for table in tables
        }
    return {name: row[0] for name, row in found.items() if row}
