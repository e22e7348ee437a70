"""Where a credit goes: the account of the customer, or of who settles their estate.

Naming it takes proof of who asks; that it is theirs somebody else has to say: their bank. What waited
for it is sent the moment it does. Whoever replaces an account, or names one while money is on its way
out, is written to at the contact on file, and where they were reached before if that was changed
lately. None commits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from whiteslip import lines, notices, packs
from whiteslip.base import Refusal
from whiteslip.base.ids import spoken
from whiteslip.billing import payouts
from whiteslip.billing import store as billing_store
from whiteslip.billing.model import Payout
from whiteslip.exits import store, telling
from whiteslip.exits.contacts import is_new, to_both_places
from whiteslip.exits.helping import tell
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.identity import Vault, accounts
from whiteslip.identity.accounts import How, PayoutAccount
from whiteslip.lines import Line
from whiteslip.lines.letters import to_customer
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Tx


def payee(tx: Tx, line: Line) -> UUID | None:
    """Whose a line's credit is: the customer's, or their estate's. None: nobody has shown yet that they
    settle it.
    """
    estate = store.estate_of_line(tx, line.id)
    return estate.contact if estate else line.customer


def stands(tx: Tx, vault: Vault, line: Line) -> PayoutAccount | None:
    """The account that the credit of a line goes to once it is verified."""
    whose = payee(tx, line)
    return accounts.standing(tx, vault, whose) if whose else None


def give(
    tx: Tx, office: Office, vault: Vault, line: Line, number: str, actor: str, now: datetime
) -> PayoutAccount | Refusal:
    """Name the account for a line's credit. Refusals: ``estate.nobody_shown`` and those of
    ``accounts.give``.
    """
    whose = payee(tx, line)
    if whose is None:
        return Refusal("estate.nobody_shown")
    before = accounts.standing(tx, vault, whose, lock=True)
    known = packs.load(line.pack).text("payout.account_schemes").split(", ")
    made = accounts.give(tx, vault, whose, number, known, actor, now)
    if isinstance(made, Refusal) or made == before:
        return made
    if before or line.lifecycle is not Lifecycle.ACTIVE:
        _tell_change(tx, office, line, made, now)
    return made


def _tell_change(tx: Tx, office: Office, line: Line, made: PayoutAccount, now: datetime) -> None:
    facts = {"reference": spoken("LN", line.id), "changed_at": now}
    about, kind = ("line", line.id), telling.of(Act.ACCOUNT_CHANGED)
    letter = to_customer(tx, line.customer, line, office.issuer_name, kind, about, facts, str(made.id))
    if estate := store.estate_of_line(tx, line.id):
        letter = replace(letter, recipient=made.subject, language=estate.language)
    notices.queue(tx, to_both_places(tx, line, letter, now), now)


def verify(
    tx: Tx, vault: Vault, line: Line, account: UUID, how: How, actor: str, now: datetime
) -> PayoutAccount | Refusal:
    """The bank has said that the account is theirs: what waited for one is sent, but for a line on which
    an order of the law stands. Refusals: ``payout_account.not_found``, ``payout_account.contact_new``.
    """
    whose = payee(tx, line)
    if whose is None:
        return Refusal("payout_account.not_found")
    if is_new(tx, line, whose, now):
        return Refusal("payout_account.contact_new")
    done = accounts.verify(tx, vault, whose, account, how, actor, now)
    if not isinstance(done, Refusal):
        send_waiting(tx, whose, line.customer, actor, now)
    return done


def send_waiting(tx: Tx, whose: UUID, customer: UUID, actor: str, now: datetime) -> list[Payout]:
    """Send what waits for an account on any line of a customer. Returns what was sent."""
    sent: list[Payout] = []
    for line in lines.lines_of(tx, customer):
        if payee(tx, line) != whose:
            continue
        for waiting in billing_store.payouts(tx, line.id):
            if waiting.state == "unclaimed" and waiting.awaits_account:
                done = payouts.send_again(tx, waiting.id, whose, actor, now)
                sent += [done] if isinstance(done, Payout) else []
    return sent


def ask(tx: Tx, office: Office, line: Line, waiting: Payout, now: datetime) -> None:
    """Write to whose the money is that an account is needed, and until when they are not looked for."""
    facts = {"payout_minor": waiting.amount_minor, "look_on": line.today(payouts.look_on(line, now))}
    tell(tx, office.issuer_name, line, telling.of(Act.ACCOUNT_NEEDED), facts, str(waiting.id), now)
