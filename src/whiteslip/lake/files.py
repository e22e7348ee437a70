"""From Arrow to Parquet, and back to see that it is what was written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

from whiteslip.base import Refusal
from whiteslip.base.later import Later
from whiteslip.lake.model import SCHEMA_VERSION, TABLES, TABLES_OF, TOTALS, File, Manifest, Snapshot, Totals
from whiteslip.lake.store import Reader

duckdb: Any = Later("duckdb")

MANIFEST: Final = "manifest.json"
_BLOCK: Final = 64
# 96 bits: with ten million identifiers two are alike once in 10^15 lakes.
_DIGITS: Final = 24
# Identifiers that other tables mention over and over.
_MENTIONED: Final = ("line_id", "plan_id")
_MEMORY: Final = "2GiB"
_SPILLED: Final = ".spilled"
_TOTALS: Final = """
WITH charged AS (
    SELECT unhex(plan_id) AS plan_id, no FROM read_parquet(?) WHERE charged_on IS NOT NULL
), moved AS (
    SELECT line_id, principal_minor AS principal,
        CASE WHEN charged_on IS NOT NULL THEN interest_minor ELSE 0 END AS interest,
        CASE WHEN charged_on IS NOT NULL THEN fee_minor ELSE 0 END AS fee
    FROM read_parquet(?)
    UNION ALL
    SELECT line_id, -amount_minor, 0, 0 FROM read_parquet(?) WHERE component = 'principal'
    UNION ALL
    SELECT s.line_id, 0, CASE component WHEN 'interest' THEN -amount_minor ELSE 0 END,
        CASE component WHEN 'fee' THEN -amount_minor ELSE 0 END
    FROM read_parquet(?) AS s SEMI JOIN charged AS c ON (c.plan_id, c.no) = (unhex(s.plan_id), s.no)
    WHERE component <> 'principal'
), open AS (
    SELECT line_id, sum(principal) AS principal, sum(interest) AS interest, sum(fee) AS fee
    FROM moved GROUP BY line_id
)
SELECT l.currency, coalesce(sum(o.principal), 0)::BIGINT, coalesce(sum(o.interest), 0)::BIGINT,
    coalesce(sum(o.fee), 0)::BIGINT, sum(l.credit_minor)::BIGINT, sum(l.held_minor)::BIGINT
