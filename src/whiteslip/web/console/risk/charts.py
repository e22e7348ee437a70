"""Scores as charts, each with the figures of its table. Marks lead to their lines.

Colours are names of tokens (``var:brand``), as on the portfolio's page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from whiteslip.decisions.explaining import Explained, Step
from whiteslip.decisions.stability import CHANGED, LOOK, Spread
from whiteslip.watch.risk import Overview, Scale
from whiteslip.web.console.figures import Figure, Option
from whiteslip.web.kit.i18n import Speech, Texts

Text = Callable[..., str]
Said = Callable[[Step], str]
_PALE, _STRONG, _BAD, _GOOD, _SOFT, _CARE = (
    "var:edge",
    "var:brand",
    "var:bad",
    "var:good",
    "var:soft",
    "var:care",
)
_UNSEEN: Final = {"color": "transparent"}
_MOST_BARS: Final = 12
_SHOWN_ROWS: Final = 60
_WIDEST: Final = 64


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart and its twin: heads and rows as a file has them, ``links`` leads each row to its lines.

    ``kinds`` of columns: text, fact, share, number or index.
    """

    key: str
    option: Option
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]
    formula: str
    links: tuple[str, ...] = ()


def told(chart: Chart, csv: str, t: Texts, speech: Speech) -> Figure:
    """A chart with its rows in words."""
    rows = [
        [
            named(value, t) if kind == "fact" else _said(value, kind, speech)
            for value, (_, kind) in zip(row, chart.columns, strict=True)
        ]
        for row in chart.rows
    ]
    heads = [
        (t("column_" + name), "text" if kind in ("text", "fact") else "money") for name, kind in chart.columns
    ]
    return Figure(
        chart.key,
        t(f"chart_{chart.key}"),
        heads,
        rows[-_SHOWN_ROWS:],
        csv,
        chart.formula,
        t("source_" + chart.key),
        chart.option,
        chart.links[-_SHOWN_ROWS:],
        max(0, len(rows) - _SHOWN_ROWS),
    )


def _said(value: Any, kind: str, speech: Speech) -> str:
    match kind:
        case "share":
            return speech.share(value)
        case "number":
            return speech.number(value)
        case "index":
            return f"{value:.3f}"
        case "figure":
            return f"{value:.3g}" if value != round(value) else f"{value:.0f}"
        case _:
            return str(value)


def named(column: str, t: Texts) -> str:
    """A model's column in words, with how many months back it looks; one without words is itself."""
    stem, _, month = column.rpartition("_")
    facts = {"column": column, "month": month}
    return t.first((f"fact_{stem}" if month.isdecimal() else f"fact_{column}", "fact_other"), facts)


def _plain(step: Step) -> str:
    return "–" if step.value is None else f"{step.value:g}"


def edges(spread: Spread, band: int) -> str:
    """A band of probabilities in words: ``1–5%``."""
    cuts = [f"{cut * 100:.3g}" for cut in spread.cuts]
    if not cuts:
        return "0–100%"
    if band == 0:
        return f"< {cuts[0]}%"
    return f"≥ {cuts[-1]}%" if band >= len(cuts) else f"{cuts[band - 1]}–{cuts[band]}%"


def _bar(name: str, data: Sequence[Any], color: str) -> Option:
    return {"type": "bar", "name": name, "data": list(data), "color": color, "barMaxWidth": 36}


def _marks(values: Sequence[Any], links: Sequence[str]) -> list[Option]:
    return [{"value": value, "href": link} for value, link in zip(values, links, strict=True)]


def spread(seen: Overview, names: Sequence[str], links: Sequence[str], t: Text) -> Chart:
    """The night's scores by the bands of the rows that the model was fitted on."""
    shares = [n / max(1, seen.scored) for n in seen.counts]
    was = seen.spread.shares[: len(shares)]
    option: Option = {
        "xAxis": {"type": "category", "data": list(names)},
        "yAxis": {"type": "value", "percent": True},
        "legend": {},
        "series": [_bar(t("tonight"), _marks(shares, links), _STRONG), _bar(t("fitted_on"), was, _PALE)],
    }
    rows = tuple(zip(names, seen.counts, shares, was, strict=True))
    columns = (("band", "text"), ("lines", "number"), ("tonight", "share"), ("fitted_on", "share"))
    return Chart("spread", option, columns, rows, t("formula_spread"), tuple(links))


def strip(nights: Sequence[tuple[date, float, float]], t: Text) -> Chart:
    """PSI night by night, with the two lines at which somebody should look."""
    days = [day.isoformat() for day, _, _ in nights]

    def line(name: str, data: Sequence[float], color: str, width: int, kind: str = "solid") -> Option:
        style = {"color": color, "width": width, "type": kind}
        return {
            "type": "line", "name": name, "data": list(data), "symbol": "none", "lineStyle": style,
            "color": color,
        }  # fmt: skip

    option: Option = {
        "xAxis": {"type": "category", "data": days, "boundaryGap": False},
        "yAxis": {"type": "value"},
        "legend": {},
        "series": [
            line(t("psi"), [each for _, each, _ in nights], _STRONG, 3),
            line(t("worst_csi"), [each for _, _, each in nights], _SOFT, 1),
            line(t("look"), [LOOK] * len(days), _CARE, 1, "dashed"),
            line(t("changed"), [CHANGED] * len(days), _BAD, 1, "dashed"),
        ],
    }
    columns = (("night", "text"), ("psi", "index"), ("worst_csi", "index"))
    rows = tuple((day.isoformat(), psi, csi) for day, psi, csi in nights)
    return Chart("strip", option, columns, rows, t("formula_index"))


