"""Each measure of a book against plain SQL on PostgreSQL, and of the same rows in another order."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import psycopg
import pytest
from portfolio.conftest import Kept

from whiteslip import lake, portfolio
from whiteslip.base import Refusal
from whiteslip.lake import Lake, Snapshot, files
from whiteslip.lake.model import File
from whiteslip.portfolio import Parameters, Result
from whiteslip.portfolio.book import points_until
from whiteslip.treasury import reading

SQL = (Path(__file__).parent / "independent.sql").read_text()


def figures(place: Lake) -> dict[str, Result]:
    found = portfolio.compute_all(place)
    assert not isinstance(found, Refusal), found
    return {result.measure: result for result in found}


def test_every_measure_agrees_with_plain_sql_in_whatever_order_its_rows_come(varied: Kept, place: Lake):
    shutil.copytree(varied.place.folder, place.folder)
    taken = lake.newest(place)
    assert isinstance(taken, Snapshot)
    found = figures(place)
    sources = {(row["stage"], row["lines_by_score"] > 0) for row in found["ecl"].records()}
    assert {(1, True), (2, True)} <= sources
    assert found["ecl"].records()[0]["lines_by_roll_rates"], "the newest line has no score"
    assert found["ecl_movement"].records()[0]["pd_changed_minor"]
    _agrees_with_sql(varied.url, taken, found)
    _order_does_not_matter(place, taken, found)


def queries(text: str = SQL) -> dict[str, str]:
    """The second computation of each measure, and the tables they share."""
    parts = text.split("-- name: ")[1:]
    return {name.strip(): text for name, text in (part.split("\n", 1) for part in parts)}


def _agrees_with_sql(url: str, taken: Snapshot, found: dict[str, Result]) -> None:
    """What a query names, the measure gives: the same rows of the same columns, to the minor unit."""
    known = queries()
    with psycopg.connect(url) as conn:
        first = conn.execute("SELECT min(opened_on) FROM lines.v_line").fetchone()
        assert first
        conn.execute(known.pop("seen").encode(), {"days": points_until(taken.day, first[0])})
        for name in ("pd", "losses"):
            conn.execute(known.pop(name).encode())
        for name, query in known.items():
            asked = conn.execute(query.encode())
            columns = [column.name for column in asked.description or ()]
            assert {*columns, "currency", "segment"} == set(found[name].columns), (name, "all of its columns")
            wanted = [list(row) for row in asked.fetchall()]
            given = [[row[column] for column in columns] for row in found[name].records()]
            assert _sorted(given) == [[_near(cell) for cell in row] for row in _sorted(wanted)], name
            assert wanted, name


def test_what_a_plan_of_freed_capacity_starts_from_agrees_with_plain_sql(varied: Kept):
    names = ("freed", "cohorts", "roll_rates", "excess_spread", "npl")
    found = reading.figures(varied.place, names, None, "none", Parameters(), "")
    assert not isinstance(found, Refusal)
    own = {name: result.records() for name, result in found.items()}
    ours = {"freed": reading.freed_by(own["freed"]), "segments": reading.segments(own)}
    known, again = queries(), queries((Path(__file__).parents[1] / "treasury/independent.sql").read_text())
    with psycopg.connect(varied.url) as conn:
        first = conn.execute("SELECT min(opened_on) FROM lines.v_line").fetchone()
        assert first
        conn.execute(known["seen"].encode(), {"days": points_until(varied.taken.day, first[0])})
        conn.execute(known["pd"].encode())
        for name, (told,) in ours.items():
            given = msgspec.structs.asdict(told)
            given.pop("segment", given.pop("name", None))
            asked = conn.execute(again[name].encode())
            columns = [column.name for column in asked.description or ()]
            assert [dict(zip(columns, row, strict=True)) for row in asked.fetchall()] == [given], name


def test_what_was_charged_is_the_income_that_the_ledger_booked(varied: Kept):
    result = portfolio.compute(varied.place, "excess_spread")
    assert isinstance(result, Result)
    with psycopg.connect(varied.url) as conn:
        booked = conn.execute(
            "SELECT sum(CASE WHEN starts_with(recipe, 'charge.') THEN amount ELSE -amount END)::bigint "
            "FROM ledger.transfer WHERE starts_with(recipe, 'charge.') OR starts_with(recipe, 'uncharge.')"
        ).fetchone()
    assert booked
    assert sum(row["charged_minor"] for row in result.records()) == booked[0]


def _sorted(rows: Sequence[list[Any]]) -> list[list[Any]]:
    return sorted(rows, key=lambda row: [(cell is None, cell or 0) for cell in row])


def _near(cell: Any) -> Any:
    return pytest.approx(cell, abs=1e-12) if isinstance(cell, float) else cell


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
