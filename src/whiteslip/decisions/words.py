"""The texts of tables and contracts in the reader's language. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from whiteslip.decisions.model import Table

CHINESE: Final[Mapping[str, str]] = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


def in_language(lang: str, text: str) -> str | None:
    """A text of a table in a language; None where it was written in English alone."""
    return CHINESE.get(text) if lang == "zh-CN" else text


def texts_of(table: Table) -> Iterator[str]:
    """All that a table and its contract say in words, as the pages show it."""
    for field in (*table.contract.facts.values(), *table.contract.outcome.values()):
        yield field.meaning
        yield from [field.unit] if field.unit else []
    for node in table.content["nodes"]:
        inner: Mapping[str, Any] = node.get("content") or {}
        if inner:
            yield node["name"]
        for column in (*inner.get("inputs", ()), *inner.get("outputs", ())):
            yield column["name"]
        for rule in inner.get("rules", ()):
            yield rule["_description"]
