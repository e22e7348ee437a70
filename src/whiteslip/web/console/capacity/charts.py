"""What was freed, who would get it, and which limits bind, as options of charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from whiteslip.treasury.model import Answer, Basis, Price

Text = Callable[..., str]
Option = dict[str, Any]
Called = Callable[[str], str]

_WIDEST: Final = 48
RIVALS: Final = (("best", "var:brand"), ("greedy", "var:soft"), ("proportional", "var:edge"))


def _bars(names: Sequence[str], series: Sequence[tuple[str, Sequence[Any], str]], **axis: str) -> Option:
    return {
        "xAxis": {"type": "category", "data": list(names)},
        "yAxis": {"type": "value", **axis},
        "legend": {},
        "series": [
            {"type": "bar", "name": name, "data": list(data), "color": color, "barMaxWidth": _WIDEST}
            for name, data, color in series
        ],
    }


def freed(basis: Basis, called: Called, t: Text) -> Option:
    """Limits that were not drawn, and what they weighed, by group."""
    return _bars(
        [called(each.segment) for each in basis.freed],
        [
            (t("undrawn"), [each.undrawn_minor for each in basis.freed], "var:brand"),
            (t("weighted"), [each.weighted_minor for each in basis.freed], "var:edge"),
        ],
        money=basis.currency,
    )


def offers(answer: Answer, called: Called, t: Text) -> Option:
    """How many offers each group would get: the plan beside the two simple rules."""
    return _bars(
        [called(name) for name, _ in answer.best.offers],
        [(t(name), [count for _, count in getattr(answer, name).offers], color) for name, color in RIVALS],
    )


def limits(prices: Sequence[Price], name: Callable[[Price], str], t: Text) -> Option:
    """How much of each limit the plan uses; what is full and worth something is marked."""
    shown = [each for each in prices if each.bound > 0]
    return {
        "xAxis": {"type": "value", "percent": True, "max": 1},
        "yAxis": {
            "type": "category",
            "data": [name(each) for each in shown],
            "inverse": True,
            "percent": True,
        },
        "series": [
            {
                "type": "bar",
                "name": t("used"),
                "barMaxWidth": 18,
                "data": [
                    {
                        "value": each.used / each.bound,
                        "itemStyle": {"color": "var:care" if each.worth_minor else "var:edge"},
                    }
                    for each in shown
                ],
            }
        ],
    }
