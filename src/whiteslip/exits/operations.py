"""What may be done to a line in which state, written once: the page in the docs and the tests read it.

A line's state has three regions (lifecycle, locks, debt). Each operation lists what stands against
it, in the order in which it is told; what is not listed is allowed. The rules themselves stand in
the rooms; a test drives every cell and compares.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    REDUCE_LIMIT = "reduce_limit"
    PAUSE = "pause"
    LATE_PAUSE = "pause_told_late"
    RESUME = "resume"
    RESTRICT = "restrict"
    TERMINATE = "terminate"
    REPORT_DEATH = "report_death"
    CLOSE = "close"
    CANCEL_CLOSING = "cancel_closing"
    SCHEDULE_CHANGE = "schedule_change"
    CONTACT_CHANGE = "contact_change"
    NEW_AGREEMENT = "new_agreement"


class Lifecycle(StrEnum):
    """Columns of the first region, as the docs show them."""

    ACTIVE = "active"
    CLOSING = "closing"
    RUN_OFF = "run_off"
    CLOSED = "closed"


class Lock(StrEnum):
    """Columns of the second region. ``EXIT`` goes with closing and run-off."""

    NONE = "none"
    CUSTOMER = "customer"
    ISSUER = "issuer"
    LEGAL = "legal"


class Debt(StrEnum):
    """Columns of the third region. No two states of any regions have the same value."""

    NONE = "nothing"
    CURRENT = "current"
    PAST_DUE = "past_due"
    # A hardship plan is being kept: nothing is late, though the days past due stand where they stood.
    PLAN_KEPT = "plan_kept"
    PLAN_LATE = "plan_late"
    CHARGED_OFF = "charged_off"
    SETTLED = "settled"


ALLOWED: Final = "allowed"
# A forced post is taken in every state, and never as a debt.
AS_DISPUTE: Final = "becomes a dispute"
# A late fee is nobody's wish: it arises in the night, or it does not.
NO_FEE: Final = "none arises"

_NOT_ACTIVE: Final[Mapping[StrEnum, str]] = {
    Lifecycle.CLOSING: "line.not_active",
    Lifecycle.RUN_OFF: "line.not_active",
    Lifecycle.CLOSED: "line.not_active",
}

# Operation → what stands against it: a state of any region and the code it is answered with.
AGAINST: Final[Mapping[Operation, Mapping[StrEnum, str]]] = {
    Operation.AUTHORISE: {
        Lifecycle.CLOSING: "line.stopped",
        Lifecycle.RUN_OFF: "line.stopped",
        Lifecycle.CLOSED: "line.stopped",
        Lock.LEGAL: "line.frozen",
        Lock.ISSUER: "line.restricted",
        # A charge-off locks the line for good, whatever becomes of the debt.
        Debt.CHARGED_OFF: "line.restricted",
        Debt.SETTLED: "line.restricted",
        Lock.CUSTOMER: "line.locked",
        Debt.PAST_DUE: "line.past_due",
        Debt.PLAN_LATE: "line.past_due",
    },
    # Nothing is held there: no line closes and no debt is taken as lost while a shop may still capture, and
    # neither can be drawn on afterwards. What a shop posts later all the same is a forced post.
    Operation.CAPTURE: {
        Lifecycle.CLOSED: "purchase.nothing_held",
        Debt.CHARGED_OFF: "purchase.nothing_held",
        Debt.SETTLED: "purchase.nothing_held",
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
        Debt.PLAN_KEPT: NO_FEE,
        Debt.PLAN_LATE: NO_FEE,
        Debt.CHARGED_OFF: NO_FEE,
        Debt.SETTLED: NO_FEE,
    },
    Operation.FORCED_POST: {},
    Operation.DISPUTE: {},
    Operation.REDUCE_LIMIT: _NOT_ACTIVE,
    Operation.PAUSE: _NOT_ACTIVE,
    Operation.LATE_PAUSE: {},
    Operation.RESUME: {},
    Operation.RESTRICT: _NOT_ACTIVE,
    Operation.TERMINATE: _NOT_ACTIVE,
    Operation.REPORT_DEATH: {Lifecycle.CLOSED: "exit.line_closed"},
    Operation.CLOSE: {Lifecycle.CLOSED: "exit.line_closed"},
    Operation.CANCEL_CLOSING: {
        Lifecycle.ACTIVE: "exit.not_found",
        Lifecycle.CLOSED: "exit.not_cancellable",
    },
    # A schedule changes only where the customer agrees to a hardship plan; while one stands it is that one.
    Operation.SCHEDULE_CHANGE: {
        Debt.NONE: "hardship.nothing_owed",
        Debt.CURRENT: "hardship.not_past_due",
        Debt.SETTLED: "hardship.nothing_owed",
    },
    Operation.CONTACT_CHANGE: {},
    Operation.NEW_AGREEMENT: {},
}


def answer(operation: Operation, lifecycle: Lifecycle, lock: Lock, debt: Debt) -> str:
    """What the operation is answered with in a state: allowed, or the code that stands against it."""
    against = AGAINST[operation]
    told = next((code for state, code in against.items() if state in (lifecycle, lock, debt)), ALLOWED)
    return AS_DISPUTE if told == ALLOWED and operation is Operation.FORCED_POST else told


def page() -> str:
    """The matrix as the docs show it: a row per operation, a column per state of a region."""
    columns: list[StrEnum] = [*Lifecycle, *Lock, *Debt]
    heads = [
        "Operation",
        *(f"{type(column).__name__.lower()} {column.replace('_', ' ')}" for column in columns),
    ]
    rows = [heads, ["---"] * len(heads)]
    for operation in Operation:
        told = AS_DISPUTE if operation is Operation.FORCED_POST else "yes"
        cells = [_cell(AGAINST[operation].get(state, told)) for state in columns]
        rows.append([operation.replace("_", " "), *cells])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def _cell(told: str) -> str:
    """Codes as code, words as words."""
    return f"`{told}`" if "." in told else told
