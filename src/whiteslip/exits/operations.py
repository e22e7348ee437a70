"""What may be done to a line in which state, written once: the page in the docs and the tests read it.

A line's state has three regions (lifecycle, locks, debt) and sums that are not settled yet. Each
operation lists what stands against it, in the order in which it is told; what is not listed is
allowed. The rules themselves stand in the rooms; a test drives every cell and compares.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final


class Operation(StrEnum):
    """Something that customers, shops, banks or the lender do to a line."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    PAYMENT = "payment"
    RETURNED_PAYMENT = "returned_payment"
    CORRECT_PAYMENT = "correct_payment"
    FEE = "fee"
    FORCED_POST = "forced_post"
    DISPUTE = "dispute"
    RESOLVE_DISPUTE = "resolve_dispute"
    REDUCE_LIMIT = "reduce_limit"
    RAISE_LIMIT = "raise_limit"
    PAUSE = "pause"
    LATE_PAUSE = "pause_told_late"
    RESUME = "resume"
    LOCK_PART = "lock_part"
    ADD_USER = "add_user"
    RESTRICT = "restrict"
    TERMINATE = "terminate"
    REPORT_DEATH = "report_death"
    CLOSE = "close"
    CANCEL_CLOSING = "cancel_closing"
    WITHDRAW = "withdraw"
    SCHEDULE_CHANGE = "schedule_change"
    PAYDAY_CHANGE = "payday_change"
    CHARGE_OFF = "charge_off"
    SETTLE = "settle"
    NEW_TERMS = "new_terms"
    TERMS_IN_FORCE = "terms_in_force"
    CONTACT_CHANGE = "contact_change"
    NEW_AGREEMENT = "new_agreement"


class Lifecycle(StrEnum):
    """Columns of the first region, as the docs show them."""

    ACTIVE = "active"
    # The lender's notice runs: the line is active until it is over.
    NOTICE = "notice"
    CLOSING = "closing"
    RUN_OFF = "run_off"
    # Run off with all paid, of which a payment may still come back: the line is in run-off.
    CLEARING = "clearing"
    CLOSED = "closed"


class Lock(StrEnum):
    """Columns of the second region. ``EXIT`` goes with closing and run-off."""

    NONE = "none"
    CUSTOMER = "customer"
    # The customer's own lock, not to be lifted before its end.
    FIRM = "firm"
    # One part of drawing alone, by the customer or by the lender: the part that is asked for.
    PART = "part"
    ISSUER_PART = "issuer_part"
    # A limit that was reduced to what is drawn, or to next to nothing.
    CAP = "cap"
    ISSUER = "issuer"
    LEGAL = "legal"


class Debt(StrEnum):
    """Columns of the third region. No two states of any regions have the same value."""

    NONE = "nothing"
    CURRENT = "current"
    PAST_DUE = "past_due"
    # For longer than the pack's days (360), after which a debt may be taken as lost.
    LONG_PAST_DUE = "long_past_due"
    # A hardship plan is being kept: nothing is late, though the days past due stand where they stood.
    PLAN_KEPT = "plan_kept"
    PLAN_LATE = "plan_late"
    CHARGED_OFF = "charged_off"
    SETTLED = "settled"
    # Owed to somebody else, after a charge-off or after having left.
    SOLD = "sold"
    # What came up after closing: a payment that the bank took back.
    RESIDUAL = "residual"


class Sum(StrEnum):
    """Columns of the sums on a line of which it is not settled yet whose they are."""

    NONE = "all_clear"
    DISPUTED = "disputed"
    UNCLEARED = "uncleared"


ALLOWED: Final = "allowed"
# A forced post is taken in every state, and never as a debt.
AS_DISPUTE: Final = "becomes a dispute"
# A proposal is queued: another person of the lender's, or the customer, has yet to agree.
FOR_SECOND: Final = "queued for a second person"
FOR_CONSENT: Final = "queued for consent"
ALREADY: Final = "changes nothing"
# A late fee is nobody's wish: it arises in the night, or it does not.
NO_FEE: Final = "none arises"

# New terms that were told come on the line's day, or the line keeps those it has.
KEPT: Final = "keeps its terms"

# What is not simply done where nothing stands against it.
INSTEAD: Final[Mapping[Operation, str]] = {
    Operation.FORCED_POST: AS_DISPUTE,
    Operation.TERMINATE: FOR_SECOND,
    Operation.RAISE_LIMIT: FOR_CONSENT,
    Operation.CHARGE_OFF: FOR_SECOND,
    Operation.SETTLE: FOR_SECOND,
    Operation.NEW_TERMS: FOR_SECOND,
}

