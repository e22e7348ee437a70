"""Plans, instalments, bills, payments and what they settle. Amounts are minor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
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
    CHARGED_OFF = "charged_off"
    SETTLED = "settled"


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
    """A plan to be stored with its schedule. ``kind``: purchase, late_fee, residual or hardship."""

    id: UUID
    line: UUID
    purchase: UUID | None
    kind: str
    product: Product
    opened_on: date
    rows: Sequence[Instalment]


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What is still unpaid of an instalment.

    ``billed``: a bill asked for it. ``charged``: its interest and fee are owed on the ledger, which
    billing brings about; a late fee is charged at once and billed later. ``scheduled_*`` are what
    the schedule says; ``outstanding_minor`` is the principal scheduled in it and after it, on which
    its month was priced. ``opened_on`` is the day of the plan.
    """

    plan: UUID
    no: int
    line: UUID
    bill_on: date
    due_on: date
    billed: bool
    charged: bool
    principal_minor: int
    interest_minor: int
    fee_minor: int
    scheduled_interest_minor: int
    scheduled_fee_minor: int
    outstanding_minor: int
    opened_on: date
    purchase: UUID | None = None
    kind: str = "purchase"

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
    def owed_minor(self) -> int:
        """What of it is owed on the ledger now: its principal, and what is charged."""
        return self.principal_minor + (self.interest_minor + self.fee_minor if self.charged else 0)

    @property
    def total_minor(self) -> int:
        """Everything unpaid of it."""
        return self.principal_minor + self.interest_minor + self.fee_minor


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a payment: what it settles. Without a plan it is the customer's credit, or, of a debt that
    was sold, the buyer's under ``sale``.
    """

    component: str
    amount_minor: int
    plan: UUID | None = None
    no: int | None = None
    sale: UUID | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A part that was settled, and whether its instalment's interest and fee are owed now."""

    kind: str
    part: Part
    charged: bool


@dataclass(frozen=True, slots=True)
class NewCharge:
    """Interest and fees that a bill makes owed."""

    interest_minor: int
    fee_minor: int


class Relief(StrEnum):
    """What a customer in difficulty may choose: lower sums for longer, a holiday, or no price."""

    LONGER = "longer"
    HOLIDAY = "holiday"
    REDUCED = "reduced"


@dataclass(frozen=True, slots=True)
class ReliefOption:
    """A hardship plan that may be agreed today. ``forgiven_minor``: interest and fees given up."""

    relief: Relief
    rows: Sequence[Instalment]
    forgiven_minor: int

    @property
    def total_minor(self) -> int:
        """What it asks for in all."""
        return sum(row.total_minor for row in self.rows)


@dataclass(frozen=True, slots=True)
class Forborne:
    """A restructured debt under observation: agreed when, with how many days past due, until when.
    ``distressed``: it lost more of its value than the pack lets pass.
    """

    agreed_on: date
    frozen_days: int
    until: date
    distressed: bool = False


@dataclass(frozen=True, slots=True)
class Hardship:
    """A hardship plan that was agreed. ``state``: agreed, broken or observed (to its end). ``value_loss_bps``
    is what the debt lost by it in value, of what was owed; ``distressed``: more than its pack let pass then.
    """

    id: UUID
    line: UUID
    relief: Relief
    state: str
    plan: UUID
    agreed_on: date
    frozen_days: int
    observed_until: date
    grace_days: int
    periods: int
    value_loss_bps: int = 0
    distressed: bool = False
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class Debt:
    """What a line owes on a day. ``forborne`` while a restructured debt is observed.

    ``charged_off``: the lender has taken the loss; ``settled``: it took a part for the whole.
    """

    past_due_since: date | None
    past_due_minor: int
    billed_minor: int
    unbilled_minor: int
    days_past_due: int
    forborne: Forborne | None = None
    charged_off: bool = False
    settled: bool = False

    @property
    def is_distressed(self) -> bool:
        """Whether something is owed of what was restructured in distress."""
        return self.forborne is not None and self.forborne.distressed and self.owed_minor > 0

    @property
    def owed_minor(self) -> int:
        """Billed and unbilled: what remains if nothing more accrues."""
        return self.billed_minor + self.unbilled_minor


@dataclass(frozen=True, slots=True)
class Quote:
    """A payoff quote: pay ``total_minor`` by the end of ``good_through`` and nothing is owed.

    ``accrued_minor`` is interest and fees of running months up to that day; ``per_day_minor`` is
    what one day more costs.
    """

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
class Payout:
    """A credit balance that was sent to its owner's ``account``: ``sent``, or ``unclaimed``.

    Unclaimed is what came back, and what has no verified account to go to yet: that has no ``account``,
    and ``sent_at`` is when it began to wait.
    """

    id: UUID
    line: UUID
    currency: str
    amount_minor: int
    state: str
    sent_at: datetime
    bounced_at: datetime | None = None
    account: UUID | None = None

    @property
    def awaits_account(self) -> bool:
        """Whether it was never sent, for want of an account that was verified."""
        return self.account is None


# The one method by which the payer's bank may take a payment back at the payer's word.
DIRECT_DEBIT: Final = "direct_debit"


@dataclass(frozen=True, slots=True)
class NewPayment:
    """Money that arrived for a line: what :func:`receive_many` takes.

    ``reference`` is the payer's or the bank's own. ``value_on`` is the day it counts from; it may
    be returned until ``clearing_days`` after that.
    """

    line: UUID
    reference: str
    amount_minor: int
    value_on: date
    method: str
    clearing_days: int


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received. It can come back until ``clears_on``.

    What was wrong about it is corrected by another payment, ``corrected_by``; it then settles nothing.
    """

    id: UUID
    line: UUID
    reference: str
    method: str
    amount_minor: int
    value_on: date
    clears_on: date
    received_at: datetime
    returned_at: datetime | None = None
    corrected_by: UUID | None = None

    @property
    def stands(self) -> bool:
        """Whether it settles anything: it has neither come back nor been corrected."""
        return self.returned_at is None and self.corrected_by is None


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
