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
SCHEMA_VERSION: Final = 5
_FIRST: Final = ("line", "plan", "instalment", "settlement", "payment", "hardship", "decision", "exit")
_SECOND: Final = (*_FIRST, "score", "lock")
_THIRD: Final = (*_SECOND, "dispute")
TABLES: Final = (*_THIRD, "sale")
# Older snapshots are served with the tables they have: the first version knew no scores and no locks, the
# second no disputes, and of scores not how far they look ahead; the third no prices of sales, and of plans no
# rates; the fourth not which restructurings were in distress.
TABLES_OF: Final = {1: _FIRST, 2: _SECOND, 3: _THIRD, 4: TABLES, SCHEMA_VERSION: TABLES}
# What the files and the ledger must agree on, and the scores: how many, and their sum in millionths.
TOTALS: Final = ("principal", "interest", "fee", "credit", "held", "scored_lines", "pd_ppm")

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
    """What a snapshot holds. ``totals`` by currency: minor units, and lines and millionths of the scores."""

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

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables it has: those of its schema version."""
        return TABLES_OF[self.manifest.schema_version]

    def path(self, table: str) -> Path:
        """A table's Parquet file."""
        return self.folder / f"{table}.parquet"


@dataclass(frozen=True, slots=True)
class Fault:
    """A day that cannot be served, why (a refusal code) and where."""

    day: date
    code: str
    detail: str = ""
