"""Bodies and answers of the API. Amounts are minor units of ``currency``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

from whiteslip.base.ids import public
from whiteslip.billing.model import Payment, Quote
from whiteslip.lines import Customer, Line
from whiteslip.purchases import Declined, Purchase
from whiteslip.purchases.model import RefundPromise
from whiteslip.store.database import Row
from whiteslip.webhooks.events import PUBLISHED

Amount: TypeAlias = Annotated[int, Meta(ge=1, le=10**12, description="Minor units")]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
Key: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9._:-]+$")]
PublicId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=40, pattern="^[a-z]+_[0-9a-z]+$")]


class NewCustomer(Struct, forbid_unknown_fields=True):
    """A person to register. What names them goes into the vault and comes back in no answer."""

    full_name: Text
    id_number: Text
    phone: Text
    email: Text
    language: Literal["zh-CN", "en"] = "zh-CN"
    reference: Key | None = None


class CustomerShape(Struct):
    """A customer, without what names them."""

    id: str
    reference: str | None
    language: str
    opened_at: datetime

    @classmethod
    def of(cls, customer: Customer) -> CustomerShape:
        """Shape a customer."""
        return cls(public("cus", customer.id), customer.reference, customer.language, customer.opened_at)


class NewLineBody(Struct, forbid_unknown_fields=True):
    """A line to open under the installation's pack and terms.

    ``informed``: the customer has the terms, and was told of the right to withdraw. Who was not may
    withdraw for the pack's ``withdraw.uninformed_months`` longer.
    """

    customer: PublicId
    limit_minor: Amount
    statement_day: Annotated[int, Meta(ge=1, le=28)] = 1
    informed: bool = True


class LineShape(Struct):
    """A line in its three regions: lifecycle, locks, debt. ``default_days``: in a row, on which what is
    past due has mattered; more than ninety are a default (Regulation (EU) 575/2013 article 178).
    """

    id: str
    customer: str
    currency: str
    pack: str
    terms_version: str
    lifecycle: str
    locks: Sequence[str]
    drawing_stopped: bool
    limit_minor: int
    limit_target_minor: int
    available_minor: int
    held_minor: int
    owed_minor: int
    credit_minor: int
    bucket: str
    days_past_due: int
    risk_class: str
    ifrs_stage: int
    default_days: int
    in_default: bool
    statement_day: int
    opened_on: date
    withdrawable_until: date
    closed_on: date | None


class NewPurchase(Struct, forbid_unknown_fields=True):
    """A purchase to authorise. ``merchant`` is the shop's own key.

    ``category`` is the shop's trade and ``cash`` says that money is handed out: the customer may
    have locked either. ``stored_credential`` says that the shop keeps the line on file, ``user`` is the
    authorised user who buys; ``strong_authentication``, that the shop had the buyer prove who they are by
    two factors: a purchase that was not theirs is then the lender's loss.
    """

    line: PublicId
    merchant: Key
    amount_minor: Amount
    instalments: Annotated[int, Meta(ge=1, le=60)] = 1
    category: Annotated[str, Meta(max_length=64, pattern="^[A-Za-z0-9._:-]*$")] = ""
    cash: bool = False
    stored_credential: bool = False
    strong_authentication: bool = False
    user: PublicId | None = None


class PurchaseShape(Struct):
    """A purchase, or why it was declined. ``merchant`` is the shop's key, ``category`` its trade if it was
    told.
    """

    id: str | None
    line: str
    state: str
    merchant: str
    category: str = ""
    authorised_minor: int = 0
    captured_minor: int = 0
    held_minor: int = 0
    refunded_minor: int = 0
    instalments: int = 0
    authorised_at: datetime | None = None
    expires_at: datetime | None = None
    user: str | None = None
    code: str | None = None
    reasons: Sequence[str] = ()
    decision: str | None = None

    @classmethod
    def of(cls, purchase: Purchase) -> PurchaseShape:
        """Shape a purchase that was authorised."""
        return cls(
            id=public("pur", purchase.id),
            line=public("line", purchase.line),
            state=purchase.state,
            merchant=purchase.shop,
            category=purchase.category,
            authorised_minor=purchase.authorised_minor,
            captured_minor=purchase.captured_minor,
            held_minor=purchase.held_minor,
            refunded_minor=purchase.refunded_minor,
            instalments=purchase.instalments,
            authorised_at=purchase.authorised_at,
            expires_at=purchase.expires_at,
            user=public("usr", purchase.buyer) if purchase.buyer else None,
        )

    @classmethod
    def declined(cls, declined: Declined, merchant: str, category: str) -> PurchaseShape:
        """Shape a decline: a value with reasons, not an error. It is kept as a decision alone."""
        return cls(
            id=None,
            line=public("line", declined.line),
            state="declined",
            merchant=merchant,
            category=category,
            code=declined.code,
            reasons=declined.reasons,
            decision=public("dec", declined.decision),
        )


class CaptureBody(Struct, forbid_unknown_fields=True):
    """What was sent. ``final`` releases what is left of the hold."""

    amount_minor: Amount
    final: bool = True


class AmountBody(Struct, forbid_unknown_fields=True):
    """An amount, such as of a refund."""

    amount_minor: Amount


class RefundBody(AmountBody, forbid_unknown_fields=True):
    """What a shop gives back, and since when, if that is told later."""

    value_on: date | None = None


class PromiseBody(AmountBody, forbid_unknown_fields=True):
    """What a shop says it gives back, and the day on which it said so, today if absent."""

    promised_on: date | None = None


class PromiseShape(Struct):
    """A refund that was promised. What has not come by ``due_at`` becomes a dispute."""

    id: str
    purchase: str
    amount_minor: int
    promised_on: date
    due_at: datetime

    @classmethod
    def of(cls, made: RefundPromise) -> PromiseShape:
        """Shape a promise."""
        return cls(
            id=public("rfp", made.id),
            purchase=public("pur", made.purchase),
            amount_minor=made.amount_minor,
            promised_on=made.promised_on,
            due_at=made.due_at,
        )


class NewPaymentBody(Struct, forbid_unknown_fields=True):
    """Money that arrived. ``reference`` is the bank's; the same one is booked once.

    What was collected by a ``mandate`` names it: one that ended collects nothing.
    """

    line: PublicId
    reference: Key
    amount_minor: Amount
    value_on: date
    method: Literal["transfer", "direct_debit", "card", "wallet"] = "transfer"
    mandate: PublicId | None = None


class CorrectionBody(Struct, forbid_unknown_fields=True):
    """What a payment really was, where its amount or its value date was booked wrongly."""

    amount_minor: Amount
    value_on: date


class ReturnBody(Struct, forbid_unknown_fields=True):
    """How a payment came back. ``returned_on``: the day on which the bank took it back, today if absent.
    ``unauthorised``: its payer says that they never agreed to be debited.
    """

    unauthorised: bool = False
    returned_on: date | None = None


class PartStatementShape(Struct):
    """The statement of a payment is on its way, and sent on ``sent_by`` at the latest."""

    payment: str
    sent_by: date


class PaymentShape(Struct):
    """A payment. It may come back until ``clears_on``. One that was wrong names its correction."""

    id: str
    line: str
    reference: str
    method: str
    amount_minor: int
    value_on: date
    clears_on: date
    received_at: datetime
    returned_at: datetime | None
    corrected_by: str | None = None

    @classmethod
    def of(cls, payment: Payment) -> PaymentShape:
        """Shape a payment."""
        return cls(
            public("pay", payment.id),
            public("line", payment.line),
            payment.reference,
            payment.method,
            payment.amount_minor,
            payment.value_on,
            payment.clears_on,
            payment.received_at,
            payment.returned_at,
            public("pay", payment.corrected_by) if payment.corrected_by else None,
        )


class PayoffShape(Struct):
    """Pay ``total_minor`` by the end of ``good_through`` and nothing is owed."""

    line: str
    currency: str
    good_through: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    accrued_minor: int
    credit_minor: int
    total_minor: int
    per_day_minor: int

    @classmethod
    def of(cls, line: Line, quote: Quote) -> PayoffShape:
        """Shape a quote."""
        return cls(
            public("line", line.id),
            line.currency,
            quote.good_through,
            quote.principal_minor,
            quote.interest_minor,
            quote.fee_minor,
            quote.accrued_minor,
            quote.credit_minor,
            quote.total_minor,
            quote.per_day_minor,
        )


class NewCheck(Struct, forbid_unknown_fields=True):
    """A check of who it is: a code goes to the phone on file."""

    customer: PublicId


class CheckBody(Struct, forbid_unknown_fields=True):
    """What the customer typed."""

    full_name: Text
    id_number: Text
    code: Annotated[str, Meta(min_length=4, max_length=20)]


class CheckShape(Struct):
    """A check. ``phone_ends`` are the last two digits of where the code went."""

    customer: str
    state: Literal["sent", "verified"]
    phone_ends: str
    expires_at: datetime | None = None


class ContactBody(Struct, forbid_unknown_fields=True):
    """A new phone number or a new e-mail address, one at a time."""

    place: Text


class ContactCodeBody(Struct, forbid_unknown_fields=True):
    """The code that reached the new place."""

    code: Annotated[str, Meta(min_length=4, max_length=20)]


class ContactShape(Struct):
    """A change of contact data: what changes, and until when the code is good that went there."""

    customer: str
    state: Literal["sent", "changed"]
    part: Literal["phone", "email"] | None = None
    expires_at: datetime | None = None


class LetterShape(Struct):
    """A letter and the proof that it was sent."""

    id: str
    kind: str
    subject: str
    language: str
    state: str
    queued_at: datetime
    sent_at: datetime | None


class EventShape(Struct):
    """A journal row. Thin: ids, codes and amounts, never what names a person."""

    id: int
    at: datetime
    type: str
    subject_kind: str
    subject: str
    actor: str | None
    data: Mapping[str, Any]

    @classmethod
    def published(cls, row: Row) -> EventShape:
        """Shape a journal row as a webhook tells it: only fields that leave the house, and not who did it."""
        told = {name: row["data"][name] for name in PUBLISHED[row["kind"]] if name in row["data"]}
        return cls.of({**row, "actor": None, "data": told})

    @classmethod
    def of(cls, row: Row) -> EventShape:
        """Shape a journal row."""
        return cls(
            row["seq"],
            row["at"],
            row["kind"],
            row["subject_kind"],
            str(row["subject"]),
            row["actor"],
            row["data"],
        )
