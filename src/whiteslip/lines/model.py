"""Customers, agreements and lines."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from whiteslip.base import Money, Refusal, add_months, local_day
from whiteslip.ledger.recipes import Book
from whiteslip.packs import Pack, load

MOST_INSTALMENTS: Final = 60


class Lifecycle(StrEnum):
    """First region of a line's state: where the agreement stands."""

    ACTIVE = "active"
    CLOSING = "closing"
    RUN_OFF = "run_off"
    CLOSED = "closed"


# Where each state may lead. Leaving can be called off until it is done; nothing reopens a line.
ROADS: Final[dict[Lifecycle, frozenset[Lifecycle]]] = {
    Lifecycle.ACTIVE: frozenset({Lifecycle.CLOSING}),
    Lifecycle.CLOSING: frozenset({Lifecycle.RUN_OFF, Lifecycle.CLOSED, Lifecycle.ACTIVE}),
    Lifecycle.RUN_OFF: frozenset({Lifecycle.CLOSED, Lifecycle.ACTIVE}),
    Lifecycle.CLOSED: frozenset(),
}


class LockKind(StrEnum):
    """Second region: each standing lock forbids drawing."""

    CUSTOMER = "customer"
    ISSUER = "issuer"
    LEGAL = "legal"
    EXIT = "exit"


class Party(StrEnum):
    """Who set a lock, and so who may lift it."""

    CUSTOMER = "customer"
    ISSUER = "issuer"
    AUTHORITY = "authority"


class LockGround(StrEnum):
    """What a lock stands for. A party's locks on different grounds stand and fall each by itself."""

    GENERAL = "general"
    FIRM = "firm"
    RESTRICTION = "restriction"
    CHARGE_OFF = "charge_off"
    SALE = "sale"
    STEP_UP = "step_up"
    ORDER = "order"


class Feature(StrEnum):
    """One way of drawing that is locked while the rest goes on.

    ``UNCONFIRMED`` is what is drawn before a customer of whom a step-up is asked has proven who they are;
    the lender alone locks it. ``CATEGORY`` and ``MERCHANT`` need a value: which one. ``NIGHT`` are the
    hours of ``NIGHT_HOURS``.
    """

    CATEGORY = "category"
    MERCHANT = "merchant"
    CASH = "cash"
    INSTALMENTS = "instalments"
    NIGHT = "night"
    UNCONFIRMED = "unconfirmed"


# What customers may lock for themselves.
OWN: Final = tuple(feature for feature in Feature if feature is not Feature.UNCONFIRMED)
VALUED: Final = frozenset({Feature.CATEGORY, Feature.MERCHANT})
# Midnight to five in the contract's timezone: the hours by which night shares are usually counted.
NIGHT_HOURS: Final = range(5)


@dataclass(frozen=True, slots=True)
class Part:
    """The part of drawing that a lock is on. ``value`` is the category's or the shop's key."""

    feature: Feature
    value: str = ""

    def __post_init__(self) -> None:
        if (self.feature in VALUED) != bool(self.value):
            raise ValueError(f"a lock on {self.feature} has {'a' if self.feature in VALUED else 'no'} value")


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that stands. ``part`` is None when it is on all drawing.

    It ends by itself at ``until``, if that is set; a ``firm`` one not before. It was asked for at
    ``began_at`` and written down at ``set_at``.
    """

    id: UUID
    line: UUID
    kind: LockKind
    party: Party
    ground: LockGround
    part: Part | None
    reason: str
    until: datetime | None
    firm: bool
    set_at: datetime
    began_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether its time has come; one without an end ends by nobody's clock."""
        return self.until is not None and self.until <= now


@dataclass(frozen=True, slots=True)
class Product:
    """Price of paying in instalments.

    ``monthly_fee_bps`` of the original amount each month; ``apr_bps`` yearly interest on the
    declining balance, a twelfth per month. A product has one of the two, or neither.
    """

    instalments: int
    monthly_fee_bps: int = 0
    apr_bps: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.instalments <= MOST_INSTALMENTS:
            raise ValueError(f"a product has 1 to {MOST_INSTALMENTS} instalments, not {self.instalments}")
        if min(self.monthly_fee_bps, self.apr_bps) < 0 or (self.monthly_fee_bps and self.apr_bps):
            raise ValueError("a product costs a monthly fee or interest, not both, and neither is negative")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the customer agreed to. Closing never changes it, nor do new terms for what was bought before.

    ``due_days`` run from the statement to the due day. ``late_fee_minor`` is charged once for a
    bill that is still unpaid ``late_fee_grace_days`` after it fell due. ``reward_bps`` of what a shop
    sends, less what it takes back, is the customer's cash back, rounded down to the minor unit.
    """

    due_days: int
    late_fee_minor: int = 0
    late_fee_grace_days: int = 0
    products: tuple[Product, ...] = (Product(1),)
    reward_bps: int = 0

    def __post_init__(self) -> None:
        if min(self.due_days, self.late_fee_minor, self.late_fee_grace_days, self.reward_bps) < 0:
            raise ValueError("terms count days and money from zero")
        if len({product.instalments for product in self.products}) < len(self.products):
            raise ValueError("terms offer one product per number of instalments")

    def product(self, instalments: int) -> Product | None:
        """The product with that many instalments, if it is offered."""
        return next((p for p in self.products if p.instalments == instalments), None)

    @property
    def version(self) -> str:
        """The first 12 hexadecimal digits of the terms' SHA-256."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:12]


