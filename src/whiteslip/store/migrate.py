"""Schema changes: plain SQL files per room, applied in order, once, under a lock."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import psycopg
from yoyo import get_backend, read_migrations  # pyright: ignore[reportUnknownVariableType]

from whiteslip.store.database import load_queries

_queries = load_queries(__file__)
logging.getLogger("yoyo.migrations").setLevel(logging.WARNING)


def migrate(url: str, folders: Sequence[Path], schemas: Sequence[str]) -> list[str]:
    """Apply what is missing of the migrations in ``folders`` and renew the rights of ``schemas``.

    Returns the names of the migrations applied. Safe to call from several processes at once.
    """
    backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
    migrations = read_migrations(*(str(folder) for folder in folders))
    with backend.lock():
        pending = backend.to_apply(migrations)
        names = [str(migration.id) for migration in pending]
        backend.apply_migrations(pending)
    backend.connection.close()
    with psycopg.connect(url) as conn:
        _queries.grant_rights(conn, schemas=list(schemas))
    return names


def missing(url: str, folders: Sequence[Path]) -> list[str]:
    """Names of the migrations that the database lacks."""
    backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        return [str(m.id) for m in backend.to_apply(read_migrations(*(str(f) for f in folders)))]
    finally:
        backend.connection.close()
