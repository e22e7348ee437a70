"""Figures of leaving as a chart's options; each has a table beside it with the same figures.

Where a mark has cases, its ``href`` leads to them; the others lead to their CSV below the chart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from whiteslip.insight.feedback import evidence_of
from whiteslip.insight.measures import WENT_AWAY
from whiteslip.insight.model import SIMULATED, Proposal, Window
from whiteslip.insight.words import Words
from whiteslip.portfolio import Result
from whiteslip.web.console.figures import every_month

Option = dict[str, Any]
Row = Mapping[str, Any]

_PALE, _STRONG, _BAD, _SOFT = "var:edge", "var:brand", "var:bad", "var:soft"
_RISKS: Final = (
    ("survival", _SOFT),
    ("cif_by_customer", _STRONG),
    ("cif_by_us", _PALE),
    ("cif_defaulted", _BAD),
)
_WIDEST: Final = 96
_SHADES: Final = (_STRONG, "var:care", _SOFT)
UNSAID: Final = "not_said"
_CASES: Final = "/console/all"
_LISTS: Final = {"alerts": "/console/alerts", "exits": _CASES}
# The curves that have cases behind them.
_RISK_CASES: Final = {
    "cif_by_customer": f"{_CASES}?state=closed",
    "cif_defaulted": "/console/lines?late_from=91",
}
# How a walk ended, in the order in which bars are stacked.
_ENDS: Final = (("went_on", _STRONG), ("other_way", _PALE), ("went_away", _BAD))


def row_case(measure: str, row: Row) -> str:
    """Where the cases of a table's row are listed; empty for none. Who gave no reason is not listed by it."""
    said = measure == "reasons" and row["exits"] and row["reason"] != UNSAID
    return f"{_CASES}?reason={row['reason']}" if said else ""


def proposal_cases(proposal: Proposal, window: Window) -> str:
    """Where what a proposal rests on is listed: alarms or cases, or else the month's figure."""
    what, of = evidence_of(proposal, window)
    asked = urlencode(of)
    return f"{_LISTS[what]}?{asked}" if what in _LISTS else f"/console/insight?{asked}#{what}"


def _name(row: Row, key: str, words: Words) -> str:
    """A mark's name, with its group where there are several."""
    own = words.code(str(row[key]))
    return own if row["segment"] == "all" else f"{words.code(row['segment'])} · {own}"


def _group(rows: Sequence[Row], words: Words) -> str:
    """What goes before a curve's name where there are several groups: the one that is drawn, the first."""
    return f"{words.code(rows[0]['segment'])} · " if len({row["segment"] for row in rows}) > 1 else ""


def _bars(names: Sequence[str], series: Sequence[Option], percent: bool) -> Option:
    return {
        "xAxis": {"type": "category", "data": list(names)},
        "yAxis": {"type": "value", "percent": percent},
        "series": list(series),
    }


def _line(name: str, data: Sequence[Any], color: str, width: int = 2) -> Option:
    style = {"color": color, "width": width}
    line = {"type": "line", "name": name, "data": list(data), "symbol": "none"}
    return line | {"lineStyle": style, "color": color}


def walked(result: Result) -> list[dict[str, Any]]:
    """What is told of walks: of people where there are any, else of the demonstration's."""
    rows = [row for row in result.records() if row["walks"]]
    return [row for row in rows if row["segment"] != SIMULATED] or rows


def funnel(result: Result, words: Words) -> Option:
    """Each screen as one bar: who went on, who chose another way, who went away."""
    rows = walked(result)
    series = [
        {
            "type": "bar",
            "stack": "walks",
            "barMaxWidth": _WIDEST,
            "name": words.column(end),
            "itemStyle": {"color": color},
            "color": color,
            "data": [row[end] / row["walks"] for row in rows],
        }
        for end, color in _ENDS
    ]
    names = [_timed(row, words) for row in rows]
    return _bars(names, series, percent=True) | {"legend": {}}


def _timed(row: Row, words: Words) -> str:
    """A screen with the median seconds that people spent on it, where they are known."""
    seconds = row["median_seconds"]
    name = _name(row, "screen", words)
    return (
        name
        if seconds is None
        else f"{name} · {words.cell('median_seconds', seconds)} {words.paper('second')}"
    )


def flows(result: Result, words: Words) -> Option:
    """The same as streams from screen to screen."""
    rows = walked(result)
    links = [
        {
            "source": _name(row, "from_step", words),
            "target": _name(row, "to_step", words),
            "value": row["walks"],
        }
        for row in rows
    ]
    gone = {_name(row, "to_step", words) for row in rows if row["to_step"] == WENT_AWAY}
    screens = {link["source"] for link in links}
    colors = {link["target"]: _BAD if link["target"] in gone else _SOFT for link in links}
    colors |= dict.fromkeys(screens, _STRONG)
    nodes = [{"name": name, "itemStyle": {"color": color}} for name, color in sorted(colors.items())]
    return {"series": [{"type": "sankey", "data": nodes, "links": links}]}


