"""The whole book at the desk: charts and tables with equal figures, as CSV, of the snapshot there is."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, date, timedelta
from html import unescape
from pathlib import Path

import psycopg
import pytest
from deals import deal
from leavers import walks
from litestar.testing import TestClient
from pypdf import PdfReader
from web.console.conftest import Desk
from worlds import DAY, TIMEZONE, at, buy, nights, open_line, pay

from whiteslip import funding, lake
from whiteslip.base import end_of_day
from whiteslip.funding.model import Position
from whiteslip.identity.model import Role
from whiteslip.lake import Lake, Snapshot
from whiteslip.ledger.acts import seal
from whiteslip.store.timers import StoredClock
from whiteslip.web.console import routers
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app

END = date(2026, 7, 20)


@pytest.fixture
def analyst(desk: Desk, tmp_path: Path) -> Desk:
    """An analyst at a desk whose book has lived half a year and left a snapshot."""
    good, bad = open_line(desk.db, limit_minor=3_000_000), open_line(desk.db)
    buy(desk.db, good, 60_000, 3)
    buy(desk.db, bad, 30_000)
    nights(desk.db, DAY, date(2026, 3, 1))
    pay(desk.db, good, 20_360, date(2026, 3, 2))
    nights(desk.db, date(2026, 3, 2), END)
    with desk.db.transaction() as tx:
        seal(tx, END, end_of_day(END, TIMEZONE))
        StoredClock(tx).set(at(END).astimezone(UTC))
    place = Lake(tmp_path / "lake", bytes(32))
    until = end_of_day(END, TIMEZONE)
    assert isinstance(lake.export(desk.db, place, END, until, TIMEZONE, until), Snapshot)
    ports = replace(desk.ports, lake=place)
    client = TestClient(create_app(routers, WebSettings(secret=bytes(32), default_language="en"), ports))
    with_lake = Desk(desk.db, ports, client)
    with_lake.sign_in(Role.ANALYST)
    return with_lake


def test_without_a_snapshot_the_page_says_what_to_do(desk: Desk):
    desk.sign_in()
    assert "No figures yet" in desk.get("/console/portfolio")


def test_each_chart_has_a_table_with_the_same_figures_and_a_csv(analyst: Desk):
    text = analyst.get("/console/portfolio")
    options = dict(re.findall(r'<figure class="chart" id="(\w+)">.*?data-chart="(.*?)"', text, re.S))
    assert set(options) == {
        "npl", "npl_change", "dpd", "classes", "roll_rates", "flows", "vintages", "ecl_movement",
        "cash",
    }  # fmt: skip
    assert "not told of fewer than ten" in text
    # Both are in default: of these nobody asks how likely it is.
    (used,) = re.findall(r'id="pd-used">(.*?)</p>', text)
    assert used.endswith("losses: 0 lines by the behaviour model, 0 by roll rates."), used
    assert "by_customer" in analyst.get("/console/portfolio/survival.csv")
    assert len(analyst.get("/console/portfolio/survival.csv").splitlines()) == 1
    rows = list(csv.DictReader(io.StringIO(analyst.get("/console/portfolio/npl.csv"))))
    drawn = json.loads(unescape(options["npl"]))["series"][0]["data"]
    assert drawn == [float(row["npl_ratio"]) if row["npl_ratio"] else None for row in rows]
    figure = re.search(r'<figure class="chart" id="npl">(.*?)</figure>', text, re.S)
    assert figure
    shown = re.findall(r"<td[^>]*>([^<]*)</td>", figure[1])
    for row in rows:
        if row["npl_ratio"]:
            assert f"{float(row['npl_ratio']):.2%}" in shown
    for name in re.findall(r'href="(/console/portfolio/\w+\.csv[^"]*)"', text):
        assert len(analyst.get(name.replace("&amp;", "&")).splitlines()) > 1


def test_the_page_on_paper_has_its_filters_and_all_its_figures_and_is_the_same_each_time(analyst: Desk):
    at = "/console/portfolio/page.pdf?segment=limit&as_of=2026-07-20"
    answer = analyst.client.get(at, headers={"Accept-Language": "en"})
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content == analyst.client.get(at, headers={"Accept-Language": "en"}).content
    said = "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(answer.content)).pages)
    assert "Group by: Size of limit" in said
    assert "As of: 20 July 2026" in said
    page = unescape(analyst.get("/console/portfolio?segment=limit&as_of=2026-07-20"))
    assert at in page
    titles = re.findall(r"<figcaption><h2>(.*?)</h2>", page)
    assert len(titles) >= 9
    for title in titles:
        assert title in said
    one = analyst.client.get(at.replace("page.pdf", "flows.pdf"), headers={"Accept-Language": "zh-CN"})
    assert "分组：" in "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(one.content)).pages)
    analyst.get("/console/portfolio/secrets.pdf", 404)


def test_of_several_groups_charts_draw_the_one_with_the_largest_book_and_say_which(analyst: Desk):
    at = "/console/portfolio?segment=limit&as_of=2026-07-20"
    text = analyst.get(at)
    rows = list(csv.DictReader(io.StringIO(analyst.get(at.replace("portfolio?", "portfolio/npl.csv?")))))
    newest = [row for row in rows if row["on_day"] == "2026-07-20"]
    assert len(newest) == 2, "two bands of limits"
    largest = max(newest, key=lambda row: int(row["book_minor"]))["segment"]
    own = [row for row in rows if row["segment"] == largest]
    figures = re.findall(
        r'<figure class="chart" id="(\w+)">.*?<h2>(.*?)</h2>.*?data-chart="(.*?)"', text, re.S
    )
    options = {name: json.loads(unescape(option)) for name, _, option in figures}
    assert options["npl"]["xAxis"]["data"] == [row["on_day"] for row in own]
    drawn = options["npl"]["series"][0]["data"]
    assert drawn == [float(row["npl_ratio"]) if row["npl_ratio"] else None for row in own]
    cells = [tuple(cell[:2]) for cell in options["roll_rates"]["series"][0]["data"]]
    assert len(cells) == len(set(cells))
    *steps, after = (bar["value"] for bar in options["npl_change"]["series"][1]["data"])
    before, *causes = steps
    changes = list(
        csv.DictReader(io.StringIO(analyst.get(at.replace("portfolio?", "portfolio/npl_change.csv?"))))
    )
    of_band = [
        abs(float(row["contribution"] or 0))
        for row in changes
        if (row["segment"], row["on_day"]) == (largest, "2026-07-20")
    ]
    assert sorted(causes) == pytest.approx(sorted(of_band))
    assert (before, after) == tuple(pytest.approx(float(own[n]["npl_ratio"] or 0)) for n in (-2, -1))
    called = {title.rpartition(" · ")[2] for name, title, _ in figures if name != "cash"}
    assert len(called) == 1
    assert re.search(r"\d", *called)
    assert "·" not in {name: title for name, title, _ in figures}["cash"]
    assert " · " not in "".join(re.findall(r"<figcaption><h2>(.*?)</h2>", analyst.get("/console/portfolio")))


def test_a_mark_leads_to_its_lines(analyst: Desk):
    with psycopg.connect(analyst.db.url) as conn:
        good, bad = (
            str(row[0])[-8:]
            for row in conn.execute(
                "SELECT line FROM billing.plan WHERE kind = 'purchase' ORDER BY principal_minor DESC"
            )
        )
    text = analyst.get("/console/portfolio")
    options = dict(re.findall(r'<figure class="chart" id="(\w+)">.*?data-chart="(.*?)"', text, re.S))
    drawn = {key: json.loads(unescape(option))["series"] for key, option in options.items()}
    classed = next(mark for mark in drawn["classes"][0]["data"] if mark["href"])
    assert classed["href"] == "/console/lines?late_from=91&late_to=270"
    rolled = next(cell[3] for cell in drawn["roll_rates"][0]["data"] if cell[:2] == [5, 5])
    assert rolled == "/console/lines?late_from=90"
    for href in (classed["href"], rolled, json.loads(unescape(options["npl"]))["links"][-1]):
        assert bad in analyst.get(href)
    # One is 145 days past due, the other 117.
    for least, most, there, absent in ((130, 270, bad, good), (91, 130, good, bad)):
        listed = analyst.get(f"/console/lines?late_from={least}&late_to={most}")
        assert there in listed
        assert absent not in listed
    opened = analyst.get(drawn["vintages"][0]["href"])
    assert good in opened
    assert bad in opened
    # The table beside a chart has the same links.
    assert 'href="/console/lines?late_from=91&amp;late_to=270"' in text
    assert bad not in analyst.get("/console/lines?late_from=1&late_to=60")
    analyst.get("/console/lines?opened=2026-13", 422)


def test_the_waterfall_goes_from_the_ratio_before_to_the_ratio_after(analyst: Desk):
    text = analyst.get("/console/portfolio")
    option = json.loads(unescape(re.findall(r'id="npl_change">.*?data-chart="(.*?)"', text, re.S)[0]))
    floors, bars = option["series"][0]["data"], [bar["value"] for bar in option["series"][1]["data"]]
    signs = [1 if bar["itemStyle"]["color"] == "var:bad" else -1 for bar in option["series"][1]["data"]]
    steps = sum(sign * bar for sign, bar in zip(signs[1:-1], bars[1:-1], strict=True))
    assert bars[0] + steps == pytest.approx(bars[-1], abs=1e-12)
    assert min(floors) >= 0


def test_a_night_without_a_whole_snapshot_is_answered_with_the_one_before_and_says_why(analyst: Desk):
    stands_in = "These are the figures of 20 July 2026, not of the day asked for"
    assert stands_in not in analyst.get("/console/portfolio?as_of=2026-07-20")
    assert stands_in in analyst.get("/console/portfolio?as_of=2026-07-25")
    assert stands_in not in analyst.get("/console/portfolio")
    following, place = END + timedelta(days=1), analyst.ports.lake
    until = end_of_day(following, TIMEZONE)
    with analyst.db.transaction() as tx:
        seal(tx, following, until)
    text = analyst.get("/console/portfolio")
    assert stands_in in text
    assert "The snapshot of 2026-07-21 is missing." in text
    assert place
    taken = lake.export(analyst.db, place, following, until, TIMEZONE, until)
    assert isinstance(taken, Snapshot)
    assert stands_in not in analyst.get("/console/portfolio")
    taken.path("line").write_bytes(taken.path("line").read_bytes()[:100])
    text = analyst.get("/console/portfolio")
    assert stands_in in text
    assert "is cut off (line.parquet)" in text


def test_leaving_each_facility_and_stress_stand_beside_the_book_with_their_latest_figure(analyst: Desk):
    def beside() -> str:
        shown = analyst.get("/console/portfolio").split('id="beside"')[1]
        return unescape(shown.split("</section>")[0])

    text = beside()
    assert [each in text for each in ("/console/insight", "/console/stress", "/console/funding/")] == [
        True, True, False,
    ]  # fmt: skip
    assert "Too few have walked the way out" in text
    walks(analyst.db, at(END))
    following = END + timedelta(days=1)
    buy(analyst.db, open_line(analyst.db, day=following), 100_000, 3, following)
    until = end_of_day(following, TIMEZONE)
    with analyst.db.transaction() as tx:
        assert isinstance(funding.load(tx, deal(minimum_use_minor=1_000), "test", until), str)
        funding.fill(tx, "warehouse", 10**9, following, "test", until)
        funding.state_position(tx, "warehouse", Position(2_000, 0, 0), "test", until)
    assert "No night has made its base yet." in beside()
    with analyst.db.transaction() as tx:
        funding.run_night(tx, following, until)
    text = beside()
    assert "/console/funding/warehouse" in text
    assert "CN¥830.00" in text, "85 % of 1,000.00 less the 20.00 drawn"
    assert "The covenant with the least headroom" in text
    assert "21 July 2026" in text
    # Twelve of the forty-two walks end at the page that asks who it is.
    assert "28.6%" in text.replace(" ", "")


def test_what_is_no_measure_is_not_found_and_strangers_sign_in(analyst: Desk, desk: Desk):
    analyst.get("/console/portfolio/secrets.csv", 404)
    answer = desk.client.get("/console/portfolio", follow_redirects=False)
    assert answer.headers["location"] == "/console/sign-in"
