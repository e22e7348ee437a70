"""Fans and tornados as options of charts. Each has a table beside it with the same figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from whiteslip.treasury.findings import Fan, Finding

Text = Callable[[str], str]
Option = dict[str, Any]

MONEY: Final = frozenset({"cash", "headroom", "book", "freed"})
_BANDS: Final = ((0, 4, "var:brand", 0.14), (1, 3, "var:brand", 0.22))
_EDGES: Final = ((4, "p95", "var:edge", 1), (2, "p50", "var:brand", 3), (0, "p05", "var:bad", 1))


def fan(found: Fan, currency: str, t: Text) -> Option:
    """Where one future in twenty ends, the middle half, and the median, day by day."""
    series: list[Option] = []
    for low, high, color, opacity in _BANDS:
        floor, height = (
            found.rows[low],
            [b - a for a, b in zip(found.rows[low], found.rows[high], strict=True)],
        )
        shared: Option = {"type": "line", "stack": f"band {low}", "stackStrategy": "all", "symbol": "none"}
        unseen = {"lineStyle": {"width": 0, "color": "transparent"}, "silent": True, "band": True}
        series.append({**shared, **unseen, "data": list(floor), "color": "transparent"})
        area = {"color": color, "opacity": opacity}
        series.append({**shared, **unseen, "data": height, "areaStyle": area, "color": color})
    for place, name, color, width in _EDGES:
        style = {"color": color, "width": width}
        data = list(found.rows[place])
        shown: Option = {"type": "line", "name": t(name), "data": data, "symbol": "none"}
        series.append({**shown, "lineStyle": style, "color": color})
    return {
        "xAxis": {"type": "category", "data": [day.isoformat() for day in found.days], "boundaryGap": False},
        "yAxis": {"type": "value", "money": currency if found.name in MONEY else "", "scale": True},
        "legend": {},
        "series": series,
    }


def tornado(found: Finding, t: Text, asked: Callable[[str, float], str]) -> Option:
    """What the bad figure comes to where one assumption changes alone; the widest on top. ``asked`` is
    where a changed question is answered, empty for what no question changes.
    """
    swings = found.swings[::-1]
    base = found.swings[0].at_base

    def bars(ends: Sequence[tuple[str, float, int]], stack: str, color: str) -> list[Option]:
        shared: Option = {"type": "bar", "stack": stack, "stackStrategy": "all", "barGap": "-100%"}
        unseen = {"itemStyle": {"color": "transparent"}, "silent": True, "band": True}
        marks = [
            {"value": abs(end - base)} | ({"href": href} if (href := asked(name, value)) else {})
            for name, value, end in ends
        ]
        return [
            {**shared, **unseen, "data": [min(base, end) for _, _, end in ends]},
            {**shared, "name": t(stack), "data": marks, "color": color, "itemStyle": {"color": color}},
        ]

    series = [
        *bars([(each.name, each.low, each.at_low) for each in swings], "at_low", "var:brand"),
        *bars([(each.name, each.high, each.at_high) for each in swings], "at_high", "var:bad"),
    ]
    series[-1]["markLine"] = {
        "silent": True,
        "symbol": "none",
        "label": {"show": False},
        "data": [{"xAxis": base}],
        "lineStyle": {"color": "var:ink", "type": "solid"},
    }
    return {
        "xAxis": {"type": "value", "money": found.currency, "scale": True},
        "yAxis": {
            "type": "category",
            "data": [t("swing_" + each.name) for each in swings],
            "money": found.currency,
        },
        "legend": {},
        "series": series,
    }
