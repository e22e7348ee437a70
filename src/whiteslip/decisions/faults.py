"""What is wrong with a table, with its place, in words of both languages. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final


def _load() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(Path(__file__).with_name("faults.toml").read_text("utf-8"))


# Code -> language -> sentence.
SENTENCES: Final = _load()


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a graph: a node by id and name, there a rule by its number from the top, there a column.

    ``number`` is zero and ``column`` empty where the fault is about more than one.
    """

    node: str
    title: str
    number: int = 0
    column: str = ""

    def said(self, language: str) -> str:
        """The place in words."""
        both = {(True, True): "place", (True, False): "place_rule", (False, True): "place_column"}
        key = both.get((self.number > 0, bool(self.column)), "place_node")
        return SENTENCES[key][language].format(node=self.title, number=self.number, column=self.column)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. ``facts`` fill the sentence; one named ``x_zh-CN`` is ``x`` in Chinese."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    place: Place | None = None

    def said(self, language: str) -> str:
        """The fault in words (``en`` or ``zh-CN``), after its place."""
        facts = {name: self.facts.get(f"{name}_{language}", fact) for name, fact in self.facts.items()}
        sentence = SENTENCES[self.code][language].format_map(facts)
        if self.place is None:
            return sentence
        return f"{self.place.said(language)}{'：' if language == 'zh-CN' else ': '}{sentence}"

    def __str__(self) -> str:
        return self.said("en")
