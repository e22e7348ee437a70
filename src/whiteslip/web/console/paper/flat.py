"""Charts without axes of values: flows, areas and grids of cells, as SVG for paper. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Option = Mapping[str, Any]
Color = Callable[[str | None], str]
Text = Callable[..., str]

_NODE: Final = 10
_GAP: Final = 8
_CELL: Final = 26
_SIDE: Final = 130
_LABEL: Final = 130
_WIDE_SIGNS: Final = "\u2e80"


def width_of(words: str) -> float:
    """About how wide words are, in px at 9 px: signs of Chinese take the whole square."""
    return sum(9.0 if sign >= _WIDE_SIGNS else 5.1 for sign in words)


def wrapped(words: str, wide: float) -> list[str]:
    """Words in lines no wider than ``wide`` px, three at most; Chinese breaks anywhere."""
    lines, line = list[str](), ""
    parts = words.split(" ") if all(sign < _WIDE_SIGNS for sign in words) else list(words)
    joint = " " if all(sign < _WIDE_SIGNS for sign in words) else ""
    for part in parts:
        longer = f"{line}{joint}{part}" if line else part
        if line and width_of(longer) > wide:
            lines.append(line)
            line = part
        else:
            line = longer
    lines.append(line)
    return lines[:3]


def heatmap(
    option: Option, wide: int, color: Color, text: Text, said: Callable[[float], str]
) -> tuple[int, list[str]]:
    """Cells darker by their value, which stands in them."""
    across, down = option["xAxis"]["data"], option["yAxis"]["data"]
    slot = (wide - _SIDE - 12) / max(1, len(across))
    marks = list[str]()
    for n, name in enumerate(down):
        marks.append(text(_SIDE - 8, _CELL * (n + 0.5) + 3, str(name), "end"))
    for n, name in enumerate(across):
        marks.append(
            text(_SIDE + slot * (n + 0.5), _CELL * len(down) + 12, str(name), "middle", wide=int(slot - 4))
        )
    for cell in option["series"][0]["data"]:
        x, y, value = _SIDE + slot * cell[0], _CELL * cell[1], float(cell[2])
        marks.append(
            f'<rect x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="{slot - 1:.1f}" height="{_CELL - 1}"'
            f' fill="{color("var:brand")}" fill-opacity="{0.06 + 0.94 * min(1.0, value):.3f}"/>'
        )
        marks.append(
            text(x + slot / 2, y + _CELL / 2 + 3, said(value), "middle", "on-brand" if value > 0.5 else "ink")
        )
    return _CELL * len(down) + 44, marks


def treemap(series: Option, wide: int, high: int, color: Color, text: Text) -> list[str]:
    """Areas by value: the heavier half beside the lighter, and so on within each."""
    marks = list[str]()

    def place(items: Sequence[Mapping[str, Any]], x: float, y: float, w: float, h: float) -> None:
        if len(items) == 1:
            shade = color(items[0].get("itemStyle", {}).get("color", "var:sunk"))
            marks.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{shade}"'
                f' stroke="{color("var:line")}"/>'
            )
            if w > 40 and h > 14:
                marks.append(text(x + w / 2, y + h / 2, items[0]["name"], "middle", "ink", wide=int(w - 6)))
            return
        whole = sum(each["value"] for each in items)
        cut, part = 1, float(items[0]["value"])
        while cut < len(items) - 1 and part + items[cut]["value"] / 2 < whole / 2:
            part += items[cut]["value"]
            cut += 1
        share = part / whole
        if w >= h:
            place(items[:cut], x, y, w * share, h)
            place(items[cut:], x + w * share, y, w * (1 - share), h)
        else:
            place(items[:cut], x, y, w, h * share)
            place(items[cut:], x, y + h * share, w, h * (1 - share))

    found = sorted((each for each in series["data"] if each["value"] > 0), key=lambda each: -each["value"])
    if found:
        place(found, 0.5, 0.5, wide - 1, high - 1)
    return marks


def sankey(series: Option, wide: int, high: int, color: Color, text: Text) -> list[str]:
    """Streams from left to right, as thick as they are large."""
    links = [link for link in series["links"] if link["value"] > 0]
    shades = {node["name"]: node.get("itemStyle", {}).get("color", "var:brand") for node in series["data"]}
    columns = _columns(links)
    if not columns:
        return []
    sums = {name: _through(name, links) for name in columns}
    last = max(columns.values())
    by_column = [[name for name in columns if columns[name] == n] for n in range(last + 1)]
    fullest = max(sum(sums[name] for name in names) for names in by_column)
    most = max(map(len, by_column))
    unit = (high - 8 - _GAP * (most - 1)) / fullest
    pitch = (wide - _LABEL - _NODE) / max(1, last)
    tops: dict[str, float] = {}
    marks = list[str]()
    for n, names in enumerate(by_column):
        y = 4.0
        for name in names:
            tops[name] = y
            tall = max(1.0, sums[name] * unit)
            marks.append(
                f'<rect x="{pitch * n:.1f}" y="{y:.1f}" width="{_NODE}" height="{tall:.1f}"'
                f' fill="{color(shades[name])}"/>'
            )
            marks.append(text(pitch * n + _NODE + 4, y + tall / 2 + 3, name, tone="ink", wide=_LABEL - 14))
            y += tall + _GAP
    out, into = dict(tops), dict(tops)
    streams = list[str]()
    for link in links:
        thick = link["value"] * unit
        x1, x2 = pitch * columns[link["source"]] + _NODE, pitch * columns[link["target"]]
        y1, y2 = out[link["source"]] + thick / 2, into[link["target"]] + thick / 2
        out[link["source"]] += thick
        into[link["target"]] += thick
        bend = (x1 + x2) / 2
        streams.append(
            f'<path d="M{x1:.1f} {y1:.1f} C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"'
            f' fill="none" stroke="{color(shades[link["target"]])}" stroke-opacity="0.3"'
            f' stroke-width="{max(0.5, thick):.1f}"/>'
        )
    return streams + marks


def _columns(links: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many steps at most lead to each node. A stream that leads back is left where it was found."""
    names = list(dict.fromkeys(name for link in links for name in (link["source"], link["target"])))
    found = dict.fromkeys(names, 0)
    for _ in names:
        for link in links:
            found[link["target"]] = min(len(names), max(found[link["target"]], found[link["source"]] + 1))
    return found


def _through(name: str, links: Sequence[Mapping[str, Any]]) -> float:
    """What goes through a node: the greater of what comes and what goes."""
    comes = sum(link["value"] for link in links if link["target"] == name)
    goes = sum(link["value"] for link in links if link["source"] == name)
    return max(comes, goes)
