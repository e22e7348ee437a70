"""Events a memory learns from, and alerts. Amounts are minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec


class Act(StrEnum):
    """What an alert proposes, the mildest first."""

    WATCH = "watch"
    STEP_UP = "step_up"
    LOWER_CAP = "lower_cap"
    PAUSE_FEATURE = "pause_feature"
    STOP = "stop"


class State(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    LABELLED = "labelled"


@dataclass(frozen=True, slots=True)
class Event:
    """One journal row about a line. ``is_night`` by the contract's clock; ``shop`` is an id."""

    seq: int
    at: datetime
    kind: str
    amount_minor: int = 0
    balance_minor: int = 0
    category: str = ""
    shop: str = ""
    is_night: bool = False


class Shown(msgspec.Struct, frozen=True):
    """A feature as an alert shows it: its value, and what is usual where the line has a usual."""

    name: str
    value: int
    usual: int | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A monitor fired for a line. ``label``: whether it was right, once somebody knows.

    ``rule`` is the table's row; ``demoted`` when the row's false alarms were over its budget.
    ``happened_at`` is the event's instant, ``raised_at`` when the watch saw it.
    """

    id: UUID
    reference: str
    line: UUID
    seq: int
    rule: str
    reasons: tuple[str, ...]
    act: Act
    feature: str | None
    tells: str
    demoted: bool
    decision: UUID
    shown: tuple[Shown, ...]
    happened_at: datetime
    raised_at: datetime
    state: State = State.OPEN
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    label: bool | None = None
    labelled_by: str | None = None
    labelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """Those whom a model scores, or a stream of events, are no longer as they were.

    ``kind`` is model or stream; ``version`` a model's. A model's carries the decision that told it.
    """

    id: UUID
    kind: str
    name: str
    version: str | None
    figures: Mapping[str, object]
    decision: UUID | None
    at: datetime
