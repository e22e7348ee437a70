"""The verbs of the ledger. None commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

import psycopg

from whiteslip.ledger.model import Account, SealedError, Transfer, TrialBalance
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)
_SEALED: Final = "WL002"


def open_accounts(tx: Tx, accounts: Sequence[Account]) -> None:
    """Open accounts. One that exists with that owner, code and currency is left as it is."""
    _queries.open_accounts(
        tx.conn,
        id=[a.id for a in accounts],
        code=[a.code for a in accounts],
        owner=[a.owner for a in accounts],
        currency=[a.currency for a in accounts],
        debit_limit=[a.debit_limit for a in accounts],
        credit_limit=[a.credit_limit for a in accounts],
    )


def post(tx: Tx, transfers: Sequence[Transfer], booked_on: date, now: datetime) -> None:
    """Post a batch of transfers: all of them, or none and an error from the database.

    A sealed day raises SealedError; an account limit, an unknown account or a hold resolved twice
    psycopg.errors.Error with a SQLSTATE that ``ledger.sql`` lists. Callers decide first and post
    after; an error here is a bug or a race, and the transaction is lost with it.
    """
    if not transfers:
        return
    try:
        _queries.post(
            tx.conn,
            id=[t.id for t in transfers],
            event=[t.event for t in transfers],
            recipe=[t.recipe for t in transfers],
            phase=[t.phase.value for t in transfers],
            pending=[t.pending for t in transfers],
            debit=[t.debit for t in transfers],
            credit=[t.credit for t in transfers],
            amount=[t.amount for t in transfers],
            value_on=[t.value_on for t in transfers],
            booked_on=booked_on,
            at=now,
        )
    except psycopg.Error as error:
        if error.sqlstate == _SEALED:
            raise SealedError(f"{booked_on} is sealed") from error
        raise


def accounts(tx: Tx, ids: Iterable[UUID]) -> dict[UUID, Account]:
    """Accounts with their sums, by id. Unknown ids are absent."""
    return {row["id"]: Account(**row) for row in _queries.accounts(tx.conn, ids=list(ids))}


def set_debit_limit(tx: Tx, account: UUID, limit: int | None) -> None:
    """Change how much the account may be drawn. Below what is drawn it only stops more."""
    _queries.set_debit_limit(tx.conn, account=account, limit=limit)


def trial_balance(tx: Tx) -> list[TrialBalance]:
    """Sums by account code and currency."""
    return [TrialBalance(**row) for row in _queries.trial_balance(tx.conn)]


def is_balanced(rows: Iterable[TrialBalance]) -> bool:
    """Whether debits equal credits, posted and pending, in each currency."""
    sums: dict[str, tuple[int, int]] = {}
    for row in rows:
        posted, pending = sums.get(row.currency, (0, 0))
        sums[row.currency] = (
            posted + row.debits - row.credits,
            pending + row.pending_debits - row.pending_credits,
        )
    return all(pair == (0, 0) for pair in sums.values())


def violations(tx: Tx) -> list[str]:
    """Broken invariants in words, from SQL that returns offending rows; empty is sound."""
    return [f"{row['invariant']}: {row['detail']}" for row in _queries.violations(tx.conn)]


def violations_of_day(tx: Tx, day: date) -> list[str]:
    """:func:`violations` of the obligors' accounts that moved on ``day``: cheap enough for a night."""
    rows = _queries.violations_of_day(tx.conn, day=day)
    return [f"{row['invariant']}: {row['detail']}" for row in rows]


def history(tx: Tx, account_ids: Sequence[UUID]) -> list[Row]:
    """Transfers that touch any of the accounts, oldest first."""
    return list(_queries.history(tx.conn, accounts=list(account_ids)))


def seal(tx: Tx, day: date, now: datetime) -> None:
    """Seal ``day`` with its trial balance: nothing can be booked on it or before it again.

    It waits for those who book on the day at this moment, so the transaction should hold no lock that they
    may want. Sealing twice is harmless.
    """
    tx.flush()
    _queries.seal_day(tx.conn, day=day, at=now)


def unpinned(tx: Tx) -> list[str]:
    """Sealed days that do not find the journal's row they were sealed with, in words."""
    return [
        f"row {row['journal_seq']}: it is not what {row['day']} was sealed with"
        for row in _queries.unpinned(tx.conn)
    ]


def last_sealed_day(tx: Tx) -> date | None:
    """The last day that was sealed."""
    return _queries.last_sealed_day(tx.conn)
