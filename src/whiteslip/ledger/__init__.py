"""Ledger: double entry after TigerBeetle's model, in PostgreSQL.

What it owns: accounts and transfers, in schema ``ledger``; all of it is readable in one file,
``migrations/ledger.sql``. It knows no customer, line or purchase: accounts have codes and owners,
transfers have events and recipes.

Invariants (``ledger.v_violation`` returns offending rows)
----------
- A transfer moves an amount from one account to another: the sum is zero by construction.
- Transfers are never updated or deleted; the database refuses it to every role.
- A pending transfer is resolved once: posted in full or part, or voided, or expired.
- An account's sums equal what its transfers rebuild.
- Limits of an account hold inside the database, whatever a caller does.
- A sealed day takes no more bookings; what is learned late is booked today with its value date.
"""

from whiteslip.ledger.acts import (
    accounts,
    history,
    is_balanced,
    open_accounts,
    post,
    seal,
    set_debit_limit,
    trial_balance,
    violations,
    violations_of_day,
)
from whiteslip.ledger.model import Account, Transfer

__all__ = [
    "Account",
    "Transfer",
    "accounts",
    "history",
    "is_balanced",
    "open_accounts",
    "post",
    "seal",
    "set_debit_limit",
    "trial_balance",
    "violations",
    "violations_of_day",
]
