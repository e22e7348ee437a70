"""Apply, prove, accept, withdraw; and what a deadline does. None commits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from whiteslip import identity, lines, notices
from whiteslip.applications import letters, rules, store
from whiteslip.applications.model import Application, Asked, Channel, Lender, State
from whiteslip.applications.raising import accept_increase
from whiteslip.applications.steps import assess, decided, new_reference, open_lines, settle
from whiteslip.base import Refusal, new_id
from whiteslip.identity import Person
from whiteslip.identity.vault import erase
from whiteslip.lines import Customer
from whiteslip.lines.acts import open_house
from whiteslip.lines.model import Agreement, NewLine
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import cancel_timer

# The last day that every month has, so that a statement day never moves.
_LAST_STATEMENT_DAY: Final = 28


def apply(
    tx: Tx,
    lender: Lender,
    person: Person,
    asked: Asked,
    channel: Channel,
    language: str,
    consent_version: str,
    actor: str,
    now: datetime,
) -> Application | Refusal:
    """Take an application down. Nothing is assessed before the phone is proven.

    Refusals: ``application.consent_missing``, ``application.facts_invalid``, and those of
    ``identity.enrol``. Whether the ID number is known makes no difference yet.
    """
    if not rules.is_consent(consent_version):
        return Refusal("application.consent_missing")
    fault = rules.asked_fault(asked, lender.pack)
    if fault:
        return fault
    applicant = new_id(now)
    kept = identity.enrol(tx, lender.vault, applicant, person, actor, now)
    if isinstance(kept, Refusal):
        return kept
    new = Application(
        id=new_id(now),
        reference=new_reference(tx),
        customer=applicant,
        pack=lender.pack.name,
        currency=lender.pack.currency,
        channel=channel,
        language=language,
        state=State.DRAFT,
        consent_version=consent_version,
        applied_at=now,
        due_at=None,
    )
    store.add(tx, new, asked)
    tx.record(Entry(now, "application.started", "application", new.id, actor, {"channel": channel}))
    return settle(tx, lender, new, State.DRAFT, now, days=lender.pack.days("application.draft_days"))


def prove(tx: Tx, lender: Lender, application_id: UUID, actor: str, now: datetime) -> Application | Refusal:
    """The phone is proven: find out who it is, assess and decide. A second time changes nothing.

    Somebody who is known by ID number, name and phone applies as who they are; who has the ID number
    and something else goes to a person. An open application of theirs is the answer instead of a second
    one. Refusals: ``application.not_found``, ``application.over``, ``application.has_line``, after which
    nothing of the draft is left, so the caller commits also when refused.
    """
    found = store.get(tx, application_id, lock=True)
    if found is None:
        return Refusal("application.not_found")
    if found.state is not State.DRAFT:
        return found if found.is_open else Refusal("application.over", {"state": found.state})
    customer, agrees = _who(tx, lender, found)
    if customer is None:
        new = Customer(found.customer, None, found.language, now)
        lines.open_customers(tx, [new], now)
    else:
        known = store.open_of_customer(tx, customer)
        if known or open_lines(tx, customer):
            _drop(tx, found, State.WITHDRAWN, now)
            return known or Refusal("application.has_line")
        erase(tx, found.customer, now)
        found = replace(found, customer=customer)
    tx.record(Entry(now, "application.received", "application", found.id, actor))
    asked = store.asked(tx, found.id)
    made = assess(tx, lender, found.id, found.customer, asked, now, contact_agrees=agrees)
    done = replace(
        found,
        proven_at=now,
        decision=made.decision.id,
        outcome=made.outcome,
        limit_minor=made.limit_minor,
        reasons=made.reasons,
        score=made.points,
        scorecard_version=made.scorecard_version,
        decided_at=now,
        decided_by="system",
    )
    return decided(tx, lender, done, "system", now)


def _who(tx: Tx, lender: Lender, found: Application) -> tuple[UUID | None, bool]:
    """The customer that the applicant is already, if any; and whether what is known of them agrees."""
    person = identity.peek(tx, lender.vault, found.customer)
    if isinstance(person, Refusal):
        raise LookupError(f"application {found.reference} has nobody in the vault")
    same = [
        subject
        for subject in identity.find(tx, lender.vault, id_number=person.id_number)
        if isinstance(lines.get_customer(tx, subject), Customer)
    ]
    if not same:
        return None, True
    phone = set(identity.find(tx, lender.vault, id_number=person.id_number, phone=person.phone))
    right = [
        subject
        for subject in same
        if subject in phone
        and identity.compare(tx, lender.vault, subject, person.full_name, person.id_number).all
    ]
    return (right[0], True) if len(right) == 1 else (None, False)


def _drop(tx: Tx, found: Application, to: State, now: datetime) -> None:
    """End a draft; whoever was in the vault for it alone is forgotten."""
    cancel_timer(tx, "application.deadline", found.id, now)
    store.save(tx, replace(found, state=to, due_at=None))
    erase(tx, found.customer, now)
    kind = "application.lapsed" if to is State.LAPSED else "application.withdrawn"
    tx.record(Entry(now, kind, "application", found.id, "system"))


def accept(tx: Tx, lender: Lender, application_id: UUID, actor: str, now: datetime) -> Application | Refusal:
    """Accept the offer: the line opens and the contract goes out, with its days to withdraw; or the limit
    of the line that it is about rises.

    Accepting twice is the same as once. Refusals: ``application.not_found``,
    ``application.not_offered``, ``application.has_line``, and those of ``accept_increase``.
    """
    found = store.get(tx, application_id, lock=True)
    if found is None:
        return Refusal("application.not_found")
    if found.state is State.ACCEPTED:
        return found
    if found.state is not State.OFFERED or (found.due_at and found.due_at < now):
        return Refusal("application.not_offered", {"state": found.state})
    if found.raises:
        return accept_increase(tx, lender, found, actor, now)
    if open_lines(tx, found.customer):
        return Refusal("application.has_line")
    agreement = Agreement.of(lender.pack)
    today = agreement.today(now)
    line = new_id(now)
    open_house(tx, agreement.currency)
    day = min(today.day, _LAST_STATEMENT_DAY)
    lines.open_lines(
        tx, agreement, [NewLine(line, found.customer, found.limit_minor, day, today)], actor, now
    )
    done = settle(tx, lender, replace(found, line=line), State.ACCEPTED, now)
    data = {"line": line, "limit_minor": found.limit_minor}
    tx.record(Entry(now, "application.accepted", "application", found.id, actor, data))
    notices.queue(tx, [letters.contract(lender, done, now)], now)
    return done


def withdraw(
    tx: Tx, lender: Lender, application_id: UUID, actor: str, now: datetime
) -> Application | Refusal:
    """The applicant wants it no more. Nothing is noted against them; twice is the same as once.

    Refusals: ``application.not_found``, ``application.over``.
    """
    found = store.get(tx, application_id, lock=True)
    if found is None:
        return Refusal("application.not_found")
    if found.state is State.WITHDRAWN:
        return found
    if found.state is State.DRAFT:
        _drop(tx, found, State.WITHDRAWN, now)
        return replace(found, state=State.WITHDRAWN, due_at=None)
    if not found.is_open:
        return Refusal("application.over", {"state": found.state})
    tx.record(Entry(now, "application.withdrawn", "application", found.id, actor))
    return settle(tx, lender, found, State.WITHDRAWN, now)


def deadline(tx: Tx, application_id: UUID, now: datetime) -> datetime | None:
    """A deadline is over: drafts and offers lapse; a desk that is late is said to be late.

    When to look again, where the deadline has moved.
    """
    found = store.get(tx, application_id, lock=True)
    if found is None or found.due_at is None:
        return None
    if found.due_at > now:
        return found.due_at
    if found.state is State.DRAFT:
        _drop(tx, found, State.LAPSED, now)
    elif found.state is State.OFFERED:
        store.save(tx, replace(found, state=State.LAPSED, due_at=None))
        tx.record(Entry(now, "application.lapsed", "application", found.id, "system"))
    elif found.waits_for_desk:
        tx.record(Entry(now, "application.review_late", "application", found.id, "system"))
    return None
