"""Which letter a step of leaving sends, and to whom. Pure.

:func:`told` alone decides it. The acts queue what it returns; the walk of ``machine`` compares it, along
every path, with what each pack demands (``demands``). A letter that was queued before under the same key
is left out by ``notices.queue``: ``Once`` says how far a key reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from whiteslip.exits.model import Exit, Ground, Kind, State


class Heirs(StrEnum):
    """Whether a death was reported on a line, and whether somebody has shown that they settle it."""

    NONE = "none"
    REPORTED = "reported"
    KNOWN = "known"


class To(StrEnum):
    """Whom a letter goes to, where there is such a person.

    ``FORMER``: the customer, where they were reached before, if that was changed lately. ``USERS``: each
    who may draw besides the customer. ``IN_ARREARS``: the customer, if something is past due and help
    was never offered.
    """

    CUSTOMER = "customer"
    FORMER = "former"
    HEIRS = "heirs"
    USERS = "users"
    IN_ARREARS = "in_arrears"


class Once(StrEnum):
    """How often a letter is told: once in a case, once to each in a hold, or each time."""

    CASE = "case"
    HOLD = "hold"
    EACH = "each"


class Act(StrEnum):
    """What lender or customer do besides a case of leaving: a group of acts, and the act."""

    STOPPED = "restriction.stopped"
    LIMIT_CUT = "restriction.limit_cut"
    FEATURE_PAUSED = "restriction.feature_paused"
    RESTRICTION_KEPT = "restriction.kept"
    RESTRICTION_LIFTED = "restriction.lifted"
    FROZEN = "freeze.placed"
    UNFROZEN = "freeze.lifted"
    STEP_UP_ASKED = "step_up.asked"
    STEP_UP_CONFIRMED = "step_up.confirmed"
    INCREASE_PROPOSED = "increase.proposed"
    TERMS_CHANGE = "terms.changed"
    TERMS_TAKEN_BACK = "terms.taken_back"
    PLAN_AGREED = "hardship.agreed"
    PLAN_ENDED = "hardship.ended"
    LATE = "hardship.late"
    DEFAULTED = "charge_off.default_notice"
    CHARGED_OFF = "charge_off.charged_off"
    SETTLED = "charge_off.settled"
    SOLD = "sale.sold"
    SALE_AGREED = "sale.agreed"
    SALE_CALLED_OFF = "sale.called_off"
    PAYMENT_RETURNED = "payment.returned"
    PAYMENT_CORRECTED = "payment.corrected"
    PART_PAID = "payment.part_statement"
    PAYOUT_RETURNED = "payout.returned"
    ACCOUNT_NEEDED = "payout.account_needed"
    ACCOUNT_CHANGED = "payout.account_changed"
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_POSTED = "dispute.posted"
    REFUND_MISSED = "dispute.refund_missed"
    DISPUTE_WON = "dispute.won"
    DISPUTE_LOST = "dispute.lost"
    DISPUTE_TURNED_DOWN = "dispute.turned_down"
    PAPER_ASKED = "paper.asked"
    LIMIT_REDUCED = "softer.reduced"
    PAUSED = "softer.paused"
    PART_LOCKED = "softer.part_locked"
    RESUMED = "softer.resumed"
    PAYDAY_MOVED = "softer.payday_moved"
    CONTACT_CHANGED = "softer.contact_changed"


# What customers do by themselves is answered on the page on which they do it, unless days change.
ACTS: Final[Mapping[Act, str | None]] = {
    Act.STOPPED: "line.restricted",
    Act.LIMIT_CUT: "line.limit_cut",
    Act.FEATURE_PAUSED: "line.feature_paused",
    Act.RESTRICTION_KEPT: "line.restriction_kept",
    Act.RESTRICTION_LIFTED: "line.restriction_lifted",
    # But for the grounds of which nobody may be told (neither does a case tell of them), and where a case
    # tells it.
    Act.FROZEN: "line.frozen",
    Act.UNFROZEN: "line.unfrozen",
    Act.STEP_UP_ASKED: "line.step_up_asked",
    Act.STEP_UP_CONFIRMED: None,
    Act.INCREASE_PROPOSED: "limit.increase_proposed",
    # Long before they are in force.
    Act.TERMS_CHANGE: "terms.changed",
    Act.TERMS_TAKEN_BACK: "terms.taken_back",
    Act.PLAN_AGREED: "hardship.agreed",
    Act.PLAN_ENDED: "hardship.ended",
    # Whoever misses a payment, whether they leave or stay.
    Act.LATE: "debt.arrears",
    # Where the pack demands it before a debt is lost or an agreement ends for a breach.
    Act.DEFAULTED: "debt.default_notice",
    Act.CHARGED_OFF: "debt.charged_off",
    Act.SETTLED: "debt.settled",
    Act.SOLD: "debt.sold",
    # Where the pack gives days of notice.
    Act.SALE_AGREED: "debt.sale_agreed",
    Act.SALE_CALLED_OFF: "debt.sale_called_off",
    # Where it leaves a debt with a due day of its own; else the schedule is what it was.
    Act.PAYMENT_RETURNED: "debt.owed_anew",
    Act.PAYMENT_CORRECTED: "debt.owed_anew",
    # At the customer's wish.
    Act.PART_PAID: "statement.part_payment",
    Act.PAYOUT_RETURNED: "payout.returned",
    Act.ACCOUNT_NEEDED: "payout.account_needed",
    # In place of another, or while money is on its way out: it may not have been them.
    Act.ACCOUNT_CHANGED: "payout.account_changed",
    Act.DISPUTE_OPENED: "dispute.received",
    # By a shop without an authorisation: the customer did not dispute it, and is told of it first.
    Act.DISPUTE_POSTED: "dispute.posted",
    # Nor did they dispute what a shop promised to give back and has not.
    Act.REFUND_MISSED: "dispute.refund_missed",
    Act.DISPUTE_WON: "dispute.won",
    Act.DISPUTE_LOST: "debt.owed_anew",
    # Lost, and paid before: nothing is owed anew.
    Act.DISPUTE_TURNED_DOWN: "dispute.turned_down",
    Act.PAPER_ASKED: "exit.paper_asked",
    Act.LIMIT_REDUCED: None,
    Act.PAUSED: None,
    Act.PART_LOCKED: None,
    Act.RESUMED: None,
    Act.PAYDAY_MOVED: "line.payday_moved",
    # To where they are reached now and where they were before: it may not have been them.
    Act.CONTACT_CHANGED: "contact.changed",
}
HELP: Final = "hardship.offered"


def of(act: Act) -> str:
    """The letter that an act sends. Raises KeyError for one that sends none."""
    letter = ACTS[act]
    if letter is None:
        raise KeyError(act)
    return letter


_FIRST: Final = {
    Kind.CLOSE: "exit.acknowledged",
    Kind.WITHDRAW: "withdrawal.received",
    Kind.TERMINATION: "termination.notice",
    Kind.INACTIVITY: "inactivity.notice",
    Kind.ESTATE: "estate.acknowledged",
}
# Confirmed and clearing need no letter of their own: their news is in the acknowledgement.
_CLOSE: Final = {
    State.RUN_OFF: "exit.runoff",
    State.HELD: "exit.held",
    State.CLOSED: "exit.closed",
    State.LAPSED: "exit.lapsed",
    State.CANCELLED: "exit.cancelled",
    State.REJECTED: "exit.rejected",
}
_BY_LENDER: Final = {
    State.RUN_OFF: "exit.runoff",
    State.HELD: "exit.held",
    State.CLOSED: "termination.closed",
    State.CANCELLED: "termination.called_off",
}
# Of a notice that something else took the place of: what is written depends on what did.
_OVERTAKEN: Final[Mapping[str, str | None]] = {
    "customer_asked_first": "termination.overtaken",
    # The heirs never had the notice, and are told of the line by the letters of the estate.
    "estate_is_settled": None,
}
_BY_STATE: Final[Mapping[Kind, Mapping[State, str]]] = {
    Kind.CLOSE: _CLOSE,
    # The receipt says everything at once; what follows is word when it is settled.
    Kind.WITHDRAW: {State.HELD: "exit.held", State.CLOSED: "withdrawal.settled"},
    Kind.TERMINATION: _BY_LENDER,
    Kind.INACTIVITY: _BY_LENDER,
    # The balance is told apart, with its day, to whoever shows that they settle the estate.
    Kind.ESTATE: {
        State.HELD: "estate.held",
        State.CLOSED: "estate.closed",
        State.CANCELLED: "estate.undone",
    },
}


@dataclass(frozen=True, slots=True)
class At:
    """A case, who stands for the customer, and whether an estate took over a wish nobody had proven."""

    case: Exit
    heirs: Heirs = Heirs.NONE
    took_over: bool = False

    def __hash__(self) -> int:
        """By what tells most cases apart: a walk looks up a hundred thousand."""
        case = self.case
        return hash((case.kind, case.state, case.identity, case.route, case.path, case.why, self.heirs))

    @property
    def whose(self) -> Kind:
        """Whose letters are written: once a death was reported they are those of an estate."""
        return Kind.ESTATE if self.heirs is not Heirs.NONE else self.case.kind

    @property
    def to(self) -> To:
        """Who is written to."""
        return To.HEIRS if self.heirs is Heirs.KNOWN else To.CUSTOMER


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter that a step sends."""

    letter: str
    to: To
    once: Once = Once.CASE


