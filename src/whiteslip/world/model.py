"""Who lives in the world, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID


class Habit(StrEnum):
    """How somebody pays their bills."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"
    STRUGGLING = "struggling"
    STOPS = "stops"


class Leaving(StrEnum):
    """How somebody leaves, if they do."""

    PORTAL = "portal"
    UNANSWERED = "unanswered"
    DOUBTED = "doubted"
    REGRETS = "regrets"


@dataclass(frozen=True, slots=True)
class Setting:
    """A world: how many people, for how many nights, from which day, by which dice.

    ``planted`` people are added who go bad one day, with nine for each who live as lively and do not.
    """

    customers: int
    nights: int
    seed: int
    start: date
    pack: str = "cn"
    planted: int = 0


@dataclass(slots=True)
class Resident:
    """A customer and their ways. ``leaves_on`` is None for those who stay.

    ``pace_bps`` is the chance to buy on a day; ``gives_up_on`` is when somebody who stops paying
    does; ``pays_after_days`` counts from the statement.
    """

    customer: UUID
    line: UUID
    statement_day: int
    limit_minor: int
    habit: Habit
    pace_bps: int
    refunds_bps: int
    pays_after_days: int
    gives_up_on: date
    leaves_on: date | None
    leaving: Leaving


@dataclass(frozen=True, slots=True)
class Result:
    """What happened: counts of what was done, exits by state, and offences (none, if all is well).

    ``turned`` is of lines whose people went bad: how, and from which day.
    """

    customers: int
    nights: int
    seed: int
    last_day: date
    done: Counter[str] = field(default_factory=Counter[str])
    exits: dict[str, int] = field(default_factory=dict[str, int])
    violations: tuple[str, ...] = ()
    balanced: bool = True
    turned: Mapping[UUID, tuple[str, date]] = field(default_factory=dict[UUID, tuple[str, date]])
