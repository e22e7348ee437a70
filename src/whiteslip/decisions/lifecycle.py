"""The life of a table's versions, told by its steps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID


class Step(StrEnum):
    """What happened to a version. ``INSTALLED`` came with the software and took no ceremony."""

    DRAFTED = "drafted"
    BACKTESTED = "backtested"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"
    INSTALLED = "installed"
    ACTIVATED = "activated"
    ROLLED_BACK = "rolled_back"


class State(StrEnum):
    """Where a version stands. ``SCHEDULED`` waits for its instant; ``RETIRED`` was in force."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """One row of a version's life; ``seq`` is the order in which steps were recorded.

    ``effective_at`` is the instant from which an activation counts. ``result`` is what a backtest
    counted.
    """

    seq: int
    id: UUID
    name: str
    version: str
    step: Step
    actor: str
    note: str
    effective_at: datetime | None
    result: Mapping[str, Any] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Policy:
    """A version and all that happened to it, oldest first."""

    name: str
    version: str
    state: State
    steps: tuple[PolicyStep, ...]

    @property
    def makers(self) -> frozenset[str]:
        """Who drafted or submitted it, and so may not approve it."""
        return frozenset(s.actor for s in self.steps if s.step in (Step.DRAFTED, Step.SUBMITTED))

    @property
    def is_approved(self) -> bool:
        """Whether a second person approved it, or it came with the software."""
        return any(s.step in (Step.APPROVED, Step.INSTALLED) for s in self.steps)

    @property
    def backtest(self) -> Mapping[str, Any] | None:
        """What its last backtest counted."""
        return next((s.result for s in reversed(self.steps) if s.result is not None), None)

    @property
    def effective_at(self) -> datetime | None:
        """The instant of its last activation."""
        return next((s.effective_at for s in reversed(self.steps) if s.effective_at), None)


_PAPERS: Final = {Step.SUBMITTED: State.SUBMITTED, Step.APPROVED: State.APPROVED, Step.RETURNED: State.DRAFT}


def in_force(activations: Sequence[PolicyStep], now: datetime) -> PolicyStep | None:
    """The last activation recorded among those whose instant has come; None before the first.

    So an activation takes back all that were recorded before it for its own instant or later.
    """
    return next((a for a in reversed(activations) if a.effective_at and a.effective_at <= now), None)


def stack(activations: Sequence[PolicyStep], shipped: str, now: datetime) -> list[str]:
    """The versions below and at the one in force: each activation lays one on, a rollback takes it off."""
    versions = [shipped]
    for activation in _came_into_force(activations, now):
        if activation.step is Step.ROLLED_BACK:
            versions = [*versions[:-1], activation.version] if len(versions) == 1 else versions[:-1]
        elif activation.version != versions[-1]:
            versions.append(activation.version)
    return versions


def _came_into_force(activations: Sequence[PolicyStep], now: datetime) -> list[PolicyStep]:
    """Those that ever counted up to ``now``, in order."""
    counted: list[PolicyStep] = []
    for each in activations:
        if each.effective_at and each.effective_at <= now:
            counted = [c for c in counted if c.effective_at and c.effective_at < each.effective_at]
            counted.append(each)
    return counted


def scheduled(activations: Sequence[PolicyStep], now: datetime) -> list[PolicyStep]:
    """Activations whose instant has not come and that nothing recorded later takes back, in order."""
    waiting: list[PolicyStep] = []
    for each in activations:
        if each.effective_at:
            waiting = [w for w in waiting if w.effective_at and w.effective_at < each.effective_at]
            waiting.append(each)
    return [w for w in waiting if w.effective_at and w.effective_at > now]


def policies(steps: Iterable[PolicyStep], shipped: str, now: datetime) -> list[Policy]:
    """Every version of one table that has a life, the newest first. ``steps`` are in their order."""
    ordered = list(steps)
    activations = [s for s in ordered if s.effective_at]
    by_version: dict[str, list[PolicyStep]] = {}
    for each in ordered:
        by_version.setdefault(each.version, []).append(each)
    last = in_force(activations, now)
    active = last.version if last else shipped
    by_version.setdefault(active, [])
    waiting = {each.version for each in scheduled(activations, now)}
    name = ordered[0].name if ordered else ""
    found = [
        Policy(name, version, _state(version, life, active, waiting, now), tuple(life))
        for version, life in by_version.items()
    ]
    return found[::-1]


def _state(version: str, life: Sequence[PolicyStep], active: str, waiting: set[str], now: datetime) -> State:
    if version == active:
        return State.ACTIVE
    if version in waiting:
        return State.SCHEDULED
    if any(s.effective_at and s.effective_at <= now for s in life):
        return State.RETIRED
    return next((_PAPERS[s.step] for s in reversed(life) if s.step in _PAPERS), State.DRAFT)
