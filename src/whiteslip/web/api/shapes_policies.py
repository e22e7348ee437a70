"""Bodies and answers about policies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from whiteslip.decisions.backtest import Backtest
from whiteslip.decisions.lifecycle import Policy
from whiteslip.decisions.model import Table
from whiteslip.decisions.policies import LONGEST_NOTE

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
Note: TypeAlias = Annotated[str, Meta(max_length=LONGEST_NOTE)]


class DraftBody(Struct, forbid_unknown_fields=True):
    """A table as a JDM graph."""

    content: dict[str, Any]
    note: Note = ""


class NoteBody(Struct, forbid_unknown_fields=True):
    """A word to go with a step."""

    note: Note = ""


class ReasonBody(Struct, forbid_unknown_fields=True):
    """Why."""

    reason: Note


class ActivateBody(Struct, forbid_unknown_fields=True):
    """From which instant; now if absent."""

    at: Instant | None = None
    note: Note = ""


class BacktestBody(Struct, forbid_unknown_fields=True):
    """Which past decisions: from ``since`` up to but not at ``until``."""

    since: Instant | None = None
    until: Instant | None = None


class StepShape(Struct):
    """What happened to a version, and by whom."""

    step: str
    by: str
    at: datetime
    effective_at: datetime | None
    note: str


class PolicyShape(Struct):
    """A version and where it stands."""

    table: str
    version: str
    state: str
    effective_at: datetime | None
    steps: Sequence[StepShape]

    @classmethod
    def of(cls, policy: Policy) -> PolicyShape:
        """Shape a version."""
        steps = [StepShape(s.step, s.actor, s.at, s.effective_at, s.note) for s in policy.steps]
        return cls(policy.name, policy.version, policy.state, policy.effective_at, steps)


class VersionShape(Struct):
    """A table and the facts and outcomes it is held to."""

    table: str
    version: str
    content: dict[str, Any]
    contract: dict[str, Any]

    @classmethod
    def of(cls, table: Table) -> VersionShape:
        """Shape a table."""
        return cls(table.name, table.version, dict(table.content), msgspec.to_builtins(table.contract))


class FaultsShape(Struct):
    """What is wrong with a version, in words."""

    version: str
    faults: Sequence[str]


class CellShape(Struct):
    """Decisions that were ``old`` and would be ``new``; ``followed`` of them have a later history,
    and ``became`` counts what became of leavers: closed, held, charged_off, complained.
    """

    old: str
    new: str
    count: int
    minor: int
    followed: int
    late_30: int
    late_90: int
    became: dict[str, int]


class CaseShape(Struct):
    """A decision that would be another."""

    decision: UUID
    subject: UUID
    at: datetime
    old: str
    new: str
    minor: int


class AdjustedShape(Struct):
    """Decisions whose outcome stays and that differ otherwise, in a limit say; and the first of them."""

    count: int
    minor: int
    followed: int
    late_30: int
    late_90: int
    became: dict[str, int]
    cases: Sequence[CaseShape]


class BacktestShape(Struct):
    """The matrix, and the first cases that change. What is ``adjusted`` is on its diagonal."""

    table_name: str
    version: str
    deciding: str
    money: str | None
    since: datetime | None
    until: datetime | None
    decisions: int
    reworded: int
    undecidable: int
    adjusted: AdjustedShape
    cells: Sequence[CellShape]
    cases: Sequence[CaseShape]

    @classmethod
    def of(cls, ran: Backtest) -> BacktestShape:
        """Shape a backtest."""
        return msgspec.convert(msgspec.to_builtins(ran), cls)


class CellChangeShape(Struct):
    """A cell before and after; empty says nothing."""

    column: str
    before: str
    after: str


class ChangeShape(Struct):
    """A rule that is not the same; number 0 is the table itself, and without a node the graph."""

    change: str
    node: str
    rule: str
    meaning: str
    number: int
    cells: Sequence[CellChangeShape]


class DiffShape(Struct):
    """What one version changes against another."""

    table: str
    old: str
    new: str
    changes: Sequence[ChangeShape]
