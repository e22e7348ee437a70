"""What figures and proposals are called in both languages. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from whiteslip.insight.model import Interval, Proposal

LANGUAGES: Final = ("en", "zh-CN")
HIDDEN: Final = "–"
# Columns that are shares of one; the others are counts, seconds, or rates per thousand.
_SHARES: Final = ("drop", "share", "hazard", "late_r", "late_l", "late_h", "surv", "cif_")
_SHARES_TOO: Final = ("_uplift", "left_low", "left_high", "30_low", "30_high", "180_low", "180_high")
_IN_SHARES: Final = ("share_of", "share_that")


@cache
def _all() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Said:
    """A proposal in words: what to do, why, and what is expected."""

    what: str
    evidence: str
    effect: str


@dataclass(frozen=True, slots=True)
class Words:
    """The names of one language: ``en`` or ``zh-CN``."""

    lang: str

    def paper(self, key: str) -> str:
        """A text of the report."""
        return _all()[self.lang]["paper"][key]

    def measure(self, name: str) -> str:
        """A measure's name."""
        return _all()[self.lang]["measure"][name]

    def column(self, name: str) -> str:
        """A column's head."""
        return _all()[self.lang]["column"].get(name, name)

    def code(self, value: str) -> str:
        """What stands for a code; a code that has no words stands for itself."""
        found = _all()[self.lang]["code"]
        number, _, rest = value.partition("_")
        return found.get(value) or (found.get(rest) if number.isdecimal() else None) or value

    def cell(self, column: str, value: Any) -> str:
        """A figure as it is read. What is hidden, or is not there, is a dash."""
        match value:
            case None:
                return HIDDEN
            case str():
                return self.code(value)
            case date():
                return f"{value:%Y-%m}" if column == "month" else value.isoformat()
            case float() if is_share(column):
                return f"{value:.1%}"
            case float() if column.startswith("qini"):
                return f"{value:.3f}"
            case float():
                return f"{value:,.1f}"
            case _:
                return f"{value:,}"

    def say(self, proposal: Proposal) -> Said:
        """A proposal in sentences."""
        texts, change = _all()[self.lang]["proposal"], proposal.change
        about = " · ".join(self.code(part) for part in proposal.about.split("."))
        given: dict[str, Any] = {"about": about, **{k: self.cell(k, v) for k, v in proposal.evidence.items()}}
        if change:
            given |= {"column": change.column, "now": change.now or HIDDEN, "then": change.then}
        return Said(
            texts[proposal.kind].format_map(given),
            texts[f"{proposal.kind}_evidence"].format_map(given),
            texts[f"{proposal.kind}_effect"].format_map(self._bounds(proposal.effect, proposal.unit)),
        )

    def _bounds(self, effect: Interval, unit: str) -> dict[str, str]:
        how = "{:.0%}" if unit.startswith(_IN_SHARES) else "{:.1f}"
        named = {"value": effect.value, "low": effect.low, "high": effect.high}
        return {name: how.format(figure) for name, figure in named.items()}


def is_share(column: str) -> bool:
    """Whether a column's figures are fractions of one."""
    return column.startswith((*_SHARES, "people", "fewer", "in_diff", "complained")) or column.endswith(
        _SHARES_TOO
    )
