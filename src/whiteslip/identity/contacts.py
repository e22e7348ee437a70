"""Another phone or e-mail: first wished for, then proven by a code that is sent to the new place.

A wish is sealed like a document and lasts as long as its code. Of wishes that follow each other the last
stands, and codes that went to the place of an earlier one are worth nothing. At the desk one person
proposes and another decides, since nothing was sent to the new place there. None commits.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from whiteslip.base import Refusal
from whiteslip.identity import codes, rules
from whiteslip.identity.documents import delete_document, documents_of, keep, peek_document
from whiteslip.identity.model import Code, Person
from whiteslip.identity.vault import Vault, change_contact, peek
from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)
PURPOSE: Final = "contact"
_WISH, _PROPOSAL = "contact_wish", "contact_proposal"
# A proposal that nobody decided in this time is over.
_WAITS: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Wish:
    """Where somebody wants to be reached; empty where it stays. ``by`` is who asked for it."""

    document: UUID
    phone: str = field(repr=False)
    email: str = field(repr=False)
    by: str
    until: datetime

    @property
    def part(self) -> str:
        """What changes: ``phone`` or ``email``."""
        return "phone" if self.phone else "email"


def ask(
    tx: Tx,
    vault: Vault,
    subject: UUID,
    place: str,
    minutes: int,
    per_hour: int,
    actor: str,
    now: datetime,
) -> tuple[Person, Code] | Refusal:
    """Wish for another place; the code is for the caller to deliver there, to the person that is returned.

    Refusals: ``identity.not_found``, ``identity.phone_invalid``, ``identity.email_invalid``,
    ``identity.contact_same``, ``identity.too_many_codes``.
    """
    new = _as_wished(tx, vault, subject, place)
    if isinstance(new, Refusal):
        return new
    person, phone, email = new
    _queries.use_codes(tx.conn, subject=subject, purpose=PURPOSE, now=now)
    code = codes.send_code(tx, vault, subject, PURPOSE, minutes, per_hour, now)
    if isinstance(code, Refusal):
        return code
    _keep(tx, vault, subject, _WISH, (phone, email), code.expires_at, actor, now)
    return person, code


def _as_wished(tx: Tx, vault: Vault, subject: UUID, place: str) -> tuple[Person, str, str] | Refusal:
    """The person at another place, and which part of it is new."""
    old = peek(tx, vault, subject)
    if isinstance(old, Refusal):
        return old
    is_email = "@" in rules.normal_email(place)
    wished = replace(old, email=place) if is_email else replace(old, phone=place)
    new = rules.normalise(wished, vault.region)
    if isinstance(new, Refusal):
        return new
    if new == old:
        return Refusal("identity.contact_same")
    return new, "" if is_email else new.phone, new.email if is_email else ""


def _keep(
    tx: Tx,
    vault: Vault,
    subject: UUID,
    kind: str,
    places: tuple[str, str],
    until: datetime,
    actor: str,
    now: datetime,
) -> None:
    for row in documents_of(tx, subject, kind):
        delete_document(tx, row["id"], now)
    content = msgspec.json.encode([*places, actor])
    keep(tx, vault, subject, kind, "application/json", content, until, actor, now)


def _standing(tx: Tx, vault: Vault, subject: UUID, kind: str, now: datetime) -> Wish | None:
    row = next(iter(documents_of(tx, subject, kind)), None)
    if row is None or row["keep_until"] <= now:
        return None
    found = peek_document(tx, vault, row["id"])
    if isinstance(found, Refusal):
        return None
    phone, email, by = msgspec.json.decode(found.content, type=list[str])
    return Wish(row["id"], phone, email, by, row["keep_until"])


def wished(tx: Tx, vault: Vault, subject: UUID, now: datetime) -> Wish | None:
    """What waits for its code."""
    return _standing(tx, vault, subject, _WISH, now)


def proposed(tx: Tx, vault: Vault, subject: UUID, now: datetime) -> Wish | None:
    """What waits for a second person."""
    return _standing(tx, vault, subject, _PROPOSAL, now)


def confirm(
    tx: Tx, vault: Vault, subject: UUID, typed: str, minutes: int, attempts: int, actor: str, now: datetime
) -> Wish | Refusal:
    """The code that reached the new place: from now on it is where they are reached.

    A wrong answer is counted, so the caller must commit also when refused. Refusals:
    ``identity.contact_not_asked``, those of ``codes.check_code`` and of ``change_contact``.
    """
    wish = wished(tx, vault, subject, now)
    if wish is None:
        return Refusal("identity.contact_not_asked")
    refused = codes.check_code(tx, vault, subject, PURPOSE, typed, minutes, attempts, now)
    return refused or _done(tx, vault, subject, wish, actor, now)


def _done(tx: Tx, vault: Vault, subject: UUID, wish: Wish, actor: str, now: datetime) -> Wish | Refusal:
    changed = change_contact(tx, vault, subject, wish.phone or None, wish.email or None, actor, now)
    if isinstance(changed, Refusal):
        return changed
    delete_document(tx, wish.document, now)
    return wish


def propose(tx: Tx, vault: Vault, subject: UUID, place: str, actor: str, now: datetime) -> Refusal | None:
    """Somebody at the desk was told another place; nothing changes before a second person agrees.

    Refusals: those of :func:`ask` but the last, ``identity.contact_proposed``.
    """
    if proposed(tx, vault, subject, now):
        return Refusal("identity.contact_proposed")
    new = _as_wished(tx, vault, subject, place)
    if isinstance(new, Refusal):
        return new
    _keep(tx, vault, subject, _PROPOSAL, new[1:], now + _WAITS, actor, now)
    return None


def decide(
    tx: Tx, vault: Vault, subject: UUID, approve: bool, actor: str, now: datetime
) -> Wish | Refusal | None:
    """A second person agrees, and it changes; or turns it down, which is None.

    Refusals: ``identity.contact_not_asked``, ``desk.own_proposal`` and those of ``change_contact``.
    """
    wish = proposed(tx, vault, subject, now)
    if wish is None:
        return Refusal("identity.contact_not_asked")
    if wish.by == actor:
        return Refusal("desk.own_proposal")
    if approve:
        return _done(tx, vault, subject, wish, actor, now)
    delete_document(tx, wish.document, now)
    return None
