"""Reasons of a decision: which ones are told, and in what words. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

# More than four help nobody: Regulation B, 12 CFR 1002.9(b)(2), official comment 9(b)(2)-1.
PRINCIPAL: Final = 4


def _load() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(Path(__file__).with_name("reasons.toml").read_text("utf-8"))


# Code -> language -> sentence.
SENTENCES: Final = _load()


def principal(reasons: Sequence[str]) -> tuple[str, ...]:
    """The reasons that are told: a table lists the one that decided first, the others by weight."""
    return tuple(dict.fromkeys(reasons))[:PRINCIPAL]


def told(reasons: Sequence[str], language: str) -> list[str]:
    """The principal reasons as sentences in ``language`` (``en`` or ``zh-CN``)."""
    return [SENTENCES[code][language] for code in principal(reasons)]
