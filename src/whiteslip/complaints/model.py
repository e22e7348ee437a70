"""Complaints as the register has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Topic(StrEnum):
    """What a complaint is about, as the complainant ticks it."""

    CLOSING = "closing"
    PAYMENT = "payment"
    FEE = "fee"
    DISPUTE = "dispute"
    DATA = "data"
    CREDIT_REPORT = "credit_report"
    SERVICE = "service"
    OTHER = "other"


class Delay(StrEnum):
    """Why an answer takes longer; told to the complainant."""

    COMPLEX = "complex"
    THIRD_PARTY = "third_party"


class Outcome(StrEnum):
    """How a complaint was answered."""

    UPHELD = "upheld"
    PARTLY = "partly"
    NOT_UPHELD = "not_upheld"


class Why(StrEnum):
    """The reason given with an answer."""

    OUR_ERROR = "our_error"
    PUT_RIGHT = "put_right"
    AS_AGREED = "as_agreed"
    AS_THE_LAW_SAYS = "as_the_law_says"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint. It is answered when it has an ``outcome``.

    ``due_at`` is when the answer is due; ``extensions`` counts how often that was moved. ``words`` is
    a sealed document of the vault.
    """

    id: UUID
    reference: str
    customer: UUID
    pack: str
    topic: Topic
    channel: str
    filed_at: datetime
    due_at: datetime
    line: UUID | None = None
    words: UUID | None = None
    extensions: int = 0
    overdue_at: datetime | None = None
    answered_at: datetime | None = None
    outcome: Outcome | None = None
    why: Why | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.outcome is None
