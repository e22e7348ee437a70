"""Each measure of a world against plain SQL on PostgreSQL; parts add up; no order of rows matters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import psycopg
import pytest

from whiteslip import day, lake, portfolio, world
from whiteslip.base import Refusal, end_of_day
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.lake import Lake, Snapshot, files
from whiteslip.lake.model import File
from whiteslip.notices import DemoPhone
from whiteslip.portfolio import MEASURES, Result
from whiteslip.portfolio.book import points_until
from whiteslip.store import Database

SQL = (Path(__file__).parent / "independent.sql").read_text()
ZONE = "Asia/Shanghai"


def figures(place: Lake) -> dict[str, Result]:
    found = portfolio.compute_all(place)
    assert not isinstance(found, Refusal), found
    return {result.measure: result for result in found}


def last(result: Result) -> dict[str, Any]:
    return result.records()[-1]


def test_a_world_agrees_with_plain_sql_and_its_parts_add_up(db: Database, tmp_path: Path):
    place = Lake(tmp_path / "lake", bytes(32))
    ports = day.Ports(Office(Tables.load(), "Test"), Vault(bytes(32)), DemoPhone(db))
    lived = world.run(db, ports, world.Setting(16, 150, 3, date(2025, 1, 1)))
    assert not isinstance(lived, Refusal)
    until = end_of_day(lived.last_day, ZONE)
    taken = lake.export(db, place, lived.last_day, until, ZONE, until)
    assert isinstance(taken, Snapshot), taken
    found = figures(place)
    _agrees_with_sql(db, taken, found)
    _adds_up(found)
    _order_does_not_matter(place, taken, found)


def _queries() -> dict[str, str]:
    parts = SQL.split("-- name: ")[1:]
    return {name.strip(): text for name, text in (part.split("\n", 1) for part in parts)}


def _agrees_with_sql(db: Database, taken: Snapshot, found: dict[str, Result]) -> None:
    """What a query names, the measure gives: the same rows of the same columns, to the minor unit."""
    queries = _queries()
    with psycopg.connect(db.url) as conn:
        first = conn.execute("SELECT min(opened_on) FROM lines.v_line").fetchone()
        assert first
        conn.execute(queries.pop("seen").encode(), {"days": points_until(taken.day, first[0])})
        conn.execute(queries.pop("losses").encode())
        assert set(queries) == set(MEASURES)
        for name, query in queries.items():
            asked = conn.execute(query.encode())
            columns = [column.name for column in asked.description or ()]
            wanted = [list(row) for row in asked.fetchall()]
            given = [[row[column] for column in columns] for row in found[name].records()]
            assert _sorted(given) == [[_near(cell) for cell in row] for row in _sorted(wanted)], name
            assert wanted, name


def _sorted(rows: Sequence[list[Any]]) -> list[list[Any]]:
    return sorted(rows, key=lambda row: [(cell is None, cell or 0) for cell in row])


def _near(cell: Any) -> Any:
    return pytest.approx(cell, abs=1e-12) if isinstance(cell, float) else cell


def _adds_up(found: dict[str, Result]) -> None:
    book = {row["on_day"]: row for row in found["npl"].records()}
    for on, group in groupby(found["npl_change"].records(), lambda row: row["on_day"]):
        parts = list(group)
        change = (parts[0]["ratio_after"] or 0) - parts[0]["ratio_before"]
        assert sum(part["contribution"] or 0 for part in parts) == pytest.approx(change, abs=1e-12)
        before = max((other for other in book if other < on), default=None)
        grown = book[on]["book_minor"] - (book[before]["book_minor"] if before else 0)
        assert sum(part["book_change_minor"] for part in parts) == grown
    assert sum(row["balance_minor"] for row in found["classes"].records()) == last(found["npl"])["book_minor"]
    for _, group in groupby(found["roll_rates"].records(), lambda row: (row["on_day"], row["from_bucket"])):
        assert sum(row["opening_share"] for row in list(group)) == pytest.approx(1)
    moved = [value for name, value in last(found["ecl_movement"]).items() if name.endswith("_minor")]
    assert sum(moved[:-1]) == moved[-1] == sum(row["ecl_minor"] for row in found["ecl"].records())
    assert moved[-1] == last(found["coverage"])["allowance_minor"]
    for row in found["survival"].records():
        reached = row["cif_by_customer"] + row["cif_by_us"] + row["cif_defaulted"]
        assert row["survival"] + reached == pytest.approx(1, abs=1e-12)


def _order_does_not_matter(place: Lake, taken: Snapshot, found: dict[str, Result]) -> None:
    changed = dict[str, File]()
    for table in lake.TABLES:
        path = taken.path(table)
        shuffled = path.with_suffix(".shuffled")
        duckdb.execute(
            f"COPY (FROM read_parquet('{path}', hive_partitioning = false) ORDER BY random()) "
            f"TO '{shuffled}' (FORMAT parquet)"
        )
        shuffled.rename(path)
        changed[table] = File(taken.manifest.files[table].rows, path.stat().st_size, files.digest(path))
    manifest = msgspec.structs.replace(taken.manifest, files=changed)
    (taken.folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    for name, result in figures(place).items():
        assert result.columns == found[name].columns
        for ours, theirs in zip(result.rows, found[name].rows, strict=True):
            assert list(ours) == [_near(cell) for cell in theirs], name
