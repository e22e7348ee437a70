"""Whoever changes where they are reached is told so there and where they were reached before.

A thief who changes the contact data first must not be the only one who hears of it, while a line is being
left or not: the letters of a case in doubt go to both places (``letters``), and for the pack's days no
credit is paid out (``steps``). None commits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from whiteslip import lines, notices
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import telling
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.identity import Vault, contacts
from whiteslip.identity.contacts import Wish
from whiteslip.lines.model import Agreement
from whiteslip.notices import NewNotice
from whiteslip.packs import Pack
from whiteslip.store import Tx


def confirm(
    tx: Tx, office: Office, vault: Vault, pack: Pack, customer: UUID, typed: str, actor: str, now: datetime
) -> Wish | Refusal:
    """The customer typed the code that reached the new place. Refusals: those of ``contacts.confirm``, after
    which the caller commits, for a wrong answer counts.
    """
    minutes, attempts = pack.minutes("identity.code_minutes"), pack.count("identity.code_attempts")
    done = contacts.confirm(tx, vault, customer, typed, minutes, attempts, actor, now)
    if not isinstance(done, Refusal):
        _tell(tx, office, pack, customer, done, now)
    return done


def decide(
    tx: Tx, office: Office, vault: Vault, pack: Pack, customer: UUID, approve: bool, actor: str, now: datetime
) -> Wish | Refusal | None:
    """A second person at the desk agrees, or turns it down. Refusals: those of ``contacts.decide``."""
    done = contacts.decide(tx, vault, customer, approve, actor, now)
    if isinstance(done, Wish):
        _tell(tx, office, pack, customer, done, now)
    return done


def _tell(tx: Tx, office: Office, pack: Pack, customer_id: UUID, done: Wish, now: datetime) -> None:
    """To where they were reached before; to the new place as well where that is another address."""
    customer, agreement = lines.get_customer(tx, customer_id), Agreement.of(pack)
    if isinstance(customer, Refusal):
        raise LookupError(f"there is no customer {customer_id}")
    letter = NewNotice(
        kind=telling.of(Act.CONTACT_CHANGED),
        subject_kind="customer",
        subject=customer.id,
        recipient=customer.id,
        language=customer.language,
        facts={
            "reference": public("cus", customer.id),
            "timezone": agreement.timezone,
            "currency": agreement.currency,
            "issuer_name": office.issuer_name,
            "changed_at": now,
            "part": done.part,
            "wait_days": pack.days("exit.contact_change_days"),
        },
        dedupe=f"contact.changed:{done.document}:former",
        to_former=True,
    )
    here = replace(letter, to_former=False, dedupe=f"contact.changed:{done.document}")
    notices.queue(tx, [letter, *([here] if done.email else [])], now)
