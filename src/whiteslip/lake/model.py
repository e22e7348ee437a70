"""Snapshots, their manifests, and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final

import msgspec

from whiteslip.base import Refusal

# Raised when a column is added, dropped, or comes to mean something else.
SCHEMA_VERSION: Final = 1
TABLES: Final = ("line", "plan", "instalment", "settlement", "payment", "hardship", "decision", "exit")
# What the ledger and the files must agree on.
TOTALS: Final = ("principal", "interest", "fee", "credit", "held")

Totals = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Lake:
    """Where snapshots are kept, and the key that hides identifiers. The folder may be shared."""

    folder: Path
    key: bytes = field(repr=False)

    def place(self, day: date) -> Path:
        """The folder of a day's snapshot."""
        return self.folder / f"day={day.isoformat()}"


class File(msgspec.Struct, frozen=True):
    """One table as written: its rows, its bytes and their SHA-256."""

    rows: int
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a snapshot holds. ``totals`` are minor units by currency and component."""

    schema_version: int
    day: date
    taken_at: datetime
    files: dict[str, File]
    totals: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A day's files that are whole. ``fresh`` says whether this export wrote them.

    ``instead_of`` is why the day asked for is not served, where this one stands in for it.
    """

    folder: Path
    manifest: Manifest
    fresh: bool = False
    instead_of: Refusal | None = None

    @property
    def day(self) -> date:
        """The business day at whose end the books stood so."""
        return self.manifest.day

    def path(self, table: str) -> Path:
        """A table's Parquet file."""
        return self.folder / f"{table}.parquet"


@dataclass(frozen=True, slots=True)
class Fault:
    """A day that cannot be served, why (a refusal code) and where."""

    day: date
    code: str
    detail: str = ""
