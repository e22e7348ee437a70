"""What each kind of letter says, as facts. Amounts are minor units of the letter's currency."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct

from whiteslip.notices.owed import (
    AccountChangedFacts,
    AccountNeededFacts,
    ArrearsFacts,
    ChargedOffFacts,
    ClosedFacts,
    DefaultFacts,
    DisputeEndedFacts,
    DisputeFacts,
    DueFact,
    ExitFacts,
    HardshipEndedFacts,
    HardshipFacts,
    HelpFacts,
    LetterFacts,
    ObjectionFacts,
    OwedAnewFacts,
    PartPaymentFacts,
    PaydayFacts,
    PayoutReturnedFacts,
    SaleAgreedFacts,
    SaleOffFacts,
    SettledFacts,
    SoldFacts,
    StatementFacts,
)


class AcknowledgedFacts(ExitFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Drawing stopped. ``confirm_by`` is when the request lapses, where nobody has proven who asked;
    ``not_me``: they say that they never opened the line.
    """

    confirm_by: datetime | None = None
    not_me: bool = False


class RunOffFacts(ExitFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The schedule stays; ``payoff_minor`` by the end of ``good_through`` settles everything but what is
    disputed. ``not_me``: they say that they never opened the line.
    """

    schedule: list[DueFact]
    payoff_minor: int
    good_through: date | None
    disputed_minor: int = 0
    not_me: bool = False


class HeldFacts(ExitFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is being looked at, and by when there is an answer, if a deadline runs; what of the line is
    disputed; ``not_me``: they say that they never opened it.
    """

    ground: str
    answer_by: datetime | None
    disputed_minor: int = 0
    not_me: bool = False


class PaperFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which paper is asked for, why, by when, and the code that lets its holder hand one in."""

    wanted: str
    why: str
    answer_by: datetime
    upload_code: str


class CancelledFacts(ExitFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The customer changed their mind."""

    cancelled_at: datetime


class OvertakenFacts(CancelledFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lender's notice falls to the customer's own request."""

    given_on: date


class WithdrawnFacts(ExitFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The receipt of a withdrawal: which contract, when it was said, what is repaid by which day."""

    contract: str
    pay_by: date


class UserFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To somebody who may draw on another's line: drawing stopped, or goes on, at an instant."""

    at: datetime


class AdverseFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is taken or refused, and why: ``reasons`` are codes of the texts' ``reasons``, the weightiest
    first. ``free_report_days`` is zero where no bureau's file was used, else ``agency`` says whose file:
    name, address and telephone (FCRA section 615(a)). ``pack`` is whose law speaks.
    """

    reasons: list[str]
    free_report_days: int = 0
    agency: str = ""
    pack: str = "base"


class RestrictedFacts(AdverseFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lender stopped drawing: since when, why, and until when that stands at the longest.

    ``answer_days`` is the clock of a view the customer gives.
    """

    restricted_at: datetime
    review_on: date
    answer_days: int


class KeptFacts(RestrictedFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The customer objected and the restriction stays; ``why`` is a code of the texts' own."""

    why: str


class LimitCutFacts(RestrictedFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lender lowered the limit for a while; ``limit_minor`` is never below what is drawn."""

    limit_minor: int


class FeaturePausedFacts(RestrictedFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lender paused one feature for a while."""

    feature: str


class LiftedFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lender's restriction is over."""

    lifted_at: datetime


class FrozenFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order of the law stops drawing, or does no longer: on what ground, under which file number."""

    at: datetime
    ground: str
    order_reference: str


class StepUpFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The customer is asked since ``asked_at`` to confirm that it is them; it ends by itself at ``until``."""

    asked_at: datetime
    until: datetime


class ContactFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the customer is reached was changed: ``part`` is ``phone`` or ``email``. For ``wait_days`` days
    no credit is paid out.
    """

    changed_at: datetime
    part: str
    wait_days: int


class PrivacyFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of a request to erase. ``kept_until`` is None while a line is open; ``pack`` is whose law
    keeps the rest.
    """

    answered_at: datetime
    kept_until: date | None
    keep_months: int
    pack: str = "base"


class NoticeFacts(AdverseFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lender gives notice: when, why, and the last day on which the line can be used."""

    given_at: datetime
    ends_on: date


class BalanceFacts(ExitFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an estate owes; ``told_minor`` paid by the end of ``settle_by`` settles everything."""

    schedule: list[DueFact]
    told_minor: int
    told_on: date
    settle_by: date


class OfferFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit that is offered, until an instant. Nothing opens unless it is accepted."""

    limit_minor: int
    offer_until: datetime


class DeclinedFacts(AdverseFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application that was declined. ``review_days`` are business days."""

    review_days: int


class CounterFacts(DeclinedFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Less than was wished for, with the reasons, and until when it stands."""

    limit_minor: int
    offer_until: datetime


class ProductFact(Struct, frozen=True, forbid_unknown_fields=True):
    """A way of paying in instalments and what it costs."""

    instalments: int
    monthly_fee_bps: int
    apr_bps: int


class TermsFact(Struct, frozen=True, forbid_unknown_fields=True):
    """Terms in full. Days to pay count from the statement, days of grace from the due day."""

    due_days: int
    late_fee_minor: int
    late_fee_grace_days: int
    products: list[ProductFact]
    reward_bps: int


class TermsChangedFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New terms beside the old ones: from which day on, and until the end of which one may say no."""

    effective_on: date
    reject_until: date
    before: TermsFact
    after: TermsFact


class TermsOffFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New terms that were announced for a day do not come."""

    taken_back_on: date
    announced_for: date


class ContractFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is agreed. ``withdraw_until`` is the last day to withdraw if accepted on the letter's day;
    ``information`` are parts that a law has told before, codes of the texts' ``information``.
    """

    limit_minor: int
    due_days: int
    late_fee_minor: int
    late_fee_grace_days: int
    withdraw_until: date
    repay_days: int
    products: list[ProductFact]
    information: list[str]


class ComplaintFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every letter about a complaint says."""

    filed_at: datetime


class ComplaintDueFacts(ComplaintFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By when there is an answer; ``delay`` is a code of the texts' own, where it takes longer."""

    answer_by: datetime
    delay: str = ""


class ComplaintAnswerFacts(ComplaintFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer, if there is one, and whose ``route`` is named for whom it does not satisfy."""

    route: str
    outcome: str = ""
    why: str = ""


class DataRequestFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody asked about their data and by when there is an answer, or which; ``wish``, ``delay``,
    ``outcome`` and ``why`` are codes of the texts' own, ``pack`` says whose authority is named.
    """

    asked_at: datetime
    wish: str
    pack: str
    answer_by: datetime | None = None
    delay: str = ""
    outcome: str = ""
    why: str = ""


class IncreaseFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A higher limit that is proposed, beside the present one; nothing changes without consent."""

    limit_minor: int
    to_minor: int
    effective_at: datetime


class RaisedFacts(LetterFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit that rose because its owner asked for it and accepted, beside the one before."""

    limit_minor: int
    from_minor: int


KINDS: Mapping[str, type[LetterFacts]] = {
    "exit.acknowledged": AcknowledgedFacts,
    "exit.runoff": RunOffFacts,
    "exit.held": HeldFacts,
    "exit.paper_asked": PaperFacts,
    "exit.closed": ClosedFacts,
    "exit.lapsed": ExitFacts,
    "exit.cancelled": CancelledFacts,
    "exit.rejected": ExitFacts,
    "withdrawal.received": WithdrawnFacts,
    "withdrawal.settled": ClosedFacts,
    "user.stopped": UserFacts,
    "user.resumed": UserFacts,
    "limit.increase_proposed": IncreaseFacts,
    "terms.changed": TermsChangedFacts,
    "terms.taken_back": TermsOffFacts,
    "line.feature_paused": FeaturePausedFacts,
    "line.limit_cut": LimitCutFacts,
    "line.restricted": RestrictedFacts,
    "line.restriction_kept": KeptFacts,
    "termination.notice": NoticeFacts,
    "inactivity.notice": NoticeFacts,
    "termination.called_off": CancelledFacts,
    "termination.overtaken": OvertakenFacts,
    "termination.closed": ClosedFacts,
    "estate.acknowledged": ExitFacts,
    "estate.balance": BalanceFacts,
    "estate.held": HeldFacts,
    "estate.closed": ClosedFacts,
    "estate.undone": CancelledFacts,
    "estate.ended": CancelledFacts,
    "line.restriction_lifted": LiftedFacts,
    "line.frozen": FrozenFacts,
    "line.unfrozen": FrozenFacts,
    "line.step_up_asked": StepUpFacts,
    "line.payday_moved": PaydayFacts,
    "contact.changed": ContactFacts,
    "hardship.offered": HelpFacts,
    "hardship.agreed": HardshipFacts,
    "hardship.ended": HardshipEndedFacts,
    "statement.monthly": StatementFacts,
    "statement.part_payment": PartPaymentFacts,
    "debt.arrears": ArrearsFacts,
    "debt.charged_off": ChargedOffFacts,
    "debt.settled": SettledFacts,
    "debt.sold": SoldFacts,
    "debt.sale_agreed": SaleAgreedFacts,
    "debt.sale_called_off": SaleOffFacts,
    "debt.owed_anew": OwedAnewFacts,
    "debt.default_notice": DefaultFacts,
    "payout.returned": PayoutReturnedFacts,
    "bureau.objection_received": ObjectionFacts,
    "bureau.objection_answered": ObjectionFacts,
    "payout.account_needed": AccountNeededFacts,
    "payout.account_changed": AccountChangedFacts,
    "dispute.received": DisputeFacts,
    "dispute.posted": DisputeFacts,
    "dispute.refund_missed": DisputeFacts,
    "dispute.won": DisputeEndedFacts,
    "dispute.turned_down": DisputeEndedFacts,
    "privacy.answered": PrivacyFacts,
    "privacy.request_received": DataRequestFacts,
    "privacy.request_extended": DataRequestFacts,
    "privacy.request_answered": DataRequestFacts,
    "privacy.request_overdue": DataRequestFacts,
    "application.declined": DeclinedFacts,
    "application.counter_offered": CounterFacts,
    "application.offered": OfferFacts,
    "application.contract": ContractFacts,
    "increase.declined": DeclinedFacts,
    "increase.counter_offered": CounterFacts,
    "increase.offered": OfferFacts,
    "increase.accepted": RaisedFacts,
    "complaint.acknowledged": ComplaintDueFacts,
    "complaint.extended": ComplaintDueFacts,
    "complaint.answered": ComplaintAnswerFacts,
    "complaint.overdue": ComplaintAnswerFacts,
}
