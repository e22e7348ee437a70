"""Whoever changes where they are reached is told so there and where they were reached before.

A thief who changes the contact data first must not be the only one who hears of it, while a line is being
left or not: the letters of a case in doubt go to both places (``letters``), and for the pack's days no
credit is paid out (``steps``). None commits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from whiteslip import identity, notices, packs
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import telling
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.identity import Vault, contacts
from whiteslip.identity.contacts import Wish
from whiteslip.lines import Line
from whiteslip.lines.letters import to_customer
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


def _tell(tx: Tx, office: Office, pack: Pack, customer: UUID, done: Wish, now: datetime) -> None:
    """To where they were reached before; to the new place as well where that is another address."""
    facts = {
        "reference": public("cus", customer),
        "changed_at": now,
        "part": done.part,
        "wait_days": pack.days("exit.contact_change_days"),
    }
    kind, about = telling.of(Act.CONTACT_CHANGED), ("customer", customer)
    here = to_customer(tx, customer, pack, office.issuer_name, kind, about, facts, str(done.document))
    notices.queue(tx, [_to_former(here), *([here] if done.email else [])], now)


def is_new(tx: Tx, line: Line, whose: UUID, now: datetime) -> bool:
    """Whether they are reached elsewhere since a few days: perhaps it is not them."""
    changed_at = identity.contact_changed_at(tx, whose)
    wait = timedelta(days=packs.load(line.pack).days("exit.contact_change_days"))
    return changed_at is not None and changed_at > now - wait


def to_both_places(tx: Tx, line: Line, letter: NewNotice, now: datetime) -> list[NewNotice]:
    """A letter; also to where they were reached before, if that changed lately: a thief reads the new one."""
    return [letter, *([_to_former(letter)] if is_new(tx, line, letter.recipient, now) else [])]


def _to_former(letter: NewNotice) -> NewNotice:
    return replace(letter, to_former=True, dedupe=f"{letter.dedupe}:former")
