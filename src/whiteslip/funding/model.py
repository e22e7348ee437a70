"""A deal, the receivables it lends against, and what a night makes of both.

Amounts named ``minor`` are minor units, rates named ``bps`` are hundredths of a percent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Phase(StrEnum):
    """What principal collections do: buy new receivables, or pay the funder down."""

    REVOLVING = "revolving"
    AMORTISING = "amortising"
    MATURED = "matured"


class Bucket(StrEnum):
    """What a concentration limit adds up by."""

    OBLIGOR = "obligor"
    MERCHANT = "merchant"
    CATEGORY = "category"
    JURISDICTION = "jurisdiction"
    TERM = "term"
    VINTAGE = "vintage"
    SCORE = "score"


class Rule(StrEnum):
    """Why a receivable is not eligible; the first that applies, in this order."""

    MATURED = "matured"
    CURRENCY = "currency"
    PLEDGED_ELSEWHERE = "pledged_elsewhere"
    DISPUTED = "disputed"
    PAID = "paid"
    CHARGED_OFF = "charged_off"
    PAST_DUE = "past_due"
    ESTATE = "estate"
    LEGAL_HOLD = "legal_hold"
    WITHDRAWN = "withdrawn"
    FORBORNE = "forborne"
    KIND = "kind"
    JURISDICTION = "jurisdiction"
    CASH = "cash"
    CATEGORY = "category"
    INSTALMENTS = "instalments"
    RATE = "rate"
    TERM = "term"
    REMAINING_TERM = "remaining_term"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    UNSEASONED = "unseasoned"
    SET_OFF = "set_off"
    ACCOUNT_CLOSED = "account_closed"


class Test(StrEnum):
    """What a covenant looks at."""

    __test__ = False  # pytest: not a class of tests

    BORROWING_BASE = "borrowing_base"
    RESERVE = "reserve"
    POOL = "pool"
    DELINQUENCY = "delinquency_3m"
    ANNUALISED_LOSS = "annualised_loss_3m"
    CUMULATIVE_LOSS = "cumulative_loss"
    EXCESS_SPREAD = "excess_spread_3m"
    PAYMENT_RATE = "payment_rate"
    MINIMUM_USE = "minimum_use"
    MATURITY = "maturity"


class RemedyKind(StrEnum):
    """How the pool is made whole: the originator pays for dilution, buys back, or puts another in."""

    DEEMED_COLLECTION = "deemed_collection"
    REPURCHASE = "repurchase"
    SUBSTITUTION = "substitution"


class Eligibility(Struct, frozen=True, forbid_unknown_fields=True):
    """Which receivables a deal lends against. A limit that is absent does not bind.

    ``jurisdictions`` are packs whose law an agreement is under; none is any. ``rate`` is what a contract
    asks a year. ``set_off_at_most_minor``: what the lender may owe the obligor, who could set it off.
    """

    days_past_due_below: int
    charged_off_from_days: int
    jurisdictions: tuple[str, ...] = ()
    cash_eligible: bool = True
    categories_excluded: tuple[str, ...] = ()
    instalments_at_least: int | None = None
    instalments_at_most: int | None = None
    rate_at_least_bps: int | None = None
    rate_at_most_bps: int | None = None
    term_days_at_most: int | None = None
    remaining_days_at_least: int | None = None
    remaining_days_at_most: int | None = None
    balance_from_minor: int = 1
    balance_to_minor: int | None = None
    seasoned_days_at_least: int = 0
    forbearances_at_most: int = 0
    kinds: tuple[str, ...] = ("purchase",)
    set_off_at_most_minor: int | None = None
    closed_account_eligible: bool = True


class Concentration(Struct, frozen=True, forbid_unknown_fields=True):
    """At most this share of all that is eligible in one bucket.

    By term, the bucket is all that runs longer than ``above_days``; by score, all who fall late with a
    probability of at least ``from_pd_bps`` or of whom no score tells.
    """

    by: Bucket
    at_most_bps: int
    above_days: int | None = None
    from_pd_bps: int | None = None


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """Another advance rate where the weighted loss of the latest seasoned vintages is below."""

    vintage_loss_below_bps: int
    advance_bps: int


class Advance(Struct, frozen=True, forbid_unknown_fields=True):
    """A share of the eligible balance is lent. ``vintages`` and ``seasoned_months`` serve the steps."""

    bps: int
    steps: tuple[Step, ...] = ()
    vintages: int = 3
    seasoned_months: int | None = None


class Overcollateralisation(Struct, frozen=True, forbid_unknown_fields=True):
    """Notes are issued against the adjusted pool less a target, a share of what it was at first."""

    initial_pool_minor: int
    revolving_bps: int
    amortising_bps: int
    yield_supplement_minor: int = 0


class LossStep(Struct, frozen=True, forbid_unknown_fields=True):
    """How much may be lost in all while the deal is younger than so many months; the last step holds on."""

    until_months: int
    at_most_bps: int


class Triggers(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits on how the pool does; one that is absent is not in the deal.

    ``cumulative_loss``: the schedule of what may be lost, net of recoveries, of all that was ever pledged.
    """

    delinquent_from_days: int = 30
    delinquency_3m_at_most_bps: int | None = None
    annualised_loss_3m_at_most_bps: int | None = None
    excess_spread_3m_at_least_bps: int | None = None
    payment_rate_at_least_bps: int | None = None
    pool_at_least_minor: int | None = None
    cumulative_loss: tuple[LossStep, ...] = ()