def reasons(result: Result, words: Words) -> Option:
    """Reasons by how many gave them; a mark leads to its cases."""
    data = [
        {
            "name": _name(row, "reason", words),
            "value": row["exits"],
            "href": row_case("reasons", row),
            "itemStyle": {"color": "var:sunk" if row["reason"] == UNSAID else "var:good-tint"},
        }
        for row in result.records()
        if row["exits"]
    ]
    return {"series": [{"type": "treemap", "data": data, "roam": False, "nodeClick": False}]}


def survival(result: Result, words: Words) -> Option:
    """Who is still there, and how the others went."""
    of, rows = _group(result.records(), words), every_month(result.records())
    return {
        "xAxis": {"type": "category", "data": [row["month"] for row in rows], "boundaryGap": False},
        "yAxis": {"type": "value", "percent": True},
        "legend": {},
        "series": [
            _line(of + words.column(name), [row[name] for row in rows], color)
            | {"step": "end"}
            | ({"href": _RISK_CASES[name]} if name in _RISK_CASES else {})
            for name, color in _RISKS
        ],
    }


def hazard(result: Result, words: Words) -> Option:
    """The chance to leave within a month, with its bounds; of the first group where there are several."""
    rows = result.records()
    of, rows = _group(rows, words), [row for row in rows if row["segment"] == rows[0]["segment"]]
    lines = (("hazard", _STRONG, 3), ("hazard_low", _PALE, 1), ("hazard_high", _SOFT, 1))
    own = of + words.column("hazard")
    names = {key: own if key == "hazard" else f"{own} · {words.column(key)}" for key, _, _ in lines}
    return {
        "xAxis": {
            "type": "category",
            "data": [f"{row['month']:%Y-%m}" for row in rows],
            "boundaryGap": False,
        },
        "yAxis": {"type": "value", "percent": True},
        "legend": {},
        "series": [
            _line(names[key], [row[key] for row in rows], color, width) for key, color, width in lines
        ],
    }


def _rates(result: Result, words: Words, key: str, rate: str, color: str) -> Option:
    rows = [row for row in result.records() if row[rate] is not None]
    bar = {
        "type": "bar",
        "barMaxWidth": _WIDEST,
        "name": words.column(rate),
        "data": [row[rate] for row in rows],
    }
    return _bars(
        [_name(row, key, words) for row in rows], [bar | {"itemStyle": {"color": color}}], percent=True
    )


def leavers(result: Result, words: Words) -> Option:
    """The share that left, by score."""
    return _rates(result, words, "band", "share_left", _STRONG)


def outcomes(result: Result, words: Words) -> Option:
    """How often each group was late afterwards."""
    return _rates(result, words, "did", "late_rate", _BAD)


def qini(result: Result, words: Words) -> Option:
    """Whom an offer moves: its curve, beside what choosing as many by lot would bring."""
    rows = result.records()
    shares = sorted({0.0, *(row["people"] for row in rows)})
    series = list[Option]()
    for n, offer in enumerate(dict.fromkeys(row["offer"] for row in rows)):
        own = {0.0: 0.0} | {row["people"]: row["fewer_leave"] for row in rows if row["offer"] == offer}
        one = next(row for row in rows if row["offer"] == offer)
        bounds = "…".join(words.cell(name, one[name]) for name in ("qini_low", "qini_high"))
        name = f"{words.code(offer)}: {words.column('qini')} {words.cell('qini', one['qini'])} ({bounds})"
        color = _SHADES[n % len(_SHADES)]
        series.append(_line(name, [own.get(share) for share in shares], color, 3) | {"connectNulls": True})
        last = own[max(own)]
        lot = _line(words.column("by_lot"), [last * share / max(own) for share in shares], color, 1)
        series.append(lot | {"lineStyle": {"color": color, "width": 1, "type": "dashed"}})
    return {
        "xAxis": {
            "type": "category",
            "data": [words.cell("people", share) for share in shares],
            "boundaryGap": False,
        },
        "yAxis": {"type": "value", "percent": True},
        "legend": {},
        "series": series,
    }


# The charts of the page in order: the measure, and how it is drawn.
CHARTS: Final[Mapping[str, Callable[[Result, Words], Option]]] = {
    "funnel": funnel,
    "flows": flows,
    "reasons": reasons,
    "survival": survival,
    "hazard": hazard,
    "leavers": leavers,
    "outcomes": outcomes,
    "qini": qini,
}
