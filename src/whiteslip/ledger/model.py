"""Accounts and transfers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec


class SealedError(Exception):
    """The day was sealed while somebody was about to book on it.

    Nothing is written; who asks again books on the day after.
    """


class Phase(StrEnum):
    """How a transfer takes effect: at once, or in two phases."""

    SINGLE = "single"
    PENDING = "pending"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class Account:
    """An account and its four sums, all in minor units.

    ``debit_limit`` is the most that debits may exceed posted credits by; ``credit_limit`` the
    reverse; None is no limit.
    """

    id: UUID
    code: str
    owner: UUID | None
    currency: str
    debit_limit: int | None = None
    credit_limit: int | None = None
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0

    @property
    def net_debit(self) -> int:
        """Posted debits less posted credits: the balance of an asset."""
        return self.debits_posted - self.credits_posted

    @property
    def room(self) -> int | None:
        """What may still be debited under the debit limit; negative when it was cut below use."""
        if self.debit_limit is None:
            return None
        return self.debit_limit - self.debits_pending - self.net_debit


class Transfer(msgspec.Struct, frozen=True, gc=False):
    """An amount in minor units from ``credit`` to ``debit``, as one leg of a business ``event``.

    POST and VOID name the pending transfer they resolve and take its accounts; their ``amount``
    may be None for all of it. ``value_on`` is the day it counts from, if not the day of booking.
    """

    id: UUID
    event: UUID
    recipe: str
    debit: UUID | None
    credit: UUID | None
    amount: int | None
    phase: Phase = Phase.SINGLE
    pending: UUID | None = None
    value_on: date | None = None


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Sums of all accounts of one code and currency, in minor units."""

    code: str
    currency: str
    accounts: int
    debits: int
    credits: int
    pending_debits: int
    pending_credits: int
