"""Schema changes: plain SQL files per room, applied in order, once, under a lock.

The database keeps the SHA-256 of each file it was made by: a file that says something else now does not
describe it, and nothing is migrated on top.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from yoyo import get_backend, read_migrations  # pyright: ignore[reportUnknownVariableType]

from whiteslip.store.database import load_queries

_queries = load_queries(__file__)
logging.getLogger("yoyo.migrations").setLevel(logging.WARNING)


class ChangedError(Exception):
    """Files by which a database was made say something else now; ``names`` are theirs."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"changed since they were applied: {', '.join(names)}")
        self.names = list(names)


def migrate(url: str, folders: Sequence[Path], schemas: Sequence[str]) -> list[str]:
    """Apply what is missing of the migrations in ``folders`` and renew the rights of ``schemas``.

    Returns the names of the migrations applied. Safe to call from several processes at once, and after one
    was killed. Raises :class:`ChangedError`, and changes nothing, where a file that was applied has been
    edited since.
    """
    migrations = read_migrations(*(str(folder) for folder in folders))
    # yoyo's own lock is a row that outlives who is killed; this one goes with our connection.
    with psycopg.connect(url, autocommit=True) as alone:
        _queries.lock_alone(alone, what="migrations")
        backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
        try:
            backend.break_lock()
            pending = backend.to_apply(migrations)
            names = [str(migration.id) for migration in pending]
            edited = _changed(url, migrations, names)
            if edited:
                raise ChangedError(edited)
            backend.apply_migrations(pending)
            with psycopg.connect(url) as conn:
                _note(conn, migrations)
                _queries.grant_rights(conn, schemas=list(schemas))
        finally:
            backend.connection.close()
    return names


def _note(conn: psycopg.Connection[Any], migrations: Iterable[Any]) -> None:
    """Keep what the files said; of those that are kept already nothing changes."""
    texts = {str(one.id): _text(one) for one in migrations}
    _queries.note_migrations(conn, names=list(texts), texts=list(texts.values()))


def told(folders: Sequence[Path]) -> dict[str, str]:
    """The migrations in ``folders``, and the SHA-256 of what each says."""
    migrations: Any = read_migrations(*(str(folder) for folder in folders))
    return {str(one.id): _text(one) for one in migrations}


def missing(url: str, folders: Sequence[Path]) -> list[str]:
    """Names of the migrations that the database lacks."""
    backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        return [str(m.id) for m in backend.to_apply(read_migrations(*(str(f) for f in folders)))]
    finally:
        backend.connection.close()


def changed(url: str, folders: Sequence[Path]) -> list[str]:
    """Names of the migrations that say something else than when they were applied."""
    backend = get_backend(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        migrations = read_migrations(*(str(folder) for folder in folders))
        pending = [str(migration.id) for migration in backend.to_apply(migrations)]
    finally:
        backend.connection.close()
    return _changed(url, migrations, pending)


def _names(migrations: Iterable[Any]) -> list[str]:
    return [str(migration.id) for migration in migrations]


def unknown(url: str, folders: Sequence[Path]) -> list[str]:
    """Names of migrations that the database was made by and that are not here: a newer version's."""
    here = _names(read_migrations(*(str(folder) for folder in folders)))
    with psycopg.connect(url) as conn:
        if not _queries.keeps_migrations(conn):
            return []
        return [name for name, _ in conn.execute(_queries.migrations.sql).fetchall() if name not in here]


def _changed(url: str, migrations: Iterable[Any], pending: Sequence[str]) -> list[str]:
    """Of migrations that were applied. A database that keeps no texts is of a time before they were kept."""
    applied = [one for one in migrations if str(one.id) not in pending]
    if not applied:
        return []
    with psycopg.connect(url) as conn:
        if not _queries.keeps_migrations(conn):
            return [str(one.id) for one in applied]
        kept = dict(conn.execute(_queries.migrations.sql).fetchall())
    # One that a crash left unnoted is noted when they are next applied.
    return [str(one.id) for one in applied if kept.get(str(one.id), _text(one)) != _text(one)]


def _text(migration: Any) -> str:
    """The SHA-256 of a migration's file."""
    return hashlib.sha256(Path(migration.path).read_bytes()).hexdigest()
