"""Cases of leaving. Amounts are minor units of the line's currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID


class State(StrEnum):
    """Where a case stands. None of them is "refused", and none waits for leave to go.

    ``NOTICE``: the lender has said that the line will end; until then everything goes on.
    """

    NOTICE = "notice"
    STOPPED = "stopped"
    CONFIRMED = "confirmed"
    RUN_OFF = "run_off"
    CLEARING = "clearing"
    CLOSED = "closed"
    LAPSED = "lapsed"
    HELD = "held"
    CANCELLED = "cancelled"
    # Ends a request of somebody who is not the customer; the customer's own is open as ever.
    REJECTED = "rejected_not_holder"


# A notice that runs is not open yet: drawing goes on, and the customer's own wish goes before it.
OPEN: Final = frozenset({State.STOPPED, State.CONFIRMED, State.RUN_OFF, State.CLEARING, State.HELD})
CANCELLABLE: Final = OPEN - {State.CLEARING}
ENDED: Final = frozenset(State) - OPEN - {State.NOTICE}


class Ground(StrEnum):
    """The only two grounds on which a final step may wait."""

    IDENTITY = "identity"
    LEGAL = "legal"


class Identity(StrEnum):
    """What is known of who asked."""

    PENDING = "pending"
    VERIFIED = "verified"
    DOUBTED = "doubted"


class Route(StrEnum):
    """What the policy table ``exit-routing`` answered."""

    STRAIGHT_THROUGH = "straight_through"
    DESK = "desk"
    HOLD = "hold"


class Path(StrEnum):
    """What the desk may choose. ``CLOSE_NOW`` does not wait for payments to clear."""

    CLOSE_NOW = "close_now"
    RUN_OFF = "run_off"
    HOLD = "hold"
    REJECT = "reject_not_holder"


# What keeps somebody waiting, or ends what they asked for, takes a second person.
TAKES_TWO: Final = frozenset({Path.HOLD, Path.REJECT})


class Kind(StrEnum):
    """Closing ends the line for the future; withdrawing in the first days undoes the contract.

    ``TERMINATION`` and ``INACTIVITY`` are the lender's; ``ESTATE`` settles the line of one who has died.
    """

    CLOSE = "close"
    WITHDRAW = "withdraw"
    TERMINATION = "termination"
    INACTIVITY = "inactivity"
    ESTATE = "estate"


BY_LENDER: Final = frozenset({Kind.TERMINATION, Kind.INACTIVITY})


class Channel(StrEnum):
    """How the customer asked; each is enough. ``PHONE``, ``PAPER``: the desk for them; ``DESK``: a death."""

    PORTAL = "portal"
    FORM = "form"
    API = "api"
    PHONE = "phone"
    PAPER = "paper"
    DESK = "desk"
    WORLD = "world"


class Reason(StrEnum):
    """Why a customer left, asked after the fact and never required."""

    TOO_EXPENSIVE = "too_expensive"
    NO_LONGER_NEEDED = "no_longer_needed"
    OVERSPENDING_WORRY = "overspending_worry"
    SWITCHED_PROVIDER = "switched_provider"
    LIMIT_TOO_LOW = "limit_too_low"
    PRIVACY_SECURITY = "privacy_security"
    OPENED_BY_MISTAKE = "opened_by_mistake"
    BAD_SERVICE = "bad_service"
    NOT_ME = "not_me"
    HARDSHIP = "hardship"
    OTHER = "other"


class Cause(StrEnum):
    """Objective reasons for which a lender may stop drawing or end the agreement. That somebody disputed,
    complained, asked to leave or scored low is not among them.
    """

    RETURNED_PAYMENTS = "returned_payments"
    PAST_DUE = "past_due"
    SUSPECTED_FRAUD = "suspected_fraud"
    INSOLVENCY = "insolvency"
    INCOME_LOST = "income_lost"
    CONTACT_LOST = "contact_lost"
    DEBT_ELSEWHERE = "debt_elsewhere"
    PRODUCT_ENDED = "product_ended"
    INACTIVITY = "inactivity"


# Reasons to end an agreement that are none to stop drawing at once.
ONLY_WITH_NOTICE: Final = frozenset({Cause.PRODUCT_ENDED, Cause.INACTIVITY})


@dataclass(frozen=True, slots=True)
class Restriction:
    """Drawing that the lender restricted. It ends by itself when ``review_on`` is over. ``before_minor`` is
    the limit that a cap took the place of.
    """

    id: UUID
    reference: str
    line: UUID
    reasons: tuple[Cause, ...]
    set_by: str
    set_at: datetime
    review_on: date
    measure: str = "stop"
    feature: str | None = None
    cap_minor: int | None = None
    before_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Termination:
    """Somebody proposes that the lender ends an agreement; another person decides. ``exit`` is the case that
    approving it opened.
    """

    id: UUID
    line: UUID
    kind: Kind
    reasons: tuple[Cause, ...]
    proposed_by: str
    proposed_at: datetime
    outcome: str = "open"
    decided_by: str | None = None
    decided_at: datetime | None = None
    exit: UUID | None = None


@dataclass(frozen=True, slots=True)
class Estate:
    """A death that was reported, who settles the line, and whether it took over an unproven wish.

    ``contact`` is the estate's person in the identity vault; ``authority`` refers to the paper that
    shows their authority, the only evidence that is ever asked for. Who pays ``told_minor`` by
    ``settle_by`` owes no interest for the time since. ``undo_asked_by``: one of two says it was an error.
    """

    line: UUID
    exit: UUID
    reported_by: str
    reported_at: datetime
    contact: UUID | None = None
    language: str = "en"
    authority: str | None = None
    told_at: datetime | None = None
    told_minor: int | None = None
    settle_by: date | None = None
    took_over: bool = False
    undo_asked_by: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """An unpaid instalment on the schedule a customer keeps; sums as agreed, not as left."""

    plan: UUID
    no: int
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    open_minor: int

    @property
    def total_minor(self) -> int:
        """The instalment as agreed."""
        return self.principal_minor + self.interest_minor + self.fee_minor


class Outcome(StrEnum):
    """What confirming would lead to, as things stand."""

    CLOSES_NOW = "closes_now"
    RUNS_OFF = "runs_off"
    CLEARS = "clears"


@dataclass(frozen=True, slots=True)
class Voucher:
    """A coupon, with the day until which it can be used if the line closes now."""

    title: str
    usable_until: date


@dataclass(frozen=True, slots=True)
class Ties:
    """What else hangs on a line, told before the choice and dealt with in the closing.

    ``mandates`` are the references of those that stand; ``shops`` keep the line on file; ``users`` may
    draw besides the customer; ``reward_minor`` is cash back at face value, paid out with the closing;
    ``increase_to_minor`` is a higher limit that was proposed or agreed and is dropped by leaving.
    """

    mandates: tuple[str, ...] = ()
    shops: tuple[str, ...] = ()
    users: tuple[UUID, ...] = ()
    reward_minor: int = 0
    vouchers: tuple[Voucher, ...] = ()
    increase_to_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is open and what will happen, told before the customer confirms.

    ``payoff_minor`` paid by the end of ``good_through`` leaves nothing owed. ``held_minor`` are
    purchases that shops were promised and have not sent yet. ``clears_on`` is the day from which
    the last payment can no longer come back. ``disputed_minor`` is not part of what is owed.
    """

    outcome: Outcome
    owed_minor: int
    held_minor: int
    held_until: date | None
    credit_minor: int
    uncleared_minor: int
    clears_on: date | None
    payoff_minor: int
    per_day_minor: int
    good_through: date
    schedule: tuple[Due, ...]
    disputed_minor: int = 0
    ties: Ties = Ties()

    @property
    def last_due_on(self) -> date | None:
        """When the last instalment falls due."""
        return max((due.due_on for due in self.schedule), default=None)


