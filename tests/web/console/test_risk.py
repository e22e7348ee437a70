"""Scores at the desk: charts with their tables and files, marks that lead to lines, a score taken apart."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from html import unescape

from scored import CARD, scored_book
from web.console.conftest import Desk

from whiteslip.decisions.explaining import explained
from whiteslip.decisions.scoring import score
from whiteslip.identity.model import Role

LAST = date(2026, 6, 20)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_risk_page_its_files_its_lines_and_one_score(desk: Desk):
    desk.sign_in(Role.ANALYST)
    assert "No scores yet" in desk.get("/console/risk")
    assert "no behaviour model is in service" in desk.get("/console/risk/lines", 404)
    book = scored_book(desk.db, LAST)
    text = desk.get("/console/risk")
    options = dict(re.findall(r'id="(\w+)">.*?data-chart="(.*?)"', text, re.S))
    assert set(options) == {"spread", "strip", "columns", "calibration", "reasons", "versus"}

    spread = rows_of(desk.get("/console/risk/spread.csv"))
    assert sum(int(row["lines"]) for row in spread) == len(book)
    drawn = json.loads(unescape(options["spread"]))["series"][0]["data"]
    assert [mark["value"] for mark in drawn] == [float(row["tonight"]) for row in spread]
    for row, mark in zip(spread, drawn, strict=True):
        # Each mark and each row of its table lead to the very lines that it counts.
        listed = rows_of(desk.get(mark["href"].replace("/lines?", "/lines.csv?")))
        assert len(listed) == int(row["lines"])
        assert text.count(f'href="{mark["href"].replace("&", "&amp;")}"') == 1
    worst, *others = rows_of(desk.get("/console/risk/lines.csv"))
    assert float(worst["probability"]) >= max(float(row["probability"]) for row in others)

    assert f"/console/risk/lines/{worst['line']}" in desk.get("/console/risk/lines")

    came = rows_of(desk.get("/console/risk/calibration.csv"))
    assert [float(row["observed"]) for row in came] == sorted(float(row["observed"]) for row in came)
    stopped = [n for n in range(len(book)) if n % 5 and not n % 4]
    assert sum(int(row["late"]) for row in came) == len(stopped)
    crossed = rows_of(desk.get("/console/risk/versus.csv"))
    assert sum(int(row["lines"]) for row in crossed) == len(book)
    assert len(rows_of(desk.get("/console/risk/strip.csv"))) == 4, "nights of the last ninety days"
    # The address is the state.
    assert "5 March 2026" in desk.get("/console/risk?on=2026-03-20")

    line = worst["line"]
    shown = desk.get(f"/console/risk/lines/{line}")
    assert "past due lately" in shown
    assert "If “Months late, month −1” were &lt; 1" in shown
    steps = rows_of(desk.get(f"/console/risk/lines/{line}/waterfall.csv"))
    best = sum(max(part.scores) for part in CARD.parts)
    assert best - sum(float(step["against"]) for step in steps) == float(worst["points"])


def test_what_would_change_a_score_is_what_scoring_says():
    facts = {"months_late_1": 2, "billed_1": 95_000, "paid_1": 0}
    found = explained(CARD, facts)
    assert [step.column for step in found.steps] == ["months_late_1", "billed_1", "paid_1"]
    change = found.changes[0]
    assert (change.column, change.low, change.high) == ("months_late_1", None, 1)
    assert score(CARD, facts | {"months_late_1": 0}).probability == change.probability
    assert score(CARD, facts | {"months_late_1": 0}).points == change.points
