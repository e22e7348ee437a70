"""Billing: what is owed, when, and what settles it.

What it owns: schema ``billing``. A purchase becomes a *plan* of instalments whose days and sums
are fixed; on the statement day the instalments that fall in are *billed*; a *payment* settles
billed instalments oldest first (fee, interest, principal), then prepays, then is credit.

The third region of a line's state is derived here and stored nowhere: days past due, the
delinquency bucket, the five-level class, the IFRS 9 stage.

Invariants (``violations`` returns offending rows)
----------
- The schedule of a plan never changes; the database refuses it.
- Open principal, billed interest and billed fees equal the line's ledger accounts.
- The parts of a payment sum to the payment.
- Interest and fees of a month that has not begun are never asked for.
"""

from whiteslip.billing.acts import (
    debt,
    debts,
    pay_out_credit,
    payoff,
    receive,
    refund,
    return_payment,
    violations,
    waive_remainder,
)
from whiteslip.billing.bills import add_plans, charge_late_fees, issue_bills

__all__ = [
    "add_plans",
    "charge_late_fees",
    "debt",
    "debts",
    "issue_bills",
    "pay_out_credit",
    "payoff",
    "receive",
    "refund",
    "return_payment",
    "violations",
    "waive_remainder",
]