@dataclass(frozen=True, slots=True)
class Exit:
    """A case. ``why`` and ``since`` tell why it is in its state, and since when.

    ``due_at`` is the deadline of the state, in the customer's favour; ``requested_at`` when it was asked.
    """

    id: UUID
    reference: str
    line: UUID
    customer: UUID
    channel: Channel
    state: State
    why: str
    since: datetime
    requested_at: datetime
    plan: Plan
    kind: Kind = Kind.CLOSE
    identity: Identity = Identity.PENDING
    not_me: bool = False
    reason: Reason | None = None
    ground: Ground | None = None
    held_from: State | None = None
    route: Route | None = None
    path: Path | None = None
    confirmed_at: datetime | None = None
    closed_at: datetime | None = None
    due_at: datetime | None = None
    tail_until: date | None = None

    @property
    def is_open(self) -> bool:
        """Whether the case is still on its way."""
        return self.state in OPEN

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to the case by itself, but for the tail of a closed one."""
        return self.state in ENDED

    @property
    def stopped_at(self) -> datetime | None:
        """When drawing stopped: with the customer's request, or at the end of the lender's notice."""
        return self.confirmed_at if self.kind in BY_LENDER else self.requested_at

    @property
    def in_tail(self) -> bool:
        """Closed, while late credits and late debits may still arrive."""
        return self.tail_until is not None

    @property
    def is_satisfied(self) -> bool:
        """Whether a doubt about who asked is resolved, so that the case goes on."""
        return self.ground is Ground.IDENTITY and self.path in (Path.CLOSE_NOW, Path.RUN_OFF)

    @property
    def waits_for_desk(self) -> bool:
        """Whether a person is to choose the path."""
        if self.state is State.HELD:
            return self.ground is Ground.IDENTITY
        return self.state is State.CONFIRMED and self.route is Route.DESK and self.path is None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a transition is decided on, as of ``today`` in the contract's timezone.
    Of a notice: whether something was bought since, and the case that is open on the line besides.
    """

    today: date
    owed_minor: int
    held_minor: int
    clears_on: date | None
    legal_freeze: bool
    disputed_minor: int = 0
    used_since: bool = False
    beside: Exit | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A transition that is due: where to, and why."""

    to: State
    why: str
    ground: Ground | None = None
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure of an assessment: a formula, what went in, and what came out.

    ``value`` is None where it is not known; nothing is guessed.
    """

    name: str
    value: int | None
    unit: str
    formula: str
    inputs: dict[str, int | str | None]


@dataclass(frozen=True, slots=True)
class Assessment:
    """The five parts a reviewer sees. None of them decides whether the customer may go."""

    solvency: tuple[Indicator, ...]
    payment_record: tuple[Indicator, ...]
    behaviour: tuple[Indicator, ...]
    exposure: tuple[Indicator, ...]
    portfolio: tuple[Indicator, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An assessment as it was kept, with the decision it led to."""

    exit: UUID
    at: datetime
    decision: UUID
    route: Route
    reasons: tuple[str, ...]
    parts: Assessment
