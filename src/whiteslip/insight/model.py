"""What insight measures: steps, windows, rates with their intervals, proposals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias

import msgspec

from whiteslip.store import Tx

Row: TypeAlias = dict[str, Any]

SEGMENTS: Final = ("none", "pack")
# The group of walks that a simulated world made: never among those of people, and never proposed from.
SIMULATED: Final = "demonstration"
# Years that a window or a report may be of.
YEARS: Final = range(1970, 3000)
_YEAR: Final = 365


class Journey(StrEnum):
    """A way to leave: signed in, by the form outside, or by withdrawing."""

    LEAVE = "leave"
    OUTSIDE = "outside"
    WITHDRAW = "withdraw"


class Step(StrEnum):
    """A screen that was shown, or what ended a walk."""

    CHOOSE = "choose"
    IDENTITY = "identity"
    CHECK = "check"
    CODE = "code"
    STATEMENT = "statement"
    DONE = "done"
    PAUSED = "paused"
    REDUCING = "reducing"
    OFFER = "offer"
    FROZEN = "frozen"


SCREENS: Final[Mapping[Journey, tuple[Step, ...]]] = {
    Journey.LEAVE: (Step.CHOOSE, Step.IDENTITY, Step.CHECK),
    Journey.OUTSIDE: (Step.CODE,),
    Journey.WITHDRAW: (Step.STATEMENT,),
}
# Ends that are no closing but were chosen all the same: none of them is an abandonment.
OTHER_WAYS: Final = (Step.PAUSED, Step.REDUCING, Step.OFFER, Step.FROZEN)


@dataclass(frozen=True, slots=True)
class Seen:
    """A walk reached a step, the first time it did.

    ``segment`` is "all" or a jurisdiction, or ``SIMULATED`` for one that nobody walked.
    """

    walk: bytes
    segment: str
    journey: Journey
    step: Step
    at: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """What is looked at: from the beginning of ``since`` up to the end of ``until``, local days."""

    since: date
    until: date
    segment: str
    timezone: str

    @classmethod
    def of(cls, since: date | None, until: date, segment: str, timezone: str) -> Window:
        """A window that begins a year before its end unless it says otherwise."""
        usual = until - timedelta(days=_YEAR) if until.year in YEARS else until
        return cls(since or usual, until, segment, timezone)

    @property
    def is_possible(self) -> bool:
        """Whether it ends after it begins, within years that have a day before and after."""
        return self.since <= self.until and self.since.year in YEARS and self.until.year in YEARS


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure by its name: ``gather`` reads what ``work`` turns into rows."""

    name: str
    title: str
    formula: str
    source: str
    formula_zh: str
    source_zh: str
    gather: Callable[[Tx, Window], Sequence[Any]]
    work: Callable[[Sequence[Any]], list[Row]]

    def said(self, lang: str) -> tuple[str, str]:
        """Formula and source in a language."""
        return (self.formula_zh, self.source_zh) if lang == "zh-CN" else (self.formula, self.source)


class Interval(msgspec.Struct, frozen=True):
    """A figure and the bounds it lies within, 95 times of a hundred."""

    value: float
    low: float
    high: float


class ProposalKind(StrEnum):
    """What should change."""

    THRESHOLD = "threshold"
    FEATURE = "feature"
    ROUTE = "route"
    FRICTION = "friction"
    PRODUCT = "product"
    OFFER = "offer"


class Change(msgspec.Struct, frozen=True):
    """One cell of a policy: ``rule`` of ``node`` has ``now`` in ``column``, and would have ``then``."""

    table: str
    node: str
    rule: str
    column: str
    now: str
    then: str


class Proposal(msgspec.Struct, frozen=True):
    """A change that the month's figures speak for.

    ``about`` names the rule, screen, reason or offer. ``evidence`` are counts; ``effect`` is what is
    expected of the change, in ``unit``. With ``change`` it can be made a draft.
    """

    kind: ProposalKind
    about: str
    evidence: dict[str, int | float]
    effect: Interval
    unit: str
    change: Change | None = None


class Figures(msgspec.Struct, frozen=True):
    """A measure's rows as a report keeps them."""

    measure: str
    columns: list[str]
    rows: list[list[Any]]


class Report(msgspec.Struct, frozen=True):
    """A month: its figures and what they propose. ``month`` is its first day."""

    month: date
    figures: list[Figures]
    proposals: list[Proposal]
