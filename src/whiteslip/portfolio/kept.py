"""Figures kept beside their snapshot: computed once, and not by every process that is asked.

A snapshot never changes and neither do its figures, as long as the code that makes them is the same.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec

from whiteslip.billing import rules
from whiteslip.lake import Snapshot
from whiteslip.portfolio.model import Parameters

_FOLDER: Final = "figures-"
_DIGITS: Final = 32


class _Kept(msgspec.Struct, frozen=True):
    """A measure's rows; ``days`` are the columns that hold days, which JSON does not know."""

    columns: list[str]
    days: list[str]
    rows: list[list[Any]]


@lru_cache(maxsize=1)
def _code() -> str:
    """A digest of all that figures are made by: another version of it computes anew."""
    sources = [*sorted(Path(__file__).parent.glob("*.py")), Path(rules.__file__)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:_DIGITS]


def place_of(snapshot: Snapshot, measure: str, segment: str, parameters: Parameters, engine: str) -> Path:
    """Where a measure's figures are kept: by the bytes they come from and all that they depend on."""
    files = {name: file.sha256 for name, file in snapshot.manifest.files.items()}
    kind = "spark" if engine else "duckdb"
    given = msgspec.json.encode([files, segment, parameters, kind], order="sorted")
    return snapshot.folder / f"{_FOLDER}{_code()}" / f"{measure}-{hashlib.sha256(given).hexdigest()}.json"


def find(place: Path) -> tuple[list[str], list[list[Any]]] | None:
    """Columns and rows kept there; None for nothing, and for what is not as it was written."""
    try:
        digest, _, text = place.read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != digest:
            return None
        kept = msgspec.json.decode(text, type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None
    days = {kept.columns.index(name) for name in kept.days}
    rows = [
        [date.fromisoformat(cell) if n in days and cell else cell for n, cell in enumerate(row)]
        for row in kept.rows
    ]
    return kept.columns, rows


def keep(place: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Keep figures, whole or not at all. Where nothing can be written they are computed again."""
    cells = [list(row) for row in rows]
    days = [name for n, name in enumerate(columns) if any(isinstance(row[n], date) for row in cells)]
    text = msgspec.json.encode(_Kept(list(columns), days, cells))
    beside = place.with_name(f".{uuid4().hex}")
    try:
        place.parent.mkdir(exist_ok=True, mode=0o700)
        beside.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
        beside.replace(place)
        for folder in place.parent.parent.glob(f"{_FOLDER}*"):
            if folder != place.parent:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        beside.unlink(missing_ok=True)
