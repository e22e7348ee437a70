"""The portfolio's figures through the API: as JSON, as CSV, with their age, or why not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from litestar.testing import TestClient
from worlds import DAY, TIMEZONE, buy, open_line

from whiteslip import lake
from whiteslip.base import end_of_day
from whiteslip.lake import Lake, Snapshot
from whiteslip.ledger.acts import seal
from whiteslip.portfolio import MEASURES
from whiteslip.store import Database

from .conftest import Api, application, with_key


@pytest.fixture
def api(db: Database, tmp_path: Path) -> Iterator[Api]:
    """The door of an installation with a lake, which has one line of 5,000.00 owed."""
    place, until = Lake(tmp_path / "lake", bytes(32)), end_of_day(DAY, TIMEZONE)
    buy(db, open_line(db), 500_000)
    with db.transaction() as tx:
        seal(tx, DAY, until)
    assert isinstance(lake.export(db, place, DAY, until, TIMEZONE, until), Snapshot)
    with TestClient(application(db, lake=place)) as client:
        yield Api(db, client, with_key(db))


def test_figures_come_with_their_formula_and_their_day(api: Api):
    found = api.get("/v1/portfolio/npl")
    assert (found["day"], found["as_of"], found["stale"]) == (str(DAY), str(DAY), False)
    assert dict(zip(found["columns"], found["rows"][-1], strict=True))["book_minor"] == 500_000
    assert found["formula"] == MEASURES["npl"].formula
    assert api.get("/v1/portfolio/npl") == found


def test_figures_as_csv_are_those_as_json(api: Api):
    answer = api.ask("GET", "/v1/portfolio/dpd?format=csv&segment=pack")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"dpd-{DAY}.csv" in answer.headers["content-disposition"]
    found = api.get("/v1/portfolio/dpd?segment=pack")
    rows = [",".join("" if cell is None else str(cell) for cell in row) for row in found["rows"]]
    assert answer.text.splitlines() == [",".join(found["columns"]), *rows]


def test_figures_of_an_older_day_say_so(api: Api):
    found = api.get("/v1/portfolio/classes?as_of=2026-02-01")
    assert (found["as_of"], found["day"], found["stale"]) == ("2026-02-01", str(DAY), True)
    assert found["why"] == "lake.day_missing"
    # A day that was sealed without a snapshot is the one that is wanted.
    following = DAY + timedelta(days=1)
    with api.db.transaction() as tx:
        seal(tx, following, end_of_day(following, TIMEZONE))
    found = api.get("/v1/portfolio/classes")
    assert (found["as_of"], found["day"], found["stale"]) == (str(following), str(DAY), True)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("profit", 404, "portfolio.measure_unknown"),
        ("npl?segment=postcode", 422, "portfolio.segment_unknown"),
        (f"npl?as_of={date(2020, 1, 1)}", 404, "lake.empty"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(api: Api, path: str, status: int, code: str):
    answer = api.ask("GET", f"/v1/portfolio/{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["code"] == code


def test_the_list_names_every_measure(api: Api):
    assert [row["measure"] for row in api.get("/v1/portfolio")] == list(MEASURES)


def test_an_installation_without_a_lake_says_so(db: Database):
    with TestClient(application(db)) as client:
        answer = Api(db, client, with_key(db)).ask("GET", "/v1/portfolio/npl")
    assert (answer.status_code, answer.json()["code"]) == (409, "lake.off")
