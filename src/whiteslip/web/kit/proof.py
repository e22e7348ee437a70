"""Proving who one is at a door: a code to the phone on file, then name, ID number and code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from whiteslip import identity
from whiteslip.base import Refusal
from whiteslip.exits import stepups
from whiteslip.identity import codes
from whiteslip.lines import Customer
from whiteslip.notices import Addressee
from whiteslip.notices.compose import code_text, code_title
from whiteslip.notices.mailers import MailError
from whiteslip.store import Tx
from whiteslip.store.timers import present
from whiteslip.web.kit.ports import Ports

PURPOSE: Final = "exit"
METHOD: Final = "name_id_number_code"


@dataclass(frozen=True, slots=True)
class Sent:
    """A code that is on its way. ``phone_ends`` are the last two digits of where to."""

    phone_ends: str
    expires_at: datetime


def phone_ends(tx: Tx, ports: Ports, customer: UUID) -> str:
    """The last two digits of a customer's phone; empty for somebody the vault does not know."""
    person = identity.peek(tx, ports.vault, customer)
    return "" if isinstance(person, Refusal) else person.phone_ends


def send(ports: Ports, customer: Customer) -> Sent | Refusal:
    """Send a code; one sent before that has not run out stays good.

    It is made in a transaction and sent after it. Refusals: ``identity.not_found``,
    ``identity.too_many_codes``, ``identity.code_not_sent``.
    """
    minutes = ports.pack.minutes("identity.code_minutes")
    with ports.database.transaction() as tx:
        now = present(tx)
        person = identity.peek(tx, ports.vault, customer.id)
        if isinstance(person, Refusal):
            return person
        per_hour = ports.pack.count("identity.codes_per_hour")
        code = codes.send_code(tx, ports.vault, customer.id, PURPOSE, minutes, per_hour, now)
        if isinstance(code, Refusal):
            return code
    to = Addressee(person.full_name, person.email, person.phone)
    text = code_text(customer.language, code.text, minutes, ports.office.issuer_name)
    title = code_title(customer.language, ports.office.issuer_name)
    try:
        ports.mailer.send_code(customer.id, to, title, text, now)
    except MailError:
        return Refusal("identity.code_not_sent")
    return Sent(person.phone_ends, code.expires_at)


def check(
    ports: Ports,
    customer: UUID,
    full_name: str,
    id_number: str,
    code: str,
    session: UUID | None = None,
) -> Refusal | None:
    """Whether name, ID number and code are right; None means yes, and is remembered for ``session``.

    Wrong answers count, and this commits them; after the last that is looked at, a closing that waits for
    the proof goes to a person. Refusals: ``identity.too_many_attempts``, ``identity.not_matched`` (name or
    number, not which), ``identity.code_wrong``, ``identity.code_expired``.
    """
    refusal = _check(ports, customer, full_name, id_number, code, session)
    if refusal:
        with ports.database.transaction() as tx:
            hold_if_exhausted(tx, ports, customer, present(tx))
    return refusal


def hold_if_exhausted(tx: Tx, ports: Ports, customer: UUID, now: datetime) -> bool:
    """Whether so many answers were wrong that a person looks at the closing instead; see ``stepups.failed``.
    The answers are committed before. Who needs both locks a person's codes first, and then their lines.
    """
    minutes, attempts = (
        ports.pack.minutes("identity.code_minutes"),
        ports.pack.count("identity.code_attempts"),
    )
    exhausted = codes.is_exhausted(tx, customer, PURPOSE, minutes, attempts, now)
    if exhausted:
        stepups.failed(tx, ports.office, customer, now)
    return exhausted


def _check(
    ports: Ports, customer: UUID, full_name: str, id_number: str, code: str, session: UUID | None
) -> Refusal | None:
    minutes = ports.pack.minutes("identity.code_minutes")
    attempts = ports.pack.count("identity.code_attempts")
    with ports.database.transaction() as tx:
        now = present(tx)
        if codes.is_exhausted(tx, customer, PURPOSE, minutes, attempts, now):
            return Refusal("identity.too_many_attempts", {"minutes": minutes})
        if not identity.compare(tx, ports.vault, customer, full_name, id_number).all:
            codes.count_failure(tx, customer, PURPOSE, now)
            return Refusal("identity.not_matched")
        refusal = codes.check_code(tx, ports.vault, customer, PURPOSE, code, minutes, attempts, now)
        if refusal is None:
            record(tx, customer, now, session)
        return refusal


def record(tx: Tx, customer: UUID, now: datetime, session: UUID | None = None) -> None:
    """Remember a proof for ``session``, or for a machine; it answers every step-up that is asked."""
    codes.record_verification(tx, customer, METHOD, now, session)
    stepups.confirmed(tx, customer, f"customer:{customer}", now)


def is_fresh(tx: Tx, ports: Ports, customer: UUID, now: datetime, session: UUID | None = None) -> bool:
    """Whether the customer proved who they are a moment ago, in this very session."""
    minutes = ports.pack.minutes("identity.step_up_minutes")
    return codes.verified_within(tx, customer, minutes, now, session)
