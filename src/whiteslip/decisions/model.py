"""Tables, contracts and decisions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

Outcome: TypeAlias = dict[str, Any]
Trace: TypeAlias = list[dict[str, Any]]


class FactError(ValueError):
    """A fact that breaks its contract: a bug of the caller, never a business "no".

    ``path`` is ``table.fact``. ``given`` names the type, and the value only of numbers and flags.
    """

    def __init__(self, path: str, given: str, expected: str) -> None:
        super().__init__(f"{path}: expected {expected}, was given {given}")
        self.path = path
        self.given = given
        self.expected = expected


class TableError(ValueError):
    """A table that cannot be used, or that answered against its own contract."""


class Kind(StrEnum):
    """What a fact or an outcome may be. ``CODES`` is a list of codes, in outcomes only."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    CODES = "codes"


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fact or one key of the outcome.

    ``min`` and ``max`` bound numbers, both included. ``one_of`` lists the codes of ``TEXT`` and
    ``CODES``. Only an outcome may be ``nullable``; a fact is always required.
    """

    type: Kind
    meaning: str
    unit: str | None = None
    min: int | float | None = None
    max: int | float | None = None
    one_of: tuple[str, ...] = ()
    nullable: bool = False


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which facts a table takes and what it answers. ``outcome`` always has ``reasons``."""

    meaning: str
    facts: dict[str, Field]
    outcome: dict[str, Field]


@dataclass(frozen=True, slots=True)
class Table:
    """A policy table in one version."""

    name: str
    version: str
    content: Mapping[str, Any]
    contract: Contract

    @property
    def key(self) -> str:
        """What the engine knows it by."""
        return f"{self.name}@{self.version}"

    @classmethod
    def of(cls, name: str, content: Mapping[str, Any], contract: Contract) -> Table:
        """The table, with the version that its content and contract give it."""
        return cls(name, version_of(content, contract), content, contract)


def version_of(content: Mapping[str, Any], contract: Contract | Mapping[str, Any]) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of content and contract.

    Their keys are sorted first, so that the order in a file or in the database does not count. A
    contract may be given as it was kept: fields it learns later do not change old versions.
    """
    whole = {"content": content, "contract": msgspec.to_builtins(contract)}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class Decision(msgspec.Struct, frozen=True):
    """A decision as it was made about ``subject``.

    ``reasons`` are those of ``outcome``. ``trace`` names the rules that matched, by node of the
    table, the deciding one first; None when it was not asked for.
    """

    id: UUID
    table_name: str
    version: str
    subject: UUID
    facts: Mapping[str, Any]
    outcome: Outcome
    reasons: tuple[str, ...]
    trace: Trace | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that did not come out the same again.

    ``again`` is what it comes to now, or None when it cannot be decided; ``fault`` says in words
    what is wrong.
    """

    decision: UUID
    table_name: str
    version: str
    kept: Outcome
    again: Outcome | None
    fault: str


@dataclass(frozen=True, slots=True)
class Replay:
    """How many decisions were decided again, and how many came out differently.

    ``differences`` holds the first thousand of them. ``altered`` names table versions whose kept
    content is no longer what their version was computed from; nothing can be decided by those
    again, so each decision of theirs counts as different.
    """

    decisions: int
    differing: int
    differences: tuple[Difference, ...]
    altered: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether everything came out as it was kept."""
        return not self.differing and not self.altered