def columns(seen: Overview, t: Texts) -> Chart:
    """The index of each column, the largest on top."""
    found = [(name, value) for name, value in seen.indices if name != "score"]
    shown = list(reversed(found[:_MOST_BARS]))
    bars = [
        {
            "value": value,
            "itemStyle": {"color": _BAD if value >= CHANGED else _CARE if value >= LOOK else _GOOD},
        }
        for _, value in shown
    ]
    option: Option = {
        "xAxis": {"type": "value"},
        "yAxis": {"type": "category", "data": [named(name, t) for name, _ in shown]},
        "series": [_bar(t("csi"), bars, _STRONG)],
    }
    return Chart(
        "columns",
        option,
        (("column", "fact"), ("csi", "index")),
        tuple(found),
        t("formula_index"),
    )


def calibration(found: Sequence[Scale], names: Sequence[str], t: Text) -> Chart:
    """What was predicted ninety days before, beside what came."""
    bands = [names[each.band] for each in found]
    option: Option = {
        "xAxis": {"type": "category", "data": bands},
        "yAxis": {"type": "value", "percent": True},
        "legend": {},
        "series": [
            _bar(t("predicted"), [each.predicted for each in found], _PALE),
            _bar(t("observed"), [each.observed for each in found], _STRONG),
        ],
    }
    columns = (
        ("band", "text"), ("lines", "number"), ("predicted", "share"), ("late", "number"),
        ("observed", "share"),
    )  # fmt: skip
    rows = tuple(
        (name, each.lines, each.predicted, each.late, each.observed)
        for name, each in zip(bands, found, strict=True)
    )
    return Chart("calibration", option, columns, rows, t("formula_calibration"))


def reasons(found: Sequence[tuple[str, int]], names: Sequence[str], links: Sequence[str], t: Text) -> Chart:
    """What counts most against how many lines."""
    marks = _marks([lines for _, lines in found], links)
    option: Option = {
        "xAxis": {"type": "value"},
        "yAxis": {"type": "category", "data": list(reversed(names))},
        "series": [_bar(t("lines"), list(reversed(marks)), _STRONG)],
    }
    rows = tuple((name, lines) for name, (_, lines) in zip(names, found, strict=True))
    return Chart(
        "reasons", option, (("reason", "text"), ("lines", "number")), rows, t("formula_reasons"), tuple(links)
    )


def versus(cells: Mapping[tuple[int, int], int], names: Sequence[str], t: Text) -> Chart:
    """Champion's band (down) against the challenger's (across), as shares of all lines."""
    total = max(1, sum(cells.values()))
    data = [[across, down, round(n / total, 4)] for (down, across), n in sorted(cells.items())]
    option: Option = {
        "xAxis": {"type": "category", "data": list(names)},
        "yAxis": {"type": "category", "data": list(names), "inverse": True},
        "visualMap": {"min": 0, "max": 1, "show": False, "inRange": {"color": ["var:sunk", _STRONG]}},
        "series": [{"type": "heatmap", "data": data, "percent": True, "label": {"show": True}}],
    }
    columns = (("champion", "text"), ("challenger", "text"), ("lines", "number"), ("share", "share"))
    rows = tuple((names[down], names[across], n, n / total) for (down, across), n in sorted(cells.items()))
    return Chart("versus", option, columns, rows, t("formula_versus"))


def waterfall(
    found: Explained,
    start: float,
    unit: str,
    t: Text,
    called: Callable[[str], str] = str,
    said: Said = _plain,
) -> Chart:
    """From the best there is to what is: each column that counts against somebody takes its step.

    ``called`` names columns and ``said`` the value of one, where a page has words for them.
    """
    against = [(called(step.column), step.against) for step in found.steps if step.against > 0]
    if len(against) > _MOST_BARS:
        rest = sum(value for _, value in against[_MOST_BARS:])
        against = [*against[:_MOST_BARS], (t("all_others"), rest)]
    sign = -1 if unit == "points" else 1
    names, floor, bars, level = [t("best_score")], [0.0], [_end(start)], start
    for name, value in against:
        nxt = level + sign * value
        names.append(name)
        floor.append(min(level, nxt))
        bars.append({"value": value, "itemStyle": {"color": _BAD}})
        level = nxt
    names.append(t("this_score"))
    floor.append(0.0)
    bars.append(_end(level))
    # Log odds may lie below zero: a stack must not part at it.
    shared: Option = {"type": "bar", "stack": "level", "stackStrategy": "all", "barMaxWidth": _WIDEST}
    option: Option = {
        "xAxis": {"type": "category", "data": names},
        "yAxis": {"type": "value"},
        "series": [
            shared | {"data": floor, "itemStyle": _UNSEEN, "silent": True},
            shared | {"data": bars, "name": t(unit)},
        ],
    }
    rows = tuple(
        (called(step.column), said(step), step.here, step.best, step.against) for step in found.steps
    )
    heads = (
        ("column", "text"), ("value", "text"), ("here", "figure"), ("best", "figure"), ("against", "figure"),
    )  # fmt: skip
    return Chart("waterfall", option, heads, rows, t("formula_waterfall", unit=t(unit)))


def _end(value: float) -> Option:
    return {"value": value, "itemStyle": {"color": _SOFT}}
