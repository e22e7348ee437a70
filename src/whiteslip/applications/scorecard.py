"""Scorecards: points for facts. Pure, apart from reading a file.

A file states points per bin, the score at which the odds of paying are ``base_odds`` to one, and how
many points double them (PDO), as in Siddiqi, Credit Risk Scorecards (2006), chapter 6. Weights of
experience and fitted ones have the same form: a fitted card carries the weight of evidence of each bin
beside its points. What is refused at loading cannot be scored later.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from whiteslip.decisions.grounds import NEUTRAL, PROTECTED

Value = int | float | str | None

SHIPPED: Final = Path(__file__).with_name("scorecards")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


class ScorecardError(ValueError):
    """A scorecard that cannot be used, or a fact that it has no points for: says which."""


class Bin(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Points for values below ``below`` (the last bin has none), or for some ``codes``."""

    points: int
    below: int | float | None = None
    codes: tuple[str, ...] = ()
    woe: float | None = None


class Characteristic(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fact that scores. Without ``missing``, a fact that is not known is an error.

    ``reason`` is the code told to an applicant whom it cost points.
    """

    name: str
    meaning: str
    reason: str
    bins: tuple[Bin, ...]
    unit: str | None = None
    missing: Bin | None = None

    @property
    def best(self) -> int:
        """The most points that it can give."""
        return max(one.points for one in self.bins)


class Card(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A scorecard's file."""

    name: str
    meaning: str
    origin: Literal["expert", "fitted"]
    base_score: int
    base_odds: int
    pdo: int
    offset: int
    characteristics: tuple[Characteristic, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """What one characteristic gave. ``label`` names the bin; ``best`` is what it gives at most."""

    name: str
    value: Value
    label: str
    points: int
    best: int
    reason: str

    @property
    def loss(self) -> int:
        """Points short of the best bin."""
        return self.best - self.points


@dataclass(frozen=True, slots=True)
class Score:
    """A score and how it came about. ``odds`` are those of paying, to one, as the card states them."""

    score: int
    odds: float
    parts: tuple[Points, ...]

    def reasons(self, most: int) -> tuple[str, ...]:
        """The characteristics that cost the most points, the costliest first."""
        ranked = sorted((part for part in self.parts if part.loss > 0), key=lambda part: -part.loss)
        return tuple(dict.fromkeys(part.reason for part in ranked))[:most]


class Scorecard:
    """A scorecard that was read and checked. Never changed."""

    def __init__(self, card: Card) -> None:
        faults = card_faults(card)
        if faults:
            raise ScorecardError(f"{card.name}: " + "; ".join(faults))
        self.card = card
        text = json.dumps(msgspec.to_builtins(card), sort_keys=True, separators=(",", ":"))
        self.version = hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def load(cls, path: Path = SHIPPED / "application.json") -> Scorecard:
        """Read a scorecard's file. Raises ScorecardError."""
        try:
            return cls(msgspec.json.decode(path.read_bytes(), type=Card))
        except (msgspec.DecodeError, OSError) as error:
            raise ScorecardError(f"{path.name}: {error}") from error

    def score(self, facts: Mapping[str, Value]) -> Score:
        """Score facts: all of the card's, no others. Raises ScorecardError."""
        names = {each.name for each in self.card.characteristics}
        if set(facts) != names:
            absent, more = sorted(names - facts.keys()), len(facts.keys() - names)
            raise ScorecardError(f"{self.card.name}: lacks {absent}, was given {more} more")
        parts = tuple(_points(each, facts[each.name]) for each in self.card.characteristics)
        total = self.card.offset + sum(part.points for part in parts)
        odds = self.card.base_odds * 2.0 ** ((total - self.card.base_score) / self.card.pdo)
        return Score(total, odds, parts)


@cache
def shipped() -> Scorecard:
    """The scorecard that ships."""
    return Scorecard.load()


def card_faults(card: Card) -> list[str]:
    """What is wrong with a scorecard, in words; empty when it may be used."""
    faults: list[str] = []
    if min(card.pdo, card.base_odds) <= 0:
        faults.append("odds and the points that double them are above zero")
    names = [each.name for each in card.characteristics]
    if not names or len(set(names)) != len(names):
        faults.append("each characteristic has a name of its own, and there is one at least")
    for each in card.characteristics:
        faults += [f"{each.name}: {fault}" for fault in _characteristic_faults(each)]
    return faults


def forbidden_words(name: str) -> set[str]:
    """The words of a fact's name that stand for a protected ground or the use of a right."""
    words = set(name.lower().split("_"))
    return words & (PROTECTED | NEUTRAL)


def _characteristic_faults(each: Characteristic) -> list[str]:
    faults = [f"{word} may not score anybody" for word in sorted(forbidden_words(each.name))]
    if not _NAME.fullmatch(each.name) or not _NAME.fullmatch(each.reason):
        faults.append("names and reasons are small letters, digits and _")
    if not each.meaning:
        faults.append("has no meaning")
    if each.missing and (each.missing.below is not None or each.missing.codes):
        faults.append("the bin of what is missing has points only")
    if not each.bins:
        return [*faults, "has no bins"]
    if any(one.codes for one in each.bins):
        codes = [code for one in each.bins for code in one.codes]
        if any(not one.codes or one.below is not None for one in each.bins) or len(set(codes)) != len(codes):
            faults.append("every bin lists codes, and no code is in two")
        return faults
    edges = [one.below for one in each.bins]
    inner = [edge for edge in edges[:-1] if edge is not None and math.isfinite(edge)]
    if edges[-1] is not None or len(inner) != len(edges) - 1 or sorted(set(inner)) != inner:
        faults.append("bins rise, each below its edge, and the last has none")
    return faults


def _points(each: Characteristic, value: Value) -> Points:
    if value is None:
        if each.missing is None:
            raise ScorecardError(f"{each.name} is missing, and the card has no points for that")
        return Points(each.name, None, "missing", each.missing.points, each.best, each.reason)
    found, low = None, ""
    for one in each.bins:
        if one.codes:
            hit, label = isinstance(value, str) and value in one.codes, ", ".join(one.codes)
        else:
            hit = _is_number(value) and (one.below is None or float(value) < one.below)
            label = _range(low, one.below)
            low = str(one.below)
        if hit:
            found = (label, one.points)
            break
    if found is None:
        raise ScorecardError(f"{each.name}: there are no points for {_described(value)}")
    return Points(each.name, value, found[0], found[1], each.best, each.reason)


def _range(low: str, below: float | None) -> str:
    """A bin in words: ``< 1000``, ``1000–2000``, ``≥ 5000``; the upper edge is not in it."""
    if below is None:
        return f"≥ {low}" if low else "any"
    return f"{low}–{below}" if low else f"< {below}"


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _described(value: Value) -> str:
    """What a value is; never the text of a text."""
    return "a text" if isinstance(value, str) else f"{type(value).__name__}"
