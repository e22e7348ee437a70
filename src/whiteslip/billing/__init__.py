"""Billing: what is owed, when, and what settles it.

What it owns: schema ``billing``. A purchase becomes a *plan* of instalments whose days and sums
are fixed; on the statement day the instalments that fall in are *billed*; a *payment* settles
what is charged, oldest due day first (fee, interest, principal), then what running months have
earned, then prepays principal, then is credit.

The price of a month, interest or fee, is earned day by day on the principal that is outstanding
(``earning.py``). Repaying early gives up the rest of it; the schedule stays, the giving up is a
settlement of its own. A late fee is owed when it arises and asked for in the next bill.

The third region of a line's state is derived here and stored nowhere: days past due, the
delinquency bucket, the five-level class, the IFRS 9 stage.

Invariants (``violations`` returns offending rows)
----------
- The schedule of a plan never changes; the database refuses it.
- Open principal and charged interest and fees equal the line's ledger accounts.
- What an instalment counts as settled equals its settlements.
- The parts of a payment sum to the payment; of a returned one, to nothing.
- Interest and fees of a month that has not begun are never asked for.
- Paying the payoff quote on or before its day leaves nothing owed.
- What becomes known late ends where it would have, had it been booked on its day (``late.py``).
- A mandate that ended collects nothing; the lender ends every one with the line.
- Cash back is on the ledger, never below zero, and redeemed at face value.

Beside the door stand ``mandates``, ``rewards`` and the singular forms
``debt`` and ``receive`` of ``debts`` and ``receive_many``.
"""

from whiteslip.billing.acts import debt as debt
from whiteslip.billing.acts import debts, payoff, refund, violations, waive_remainder
from whiteslip.billing.bills import add_plans, charge_late_fees, issue_bills
from whiteslip.billing.model import NewPayment
from whiteslip.billing.payments import receive as receive
from whiteslip.billing.payments import receive_many, return_payment
from whiteslip.billing.payouts import pay_out_credit

__all__ = [
    "NewPayment",
    "add_plans",
    "charge_late_fees",
    "debts",
    "issue_bills",
    "pay_out_credit",
    "payoff",
    "receive_many",
    "refund",
    "return_payment",
    "violations",
    "waive_remainder",
]
