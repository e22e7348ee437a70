"""Plans, instalments, bills, payments and what they settle. Amounts are minor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from whiteslip.lines.model import Product


class Component(StrEnum):
    """What is owed, in the order a payment settles it within one due day."""

    FEE = "fee"
    INTEREST = "interest"
    PRINCIPAL = "principal"


class Bucket(StrEnum):
    """Third region of a line's state: debt by days past due. Always derived."""

    NONE = "none"
    CURRENT = "current"
    DPD_1_29 = "dpd_1_29"
    DPD_30_59 = "dpd_30_59"
    DPD_60_89 = "dpd_60_89"
    DPD_90_PLUS = "dpd_90_plus"


class RiskClass(StrEnum):
    """Five-level asset classification (China, order 2023/1)."""

    NORMAL = "normal"
    SPECIAL_MENTION = "special_mention"
    SUBSTANDARD = "substandard"
    DOUBTFUL = "doubtful"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Instalment:
    """One row of a schedule: what is to be paid, when it is billed and when it is due."""

    no: int
    bill_on: date
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int

    @property
    def total_minor(self) -> int:
        """Principal, interest and fee."""
        return self.principal_minor + self.interest_minor + self.fee_minor


@dataclass(frozen=True, slots=True)
class NewPlan:
    """A plan to be stored with its schedule. ``kind``: purchase, late_fee or residual."""

    id: UUID
    line: UUID
    purchase: UUID | None
    kind: str
    product: Product
    opened_on: date
    rows: Sequence[Instalment]


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What is still unpaid of an instalment."""

    plan: UUID
    no: int
    line: UUID
    bill_on: date
    due_on: date
    billed: bool
    principal_minor: int
    interest_minor: int
    fee_minor: int
    purchase: UUID | None = None
    kind: str = "purchase"
    apr_bps: int = 0

    def of(self, component: Component) -> int:
        """The unpaid amount of a component."""
        match component:
            case Component.PRINCIPAL:
                return self.principal_minor
            case Component.INTEREST:
                return self.interest_minor
            case Component.FEE:
                return self.fee_minor

    @property
    def total_minor(self) -> int:
        """Everything unpaid of it."""
        return self.principal_minor + self.interest_minor + self.fee_minor


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a payment: what it settles. Without a plan it is the customer's credit."""

    component: str
    amount_minor: int
    plan: UUID | None = None
    no: int | None = None


@dataclass(frozen=True, slots=True)
class Debt:
    """What a line owes on a day."""

    past_due_since: date | None
    past_due_minor: int
    billed_minor: int
    unbilled_minor: int
    days_past_due: int

    @property
    def owed_minor(self) -> int:
        """Billed and unbilled: what remains if nothing more accrues."""
        return self.billed_minor + self.unbilled_minor


@dataclass(frozen=True, slots=True)
class Quote:
    """A payoff quote: pay ``total_minor`` by the end of ``good_through`` and nothing is owed."""

    good_through: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    accrued_minor: int
    credit_minor: int
    per_day_minor: int

    @property
    def total_minor(self) -> int:
        """What to pay; never negative."""
        owed = self.principal_minor + self.interest_minor + self.fee_minor + self.accrued_minor
        return max(0, owed - self.credit_minor)


@dataclass(frozen=True, slots=True)
class Bill:
    """A monthly statement. ``balance_minor`` is negative for a credit balance."""

    id: UUID
    line: UUID
    statement_on: date
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    balance_minor: int

    @property
    def demanded_minor(self) -> int:
        """What the bill asks for by its due day."""
        return self.principal_minor + self.interest_minor + self.fee_minor


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received. It can come back until ``clears_on``."""

    id: UUID
    line: UUID
    reference: str
    method: str
    amount_minor: int
    value_on: date
    clears_on: date
    received_at: datetime
    returned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A line's payment record, input of its assessment."""

    bills: int
    billed_minor: int
    paid_minor: int
    returned: int
    clears_on: date | None
    uncleared_minor: int
    last_paid_on: date | None


@dataclass(frozen=True, slots=True)
class BookTotal:
    """The whole book at the end of a day, in one currency."""

    day: date
    lines: int
    limit_minor: int
    owed_minor: int
    past_due_minor: int
    npl_minor: int
