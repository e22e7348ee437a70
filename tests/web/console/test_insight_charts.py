"""Whom an offer moves, drawn: the curve with its coefficient and interval, and what chance would bring."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from whiteslip.insight.words import Words
from whiteslip.portfolio import Result
from whiteslip.web.console.insight.charts import funnel, qini, survival
from whiteslip.web.console.paper.drawing import drawn
from whiteslip.web.console.portfolio.charts import survival as of_the_book
from whiteslip.web.kit.i18n import Speech

DAY = date(2026, 6, 20)


def result(measure: str, *rows: Mapping[str, object]) -> Result:
    return Result(
        measure, "", "", "", DAY, DAY, False, "none", list(rows[0]), [list(row.values()) for row in rows]
    )


def test_a_qini_curve_stands_beside_choosing_by_lot_and_says_its_interval():
    own = {"offer": "pause-30", "qini": 0.031, "qini_low": 0.012, "qini_high": 0.05}
    points = ((0.0, 0.0), (0.5, 0.25), (1.0, 0.3))
    rows = [own | {"people": people, "fewer_leave": gain} for people, gain in points]
    option = qini(result("qini", *rows), Words("en"))
    curve, lot = option["series"]
    assert curve["data"] == [0.0, 0.25, 0.3]
    assert lot["data"] == pytest.approx([0.0, 0.15, 0.3])
    assert curve["name"].endswith("Qini 0.031 (0.012…0.050)")
    assert drawn(option, Speech("en", "Asia/Shanghai")).count("<polyline") == 2


def test_the_funnel_names_each_screen_with_its_median_seconds():
    own = {"segment": "all", "went_on": 8, "other_way": 0, "went_away": 2, "walks": 10}
    rows = [own | {"screen": "what", "median_seconds": 41.0}, own | {"screen": "who", "median_seconds": None}]
    option = funnel(result("funnel", *rows), Words("en"))
    first, second = option["xAxis"]["data"]
    assert first.endswith("41.0 s")
    assert " s" not in second[-2:]


def test_months_of_a_survival_curve_stand_where_they_are_in_time():
    """Lines ended in the second and the sixth month: nothing happened in between, and it is drawn so."""
    own = {"currency": "CNY", "segment": "all", "cif_by_us": 0.0, "cif_defaulted": 0.0}
    told = result(
        "survival",
        own | {"month": 2, "survival": 0.75, "cif_by_customer": 0.25},
        own | {"month": 6, "survival": 0.5, "cif_by_customer": 0.5},
        own | {"segment": "another", "month": 4, "survival": 0.1, "cif_by_customer": 0.9},
    )
    names = [line["name"] for line in survival(told, Words("en"))["series"]]
    assert all(name.startswith(f"{Words('en').code('all')} · ") for name in names), "which group is drawn"
    for option in (survival(told, Words("en")), of_the_book(told, lambda key: key)):
        assert option["xAxis"]["data"] == [0, 1, 2, 3, 4, 5, 6]
        there, closed, *_ = option["series"]
        assert there["data"] == [1.0, 1.0, 0.75, 0.75, 0.75, 0.75, 0.5]
        assert closed["data"] == [0.0, 0.0, 0.25, 0.25, 0.25, 0.25, 0.5]
        assert {each["step"] for each in option["series"]} == {"end"}
    assert survival(
        result("survival", own | {"month": 0, "survival": 1.0, "cif_by_customer": 0.0}), Words("en")
    )
