"""Which rooms keep tables, and their migrations in the order of the floors."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import whiteslip
from whiteslip.store.migrate import changed, migrate, missing, told, unknown

_HOME: Final = Path(whiteslip.__file__).parent
_FLOORS: Final = (
    "store",
    "ledger",
    "decisions",
    "notices",
    "identity",
    "webhooks",
    "lines",
    "billing",
    "purchases",
    "exits",
    "applications",
    "complaints",
    "lake",
    "portfolio",
    "lab",
    "funding",
    "watch",
    "bureau",
    "privacy",
    "insight",
    "treasury",
    "intake",
    "day",
    "web",
)
ROOMS: Final = [room for room in _FLOORS if any((_HOME / room / "migrations").glob("*.sql"))]
FOLDERS: Final = [_HOME / room / "migrations" for room in ROOMS]


def migrate_all(url: str) -> list[str]:
    """Bring the database to this version's schema; returns the migrations applied.

    Raises ``store.migrate.ChangedError`` for one that was made by other files of the same names.
    """
    return migrate(url, FOLDERS, ROOMS)


def missing_migrations(url: str) -> list[str]:
    """What :func:`migrate_all` would apply."""
    return missing(url, FOLDERS)


def newer_migrations(url: str) -> list[str]:
    """Migrations that only a newer version knows."""
    return unknown(url, FOLDERS)


def texts() -> dict[str, str]:
    """This version's migrations, and the SHA-256 of what each says."""
    return told(FOLDERS)


def changed_migrations(url: str) -> list[str]:
    """Migrations that the database was made by and that say something else now."""
    return changed(url, FOLDERS)
