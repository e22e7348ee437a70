"""One-time codes, and what a proof is good for afterwards.

After GOV.UK's pattern: digits only, spaces and dashes forgiven, good for a quarter of an hour, an
older code stays good when a new one is sent, and one that ran out is told from a wrong one.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip.base import Refusal, new_id
from whiteslip.identity.model import Code
from whiteslip.identity.vault import Vault
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
_DIGITS: Final = 6
# For this long after it ran out, a code is called expired; after that it is merely wrong.
_REMEMBERED: Final = timedelta(hours=2)


def send_code(
    tx: Tx,
    vault: Vault,
    subject: UUID,
    purpose: str,
    minutes: int,
    per_hour: int,
    now: datetime,
    *,
    draw: Callable[[int], int] = secrets.randbelow,
) -> Code | Refusal:
    """Make a code, good for ``minutes``, for the caller to deliver.

    ``draw`` gives a number below its argument; a demonstration may pass one that can be foretold.
    Refusal: ``identity.too_many_codes``, above ``per_hour``.
    """
    _lock(tx, subject)
    hour_ago = now - timedelta(hours=1)
    sent = _queries.codes_since(tx.conn, subject=subject, purpose=purpose, since=hour_ago)
    if sent >= per_hour:
        return Refusal("identity.too_many_codes", {"per_hour": per_hour})
    text = f"{draw(10**_DIGITS):0{_DIGITS}d}"
    expires_at = now + timedelta(minutes=minutes)
    _queries.add_code(
        tx.conn,
        id=new_id(now),
        subject=subject,
        purpose=purpose,
        hash=vault.code_hash(subject, purpose, text),
        now=now,
        expires_at=expires_at,
    )
    tx.record(Entry(now, "identity.code_sent", "customer", subject, "system", {"purpose": purpose}))
    return Code(text, expires_at)


def check_code(
    tx: Tx,
    vault: Vault,
    subject: UUID,
    purpose: str,
    typed: str,
    minutes: int,
    attempts: int,
    now: datetime,
) -> Refusal | None:
    """Whether ``typed`` is a code sent for the purpose; None means yes, and uses it up.

    A wrong answer is counted, so the caller must commit also when refused. After ``attempts``
    wrong ones within ``minutes`` no code is looked at any more. Refusals:
    ``identity.too_many_attempts``, ``identity.code_expired``, ``identity.code_wrong``.
    """
    if is_exhausted(tx, subject, purpose, minutes, attempts, now):
        return Refusal("identity.too_many_attempts", {"minutes": minutes})
    since = now - timedelta(minutes=minutes)
    digits = "".join(letter for letter in unicodedata.normalize("NFKC", typed) if letter.isdecimal())
    wanted = vault.code_hash(subject, purpose, digits)
    rows = _queries.unused_codes(tx.conn, subject=subject, purpose=purpose, since=since - _REMEMBERED)
    found = [row for row in rows if hmac.compare_digest(bytes(row["hash"]), wanted)]
    if found and found[0]["expires_at"] > now:
        _queries.use_codes(tx.conn, subject=subject, purpose=purpose, now=now)
        _queries.forget_attempts(tx.conn, subject=subject, purpose=purpose)
        return None
    if found:
        return Refusal("identity.code_expired", {"minutes": minutes})
    count_failure(tx, subject, purpose, now)
    return Refusal("identity.code_wrong")


def count_failure(tx: Tx, subject: UUID, purpose: str, now: datetime) -> None:
    """Count a wrong answer, also one that was wrong beside the code."""
    _queries.add_attempt(tx.conn, subject=subject, purpose=purpose, now=now)
    tx.record(Entry(now, "identity.check_failed", "customer", subject, "system", {"purpose": purpose}))


def is_exhausted(tx: Tx, subject: UUID, purpose: str, minutes: int, attempts: int, now: datetime) -> bool:
    """Whether so many answers were wrong within ``minutes`` that no further one is looked at.

    Who asks has their turn until the end of the transaction: of answers at once each sees those before it.
    """
    _lock(tx, subject)
    since = now - timedelta(minutes=minutes)
    wrong = _queries.attempts_since(tx.conn, subject=subject, purpose=purpose, since=since)
    return wrong >= attempts


def record_verification(
    tx: Tx, subject: UUID, method: str, now: datetime, session: UUID | None = None
) -> None:
    """Note that a person proved who they are, in ``session`` or on a machine's behalf."""
    _queries.add_verification(tx.conn, subject=subject, method=method, session=session, now=now)
    tx.record(Entry(now, "identity.verified", "customer", subject, "system", {"method": method}))


def verified_within(tx: Tx, subject: UUID, minutes: int, now: datetime, session: UUID | None = None) -> bool:
    """Whether the person proved who they are in the last ``minutes``, in this very session."""
    since = now - timedelta(minutes=minutes)
    return bool(_queries.verified_since(tx.conn, subject=subject, since=since, session=session))


def _lock(tx: Tx, subject: UUID) -> None:
    """Two answers at once take turns, so that attempts cannot be counted twice as one."""
    list(_queries.lock_subject(tx.conn, key=f"code:{subject}"))
