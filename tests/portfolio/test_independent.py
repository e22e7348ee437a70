"""Each measure of a book against plain SQL on PostgreSQL; parts add up; no order of rows matters."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import books
import duckdb
import msgspec
import psycopg
import pytest
from portfolio.conftest import Kept

from whiteslip import lake, portfolio
from whiteslip.base import Refusal
from whiteslip.lake import Lake, Snapshot, files
from whiteslip.lake.model import File
from whiteslip.portfolio import MEASURES, Result
from whiteslip.portfolio.book import points_until

SQL = (Path(__file__).parent / "independent.sql").read_text()


def figures(place: Lake, segment: str = "none") -> dict[str, Result]:
    found = portfolio.compute_all(place, segment=segment)
    assert not isinstance(found, Refusal), found
    return {result.measure: result for result in found}


def last(result: Result) -> dict[str, Any]:
    return result.records()[-1]


def test_every_measure_agrees_with_plain_sql_and_its_parts_add_up(varied: Kept, place: Lake):
    shutil.copytree(varied.place.folder, place.folder)
    taken = lake.newest(place)
    assert isinstance(taken, Snapshot)
    found = figures(place)
    _agrees_with_sql(varied.url, taken, found)
    _adds_up(found)
    _segments_add_up(found, figures(place, "limit"))
    _order_does_not_matter(place, taken, found)


def _queries() -> dict[str, str]:
    parts = SQL.split("-- name: ")[1:]
    return {name.strip(): text for name, text in (part.split("\n", 1) for part in parts)}


def _agrees_with_sql(url: str, taken: Snapshot, found: dict[str, Result]) -> None:
    """What a query names, the measure gives: the same rows of the same columns, to the minor unit."""
    queries = _queries()
    with psycopg.connect(url) as conn:
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
    for name in ("vintages", "cohorts"):
        newest = [row for row in found[name].records() if row.get("on_day", books.END) == books.END]
        assert sum(row["owed_minor"] for row in newest) == last(found["npl"])["book_minor"]
    assert moved[-1] == last(found["coverage"])["allowance_minor"]
    for row in found["survival"].records():
        reached = row["cif_by_customer"] + row["cif_by_us"] + row["cif_defaulted"]
        assert row["survival"] + reached == pytest.approx(1, abs=1e-12)


def _segments_add_up(whole: dict[str, Result], parts: dict[str, Result]) -> None:
    """Lines and money of a book that is split are those of the book that is not."""
    assert len({row["segment"] for row in parts["npl"].records()}) == 3
    for name, result in whole.items():
        split = parts[name].records()
        for column in result.columns:
            if column.endswith("_minor") or column in ("lines", "ended"):
                wanted = sum(row[column] for row in result.records())
                assert sum(row[column] for row in split) == wanted, (name, column)


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
