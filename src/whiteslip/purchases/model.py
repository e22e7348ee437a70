"""Purchases and what is asked about them. Amounts are minor units of the line's currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from whiteslip.lines.model import LockKind, Part, Terms


class State(StrEnum):
    """Where a purchase stands."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Request:
    """A shop's wish to authorise. ``merchant`` is the shop's key; it is opened on first use.

    ``category`` is the shop's trade as the lender's network names it; ``cash`` says that money and
    not goods are handed out. Both serve the customer's own locks. ``stored_credential``
    says that the shop keeps the line on file; ``buyer`` is the authorised user who buys, None the
    customer; ``strong``, that the shop had them prove who they are by two factors.
    """

    line: UUID
    merchant: str
    amount_minor: int
    instalments: int = 1
    category: str = ""
    cash: bool = False
    stored_credential: bool = False
    buyer: UUID | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Capture:
    """A shop sent the goods: ``amount_minor`` of a purchase becomes debt. ``final``: no more comes."""

    purchase: UUID
    amount_minor: int
    final: bool = True


class Purchase(msgspec.Struct, frozen=True, gc=False):
    """A purchase that was authorised. ``held_minor`` may still be captured."""

    id: UUID
    line: UUID
    merchant: UUID
    instalments: int
    authorised_minor: int
    captured_minor: int
    refunded_minor: int
    hold: UUID | None
    held_minor: int
    state: State
    authorised_at: datetime
    expires_at: datetime
    buyer: UUID | None = None
    category: str = ""
    cash: bool = False
    strong: bool = False
    # The key of ``merchant``; empty on its way into the database.
    shop: str = ""
    # The terms it was made on, where its line has others by now; read with its lock.
    terms_version: str | None = None

    @property
    def amount_minor(self) -> int:
        """What it comes to: sent and still held; where nothing came of it, what was asked for."""
        return self.captured_minor + self.held_minor or self.authorised_minor


@dataclass(frozen=True, slots=True)
class Credential:
    """A shop that keeps a line on file. ``declined`` counts what it tried in vain, ``last_code`` why."""

    shop: str
    stored_at: datetime
    last_used_at: datetime
    declined: int = 0
    last_declined_at: datetime | None = None
    last_code: str | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """A purchase that was not authorised: the first reason's code and all reasons."""

    line: UUID
    code: str
    reasons: tuple[str, ...]
    decision: UUID


class Ground(StrEnum):
    """Why a customer disputes a charge. ``FORCED`` is ours: a shop posted what nobody authorised."""

    NOT_RECEIVED = "not_received"
    NOT_AS_DESCRIBED = "not_as_described"
    NOT_MINE = "not_mine"
    WRONG_AMOUNT = "wrong_amount"
    CANCELLED = "cancelled"
    FORCED = "forced"


class Outcome(StrEnum):
    """How a dispute stands or ended, as the customer sees it."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Why(StrEnum):
    """Why a dispute was decided as it was; each speaks for one side (``WHYS``)."""

    SHOP_AGREED = "shop_agreed"
    NO_PROOF = "no_proof"
    NOT_ALLOWED = "not_allowed"
    NOT_DELIVERED = "not_delivered"
    SHOWN_DELIVERED = "shown_delivered"
    SHOWN_ALLOWED = "shown_allowed"
    AMOUNT_RIGHT = "amount_right"
    REFUNDED_BEFORE = "refunded_before"


WHYS: Final[Mapping[Outcome, tuple[Why, ...]]] = {
    Outcome.WON: (Why.SHOP_AGREED, Why.NO_PROOF, Why.NOT_ALLOWED, Why.NOT_DELIVERED),
    Outcome.LOST: (Why.SHOWN_DELIVERED, Why.SHOWN_ALLOWED, Why.AMOUNT_RIGHT, Why.REFUNDED_BEFORE),
}


class Bears(StrEnum):
    """Whose loss a dispute is that the customer has won."""

    SHOP = "shop"
    LENDER = "lender"


@dataclass(frozen=True, slots=True)
class Dispute:
    """A charge that is not demanded while it is looked into. Where a person decided, ``why`` says it.

    ``suspended_minor`` of ``amount_minor`` was still owed when it was disputed; the rest had been
    paid. ``purchase`` is None for a forced post. Nobody's answer by ``due_at`` is a win.
    ``told_late``: after the days in which a law binds the lender to look into it, which it does all the
    same. Of a won one ``bears`` says whose loss it is.
    """

    id: UUID
    line: UUID
    merchant: UUID
    purchase: UUID | None
    ground: Ground
    amount_minor: int
    suspended_minor: int
    outcome: Outcome
    opened_at: datetime
    due_at: datetime
    told_late: bool = False
    resolved_at: datetime | None = None
    why: Why | None = None
    bears: Bears | None = None


@dataclass(frozen=True, slots=True)
class RefundPromise:
    """What a shop said on ``promised_on`` that it gives back of a purchase; it must be here by ``due_at``. Of
    that purchase ``before_minor`` had come back by then.
    """

    id: UUID
    purchase: UUID
    amount_minor: int
    before_minor: int
    promised_on: date
    due_at: datetime


class Standing(msgspec.Struct, frozen=True, gc=False):
    """A line as an authorisation sees it; read while it is locked.

    ``oldest_due_on`` is the first due day of what is billed and unpaid, past or to come. ``recent``
    counts the purchases authorised in the 24 hours before. ``issuer_parts`` are those of the
    ``locked_parts`` that the lender locked.
    """

    line: UUID
    currency: str
    timezone: str
    terms: Terms
    lifecycle: str
    limit_minor: int
    principal: UUID
    room_minor: int
    locks: frozenset[LockKind]
    locked_parts: frozenset[Part]
    issuer_parts: frozenset[Part]
    oldest_due_on: date | None
    recent: int
    pack: str


@dataclass(frozen=True, slots=True)
class Merchant:
    """A shop and its payable account."""

    id: UUID
    key: str
    currency: str
    payable: UUID


@dataclass(frozen=True, slots=True)
class Activity:
    """How a line was used lately: inputs of an assessment."""

    open_holds: int
    held_minor: int
    last_expiry: datetime | None
    recent_minor: int
    before_minor: int
    last_at: datetime | None
