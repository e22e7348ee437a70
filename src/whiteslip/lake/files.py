"""From Arrow to Parquet, and back to see that it is what was written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
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
_MENTIONED: Final = frozenset({"line_id", "plan_id"})
_TOTALS: Final = """
WITH settled AS (
    SELECT line_id, plan_id, no, component, sum(amount_minor) AS minor
    FROM read_parquet(?) GROUP BY ALL
), open AS (
    SELECT i.line_id,
        sum(i.principal_minor - coalesce(p.minor, 0)) AS principal,
        sum(i.interest_minor - coalesce(n.minor, 0)) FILTER (WHERE i.charged_on IS NOT NULL) AS interest,
        sum(i.fee_minor - coalesce(f.minor, 0)) FILTER (WHERE i.charged_on IS NOT NULL) AS fee
    FROM read_parquet(?) AS i
    LEFT JOIN settled AS p ON (p.plan_id, p.no, p.component) = (i.plan_id, i.no, 'principal')
    LEFT JOIN settled AS n ON (n.plan_id, n.no, n.component) = (i.plan_id, i.no, 'interest')
    LEFT JOIN settled AS f ON (f.plan_id, f.no, f.component) = (i.plan_id, i.no, 'fee')
    GROUP BY i.line_id
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
    with duckdb.connect() as engine:
        engine.execute(_keyed(key))
        return {table: _write_table(engine, reader.table(table), folder, table) for table in TABLES}


def _write_table(engine: Any, batches: Any, folder: Path, table: str) -> File:
    path = folder / f"{table}.parquet"
    engine.register("arriving", batches)
    names: list[str] = batches.schema.names
    source, own = "arriving", f"{table}_id"
    if own in _MENTIONED:
        # Hashing is most of the work, and its rows are what all others mention: each is hashed once.
        source = "arrived"
        engine.execute(f'CREATE TEMP TABLE arrived AS SELECT *, keyed("{own}") AS hidden FROM arriving')  # noqa: S608
        engine.execute(f'CREATE TEMP TABLE {own} AS SELECT "{own}"::UUID AS id, hidden FROM arrived')  # noqa: S608
    columns = ", ".join(f'{_hidden(name, own)} AS "{name}"' for name in names)
    joins = " ".join(
        f'LEFT JOIN {name} ON {name}.id = a."{name}"::UUID'
        for name in names
        if name in _MENTIONED and name != own
    )
    copied = engine.execute(
        f"COPY (SELECT {columns} FROM {source} AS a {joins}) "  # noqa: S608
        f"TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd)"
    ).fetchone()
    engine.unregister("arriving")
    engine.execute("DROP TABLE IF EXISTS arrived")
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return File(copied[0], path.stat().st_size, digest(path))


def _hidden(column: str, own: str) -> str:
    """A column as it leaves: identifiers as their keyed hashes."""
    if column == own and own in _MENTIONED:
        return "a.hidden"
    if column in _MENTIONED:
        return f'coalesce({column}.hidden, keyed(a."{column}"))'
    return f'keyed(a."{column}")' if column.endswith("_id") else f'a."{column}"'


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _keyed(key: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) as a DuckDB macro, cut to 96 bits: null stays null."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = ("".join(f"\\x{byte ^ pad:02X}" for byte in block) for pad in (0x36, 0x5C))
    return (
        f"CREATE MACRO keyed(t) AS left(sha256('{outer}'::BLOB || "
        f"unhex(sha256('{inner}'::BLOB || encode(t)))), {_DIGITS})"
    )


def totals(folder: Path, day: date) -> Totals:
    """Control totals, added up from the files: what is open by instalment, credit and holds by line, and
    the scores of the day where there are any.
    """
    paths = [str(folder / f"{table}.parquet") for table in ("settlement", "instalment", "line")]
    with duckdb.connect() as engine:
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