FROM read_parquet(?) AS l LEFT JOIN open AS o ON o.line_id = l.line_id GROUP BY l.currency
"""

_SCORED: Final = """
SELECT l.currency, count(*)::BIGINT, sum(s.pd_ppm)::BIGINT
FROM read_parquet(?) AS s JOIN read_parquet(?) AS l ON l.line_id = s.line_id
WHERE s.on_day = ? GROUP BY l.currency
"""


def write(reader: Reader, folder: Path, key: bytes) -> dict[str, File]:
    """All tables into ``folder``, identifiers hashed on the way, each file synced to the disk."""
    with _engine(folder) as engine:
        engine.execute(_keyed(key))
        for name in _MENTIONED:
            engine.register("arriving", reader.table(f"{name}s"))
            known = "SELECT id::UUID AS id, hidden(id) AS hidden FROM arriving"
            engine.execute(f"CREATE TEMP TABLE {name} AS {known}")
            engine.unregister("arriving")
        return {table: _write_table(engine, reader.table(table), folder, table) for table in TABLES}


@contextmanager
def _engine(folder: Path) -> Generator[Any]:
    """DuckDB that takes ``_MEMORY`` at most, and goes on in ``folder`` with what needs more."""
    with duckdb.connect() as engine:
        engine.execute(f"SET memory_limit = '{_MEMORY}'")
        engine.execute(f"SET temp_directory = '{_quoted(folder / _SPILLED)}'")
        # How long a stream is nobody knows: left alone, DuckDB keeps it and lets the ids go by.
        engine.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        yield engine


def _write_table(engine: Any, batches: Any, folder: Path, table: str) -> File:
    path = folder / f"{table}.parquet"
    engine.register("arriving", batches)
    names: list[str] = batches.schema.names
    columns = ", ".join(f'{_hidden(name)} AS "{name}"' for name in names)
    joins = " ".join(
        f'LEFT JOIN {name} ON {name}.id = a."{name}"::UUID' for name in names if name in _MENTIONED
    )
    copied = engine.execute(
        f"COPY (SELECT {columns} FROM arriving AS a {joins}) "  # noqa: S608
        f"TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd)"
    ).fetchone()
    engine.unregister("arriving")
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return File(copied[0], path.stat().st_size, digest(path))


def _hidden(column: str) -> str:
    """A column as it leaves: identifiers as their keyed hashes."""
    if column in _MENTIONED:
        # Hashing is most of the work: what all others mention is hashed once.
        return f'lower(hex(coalesce({column}.hidden, hidden(a."{column}"))))'
    return f'lower(hex(hidden(a."{column}")))' if column.endswith("_id") else f'a."{column}"'


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _keyed(key: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) as a DuckDB macro, cut to 96 bits: null stays null."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = ("".join(f"\\x{byte ^ pad:02X}" for byte in block) for pad in (0x36, 0x5C))
    return (
        f"CREATE MACRO hidden(t) AS unhex(left(sha256('{outer}'::BLOB || "
        f"unhex(sha256('{inner}'::BLOB || encode(t)))), {_DIGITS}))"
    )


def totals(folder: Path, day: date) -> Totals:
    """Control totals, added up from the files: what is open by instalment, credit and holds by line, and
    the scores of the day where there are any.
    """
    read = ("instalment", "instalment", "settlement", "settlement", "line")
    paths = [str(folder / f"{table}.parquet") for table in read]
    with _engine(folder) as engine:
        rows = engine.execute(_TOTALS, paths).fetchall()
        found = {currency: _named(TOTALS[:5], sums) for currency, *sums in rows}
        scores = folder / "score.parquet"
        if scores.exists():
            for currency, *sums in engine.execute(_SCORED, [str(scores), paths[-1], day]).fetchall():
                found[currency] |= _named(TOTALS[5:], sums)
    return found


def _named(names: Sequence[str], sums: Sequence[int]) -> dict[str, int]:
    return dict(zip(names, sums, strict=True))


def put(folder: Path, place: Path, manifest: Manifest) -> None:
    """Write the manifest last, sync, and move the whole to its place: from then on it is there."""
    path = folder / MANIFEST
    with path.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    _sync(folder)
    if place.exists():
        # Only what cannot be served is ever replaced.
        shutil.rmtree(place)
    folder.rename(place)
    _sync(place.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=256)
def _known_digest(path: Path, _size: int, _changed_ns: int, _inode: int) -> str:
    """A file's SHA-256, read again whenever the file system says that it changed."""
    return digest(path)


def look(folder: Path, day: date) -> Snapshot | Refusal:
    """The snapshot in ``folder`` if it is whole and unchanged.

    Refusals: ``lake.cut_off``, ``lake.changed``, ``lake.schema_unknown``.
    """
    facts = {"day": day.isoformat()}
    try:
        raw = (folder / MANIFEST).read_bytes()
        version = json.loads(raw).get("schema_version")
        if version not in TABLES_OF:
            return Refusal("lake.schema_unknown", facts | {"version": str(version), "known": SCHEMA_VERSION})
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (OSError, ValueError, AttributeError):
        return Refusal("lake.cut_off", facts | {"file": MANIFEST})
    if manifest.day != day or set(manifest.files) != set(TABLES_OF[manifest.schema_version]):
        return Refusal("lake.changed", facts | {"file": MANIFEST})
    for table, file in manifest.files.items():
        path = folder / f"{table}.parquet"
        try:
            found = path.stat()
        except OSError:
            return Refusal("lake.cut_off", facts | {"file": path.name})
        if found.st_size < file.bytes:
            return Refusal("lake.cut_off", facts | {"file": path.name})
        if _known_digest(path, found.st_size, found.st_mtime_ns, found.st_ino) != file.sha256:
            return Refusal("lake.changed", facts | {"file": path.name})
    return Snapshot(folder, manifest)
