"""Figures of a measure as a chart's options. Each has a table beside it with the same figures.

Colours are names of tokens (``var:brand``) that the script puts in, so that both schemes work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from whiteslip.portfolio import Result
from whiteslip.web.console.figures import every_month

Text = Callable[[str], str]
Option = dict[str, Any]
Row = Mapping[str, Any]

BUCKETS: Final = ("none", "current", "dpd_1_29", "dpd_30_59", "dpd_60_89", "dpd_90_plus")
_CAUSES: Final = ("1_new_bad", "2_cured", "3_stays_bad", "4_written_off", "5_book_growth", "6_exits")
_PALE, _STRONG, _BAD, _GOOD, _SOFT = "var:edge", "var:brand", "var:bad", "var:good", "var:soft"
_SHADES: Final = {
    "1_normal": "var:good-tint",
    "2_special_mention": "var:care-tint",
    "3_substandard": "var:bad-tint",
    "4_doubtful": "var:bad-tint",
    "5_loss": "var:bad-tint",
}
_RISKS: Final = (
    ("survival", _SOFT),
    ("cif_by_customer", _STRONG),
    ("cif_by_us", _PALE),
    ("cif_defaulted", _BAD),
)


# Days past due of a bucket and of a class; the lines behind them can be listed.
_BUCKET_DAYS: Final = {
    "dpd_1_29": (1, 29),
    "dpd_30_59": (30, 59),
    "dpd_60_89": (60, 89),
    "dpd_90_plus": (90, None),
}
_CLASS_DAYS: Final = {
    "2_special_mention": (1, 90),
    "3_substandard": (91, 270),
    "4_doubtful": (271, 360),
    "5_loss": (361, None),
}
_BUCKET_SHADES: Final = {
    "none": _PALE,
    "current": _STRONG,
    "dpd_1_29": "var:care",
    "dpd_30_59": "var:care",
    "dpd_60_89": _BAD,
    "dpd_90_plus": _BAD,
}
_LEFT: Final = "/console/all"


def late(least: int, most: int | None = None) -> str:
    """Where lines so many days past due are listed."""
    return f"/console/lines?late_from={least}" + (f"&late_to={most}" if most is not None else "")


_CAUSE_CASES: Final = {"1_new_bad": late(91, 121), "3_stays_bad": late(121), "6_exits": _LEFT}
_ECL_CASES: Final = {
    "to_stage_2_minor": late(31, 90),
    "to_stage_3_minor": late(91),
    "released_at_draw_stop_minor": _LEFT,
}
_RISK_CASES: Final = {"cif_by_customer": f"{_LEFT}?state=closed", "cif_defaulted": late(91)}


def row_case(measure: str, row: Row, newest: date) -> str:
    """Where the cases of a table's row are listed; empty for none. Of days only the newest has them."""
    match measure:
        case "npl" if row["on_day"] == newest:
            return late(91)
        case "dpd" if row["on_day"] == newest:
            return late(30)
        case "roll_rates":
            return _rolled(row)
        case "classes":
            return _classed(row)
        case "npl_change":
            return _CAUSE_CASES.get(row["cause"], "")
        case "vintages":
            return _opened(row["opened"])
        case _:
            return ""


def _rolled(row: Row) -> str:
    return late(*_BUCKET_DAYS[row["to_bucket"]]) if row["to_bucket"] in _BUCKET_DAYS else ""


def _classed(row: Row) -> str:
    return late(*_CLASS_DAYS[row["asset_class"]]) if row["asset_class"] in _CLASS_DAYS else ""


def _opened(month: int) -> str:
    return f"/console/lines?opened={month // 100}-{month % 100:02d}"


def _leading(series: Option, href: str) -> Option:
    return series | ({"href": href} if href else {})


def _newest(rows: Sequence[Row], href: str) -> list[str]:
    """Of points over time only the newest has lines that can be listed."""
    return [*[""] * (len(rows) - 1), href]


def _axes(x: Sequence[Any]) -> Option:
    return {
        "xAxis": {"type": "category", "data": list(x), "boundaryGap": False},
        "yAxis": {"type": "value", "percent": True},
    }


def _line(name: str, data: Sequence[Any], color: str, width: int = 2) -> Option:
    style = {"color": color, "width": width}
    return {
        "type": "line",
        "name": name,
        "data": list(data),
        "symbol": "none",
        "lineStyle": style,
        "color": color,
    }


