"""File, extend, answer, and what happens when nobody did. None commits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from whiteslip import lines, notices, packs
from whiteslip.base import Refusal, ids, new_id
from whiteslip.complaints import rules, store
from whiteslip.complaints.model import Complaint, Delay, Outcome, Topic, Why
from whiteslip.identity import Vault
from whiteslip.identity.documents import keep
from whiteslip.lines.letters import to_customer
from whiteslip.packs import Pack
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import cancel_timer, set_timer

LONGEST_WORDS: Final = 4_000


def file(
    tx: Tx,
    vault: Vault,
    pack: Pack,
    issuer_name: str,
    customer_id: UUID,
    topic: Topic,
    channel: str,
    actor: str,
    now: datetime,
    words: str = "",
    line: UUID | None = None,
) -> Complaint | Refusal:
    """Take a complaint and acknowledge it. ``words`` are not required and are sealed in the vault.

    The clocks are those of the line's pack, of ``pack`` without one. Refusals: ``customer.not_found``,
    ``line.not_found``, ``complaint.words_long``, ``identity.not_found``.
    """
    customer = lines.get_customer(tx, customer_id)
    if isinstance(customer, Refusal):
        return customer
    if line:
        found = lines.get_line(tx, line)
        if isinstance(found, Refusal) or found.customer != customer_id:
            return Refusal("line.not_found")
        pack = packs.load(found.pack)
    if len(words) > LONGEST_WORDS:
        return Refusal("complaint.words_long", {"most": LONGEST_WORDS})
    due_at = rules.due_at(pack, now, 0)
    assert due_at  # every pack allows an answer
    sealed = None
    if words.strip():
        until = now + timedelta(days=366 * pack.years("retention.transactions_years"))
        kept = keep(tx, vault, customer_id, "complaint", "text/plain", words.encode(), until, actor, now)
        if isinstance(kept, Refusal):
            return kept
        sealed = kept
    new = Complaint(
        new_id(now), _reference(tx), customer_id, pack.name, topic, channel, now, due_at, line, sealed
    )
    store.add(tx, new)
    set_timer(tx, "complaint.due", new.id, due_at, now)
    data = {"topic": topic, "channel": channel, "line": line, "due_at": due_at}
    tx.record(Entry(now, "complaint.filed", "complaint", new.id, actor, data))
    _tell(tx, new, "complaint.acknowledged", {"answer_by": due_at}, issuer_name, now)
    return new


def _reference(tx: Tx) -> str:
    while store.by_reference(tx, reference := ids.new_reference("CP")):
        pass
    return reference


def extend(
    tx: Tx, issuer_name: str, complaint_id: UUID, delay: Delay, actor: str, now: datetime
) -> Complaint | Refusal:
    """Take longer, as far as the pack allows, and tell the complainant why and until when.

    Refusals: ``complaint.not_found``, ``complaint.answered``, ``complaint.no_extension`` (also once
    it is overdue).
    """
    found = _open(tx, complaint_id)
    if isinstance(found, Refusal):
        return found
    pack = packs.load(found.pack)
    due_at = rules.due_at(pack, found.filed_at, found.extensions + 1)
    if due_at is None or found.overdue_at:
        return Refusal("complaint.no_extension")
    done = replace(found, due_at=due_at, extensions=found.extensions + 1)
    store.save(tx, done)
    set_timer(tx, "complaint.due", done.id, due_at, now)
    data = {"reason": delay, "due_at": due_at}
    tx.record(Entry(now, "complaint.extended", "complaint", done.id, actor, data))
    _tell(tx, done, "complaint.extended", {"answer_by": due_at, "delay": delay}, issuer_name, now)
    return done


def answer(
    tx: Tx, issuer_name: str, complaint_id: UUID, outcome: Outcome, why: Why, actor: str, now: datetime
) -> Complaint | Refusal:
    """Answer for good, and say where to turn for whom the answer does not satisfy.

    Refusals: ``complaint.not_found``, ``complaint.answered``, ``complaint.too_late_to_refuse``.
    """
    found = _open(tx, complaint_id)
    if isinstance(found, Refusal):
        return found
    if not rules.may_answer(found, outcome):
        return Refusal("complaint.too_late_to_refuse")
    done = replace(found, answered_at=now, outcome=outcome, why=why)
    store.save(tx, done)
    cancel_timer(tx, "complaint.due", done.id, now)
    data = {"outcome": outcome, "why": why}
    tx.record(Entry(now, "complaint.answered", "complaint", done.id, actor, data))
    facts = {"outcome": outcome, "why": why, "route": done.pack}
    _tell(tx, done, "complaint.answered", facts, issuer_name, now)
    return done


def overdue(tx: Tx, issuer_name: str, complaint_id: UUID, now: datetime) -> None:
    """The day of the answer has passed: the complainant may turn elsewhere at once, and is told so.

    It stays open and on top of the queue, and can only be upheld, wholly or in part.
    """
    found = _open(tx, complaint_id)
    if isinstance(found, Refusal) or found.overdue_at or now < found.due_at:
        return
    late = replace(found, overdue_at=now)
    store.save(tx, late)
    tx.record(Entry(now, "complaint.overdue", "complaint", late.id, "system"))
    _tell(tx, late, "complaint.overdue", {"route": late.pack}, issuer_name, now)


def _open(tx: Tx, complaint_id: UUID) -> Complaint | Refusal:
    found = store.find(tx, complaint_id, lock=True)
    if found is None:
        return Refusal("complaint.not_found")
    return found if found.is_open else Refusal("complaint.answered")


def _tell(
    tx: Tx, complaint: Complaint, kind: str, facts: dict[str, Any], issuer_name: str, now: datetime
) -> None:
    common = {"reference": complaint.reference, "filed_at": complaint.filed_at}
    letter = to_customer(
        tx,
        complaint.customer,
        packs.load(complaint.pack),
        issuer_name,
        kind,
        ("complaint", complaint.id),
        common | facts,
        f"{complaint.id}:{complaint.extensions}",
    )
    notices.queue(tx, [letter], now)