_NOT_ACTIVE: Final[Mapping[StrEnum, str]] = {
    Lifecycle.CLOSING: "line.not_active",
    Lifecycle.RUN_OFF: "line.not_active",
    Lifecycle.CLEARING: "line.not_active",
    Lifecycle.CLOSED: "line.not_active",
}

# Who has a bill that is late has had the line for longer than the fourteen days.
_AFTER_A_BILL: Final = (
    Debt.PAST_DUE,
    Debt.LONG_PAST_DUE,
    Debt.PLAN_KEPT,
    Debt.PLAN_LATE,
    Debt.CHARGED_OFF,
    Debt.SETTLED,
    Debt.SOLD,
    Debt.RESIDUAL,
)
_NOT_LOST: Final = (Debt.NONE, Debt.CURRENT, Debt.PAST_DUE, Debt.PLAN_KEPT, Debt.PLAN_LATE, Debt.RESIDUAL)

# Operation → what stands against it: a state of any region and the code it is answered with.
AGAINST: Final[Mapping[Operation, Mapping[StrEnum, str]]] = {
    Operation.AUTHORISE: {
        Lifecycle.CLOSING: "line.stopped",
        Lifecycle.RUN_OFF: "line.stopped",
        Lifecycle.CLEARING: "line.stopped",
        Lifecycle.CLOSED: "line.stopped",
        Lock.LEGAL: "line.locked",
        Lock.ISSUER: "line.restricted",
        # A charge-off locks the line for good, whatever becomes of the debt.
        Debt.CHARGED_OFF: "line.restricted",
        Debt.SETTLED: "line.restricted",
        Debt.SOLD: "line.restricted",
        Lock.CUSTOMER: "line.locked",
        Lock.FIRM: "line.locked",
        Lock.ISSUER_PART: "line.feature_restricted",
        Lock.PART: "line.feature_paused",
        Debt.PAST_DUE: "line.past_due",
        Debt.LONG_PAST_DUE: "line.past_due",
        Debt.PLAN_LATE: "line.past_due",
        Lock.CAP: "purchase.over_cap",
    },
    # Nothing is held there: a hold ends long before a debt is that old, and no line closes and no debt is
    # taken as lost while a shop may still capture, nor can either be drawn on afterwards. What a shop posts
    # later all the same is a forced post.
    Operation.CAPTURE: {
        Lifecycle.CLEARING: "purchase.nothing_held",
        Lifecycle.CLOSED: "purchase.nothing_held",
        Debt.LONG_PAST_DUE: "purchase.nothing_held",
        Debt.CHARGED_OFF: "purchase.nothing_held",
        Debt.SETTLED: "purchase.nothing_held",
        Debt.SOLD: "purchase.nothing_held",
    },
    # The API calls it release.
    Operation.VOID: {},
    Operation.REFUND: {},
    Operation.PAYMENT: {},
    Operation.RETURNED_PAYMENT: {},
    Operation.CORRECT_PAYMENT: {},
    # The late fee of the terms, on what is late and neither charged off nor given up: locks do not keep it
    # away, and leaving neither adds one nor takes one off.
    Operation.FEE: {
        Lifecycle.CLOSED: NO_FEE,
        Debt.NONE: NO_FEE,
        Debt.CURRENT: NO_FEE,
        # Charged once, in its night.
        Debt.LONG_PAST_DUE: NO_FEE,
        Debt.PLAN_KEPT: NO_FEE,
        Debt.PLAN_LATE: NO_FEE,
        Debt.CHARGED_OFF: NO_FEE,
        Debt.SETTLED: NO_FEE,
        Debt.SOLD: NO_FEE,
        Debt.RESIDUAL: NO_FEE,
    },
    Operation.FORCED_POST: {},
    Operation.DISPUTE: {},
    Operation.RESOLVE_DISPUTE: {Sum.NONE: "dispute.not_found", Sum.UNCLEARED: "dispute.not_found"},
    Operation.REDUCE_LIMIT: _NOT_ACTIVE,
    # No more is offered to whom drawing is stopped for, whoever stopped it.
    Operation.RAISE_LIMIT: {
        **_NOT_ACTIVE,
        Lock.CUSTOMER: "line.not_active",
        Lock.FIRM: "line.not_active",
        Lock.ISSUER: "line.not_active",
        Lock.LEGAL: "line.not_active",
        Debt.CHARGED_OFF: "line.not_active",
        Debt.SETTLED: "line.not_active",
        Debt.SOLD: "line.not_active",
    },
    Operation.PAUSE: _NOT_ACTIVE,
    Operation.LATE_PAUSE: {},
    Operation.RESUME: {Lock.FIRM: "lock.firm"},
    Operation.LOCK_PART: _NOT_ACTIVE,
    Operation.ADD_USER: _NOT_ACTIVE,
    # One restriction at a time: a smaller one is lifted before all drawing is stopped.
    Operation.RESTRICT: {**_NOT_ACTIVE, Lock.ISSUER_PART: "restriction.other_stands"},
    Operation.TERMINATE: {**_NOT_ACTIVE, Lifecycle.NOTICE: "termination.open"},
    # What a closed line still owes is the estate's.
    Operation.REPORT_DEATH: {Debt.RESIDUAL: ALLOWED, Lifecycle.CLOSED: "exit.line_closed"},
    Operation.CLOSE: {Lifecycle.CLOSED: "exit.line_closed"},
    Operation.CANCEL_CLOSING: {
        Lifecycle.ACTIVE: "exit.not_found",
        # The lender's notice is taken back by the lender, or ends with the customer's own wish.
        Lifecycle.NOTICE: "exit.not_cancellable",
        Lifecycle.CLEARING: "exit.not_cancellable",
        Lifecycle.CLOSED: "exit.not_cancellable",
    },
    Operation.WITHDRAW: {
        Lifecycle.CLOSED: "exit.line_closed",
        **dict.fromkeys(_AFTER_A_BILL, "withdraw.too_late"),
    },
    # Sums of a schedule change only where the customer agrees to a hardship plan; while one stands it is
    # that one.
    Operation.SCHEDULE_CHANGE: {
        Debt.NONE: "hardship.nothing_owed",
        Debt.CURRENT: "hardship.not_past_due",
        Debt.SETTLED: "hardship.nothing_owed",
        Debt.SOLD: "hardship.nothing_owed",
        Debt.RESIDUAL: "hardship.not_past_due",
    },
    # Later bills on another day of the month; a debt that was given up or sold has none to come.
    Operation.PAYDAY_CHANGE: {
        Lifecycle.CLOSED: "payday.nothing_to_move",
        Debt.CHARGED_OFF: "payday.nothing_to_move",
        Debt.SETTLED: "payday.nothing_to_move",
        Debt.SOLD: "payday.nothing_to_move",
    },
    Operation.CHARGE_OFF: {
        **dict.fromkeys(_NOT_LOST, "charge_off.not_due"),
        **dict.fromkeys((Debt.CHARGED_OFF, Debt.SETTLED, Debt.SOLD), ALREADY),
    },
    Operation.SETTLE: {
        **dict.fromkeys((*_NOT_LOST, Debt.LONG_PAST_DUE), "charge_off.not_charged_off"),
        Debt.SETTLED: ALREADY,
        Debt.SOLD: ALREADY,
    },
    # New terms for this line: what is bought from their day on. No lock and no debt changes what one may be
    # told, and none keeps what was told from coming; what is owed is on the terms it was bought on.
    Operation.NEW_TERMS: _NOT_ACTIVE,
    # Told before the line came into the state, and now is their day.
    Operation.TERMS_IN_FORCE: dict.fromkeys((Lifecycle.NOTICE, *_NOT_ACTIVE), KEPT),
    Operation.CONTACT_CHANGE: {},
    Operation.NEW_AGREEMENT: {},
}


