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
    RAISE_LIMIT = "raise_limit"
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
# A proposal is queued: another person of the lender's, or the customer, has yet to agree.
FOR_SECOND: Final = "queued for a second person"
FOR_CONSENT: Final = "queued for consent"
# A late fee is nobody's wish: it arises in the night, or it does not.
NO_FEE: Final = "none arises"

# What is not simply done where nothing stands against it.
INSTEAD: Final[Mapping[Operation, str]] = {
    Operation.FORCED_POST: AS_DISPUTE,
    Operation.TERMINATE: FOR_SECOND,
    Operation.RAISE_LIMIT: FOR_CONSENT,
}

# What the table does not drive, and the tests that do.
ELSEWHERE: Final[Mapping[str, str]] = {
    "a debt that was sold": "tests/billing/test_sales.py",
    "a sum in dispute": "tests/purchases/test_disputes.py",
    "a payment that has not cleared": "tests/billing/test_returns.py",
    "a debt that comes up after closing": "tests/billing/test_returns.py",
    "operations one after another, in any order": "tests/exits/test_any_order.py",
}

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
    # No more is offered to whom drawing is stopped for, whoever stopped it.
    Operation.RAISE_LIMIT: {
        **_NOT_ACTIVE,
        Lock.CUSTOMER: "line.not_active",
        Lock.ISSUER: "line.not_active",
        Lock.LEGAL: "line.not_active",
        Debt.CHARGED_OFF: "line.not_active",
        Debt.SETTLED: "line.not_active",
    },
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
    """What the operation is answered with in a state: allowed, queued, or the code that stands against it."""
    against = AGAINST[operation]
    told = next((code for state, code in against.items() if state in (lifecycle, lock, debt)), ALLOWED)
    return INSTEAD.get(operation, ALLOWED) if told == ALLOWED else told


def page() -> str:
    """The matrix as the docs show it: a row per operation, a column per state of a region."""
    columns: list[StrEnum] = [*Lifecycle, *Lock, *Debt]
    heads = [
        "Operation",
        *(f"{type(column).__name__.lower()} {column.replace('_', ' ')}" for column in columns),
    ]
    rows = [heads, ["---"] * len(heads)]
    for operation in Operation:
        told = INSTEAD.get(operation, "yes")
        cells = [_cell(AGAINST[operation].get(state, told)) for state in columns]
        rows.append([operation.replace("_", " "), *cells])
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    gaps = "\n".join(f"- {state}: `{tests}`" for state, tests in ELSEWHERE.items())
    lead = "The table has no column for these; other tests drive some operations in them, not all:"
    return f"{table}\n\n{lead}\n\n{gaps}\n"


def _cell(told: str) -> str:
    """Codes as code, words as words."""
    return f"`{told}`" if "." in told else told
