"""A chart's options as SVG for paper: what the script draws on the screen, without a script.

Pure: the same options give the same text. Lengths are in px of a sheet 680 wide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias
from xml.sax.saxutils import escape

from whiteslip.web import kit
from whiteslip.web.console.paper import flat
from whiteslip.web.console.paper.scales import Scale, scale_of, stacked
from whiteslip.web.kit.i18n import Speech

Option: TypeAlias = dict[str, Any]
Said: TypeAlias = Callable[[float], str]

WIDTH: Final = 680
_HIGH: Final = 230
_LEFT, _TOP, _BOTTOM, _SIDE = 74, 22, 40, 150
_BAR: Final = 18
_ROW: Final = 24
_LABEL: Final = 9
_MOST_DAYS: Final = 7
_MINOR: Final = 100
_DASHES: Final = {"dashed": "4 3", "dotted": "1 3"}
_TOKEN: Final = re.compile(r"--([\w-]+):\s*(#[0-9a-f]{3,6})")
_STYLES: Final = Path(kit.__file__).parent / "static" / "whiteslip.css"


@cache
def _tokens() -> Mapping[str, str]:
    """The colours of the light scheme, which paper has: the first of each name in the style sheet."""
    found: dict[str, str] = {}
    for name, color in _TOKEN.findall(_STYLES.read_text("utf-8")):
        found.setdefault(name, color)
    return found


def color(name: str | None) -> str:
    """A colour as options name it: a token (``var:brand``) or what it is already."""
    if not name or name == "transparent":
        return "none"
    return _tokens()[name.removeprefix("var:")] if name.startswith("var:") else name


def drawn(option: Option, speech: Speech) -> str:
    """The chart as one SVG."""
    kinds = {series["type"] for series in option["series"]}
    if kinds == {"sankey"}:
        height, marks = _HIGH, flat.sankey(option["series"][0], WIDTH, _HIGH, color, text)
    elif kinds == {"treemap"}:
        height, marks = _HIGH, flat.treemap(option["series"][0], WIDTH, _HIGH, color, text)
    elif kinds == {"heatmap"}:
        height, marks = flat.heatmap(option, WIDTH, color, text, speech.share)
    elif option["yAxis"].get("type") == "category":
        height, marks = _across(option, speech)
    else:
        height, marks = _HIGH, _upright(option, speech)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' font-family="Noto Sans SC" font-size="{_LABEL}">{"".join(marks)}</svg>'
    )


def text(x: float, y: float, words: str, anchor: str = "start", tone: str = "soft", wide: int = 0) -> str:
    """Words at a point; with ``wide`` they are broken into lines of so many px."""
    lines = flat.wrapped(words, wide) if wide else [words]
    return "".join(
        f'<text x="{x:.1f}" y="{y + 10 * n:.1f}" text-anchor="{anchor}" fill="{color(f"var:{tone}")}">'
        f"{escape(line)}</text>"
        for n, line in enumerate(lines)
    )


def _line(x1: float, y1: float, x2: float, y2: float, tone: str = "var:line") -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        f' stroke="{color(tone)}" stroke-width="0.7"/>'
    )


def _said(axis: Mapping[str, Any], speech: Speech) -> Said:
    if axis.get("percent"):
        return lambda value: f"{value * 100:.4g}%"
    if currency := axis.get("money"):
        # As on the screen: the chart shows the magnitude, the table below the exact sum.
        return lambda minor: speech.magnitude(minor / _MINOR, currency)
    return lambda value: f"{value:,.6g}"


def _value(mark: Any) -> float | None:
    """What a mark stands for, told plainly or with its colour and link."""
    return mark["value"] if isinstance(mark, dict) else mark  # type: ignore[reportUnknownVariableType]


def _fill(mark: Any, series: Option) -> str:
    own = series.get("itemStyle", {}).get("color") or series.get("color")
    return color(mark.get("itemStyle", {}).get("color") or own) if isinstance(mark, dict) else color(own)  # type: ignore[reportUnknownMemberType]


def _legend(option: Option) -> list[str]:
    if "legend" not in option:
        return []
    marks, x = list[str](), float(_LEFT)
    for series in option["series"]:
        if series.get("band") or not series.get("name"):
            continue
        shade = color(series.get("color") or series.get("itemStyle", {}).get("color"))
        marks.append(f'<rect x="{x:.1f}" y="3" width="10" height="8" fill="{shade}"/>')
        marks.append(text(x + 14, 10.5, series["name"]))
        x += 28 + flat.width_of(series["name"])
    return marks


def _upright(option: Option, speech: Speech) -> list[str]:
    """Names across, values up: lines, bars, stacks and areas."""
    names: Sequence[Any] = option["xAxis"]["data"]
    layers = stacked([[_value(mark) for mark in each["data"]] for each in option["series"]], option["series"])
    scale = scale_of(layers, option["yAxis"], _HIGH - _BOTTOM, _TOP)
    marks = [*_legend(option), *_rungs(scale, _said(option["yAxis"], speech))]
    room = WIDTH - _LEFT - 12
    is_line = option["xAxis"].get("boundaryGap") is False
    slot = room / max(1, len(names) - 1 if is_line else len(names))

    def middle(n: int) -> float:
        return _LEFT + slot * (n if is_line else n + 0.5)

    every = max(1, -(-len(names) // _MOST_DAYS)) if is_line else 1
    for n in range(0, len(names), every):
        anchor = "start" if is_line and n == 0 else "end" if is_line and n == len(names) - 1 else "middle"
        marks.append(
            text(middle(n), _HIGH - _BOTTOM + 13, str(names[n]), anchor, wide=0 if is_line else int(slot - 4))
        )
    beside_each_other = list(
        dict.fromkeys(_group(n, s) for n, s in enumerate(option["series"]) if s["type"] == "bar")
    )
    for n, (series, layer) in enumerate(zip(option["series"], layers, strict=True)):
        if series["type"] == "line":
            marks += _stroke(series, layer, middle, scale)
            continue
        wide = min(36.0, slot * 0.7 / len(beside_each_other))
        at = (beside_each_other.index(_group(n, series)) - (len(beside_each_other) - 1) / 2) * wide
        for place, (mark, ends) in enumerate(zip(series["data"], layer, strict=True)):
            if ends is None or (shade := _fill(mark, series)) == "none":
                continue
            low, high = sorted((scale.at(ends[0]), scale.at(ends[1])))
            marks.append(
                f'<rect x="{middle(place) + at - wide / 2:.1f}" y="{low:.1f}" width="{wide * 0.94:.1f}"'
                f' height="{max(0.6, high - low):.1f}" fill="{shade}"/>'
            )
    return marks + _ruled(option, scale)


def _group(n: int, series: Option) -> str:
    return str(series.get("stack") or n)


def _rungs(scale: Scale, said: Said) -> list[str]:
    found = list[str]()
    for tick in scale.ticks:
        y = scale.at(tick)
        found += [_line(_LEFT, y, WIDTH - 12, y), text(_LEFT - 6, y + 3, said(tick), "end")]
    return found


def _ruled(option: Option, scale: Scale) -> list[str]:
    """A value that a series marks across the whole chart."""
    lines = [each for s in option["series"] for each in s.get("markLine", {}).get("data", ())]
    return [
        _line(_LEFT, y, WIDTH - 12, y, "var:ink")
        for each in lines
        if "yAxis" in each
        for y in [scale.at(each["yAxis"])]
    ]


def _stroke(
    series: Option, layer: Sequence[tuple[float, float] | None], middle: Callable[[int], float], scale: Scale
) -> list[str]:
    """A line, broken where nothing is known; a band's area."""
    area = series.get("areaStyle")
    known = [(n, ends) for n, ends in enumerate(layer) if ends is not None]
    if area and known:
        edge = [f"{middle(n):.1f},{scale.at(ends[1]):.1f}" for n, ends in known]
        back = [f"{middle(n):.1f},{scale.at(ends[0]):.1f}" for n, ends in reversed(known)]
        points = " ".join(edge + back)
        shade = f'fill="{color(area["color"])}" fill-opacity="{area["opacity"]}"'
        return [f'<polygon points="{points}" {shade}/>']
    style = series.get("lineStyle", {})
    if series.get("band") or color(style.get("color")) == "none":
        return []
    gaps = _DASHES.get(style.get("type", "solid"))
    dash = f' stroke-dasharray="{gaps}"' if gaps else ""
    found, run = list[str](), list[str]()
    # Where a line is to go on over what is not known, it has no gaps.
    points = known if series.get("connectNulls") else [*enumerate(layer)]
    for n, ends in [*points, (len(layer), None)]:
        if ends is not None:
            run.append(f"{middle(n):.1f},{scale.at(ends[1]):.1f}")
        elif run:
            shown = run if len(run) > 1 else [run[0], run[0]]
            found.append(
                f'<polyline points="{" ".join(shown)}" fill="none" stroke="{color(style.get("color"))}"'
                f' stroke-width="{style.get("width", 2) * 0.7:.1f}" stroke-linecap="round"{dash}/>'
            )
            run = []
    return found