def npl(result: Result, t: Text) -> Option:
    """The ratio over time, beside the one whose denominator no exit of the last year can move."""
    rows = result.records()
    return {
        **_axes([row["on_day"].isoformat() for row in rows]),
        "links": _newest(rows, late(91)),
        "legend": {},
        "series": [
            _line(t("npl_ratio"), [row["npl_ratio"] for row in rows], _STRONG, 3),
            _line(t("constant_ratio"), [row["constant_ratio"] for row in rows], _PALE),
        ],
    }


def npl_change(result: Result, t: Text) -> Option:
    """Where the ratio came from in the last month: a waterfall from the ratio before to the ratio after."""
    rows = last_month(result.records())
    by_cause = {row["cause"]: row["contribution"] or 0.0 for row in rows}
    before, after = (rows[0]["ratio_before"], rows[0]["ratio_after"]) if rows else (0.0, 0.0)
    names, floor, height, colors = [t("before")], [0.0], [before or 0.0], [_SOFT]
    cases = ["", *(_CAUSE_CASES.get(cause, "") for cause in _CAUSES), ""]
    level = before or 0.0
    for cause in _CAUSES:
        step = by_cause.get(cause, 0.0)
        names.append(t("cause_" + cause))
        floor.append(min(level, level + step))
        height.append(abs(step))
        colors.append(_BAD if step > 0 else _GOOD)
        level += step
    names.append(t("after"))
    floor.append(0.0)
    height.append(after or 0.0)
    colors.append(_SOFT)
    bars = [
        _leading({"value": value, "itemStyle": {"color": color}}, href)
        for value, color, href in zip(height, colors, cases, strict=True)
    ]
    unseen = {"color": "transparent"}
    return {
        "xAxis": {"type": "category", "data": names},
        "yAxis": {"type": "value", "percent": True},
        "series": [
            {"type": "bar", "stack": "level", "data": floor, "itemStyle": unseen, "silent": True},
            {"type": "bar", "stack": "level", "data": bars, "name": t("contribution")},
        ],
    }


def vintages(result: Result, t: Text) -> Option:
    """Share 30 and more days past due by months on book; the newest cohort bold, the others pale."""
    cohorts: dict[int, dict[int, float | None]] = {}
    for row in result.records():
        cohorts.setdefault(row["opened"], {})[row["months_on_book"]] = row["dpd_30_rate"]
    # A cohort is drawn once it has a curve: one point is none.
    cohorts = {opened: curve for opened, curve in cohorts.items() if len(curve) > 1}
    months = sorted({month for curve in cohorts.values() for month in curve})
    newest = max(cohorts, default=0)
    return {
        **_axes(months),
        "xName": t("months_on_book"),
        "series": [
            _line(
                f"{opened // 100}-{opened % 100:02d}",
                [curve.get(month) for month in months],
                _STRONG if opened == newest else _PALE,
                3 if opened == newest else 1,
            )
            | {"href": _opened(opened)}
            for opened, curve in sorted(cohorts.items())
        ],
    }


def roll_rates(result: Result, t: Text) -> Option:
    """From where (rows) to where (columns) the balance rolled in the last month."""
    rows = last_month(result.records())
    names = [t("bucket_" + bucket) for bucket in BUCKETS]
    cells = [
        [
            BUCKETS.index(row["to_bucket"]),
            BUCKETS.index(row["from_bucket"]),
            round(row["opening_share"] or 0.0, 4),
            _rolled(row),
        ]
        for row in rows
    ]
    return {
        "xAxis": {"type": "category", "data": names},
        "yAxis": {"type": "category", "data": names, "inverse": True},
        "visualMap": {"min": 0, "max": 1, "show": False, "inRange": {"color": ["var:sunk", _STRONG]}},
        "series": [{"type": "heatmap", "data": cells, "percent": True, "label": {"show": True}}],
    }