def told(before: At | None, after: At) -> tuple[Sent, ...]:
    """What a step sends; ``before`` is None where the case begins.

    An act that changes who stands for the customer, or what they ask for, is a step of its own.
    """
    own = [*_begun(before, after), *_of_estate(before, after), *_entered(before, after)]
    doubted = [Sent(each.letter, To.FORMER, each.once) for each in own if _in_doubt(each, after)]
    return (*own, *doubted, *_to_users(before, after))


def _begun(before: At | None, after: At) -> Iterator[Sent]:
    kind = after.case.kind
    if before is None or (kind is Kind.WITHDRAW and before.case.kind is not kind):
        yield Sent(_FIRST[kind], To.CUSTOMER)


def _of_estate(before: At | None, after: At) -> Iterator[Sent]:
    if before is None:
        return
    if before.heirs is Heirs.NONE and after.heirs is not Heirs.NONE:
        yield Sent(_FIRST[Kind.ESTATE], To.CUSTOMER, Once.EACH)
    if before.heirs is not Heirs.KNOWN and after.heirs is Heirs.KNOWN:
        yield Sent("estate.balance", To.HEIRS, Once.EACH)
    if before.heirs is not Heirs.NONE and after.whose is not Kind.ESTATE:
        yield Sent("estate.ended", To.CUSTOMER, Once.EACH)