def answer(operation: Operation, lifecycle: Lifecycle, lock: Lock, debt: Debt, total: Sum = Sum.NONE) -> str:
    """What the operation is answered with in a state: allowed, queued, or the code that stands against it."""
    return told(operation, (lifecycle, lock, debt, total))


def told(operation: Operation, states: Collection[StrEnum]) -> str:
    """As :func:`answer`, where several locks or sums may stand at once."""
    code = next((code for state, code in AGAINST[operation].items() if state in states), ALLOWED)
    return INSTEAD.get(operation, ALLOWED) if code == ALLOWED else code


def page() -> str:
    """The matrix as the docs show it: a row per operation, a column per state of a region."""
    columns: list[StrEnum] = [*Lifecycle, *Lock, *Debt, *Sum]
    heads = [
        "Operation",
        *(f"{type(column).__name__.lower()} {column.replace('_', ' ')}" for column in columns),
    ]
    rows = [heads, ["---"] * len(heads)]
    for operation in Operation:
        told = INSTEAD.get(operation, "yes")
        against = {state: code for state, code in AGAINST[operation].items() if code != ALLOWED}
        cells = [_cell(against.get(state, told)) for state in columns]
        rows.append([operation.replace("_", " "), *cells])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def _cell(told: str) -> str:
    """Codes as code, words as words."""
    return f"`{told}`" if "." in told else told
