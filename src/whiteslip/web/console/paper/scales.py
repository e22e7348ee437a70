"""Where values stand on a drawing: stacks, ranges and round ticks. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_TICKS: Final = 5

Ends = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from ``low`` to ``high`` between two places in px, and the ticks to say."""

    low: float
    high: float
    first: float
    last: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """The place of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)


def stacked(
    values: Sequence[Sequence[float | None]], series: Sequence[Mapping[str, Any]]
) -> list[list[Ends]]:
    """From where to where each mark reaches: from zero, or from the end of the mark below in its stack."""
    tops: dict[str, list[float]] = {}
    found: list[list[Ends]] = []
    for each, row in zip(series, values, strict=True):
        stack = each.get("stack")
        base = tops.setdefault(stack, [0.0] * len(row)) if stack else [0.0] * len(row)
        layer: list[Ends] = []
        for n, value in enumerate(row):
            if value is None:
                layer.append(None)
                continue
            layer.append((base[n], base[n] + value))
            base[n] += value
        found.append(layer)
    return found


def scale_of(layers: Sequence[Sequence[Ends]], axis: Mapping[str, Any], first: float, last: float) -> Scale:
    """A scale that holds every end, with round ticks; from zero unless the axis may float."""
    ends = [end for layer in layers for pair in layer if pair for end in pair]
    if axis.get("scale"):
        ends = [end for end in ends if end] or ends
    else:
        ends.append(0.0)
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    if "max" in axis:
        high = max(high, float(axis["max"]))
    if high - low <= 0:
        high = low + (abs(low) or 1.0)
    step = _round_step((high - low) / _TICKS)
    least, most = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Scale(least * step, most * step, first, last, tuple(n * step for n in range(least, most + 1)))


def _round_step(rough: float) -> float:
    power = 10 ** math.floor(math.log10(rough))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * (1 - 1e-9))