def terms_from(raw: Mapping[str, Any], pack: str) -> Terms | Refusal:
    """Terms as somebody writes them, with the months of notice that they ask of who leaves, if any. Nobody is
    made to wait for those; more than the pack's ``exit.longest_notice_months`` are refused.

    Refusals: ``terms.notice_too_long``, ``terms.invalid``.
    """
    most = load(pack).months("exit.longest_notice_months")
    if raw.get("notice_months", 0) > most:
        return Refusal("terms.notice_too_long", {"most": most})
    try:
        return msgspec.convert({name: value for name, value in raw.items() if name != "notice_months"}, Terms)
    except ValueError:
        return Refusal("terms.invalid")


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer. Personal data is in the identity vault under the same id.

    ``reference`` is the lender's own number for them, if any.
    """

    id: UUID
    reference: str | None
    language: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its balances in minor units. The third region, debt, is billing's to derive.

    ``informed``: on the day of opening the customer had the terms, and was told of the right to withdraw.
    ``highest_limit_minor`` is the highest limit there ever was. What is used is measured by it: whoever
    lowers the limit uses no more than before, and a cut by the lender is no reason for the next.
    """

    id: UUID
    customer: UUID
    pack: str
    currency: str
    timezone: str
    terms: Terms
    terms_version: str
    limit_minor: int
    statement_day: int
    lifecycle: Lifecycle
    opened_on: date
    closed_on: date | None
    principal: UUID
    interest: UUID
    fee: UUID
    credit: UUID
    locks: frozenset[LockKind] = field(default_factory=frozenset[LockKind])
    locked_parts: frozenset[Part] = field(default_factory=frozenset[Part])
    principal_minor: int = 0
    held_minor: int = 0
    room_minor: int = 0
    interest_minor: int = 0
    fee_minor: int = 0
    credit_minor: int = 0
    informed: bool = True
    highest_limit_minor: int = 0

    @property
    def withdrawable_until(self) -> date:
        """The last day to withdraw; said in time is in time. Who was not informed has months longer
        (Directive (EU) 2023/2225 article 26).
        """
        law = load(self.pack)
        longer = 0 if self.informed else law.months("withdraw.uninformed_months")
        return add_months(self.opened_on, longer) + timedelta(days=law.days("withdraw.days"))

    @property
    def book(self) -> Book:
        """The line's ledger accounts."""
        return Book(self.principal, self.interest, self.fee, self.credit)

    @property
    def drawing_stopped(self) -> bool:
        """Whether a new purchase is impossible now, whatever its size."""
        return bool(self.locks) or self.lifecycle is not Lifecycle.ACTIVE

    @property
    def advised_limit_minor(self) -> int:
        """The limit as it is told: never below what is drawn, so that a cut creates no past due.

        It falls with repayments until it meets ``limit_minor``. Regulation (EU) 575/2013 article 178
        starts counting days past due when a limit is advised that is below what is drawn.
        """
        return max(self.limit_minor, self.principal_minor + self.held_minor)

    @property
    def available_minor(self) -> int:
        """What could be drawn now: the limit less holds and principal, never negative."""
        return 0 if self.drawing_stopped else max(0, self.room_minor)

    @property
    def owed_minor(self) -> int:
        """Everything posted as owed: principal, billed interest and fees."""
        return self.principal_minor + self.interest_minor + self.fee_minor

    def money(self, minor: int) -> Money:
        """An amount in the line's currency."""
        return Money(minor, self.currency)

    def today(self, now: datetime) -> date:
        """The business day at ``now`` in the contract's timezone."""
        return local_day(now, self.timezone)


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to open. ``customer`` exists; amounts in minor units. ``informed`` as in :class:`Line`."""

    id: UUID
    customer: UUID
    limit_minor: int
    statement_day: int
    opened_on: date
    informed: bool = True


@dataclass(frozen=True, slots=True)
class Agreement:
    """The framework under which lines are opened."""

    pack: str
    currency: str
    timezone: str
    terms: Terms

    @classmethod
    def of(cls, pack: Pack) -> Agreement:
        """What new lines are opened under where the lender has written nothing else."""
        return cls(pack.name, pack.currency, pack.timezone, msgspec.convert(pack.terms, Terms))

    def today(self, now: datetime) -> date:
        """The business day at ``now`` in the agreement's timezone."""
        return local_day(now, self.timezone)
