"""Where money that is owed to somebody goes: an account they named, and how it was found to be theirs.

The number is sealed under the person's key and goes with it. One account stands; another one ends it at
once and waits to be verified in its turn, so that nothing goes to either in between. None commits.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from stdnum import iban, luhn
from stdnum.us import rtn

from whiteslip.base import Refusal, new_id
from whiteslip.identity.rules import normal_id_number
from whiteslip.identity.vault import Vault, decrypt, encrypt
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)
_SHOWN: Final = 4


class Scheme(StrEnum):
    """What a number of an account is: a pack says which are known in its country."""

    IBAN = "iban"
    CARD = "card"
    SORT_CODE = "sort_code"
    ROUTING = "routing"


class How(StrEnum):
    """How it was found that the account belongs to the person: their bank said whose name it is in, a
    code that went with a small sum came back, or the bank confirmed it in writing.
    """

    NAME_MATCH = "name_match"
    MICRO_DEPOSIT = "micro_deposit"
    BANK_CONFIRMATION = "bank_confirmation"


@dataclass(frozen=True, slots=True)
class PayoutAccount:
    """An account that somebody named. ``number`` is for who sends money to it, and for nobody else."""

    id: UUID
    subject: UUID
    scheme: Scheme
    given_at: datetime
    verified_at: datetime | None
    verified_how: How | None
    number: str = field(repr=False)

    @property
    def ends(self) -> str:
        """The last four characters: all that a page may show of it."""
        return self.number[-_SHOWN:]


def scheme_of(number: str, known: Collection[str]) -> Scheme | None:
    """Which of the ``known`` schemes a number in normal form follows, its check digits included.

    IBAN: ISO 13616, with the structure of its country. Card: 12 to 19 digits, ISO/IEC 7812-1 (Luhn).
    Sort code: six digits and the eight of the account, which carry no check of their own. Routing:
    the nine digits of the ABA with their check digit, and 4 to 17 of the account.
    """
    fits = {
        Scheme.IBAN: number[:2].isalpha() and iban.is_valid(number),
        Scheme.CARD: bool(re.fullmatch(r"[0-9]{12,19}", number)) and luhn.is_valid(number),
        Scheme.SORT_CODE: bool(re.fullmatch(r"[0-9]{14}", number)),
        Scheme.ROUTING: bool(re.fullmatch(r"[0-9]{13,26}", number)) and rtn.is_valid(number[:9]),
    }
    return next((scheme for scheme, fit in fits.items() if fit and scheme in known), None)


def give(
    tx: Tx, vault: Vault, subject: UUID, number: str, known: Collection[str], actor: str, now: datetime
) -> PayoutAccount | Refusal:
    """Name an account. The same number again changes nothing; another one takes its place, unverified.

    Refusals: ``payout_account.number_invalid``, ``identity.not_found``.
    """
    typed = normal_id_number(number)
    scheme = scheme_of(typed, known)
    if scheme is None:
        return Refusal("payout_account.number_invalid")
    row = _queries.record_to_change(tx.conn, subject=subject)
    if row is None:
        return Refusal("identity.not_found")
    stands = standing(tx, vault, subject, lock=True)
    if stands and stands.number == typed:
        return stands
    made = PayoutAccount(new_id(now), subject, scheme, now, None, None, typed)
    key = vault.of(row["master"]).unwrap(subject, bytes(row["wrapped"]))
    sealed = encrypt(AESGCMSIV(key), typed.encode(), _bound(made.id))
    _queries.end_accounts(tx.conn, subject=subject, now=now)
    _queries.add_account(tx.conn, id=made.id, subject=subject, scheme=scheme, sealed=sealed, now=now)
    data = {"account": made.id, "replaces": stands.id if stands else None}
    tx.record(Entry(now, "payout_account.given", "customer", subject, actor, data))
    return made


def verify(
    tx: Tx, vault: Vault, subject: UUID, account: UUID, how: How, actor: str, now: datetime
) -> PayoutAccount | Refusal:
    """Note that an account was found to be the person's own. Twice changes nothing.

    Refusal: ``payout_account.not_found``, also for one that another has replaced meanwhile.
    """
    found = standing(tx, vault, subject, lock=True)
    if found is None or found.id != account:
        return Refusal("payout_account.not_found")
    if found.verified_at:
        return found
    _queries.verify_account(tx.conn, id=found.id, how=how, now=now)
    data = {"account": found.id, "how": how}
    tx.record(Entry(now, "payout_account.verified", "customer", subject, actor, data))
    return PayoutAccount(found.id, subject, found.scheme, found.given_at, now, how, found.number)


def reveal(
    tx: Tx, vault: Vault, subject: UUID, purpose: str, actor: str, now: datetime
) -> PayoutAccount | Refusal:
    """The account with its number, for who sends money to it or asks its bank; who looked is journalled.

    Refusal: ``payout_account.not_found``.
    """
    found = standing(tx, vault, subject)
    if found is None:
        return Refusal("payout_account.not_found")
    data = {"account": found.id, "purpose": purpose}
    tx.record(Entry(now, "payout_account.revealed", "customer", subject, actor, data))
    return found


def standing(tx: Tx, vault: Vault, subject: UUID, lock: bool = False) -> PayoutAccount | None:
    """The account that stands, verified or not; with ``lock`` held until the transaction ends."""
    ask = _queries.standing_account_locked if lock else _queries.standing_account
    row = ask(tx.conn, subject=subject)
    return _read(vault, row) if row else None


def verified(tx: Tx, subject: UUID) -> UUID | None:
    """The account that money may be sent to, if there is one."""
    return _queries.verified_account(tx.conn, subject=subject)


def every(tx: Tx, vault: Vault, subject: UUID) -> list[PayoutAccount]:
    """All that a person ever named, the newest first."""
    return [_read(vault, row) for row in _queries.accounts(tx.conn, subject=subject)]


def _bound(account: UUID) -> bytes:
    return account.bytes + b"payout_account"


def _read(vault: Vault, row: Row) -> PayoutAccount:
    key = vault.of(row["master"]).unwrap(row["subject"], bytes(row["wrapped"]))
    how = How(row["verified_how"]) if row["verified_how"] else None
    number = decrypt(AESGCMSIV(key), bytes(row["sealed"]), _bound(row["id"])).decode()
    scheme = Scheme(row["scheme"])
    return PayoutAccount(row["id"], row["subject"], scheme, row["given_at"], row["verified_at"], how, number)
