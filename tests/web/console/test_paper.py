"""Figures on paper: the same bytes, all words, and marks as large as what they stand for."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from whiteslip.web.console.figures import Figure
from whiteslip.web.console.paper import Sheet, as_pdf
from whiteslip.web.console.paper.drawing import drawn
from whiteslip.web.console.paper.scales import scale_of, stacked
from whiteslip.web.kit.i18n import Speech

SPEECH = Speech("en", "Asia/Shanghai")
SVG = "{http://www.w3.org/2000/svg}"
BARS: dict[str, Any] = {
    "xAxis": {"type": "category", "data": ["a", "b", "c"]},
    "yAxis": {"type": "value"},
    "series": [{"type": "bar", "name": "n", "color": "var:brand", "data": [10, {"value": 30}, None]}],
}


def marks(option: dict[str, Any], tag: str) -> list[dict[str, str]]:
    """The marks of a drawing, which is well-formed."""
    return [each.attrib for each in ElementTree.fromstring(drawn(option, SPEECH)).iter(SVG + tag)]


def test_a_sheet_says_its_filters_and_every_row_and_is_the_same_each_time():
    evil = '#panic[x] $y$ *z* <w> \\ "'
    rows = [[evil, "1"], ["b", "2 − 1"], ["逾期", "3"]]
    figure = Figure("k", "A figure", [("Name", "text"), ("Count", "money")], rows, "/k.csv", "f", "s", BARS)
    sheet = Sheet("A page", [("Group by", "Size of limit"), ("Not asked", "")], [figure])
    made = as_pdf(sheet, SPEECH)
    assert made == as_pdf(sheet, SPEECH)
    said = "".join(page.extract_text() for page in PdfReader(BytesIO(made)).pages)
    for words in ("A page", "Group by: Size of limit", "A figure", "#panic[x] $y$ *z* <w>", "2 – 1", "逾期"):
        assert words in said
    assert "Not asked" not in said


def test_bars_are_as_tall_as_their_values_and_nothing_is_drawn_for_nothing():
    first, second = (float(mark["height"]) for mark in marks(BARS, "rect"))
    assert second == pytest.approx(3 * first, abs=0.2)
    lying = BARS | {"xAxis": BARS["yAxis"], "yAxis": BARS["xAxis"]}
    widths = [float(mark["width"]) for mark in marks(lying, "rect")]
    assert max(widths) == pytest.approx(3 * min(widths), abs=0.2)
    assert float(marks(lying, "rect")[0]["x"]) == float(marks(lying, "rect")[1]["x"])


def test_streams_are_as_thick_as_they_are_large_and_areas_as_wide():
    nodes = [{"name": name} for name in "abc"]
    links = [{"source": "a", "target": "b", "value": 30}, {"source": "a", "target": "c", "value": 10}]
    option = {"series": [{"type": "sankey", "data": nodes, "links": links}]}
    thick = [float(mark["stroke-width"]) for mark in marks(option, "path")]
    assert thick[0] == pytest.approx(3 * thick[1], abs=0.2)
    assert float(marks(option, "rect")[0]["height"]) == pytest.approx(sum(thick), abs=0.2)
    areas = {
        "series": [{"type": "treemap", "data": [{"name": n, "value": v} for n, v in (("a", 3), ("b", 1))]}]
    }
    sizes = [float(mark["width"]) * float(mark["height"]) for mark in marks(areas, "rect")]
    assert sizes[0] == pytest.approx(3 * sizes[1], rel=0.01)


def test_a_line_breaks_where_nothing_is_known():
    option = BARS | {"series": [{"type": "line", "data": [1, None, 2], "lineStyle": {"color": "var:bad"}}]}
    assert len(marks(option, "polyline")) == 2
    cells = {
        "xAxis": {"data": ["a", "b"]},
        "yAxis": {"data": ["c"]},
        "series": [{"type": "heatmap", "data": [[0, 0, 0.1, ""], [1, 0, 0.9, ""]]}],
    }
    pale, strong = (float(mark["fill-opacity"]) for mark in marks(cells, "rect"))
    assert pale < strong
    assert re.findall(r">(\d+\.\d+%)<", drawn(cells, SPEECH)) == ["10.00%", "90.00%"]


@given(st.lists(st.lists(st.none() | st.integers(-(10**9), 10**9), min_size=3, max_size=3), min_size=1))
def test_a_stack_is_the_sum_of_its_parts_and_every_end_is_on_the_scale(rows: list[list[int | None]]):
    layers = stacked(rows, [{"stack": "s"}] * len(rows))
    for place in range(3):
        ends = [layer[place] for layer in layers if layer[place]]
        if ends and (last := ends[-1]):
            assert last[1] == sum(row[place] or 0 for row in rows)
    scale = scale_of(layers, {}, 200, 20)
    for low_high in (each for layer in layers for each in layer if each):
        for end in low_high:
            assert 20 - 1e-6 <= scale.at(end) <= 200 + 1e-6
    assert len(scale.ticks) <= 8
