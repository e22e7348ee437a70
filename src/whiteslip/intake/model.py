"""What a portfolio file says, what is made of it, and what is reported back. Minor units."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from uuid import UUID

from whiteslip.billing.model import Instalment
from whiteslip.identity import Person
from whiteslip.intake.mapping import Schedule


@dataclass(frozen=True, slots=True)
class Options:
    """How to import.

    ``batch`` customers are committed at a time. More than ``max_rejected`` rejected rows stop the
    run: the mapping is probably wrong. ``at_most`` rows are read, and the rest another time.
    ``rejected_report`` is where the rejected rows are written as CSV.
    """

    batch: int = 400
    max_rejected: int = 10_000
    at_most: int | None = None
    rejected_report: Path | None = None
    actor: str = "import"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not loaded: where, why (a stable code), and in words how to mend it.

    ``row`` is the line number in the file, the header being line 1.
    """

    row: int
    reference: str | None
    column: str | None
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Month:
    """What the file reports of one month: the statement's balance (negative is a credit balance),
    what was paid in the month, and the repayment status if it has one.
    """

    balance_minor: int
    paid_minor: int
    status: int | None


@dataclass(frozen=True, slots=True)
class History:
    """A customer of the file with one line. ``months`` are in the mapping's order, oldest first."""

    row: int
    reference: str
    language: str
    limit_minor: int
    opened_on: date | None
    defaulted: bool | None
    months: tuple[Month, ...]
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Debt:
    """An amount that becomes a plan. ``month`` is -1 for the opening balance."""

    month: int
    amount_minor: int
    opened_on: date
    rows: list[Instalment]


@dataclass(frozen=True, slots=True)
class Cut:
    """``amount_minor`` off instalment ``no`` of the customer's ``debt``-th debt."""

    debt: int
    no: int
    amount_minor: int


@dataclass(slots=True)
class Flow:
    """What happens in a month, in this order: a payment, an adjustment, the statement, and the use
    of the credit balance for what the statement asks for. Purchases are debts of their own.
    """

    payment: list[Cut] = field(default_factory=list[Cut])
    payment_credit: int = 0
    adjustment: list[Cut] = field(default_factory=list[Cut])
    adjustment_credit: int = 0
    credit_used: list[Cut] = field(default_factory=list[Cut])
    is_billed: bool = False


@dataclass(slots=True)
class Takeover:
    """A customer's history as the house will book it."""

    history: History
    schedule: Schedule
    opening_credit: int = 0
    debts: list[Debt] = field(default_factory=list[Debt])
    flows: list[Flow] = field(default_factory=list[Flow])
    peak_minor: int = 0
    late_months: list[int] = field(default_factory=list[int])
    rules: Counter[str] = field(default_factory=Counter[str])


@dataclass(slots=True)
class Counts:
    """What a run has done so far. ``rules`` counts how often each written rule was applied."""

    rows: int = 0
    customers_loaded: int = 0
    customers_rejected: int = 0
    customers_known: int = 0
    statements: int = 0
    bills: int = 0
    payments: int = 0
    purchases: int = 0
    credit_balances: int = 0
    adjustments: int = 0
    opening_balances: int = 0
    statuses: int = 0
    statuses_agreeing: int = 0
    rules: dict[str, int] = field(default_factory=dict[str, int])
    schedules: dict[str, int] = field(default_factory=dict[str, int])

    def plus(self, other: Counts) -> Counts:
        """The sums of two counts."""
        sums = {
            each.name: getattr(self, each.name) + getattr(other, each.name)
            for each in fields(self)
            if each.name not in ("rules", "schedules")
        }
        return Counts(
            **sums,
            rules=dict(sorted((Counter(self.rules) + Counter(other.rules)).items())),
            schedules=dict(sorted((Counter(self.schedules) + Counter(other.schedules)).items())),
        )


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run; counts include what it did before it was interrupted.

    ``rejected`` holds the first hundred rejected rows. ``statuses_agreeing`` of ``statuses``
    months are late, or not, in the derived delinquency as in the file. ``bills`` are those of
    ``statements`` that ask for money.
    """

    run: UUID
    file: str
    mapping: str
    mapping_version: str
    finished: bool
    continued_from_row: int | None
    rows: int
    customers_loaded: int
    customers_rejected: int
    customers_known: int
    statements: int
    bills: int
    payments: int
    purchases: int
    credit_balances: int
    adjustments: int
    opening_balances: int
    statuses: int
    statuses_agreeing: int
    rules: dict[str, int]
    schedules: dict[str, int]
    columns_unused: list[str]
    rejected: list[Rejected]
    seconds: float
