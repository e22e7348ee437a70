"""Kinds of records, how long each is kept, and what was answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from whiteslip.store import Tx

# Erases what a room holds of a person that no law keeps; returns how many records went.
Forget = Callable[[Tx, UUID, datetime], int]


class RecordKind(StrEnum):
    """What the law keeps, each with a clock of its own."""

    IDENTITY = "identity"
    TRANSACTIONS = "transactions"
    STATEMENTS = "statements"
    DECISIONS = "decisions"


class RequestKind(StrEnum):
    """What people ask about their data: GDPR articles 15 to 21; 个人信息保护法 articles 44 to 47."""

    ACCESS = "access"
    CORRECTION = "correction"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"


class Delay(StrEnum):
    """Why an answer takes longer (GDPR article 12(3)); told to who asked."""

    COMPLEX = "complex"
    MANY = "many"


class Outcome(StrEnum):
    """How a request was answered."""

    GRANTED = "granted"
    PARTLY = "partly"
    REFUSED = "refused"


class Why(StrEnum):
    """The reason given with an answer."""

    DONE = "done"
    LAW_KEEPS = "law_keeps"
    IS_CORRECT = "is_correct"
    OTHERS_RIGHTS = "others_rights"
    GROUNDS_PREVAIL = "grounds_prevail"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked about their data. It is answered when it has an ``outcome``.

    ``due_at`` is when the answer is due, ``delay`` why that was moved, which happens once. ``words`` is a
    sealed document of the vault.
    """

    id: UUID
    reference: str
    customer: UUID
    pack: str
    kind: RequestKind
    channel: str
    asked_at: datetime
    due_at: datetime
    words: UUID | None = None
    delay: Delay | None = None
    overdue_at: datetime | None = None
    answered_at: datetime | None = None
    outcome: Outcome | None = None
    why: Why | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.outcome is None


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of record that stays: by which source, and until when.

    ``until`` is None while the relationship lasts; the clock of ``months`` begins when it ends.
    """

    kind: RecordKind
    months: int
    source: str
    until: date | None


@dataclass(frozen=True, slots=True)
class Order:
    """An authority's order to keep somebody's records longer. ``reference`` is the authority's own."""

    id: UUID
    customer: UUID
    reference: str
    until: date
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request to erase: records gone by kind, and what stays."""

    id: UUID
    reference: str
    customer: UUID
    answered_at: datetime
    erased: Mapping[str, int]
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """What is held of a customer. ``ended_on`` is the day their last line closed, if all are."""

    customer: UUID
    ended_on: date | None
    kept: tuple[Kept, ...]
    orders: tuple[Order, ...]

    @property
    def until(self) -> date | None:
        """When everything will be gone, orders included; None while the relationship lasts."""
        if self.ended_on is None:
            return None
        ends = [kept.until for kept in self.kept if kept.until] + [order.until for order in self.orders]
        return max(ends, default=None)
