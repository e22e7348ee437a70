"""Another phone or e-mail at a door: a code to the new place, and the change once it has come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from whiteslip.base import Refusal
from whiteslip.exits.contacts import confirm
from whiteslip.identity import contacts
from whiteslip.lines import Customer
from whiteslip.notices import Addressee
from whiteslip.notices.compose import code_text, code_title
from whiteslip.notices.mailers import MailError
from whiteslip.store.timers import present
from whiteslip.web.kit.ports import Ports


@dataclass(frozen=True, slots=True)
class Asked:
    """A code is on its way to the new place: ``part`` is ``phone`` or ``email``."""

    part: str
    expires_at: datetime


def ask(ports: Ports, customer: Customer, place: str, actor: str) -> Asked | Refusal:
    """Seal the wish in a transaction and send the code after it. The caller has asked who it is.

    Refusals: those of ``contacts.ask`` and ``identity.code_not_sent``.
    """
    minutes = ports.pack.minutes("identity.code_minutes")
    per_hour = ports.pack.count("identity.codes_per_hour")
    with ports.database.transaction() as tx:
        now = present(tx)
        asked = contacts.ask(tx, ports.vault, customer.id, place, minutes, per_hour, actor, now)
        if isinstance(asked, Refusal):
            return asked
        wish = contacts.wished(tx, ports.vault, customer.id, now)
    person, code = asked
    to = Addressee(person.full_name, person.email, person.phone)
    text = code_text(customer.language, code.text, minutes, ports.office.issuer_name)
    title = code_title(customer.language, ports.office.issuer_name)
    try:
        ports.mailer.send_code(customer.id, to, title, text, now)
    except MailError:
        return Refusal("identity.code_not_sent")
    return Asked(wish.part if wish else "", code.expires_at)


def answer(ports: Ports, customer: UUID, typed: str, actor: str) -> Refusal | None:
    """The code that came; a wrong one counts, which this commits. Refusals: those of ``contacts.confirm``."""
    with ports.database.transaction() as tx:
        done = confirm(tx, ports.office, ports.vault, ports.pack, customer, typed, actor, present(tx))
        return done if isinstance(done, Refusal) else None
