"""What people ask about their data, each with a clock from the pack and an answer. None commits.

Most is never open: who asks for a copy or to be erased on their page has it at once. Here is what a
person must look at, and what comes on paper or over the phone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from whiteslip import lines, notices, packs
from whiteslip.base import Refusal, new_id
from whiteslip.base.ids import new_reference
from whiteslip.identity import Vault
from whiteslip.identity.documents import keep
from whiteslip.lines.letters import to_customer
from whiteslip.packs import Pack
from whiteslip.privacy import rules, store
from whiteslip.privacy.model import Delay, Outcome, Request, RequestKind, Why
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import cancel_timer, set_timer

LONGEST_WORDS: Final = 4_000


def ask(
    tx: Tx,
    vault: Vault,
    pack: Pack,
    issuer_name: str,
    customer_id: UUID,
    kind: RequestKind,
    channel: str,
    actor: str,
    now: datetime,
    words: str = "",
) -> Request | Refusal:
    """Take a request and say by when it is answered. ``words`` are not required and are sealed in the vault.

    The clock is that of the customer's newest line, of ``pack`` without one. Refusals:
    ``customer.not_found``, ``privacy.words_long``, ``identity.not_found``.
    """
    customer = lines.get_customer(tx, customer_id)
    if isinstance(customer, Refusal):
        return customer
    if len(words) > LONGEST_WORDS:
        return Refusal("privacy.words_long", {"most": LONGEST_WORDS})
    theirs = lines.lines_of(tx, customer_id)
    under = packs.load(theirs[-1].pack) if theirs else pack
    due_at = rules.answer_due(under, now)
    sealed = None
    if words.strip():
        until = now + timedelta(days=366 * under.years("retention.transactions_years"))
        kept = keep(tx, vault, customer_id, "privacy", "text/plain", words.encode(), until, actor, now)
        if isinstance(kept, Refusal):
            return kept
        sealed = kept
    new = Request(
        new_id(now), _reference(tx), customer_id, under.name, kind, channel, now, due_at, words=sealed
    )
    store.add_request(tx, new)
    set_timer(tx, "privacy.due", new.id, due_at, now)
    data = {"request": kind, "channel": channel, "due_at": due_at}
    tx.record(Entry(now, "privacy.requested", "privacy_request", new.id, actor, data))
    _tell(tx, new, "privacy.request_received", {"answer_by": due_at}, issuer_name, now)
    return new


def _reference(tx: Tx) -> str:
    while store.request_by_reference(tx, reference := new_reference("DR")):
        pass
    return reference


def extend(
    tx: Tx, issuer_name: str, request_id: UUID, delay: Delay, actor: str, now: datetime
) -> Request | Refusal:
    """Take longer, once, where the pack allows it; who asked is told why and until when, in time.

    Refusals: ``privacy.request_not_found``, ``privacy.request_answered``, ``privacy.no_extension`` (a second
    time, where the pack knows none, or once it is due).
    """
    found = _open(tx, request_id)
    if isinstance(found, Refusal):
        return found
    due_at = rules.extended_due(packs.load(found.pack), found.asked_at)
    if due_at is None or found.delay or now >= found.due_at:
        return Refusal("privacy.no_extension")
    done = replace(found, due_at=due_at, delay=delay)
    store.save_request(tx, done)
    set_timer(tx, "privacy.due", done.id, due_at, now)
    data = {"reason": delay, "due_at": due_at}
    tx.record(Entry(now, "privacy.request_extended", "privacy_request", done.id, actor, data))
    _tell(tx, done, "privacy.request_extended", {"answer_by": due_at, "delay": delay}, issuer_name, now)
    return done


def answer(
    tx: Tx, issuer_name: str, request_id: UUID, outcome: Outcome, why: Why, actor: str, now: datetime
) -> Request | Refusal:
    """Answer for good, with the reason, and say where to turn for whom that does not satisfy.

    Refusals: ``privacy.request_not_found``, ``privacy.request_answered``, ``privacy.why_invalid``,
    ``privacy.too_late_to_refuse``.
    """
    found = _open(tx, request_id)
    if isinstance(found, Refusal):
        return found
    if why not in rules.WHYS[outcome]:
        return Refusal("privacy.why_invalid")
    if not rules.may_answer(found, outcome):
        return Refusal("privacy.too_late_to_refuse")
    done = _answered(tx, found, outcome, why, actor, now)
    facts = {"outcome": outcome, "why": why}
    _tell(tx, done, "privacy.request_answered", facts, issuer_name, now)
    return done


def settle(
    tx: Tx, customer: UUID, kind: RequestKind, outcome: Outcome, why: Why, actor: str, now: datetime
) -> None:
    """What was asked for has been done: their open requests of that kind are answered by it, without a letter
    of their own.
    """
    for found in store.open_requests(tx, customer, kind):
        _answered(tx, found, outcome, why, actor, now)


def escalate(tx: Tx, issuer_name: str, request_id: UUID, now: datetime) -> Request | None:
    """The day of the answer has passed: who asked may turn elsewhere at once, and is told so.

    It stays open and on top of the queue, and can only be granted, wholly or in part. None where there is
    nothing to escalate.
    """
    found = _open(tx, request_id)
    if isinstance(found, Refusal) or found.overdue_at or now < found.due_at:
        return None
    late = replace(found, overdue_at=now)
    store.save_request(tx, late)
    tx.record(Entry(now, "privacy.request_overdue", "privacy_request", late.id, "system"))
    _tell(tx, late, "privacy.request_overdue", {}, issuer_name, now)
    return late


def _answered(tx: Tx, found: Request, outcome: Outcome, why: Why, actor: str, now: datetime) -> Request:
    done = replace(found, answered_at=now, outcome=outcome, why=why)
    store.save_request(tx, done)
    cancel_timer(tx, "privacy.due", done.id, now)
    data = {"request": done.kind, "outcome": outcome, "why": why}
    tx.record(Entry(now, "privacy.request_answered", "privacy_request", done.id, actor, data))
    return done


def _open(tx: Tx, request_id: UUID) -> Request | Refusal:
    found = store.request(tx, request_id, lock=True)
    if found is None:
        return Refusal("privacy.request_not_found")
    return found if found.is_open else Refusal("privacy.request_answered")


def _tell(
    tx: Tx, request: Request, kind: str, facts: dict[str, Any], issuer_name: str, now: datetime
) -> None:
    pack = packs.load(request.pack)
    common = {
        "reference": request.reference,
        "asked_at": request.asked_at,
        "wish": request.kind,
        "pack": pack.name,
    }
    about = ("privacy_request", request.id)
    all_facts, once = common | facts, str(request.id)
    letter = to_customer(tx, request.customer, pack, issuer_name, kind, about, all_facts, once)
    notices.queue(tx, [letter], now)