def _across(option: Option, speech: Speech) -> tuple[int, list[str]]:
    """Names down, values across: bars that lie."""
    names: list[str] = list(option["yAxis"]["data"])
    layers = stacked([[_value(mark) for mark in each["data"]] for each in option["series"]], option["series"])
    top = _TOP if "legend" in option else 4
    bottom = top + _ROW * len(names)
    scale = scale_of(layers, option["xAxis"], _SIDE, WIDTH - 24)
    said = _said(option["xAxis"], speech)
    marks = _legend(option)
    for tick in scale.ticks:
        x = scale.at(tick)
        marks += [_line(x, top, x, bottom), text(x, bottom + 12, said(tick), "middle")]
    places = range(len(names)) if option["yAxis"].get("inverse") else range(len(names) - 1, -1, -1)
    for row, place in enumerate(places):
        y = top + _ROW * (row + 0.5)
        lines = flat.wrapped(names[place], _SIDE - 12)
        marks.append(text(_SIDE - 6, y + 3 - 5 * (len(lines) - 1), names[place], "end", wide=_SIDE - 12))
        for series, layer in zip(option["series"], layers, strict=True):
            ends, shade = layer[place], _fill(series["data"][place], series)
            if ends is None or shade == "none":
                continue
            low, high = sorted((scale.at(ends[0]), scale.at(ends[1])))
            marks.append(
                f'<rect x="{low:.1f}" y="{y - _BAR / 2:.1f}" width="{max(0.6, high - low):.1f}"'
                f' height="{_BAR}" fill="{shade}"/>'
            )
    for each in option["series"]:
        for line in each.get("markLine", {}).get("data", ()):
            marks.append(_line(scale.at(line["xAxis"]), top, scale.at(line["xAxis"]), bottom, "var:ink"))
    return bottom + 20, marks
