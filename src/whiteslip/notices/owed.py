"""What every letter says, as facts, and those about what is owed or is owed no more. Minor units."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct


class LetterFacts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every letter says. Amounts are minor units of ``currency``."""

    reference: str
    timezone: str
    currency: str
    issuer_name: str


class DueFact(Struct, frozen=True, forbid_unknown_fields=True):
    """An instalment and what is open of it."""

    due_on: date
    amount_minor: int


class HelpFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is past due, and that there are ways to pay less, or later."""

    past_due_minor: int


class ArrearsFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is past due: ``schedule`` by the days on which it fell due, ``late_since`` the first of them; what
    being late costs; after how many months it is written again, if it is; ``pack`` names whose law speaks.
    """

    past_due_minor: int
    late_since: date
    schedule: list[DueFact]
    late_fee_minor: int
    late_fee_days: int
    again_months: int
    pack: str


class PartPaymentFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment that came early: what it ``settled`` by the due day that had, what of it is kept as credit,
    what is spared because it came early, and what is left by due day. ``pack`` names whose law speaks.
    """

    paid_on: date
    received_minor: int
    settled: list[DueFact]
    kept_minor: int
    spared_minor: int
    schedule: list[DueFact]
    left_minor: int
    pack: str


class HardshipFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hardship plan that was agreed: what replaces the old schedule, and what it forgives."""

    agreed_on: date
    schedule: list[DueFact]
    total_minor: int
    forgiven_minor: int


class StatementItem(Struct, frozen=True, forbid_unknown_fields=True):
    """What a statement asks for: an instalment of a purchase, a late fee, or a debt in a new plan."""

    kind: str
    opened_on: date
    no: int
    instalments: int
    amount_minor: int


class StatementFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A monthly statement. ``settled_minor`` of the items had been paid before; ``received`` came in and
    ``bought`` was bought since the statement before. One of the two balances is zero.
    """

    statement_on: date
    due_on: date
    demanded_minor: int
    balance_minor: int
    in_credit_minor: int
    settled_minor: int
    late_fee_minor: int
    late_fee_days: int
    items: list[StatementItem]
    received: list[DueFact]
    bought: list[DueFact]


class HardshipEndedFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hardship plan was ended at the customer's wish."""

    ended_at: datetime


class ChargedOffFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A debt that the lender takes as lost, and is still owed."""

    charged_off_on: date
    amount_minor: int


class OwedAnewFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A debt that arose again, with a due day of its own. ``why`` is a code of the texts' own."""

    owed_anew_minor: int
    due_on: date
    why: str


class PayoutReturnedFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A credit that was paid out came back; from ``look_on`` on its owner is looked for once more."""

    returned_at: datetime
    payout_minor: int
    look_on: date


class DefaultFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is past due and is to be paid by the end of ``remedy_by``, before anything follows from it."""

    given_on: date
    past_due_minor: int
    remedy_by: date


class ObjectionFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody objects to what bureaus are told: ``part`` of the record, and by when it is answered; or the
    answer: ``outcome`` is ``corrected`` or ``stays``, ``why`` is ``answered`` or ``not_answered_in_time``.
    """

    opened_at: datetime
    part: str
    pack: str
    answer_by: datetime | None = None
    outcome: str | None = None
    why: str | None = None


class AccountNeededFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A credit has no verified account to go to; from ``look_on`` on its owner is looked for."""

    payout_minor: int
    look_on: date


class AccountChangedFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another account was named for what is paid out."""

    changed_at: datetime


class DisputeFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dispute was received; by when it is resolved, or else taken as right; after how many days from the
    first statement it is late, where it was.
    """

    disputed_at: datetime
    answer_by: datetime
    disputed_minor: int
    late_days: int = 0


class DisputeEndedFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dispute was decided, and how much of what had been paid of the sum is given back."""

    resolved_at: datetime
    disputed_minor: int
    given_back_minor: int


class SoldFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A debt was sold: to whom, where to pay, what was owed and by when. ``pack`` names whose law says
    what the customer keeps; ``goes_on`` where interest and fees of later months come on top.
    """

    sold_on: date
    face_minor: int
    buyer_name: str
    pay_to: str
    pack: str
    goes_on: bool
    schedule: list[DueFact]


class SaleAgreedFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A debt will be sold: to whom, and the first day on which that may be."""

    passes_on: date
    buyer_name: str


class SaleOffFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A debt is not sold after all."""

    called_off_on: date


class SettledFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part was accepted for the whole: nothing is owed any more."""

    settled_on: date


class ExitFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every letter about an exit says. ``notice_given_on``, ``notice_ends_on``: a notice of the lender
    that the case leaves as it was.
    """

    stopped_at: datetime
    limit_minor: int
    owed_minor: int
    notice_given_on: date | None = None
    notice_ends_on: date | None = None


class VoucherFact(Struct, frozen=True, forbid_unknown_fields=True):
    """A coupon and the day until which it can be used."""

    title: str
    usable_until: date


class ClosedFacts(ExitFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing is owed; a credit balance is paid out by ``credit_by``, cash back (``reward_minor``) in it.

    ``pack`` is whose law keeps the records for ``keep_years``. ``mandates`` are the references of those
    that ended with the line; ``shops`` keep it on file. ``sold_to`` names who bought its debt on
    ``sold_on``, where that was sold.
    """

    closed_on: date
    credit_minor: int
    credit_by: date
    keep_years: int
    pack: str = "base"
    reward_minor: int = 0
    mandates: list[str] = []
    shops: list[str] = []
    vouchers: list[VoucherFact] = []
    sold_to: str = ""
    sold_on: date | None = None


class PaydayFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The customer moved the day on which bills are made; what is open, by its days from now on."""

    moved_at: datetime
    statement_day: int
    schedule: list[DueFact]