def _entered(before: At | None, after: At) -> Iterator[Sent]:
    """The letter of the state, to who enters it, and to who comes to stand for the line in it."""
    case = after.case
    if before is None or _stands(before) == _stands(after):
        return
    if case.has_ended and before.case.state is case.state:
        # A death that is told afterwards ends nothing again.
        return
    of_state = _BY_STATE[after.whose].get(case.state)
    letter = _OVERTAKEN.get(case.why, of_state)
    if letter and not _is_settled(case):
        yield Sent(letter, after.to, Once.HOLD if case.state is State.HELD else Once.CASE)
    # A withdrawal that is declared while it runs off makes all of it due anew: nothing is past due.
    declared = before.case.kind is not case.kind
    if case.state is State.RUN_OFF and after.whose is not Kind.ESTATE and not declared:
        yield Sent(HELP, To.IN_ARREARS)


def _stands(at: At) -> tuple[State, Ground | None, Kind, To]:
    return at.case.state, at.case.ground, at.whose, at.to


def _is_settled(case: Exit) -> bool:
    """Whether a doubt is resolved, and the next step takes the case out of its hold."""
    return case.state is State.HELD and case.is_satisfied


def _in_doubt(sent: Sent, after: At) -> bool:
    """Whether somebody else may have asked: then it also goes where the customer was reached before."""
    if sent.to is not To.CUSTOMER:
        return False
    held = after.case.state is State.HELD and after.case.ground is Ground.IDENTITY
    of_state = sent.letter == _BY_STATE[after.whose].get(after.case.state)
    return sent.letter == _FIRST[Kind.ESTATE] or (of_state and (held or after.case.state is State.REJECTED))


def _to_users(before: At | None, after: At) -> Iterator[Sent]:
    """Whoever may draw besides the customer hears when that stops, and when it goes on."""
    drew = before is None or before.case.state is State.NOTICE
    if drew and after.case.is_open:
        yield Sent("user.stopped", To.USERS)
    if not drew and after.case.state is State.CANCELLED:
        yield Sent("user.resumed", To.USERS)
