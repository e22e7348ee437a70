"""What is known of a line, what a bureau is told, and what people object to.

Amounts named ``minor`` are minor units; those named ``dollars`` are whole dollars, as the file has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class Subject(StrEnum):
    """The part of a report that somebody objects to."""

    ACCOUNT_STATUS = "account_status"
    AMOUNT_PAST_DUE = "amount_past_due"
    BALANCE = "balance"
    DATE_CLOSED = "date_closed"
    FIRST_DELINQUENCY = "first_delinquency"
    IDENTITY = "identity"
    LIMIT = "limit"
    PAYMENT_HISTORY = "payment_history"


# What a line was late with: where one of these is corrected, arrears are withdrawn.
LATENESS = frozenset(
    {Subject.ACCOUNT_STATUS, Subject.AMOUNT_PAST_DUE, Subject.FIRST_DELINQUENCY, Subject.PAYMENT_HISTORY}
)


class Ground(StrEnum):
    """What an objection says: the record is wrong, or the bill is (Regulation Z, 12 CFR 1026.13)."""

    RECORD = "record"
    BILLING_ERROR = "billing_error"


class Outcome(StrEnum):
    """How an objection ended."""

    CORRECTED = "corrected"
    STAYS = "stays"


class ClosedBy(StrEnum):
    """Who ended the agreement; ``INACTIVITY``: the grantor, because it was not used."""

    CONSUMER = "consumer"
    GRANTOR = "grantor"
    INACTIVITY = "inactivity"
    ESTATE = "estate"


@dataclass(frozen=True, slots=True)
class Objection:
    """Somebody says that a report is wrong. Days are the contract's.

    ``month`` is the month objected to, None for everything until then; ``disputed_minor`` is the
    sum of a billing error, which is not late while it is looked into.
    """

    id: UUID
    line: UUID
    field: Subject
    ground: Ground
    month: date | None
    disputed_minor: int | None
    opened_at: datetime
    opened_on: date
    due_at: datetime
    outcome: Outcome | None = None
    resolved_at: datetime | None = None
    resolved_on: date | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody has answered yet."""
        return self.outcome is None


@dataclass(frozen=True, slots=True)
class Asked:
    """An instalment that a bill asked for, and what settled it from which day (returns negative)."""

    billed_on: date
    due_on: date
    minor: int
    settled: Sequence[tuple[date, int]] = ()


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment by value date; ``returned_on`` where it came back."""

    value_on: date
    minor: int
    returned_on: date | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of drawing. ``settled_on`` is when the line closed at zero, if it has."""

    by: ClosedBy
    closed_on: date
    settled_on: date | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A line as lower rooms know it.

    ``movements`` are changes of what is owed by day; ``bills`` are (statement day, what it asks).
    ``bill_disputed``: a charge is disputed with the lender now, and not demanded.
    ``account_disputed``: the consumer says that they never opened it. ``deceased``: the consumer is said to
    have died.
    ``charged_off_minor`` is what was charged off on ``charged_off_on``; ``settled_on`` is when a part of
    it was accepted for the whole; ``sold_on`` is when it was sold. ``relief`` is the kind of the hardship
    plan that is being kept, ``relief_due_on`` its first due day.
    """

    line: UUID
    customer: UUID
    opened_on: date
    limit_minor: int
    due_days: int
    movements: Sequence[tuple[date, int]] = ()
    asked: Sequence[Asked] = ()
    paid: Sequence[Paid] = ()
    bills: Sequence[tuple[date, int]] = ()
    closing: Closing | None = None
    objections: Sequence[Objection] = ()
    never_made: bool = False
    bill_disputed: bool = False
    account_disputed: bool = False
    deceased: bool = False
    charged_off_minor: int | None = None
    charged_off_on: date | None = None
    settled_on: date | None = None
    sold_on: date | None = None
    relief: str | None = None
    relief_due_on: date | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What a file says of a line, without whom it names. Codes are those of Metro 2."""

    as_of: date
    opened_on: date
    limit_dollars: int
    highest_dollars: int
    scheduled_dollars: int
    paid_dollars: int
    status: str
    rating: str
    profile: str
    special_comment: str
    compliance: str
    balance_dollars: int
    past_due_dollars: int
    charged_off_dollars: int
    first_delinquent_on: date | None
    closed_on: date | None
    last_paid_on: date | None
    is_correction: bool = False
    ecoa: str = "1"


@dataclass(frozen=True, slots=True)
class Previous:
    """What the newest file of an earlier month said of a line."""

    made_at: datetime
    status: str
    compliance: str
    first_delinquent_on: date | None
    closed_on: date | None
    special_comment: str = ""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Whom a record names. It is written into the file and nowhere else."""

    surname: str = field(repr=False)
    first_name: str = field(repr=False)
    middle_name: str = field(default="", repr=False)
    generation: str = field(default="", repr=False)
    social_security_number: str = field(default="", repr=False)
    born_on: date | None = field(default=None, repr=False)
    phone: str = field(default="", repr=False)
    street: str = field(default="", repr=False)
    street_more: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    state: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who sends the file. ``member`` is the identification number that a bureau gave the lender."""

    name: str
    address: str = ""
    phone: str = ""
    member: str = ""
    equifax: str = ""
    experian: str = ""
    innovis: str = ""
    transunion: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a file holds. ``left_out`` are lines whose person could not be named, with the reason."""

    submission: UUID
    month: date
    as_of: date
    records: int
    first_time: int
    paid_and_closed: int
    corrections: int
    deletions: int
    left_out: Sequence[tuple[UUID, str]] = ()
