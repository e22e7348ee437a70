"""What a plan of freed capacity says in figures, by name, with the words of their docstrings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from whiteslip.portfolio.registry import words_of
from whiteslip.treasury import allocation, reading


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a plan: what it is, how it is made, and by whose method."""

    name: str
    title: str
    formula: str
    source: str
    formula_zh: str
    source_zh: str

    def said(self, lang: str) -> tuple[str, str]:
        """Formula and source in a language."""
        return (self.formula_zh, self.source_zh) if lang == "zh-CN" else (self.formula, self.source)


_MADE_BY: Final[Mapping[str, Callable[..., Any]]] = {
    "freed": reading.freed_by,
    "segments": reading.segments,
    "offers": allocation.solve,
    "limits": allocation.prices,
}
MEASURES: Final = {name: Measure(name, *words_of(made)) for name, made in _MADE_BY.items()}