def flows(result: Result, t: Text) -> Option:
    """The same as a flow of money between buckets."""
    rows = last_month(result.records())
    names = {t("bucket_" + row["from_bucket"]): "" for row in rows}
    names |= {t("bucket_" + row["to_bucket"]) + " ›": _rolled(row) for row in rows}
    shades = {t("bucket_" + row["from_bucket"]): _BUCKET_SHADES[row["from_bucket"]] for row in rows}
    shades |= {t("bucket_" + row["to_bucket"]) + " ›": _BUCKET_SHADES[row["to_bucket"]] for row in rows}
    links = [
        {
            "source": t("bucket_" + row["from_bucket"]),
            "target": t("bucket_" + row["to_bucket"]) + " ›",
            "value": max(row["opening_minor"] * (row["opening_share"] or 0), row["closing_minor"], 1),
            "href": _rolled(row),
        }
        for row in rows
    ]
    return {
        "series": [
            {
                "type": "sankey",
                "data": [
                    _leading({"name": name, "itemStyle": {"color": shades[name]}}, href)
                    for name, href in sorted(names.items())
                ],
                "links": links,
                "money": rows[0]["currency"] if rows else "",
            }
        ]
    }


def survival(result: Result, t: Text) -> Option:
    """Who is still there, and how the others went: closed by themselves, by us, or in default."""
    rows = every_month(result.records())
    return {
        **_axes([row["month"] for row in rows]),
        "xName": t("months_on_book"),
        "legend": {},
        "series": [
            _leading(_line(t(name), [row[name] for row in rows], color), _RISK_CASES.get(name, ""))
            | {"step": "end"}
            for name, color in _RISKS
        ],
    }


def dpd(result: Result, t: Text) -> Option:
    """Shares of the book 30, 60 and 90 days past due."""
    rows = result.records()
    shades = (("dpd_30_share", _PALE), ("dpd_60_share", "var:care"), ("dpd_90_share", _BAD))
    return {
        **_axes([row["on_day"].isoformat() for row in rows]),
        "links": _newest(rows, late(30)),
        "legend": {},
        "series": [_line(t(name), [row[name] for row in rows], color) for name, color in shades],
    }


def classes(result: Result, t: Text) -> Option:
    """Balances by five-level class."""
    rows = result.records()
    data = [
        {
            "name": t("class_" + row["asset_class"]),
            "value": row["balance_minor"],
            "itemStyle": {"color": _SHADES[row["asset_class"]]},
            "href": _classed(row),
        }
        for row in rows
    ]
    currency = rows[0]["currency"] if rows else ""
    return {
        "series": [{"type": "treemap", "data": data, "money": currency, "roam": False, "nodeClick": False}]
    }


def ecl_movement(result: Result, t: Text) -> Option:
    """The allowance from a month ago to today, step by step."""
    rows = result.records()
    if not rows:
        return {"series": []}
    row = rows[0]
    steps = [name for name in result.columns if name.endswith("_minor")]
    names, floor, bars, level = list[str](), list[int](), list[Option](), 0
    for name in steps:
        ends = name in ("opening_minor", "closing_minor")
        value: int = row[name]
        names.append(t("ecl_" + name.removesuffix("_minor")))
        floor.append(0 if ends else min(level, level + value))
        color = _SOFT if ends else (_BAD if value > 0 else _GOOD)
        bar = {"value": abs(value), "itemStyle": {"color": color}}
        bars.append(_leading(bar, _ECL_CASES.get(name, "")))
        level = value if ends else level + value
    unseen = {"color": "transparent"}
    return {
        "xAxis": {"type": "category", "data": names},
        "yAxis": {"type": "value", "money": row["currency"]},
        "series": [
            {"type": "bar", "stack": "level", "data": floor, "itemStyle": unseen, "silent": True},
            {"type": "bar", "stack": "level", "data": bars},
        ],
    }


def last_month(rows: Sequence[Row]) -> list[Row]:
    """The rows of the latest day."""
    newest = max((row["on_day"] for row in rows), default=None)
    return [row for row in rows if row["on_day"] == newest]


# The charts of the page in order: key, measure, how it is drawn.
CHARTS: Final[Sequence[tuple[str, str, Callable[[Result, Text], Option]]]] = (
    ("npl", "npl", npl),
    ("npl_change", "npl_change", npl_change),
    ("dpd", "dpd", dpd),
    ("classes", "classes", classes),
    ("roll_rates", "roll_rates", roll_rates),
    ("flows", "roll_rates", flows),
    ("vintages", "vintages", vintages),
    ("survival", "survival", survival),
    ("ecl_movement", "ecl_movement", ecl_movement),
)