class Deal(Struct, frozen=True, forbid_unknown_fields=True):
    """What was agreed with a funder. A version is its content."""

    name: str
    title: str
    currency: str
    commitment_minor: int
    sources: tuple[str, ...]
    begins_on: date
    revolving_until: date
    ends_on: date
    cure_days: int
    funding_cost_bps: int
    eligibility: Eligibility
    triggers: Triggers
    reserve_bps: int = 0
    unused_fee_bps: int = 0
    minimum_use_minor: int | None = None
    concentrations: tuple[Concentration, ...] = ()
    advance: Advance | None = None
    overcollateralisation: Overcollateralisation | None = None


class Receivable(Struct, frozen=True):
    """A plan as it stood at the end of a day. ``pledged_to`` is the facility's id, None for nobody's.

    ``account_open``: its line may still be drawn on. ``principal_minor`` is what is left of
    ``original_minor``. ``rate_bps``: the yearly rate and twelve months' fees. ``credit_minor``: what the
    lender owes the obligor on that line. ``pd_bps``: as last scored. ``charged_off``: taken as lost.
    """

    plan: UUID
    obligor: UUID
    merchant: str
    category: str
    jurisdiction: str
    currency: str
    kind: str
    cash: bool
    instalments: int
    rate_bps: int
    opened_on: date
    term_days: int
    original_minor: int
    principal_minor: int
    days_past_due: int
    charged_off: bool
    forbearances: int
    disputed: bool
    estate: bool
    legal_hold: bool
    withdrawn: bool
    credit_minor: int
    pd_bps: int | None
    account_open: bool
    pledged_to: UUID | None


class Verdict(Struct, frozen=True):
    """What a receivable adds: nothing by a rule, or its principal less what concentration took.

    ``excess`` are (number of the limit in the deal, amount), in the order they were taken.
    """

    receivable: Receivable
    rule: Rule | None
    excess: tuple[tuple[int, int], ...] = ()

    @property
    def counted_minor(self) -> int:
        """What of it is lent against, before the advance rate."""
        if self.rule:
            return 0
        return self.receivable.principal_minor - sum(amount for _, amount in self.excess)


class Position(Struct, frozen=True):
    """What the facility's accounts hold and what was drawn, as treasury states it."""

    debt_minor: int = 0
    cash_minor: int = 0
    reserve_minor: int = 0


class Performance(Struct, frozen=True):
    """How the pool did; a figure is None until there is enough to tell it. ``age_months``: of the deal."""

    delinquency_3m_bps: int | None = None
    annualised_loss_3m_bps: int | None = None
    excess_spread_3m_bps: int | None = None
    payment_rate_bps: int | None = None
    vintage_loss_bps: int | None = None
    cumulative_loss_bps: int | None = None
    age_months: int | None = None


class Base(Struct, frozen=True):
    """A borrowing base and its parts: ``eligible`` less ``excess`` is lent against at ``advance_bps``.

    ``excesses`` by limit of the deal, ``ineligible`` by rule: (number, amount) and (rule, amount).
    ``held_back_minor`` is what overcollateralisation keeps.
    """

    phase: Phase
    pool_minor: int
    eligible_minor: int
    excess_minor: int
    held_back_minor: int
    advance_bps: int
    cash_minor: int
    base_minor: int
    debt_minor: int
    ineligible: tuple[tuple[str, int], ...]
    excesses: tuple[tuple[int, int], ...]

    @property
    def available_minor(self) -> int:
        """What may still be drawn, and only while it revolves; negative for a deficiency."""
        left = self.base_minor - self.debt_minor
        return left if self.phase is Phase.REVOLVING else min(0, left)

    @property
    def deficiency_minor(self) -> int:
        """By how much more was drawn than the base bears."""
        return max(0, -self.available_minor)


@dataclass(frozen=True, slots=True)
class Covenant:
    """A test: ``actual`` against ``limit`` in minor units or basis points. Headroom below 0 is a breach.

    ``actual`` is None where nothing can be told yet. ``days_to_breach`` goes on as the last nights
    went; None where headroom does not shrink.
    """

    test: Test
    unit: str
    actual: int | None
    limit: int
    headroom: int | None
    days_to_breach: int | None = None

    @property
    def is_breached(self) -> bool:
        """Whether the limit is passed."""
        return self.headroom is not None and self.headroom < 0


@dataclass(frozen=True, slots=True)
class Gap:
    """What will fall due within ``days`` and is not borrowed again, because who owes it has left."""

    days: int
    due_minor: int
    leavers_minor: int
    pool_minor: int


@dataclass(frozen=True, slots=True)
class Facility:
    """A deal in force: its id, and the version of its newest deal file."""

    id: UUID
    deal: Deal
    version: str
    position: Position
    deficient_since: date | None
    amortising_since: date | None


@dataclass(frozen=True, slots=True)
class Night:
    """What one night kept of a facility."""

    facility: UUID
    day: date
    version: str
    base: Base
    performance: Performance
    sha256: bytes
    receivables: int
    deficient_since: date | None


@dataclass(frozen=True, slots=True)
class Remedy:
    """Something that makes the pool whole. It moves money, so a second person approves it.

    ``instead`` is the plan that a substitution puts in.
    """

    id: UUID
    facility: UUID
    kind: RemedyKind
    plan: UUID
    instead: UUID | None
    price_minor: int
    why: str
    proposed_by: str
    proposed_at: datetime
    endorsed_by: str | None = None
    outcome: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


Proof = Sequence[Verdict]
