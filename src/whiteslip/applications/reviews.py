"""A person looks: asked for by a declined applicant, or by the table. None commits.

Directive (EU) 2023/2225 article 18 and 个人信息保护法 article 24: whoever is refused by automation may have
a person review it, is told how it was decided, and may say how they see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip.applications import rules, store
from whiteslip.applications.model import Application, Lender, Outcome, Review, State
from whiteslip.applications.raising import cannot_offer
from whiteslip.applications.steps import decided, open_lines, settle
from whiteslip.base import Refusal, new_id
from whiteslip.identity.documents import delete_document, keep
from whiteslip.store import Entry, Tx

LONGEST_VIEW: Final = 2_000
# What a view is called among the documents of the vault.
VIEW: Final = "application_view"
_LONGEST_MONTH: Final = 31
_CAME_TO_NOTHING: Final = frozenset({State.WITHDRAWN, State.LAPSED})
# Why a person came to another end than the table, or to the same.
_LOOKED_AT: Final = 1_000
WHYS: Final = ("papers_seen", "view_convinces", "facts_corrected", "identity_clear", "as_the_table")


def request_review(
    tx: Tx, lender: Lender, application_id: UUID, view: str, actor: str, now: datetime
) -> Application | Refusal:
    """Have a person look at a declined application; ``view`` may be empty. Twice is the same as once.

    The view is sealed in the vault. Refusals: ``application.not_found``, ``application.not_declined``,
    ``application.view_long``, ``application.not_found`` also for an applicant who was erased.
    """
    found = store.get(tx, application_id, lock=True)
    if found is None:
        return Refusal("application.not_found")
    if found.state is State.IN_REVIEW:
        return found
    if found.state is not State.DECLINED or store.open_of_customer(tx, found.customer):
        return Refusal("application.not_declined", {"state": found.state})
    if len(view) > LONGEST_VIEW:
        return Refusal("application.view_long", {"most": LONGEST_VIEW})
    note = _sealed(tx, lender, found, view, actor, now) if view.strip() else None
    if isinstance(note, Refusal):
        return Refusal("application.not_found")
    days = lender.pack.business_days("application.review_business_days")
    moved = settle(tx, lender, found, State.IN_REVIEW, now, business_days=days)
    if moved.due_at is None:
        raise ValueError("a review has a deadline")
    store.add_review(tx, Review(new_id(now), found.id, note, now, moved.due_at))
    data = {"due_at": moved.due_at, "with_view": note is not None}
    tx.record(Entry(now, "application.review_requested", "application", found.id, actor, data))
    return moved


def _sealed(
    tx: Tx, lender: Lender, found: Application, view: str, actor: str, now: datetime
) -> UUID | Refusal:
    """Keep the view for as long as the decision that it is about."""
    until = now + timedelta(days=_LONGEST_MONTH * lender.pack.months("retention.decisions_months"))
    text = view.encode()
    return keep(tx, lender.vault, found.customer, VIEW, "text/plain", text, until, actor, now)


def forget_views(tx: Tx, customer: UUID, now: datetime) -> int:
    """Delete what somebody said to applications that they withdrew or let lapse; returns how many.

    No line and no decision that stands rests on it, so no law keeps it.
    """
    over = [each.id for each in store.of_customer(tx, customer) if each.state in _CAME_TO_NOTHING]
    notes = [review.note for each in over for review in store.reviews(tx, each) if review.note]
    return sum(delete_document(tx, note, now) for note in notes)


def late(tx: Tx, now: datetime) -> list[str]:
    """References of what a person should have decided by now, the latest first."""
    found = store.waiting(tx, _LOOKED_AT)
    return [each.reference for each in found if each.due_at and each.due_at < now]


def decide(
    tx: Tx,
    lender: Lender,
    application_id: UUID,
    limit_minor: int,
    reasons: Sequence[str],
    why: str,
    actor: str,
    now: datetime,
) -> Application | Refusal:
    """A person decides: a limit to offer, or none with the principal reasons.

    What the law caps, a person cannot give either. Refusals: ``application.not_found``,
    ``application.not_waiting``, ``application.own_decision`` for who decided before,
    ``application.limit_invalid``, ``application.reasons_invalid``, ``application.has_line``; where a
    limit would rise, those of ``increases.cannot_rise``.
    """
    found = store.get(tx, application_id, lock=True)
    if found is None:
        return Refusal("application.not_found")
    if not found.waits_for_desk:
        return Refusal("application.not_waiting", {"state": found.state})
    if found.decided_by == actor:
        return Refusal("application.own_decision")
    refusal = _cannot(tx, lender, found, limit_minor, reasons, why)
    if refusal:
        return refusal
    outcome = Outcome.DECLINE if not limit_minor else Outcome.APPROVE
    store.decide_review(tx, found.id, outcome, why, actor, now)
    data = {"outcome": outcome, "why": why}
    tx.record(Entry(now, "application.review_decided", "application", found.id, actor, data))
    done = replace(
        found,
        outcome=outcome,
        limit_minor=limit_minor,
        reasons=tuple(reasons) if not limit_minor else (),
        decided_at=now,
        decided_by=actor,
    )
    return decided(tx, lender, done, actor, now)


def _cannot(
    tx: Tx, lender: Lender, found: Application, limit_minor: int, reasons: Sequence[str], why: str
) -> Refusal | None:
    """Why a person cannot decide this way, if they cannot."""
    if why not in WHYS:
        return Refusal("application.reasons_invalid", {"most": len(WHYS)})
    if not limit_minor:
        most = lender.pack.count("issuer.principal_reasons")
        known = set(reasons) <= set(rules.REASONS)
        if not known or not 1 <= len(set(reasons)) == len(reasons) <= most:
            return Refusal("application.reasons_invalid", {"most": most})
        return None
    if found.raises:
        return cannot_offer(tx, found, limit_minor)
    if open_lines(tx, found.customer):
        return Refusal("application.has_line")
    least, most_minor = lender.pack.minor("application.least_minor"), lender.pack.minor("line.most_minor")
    if not least <= limit_minor <= most_minor:
        return Refusal("application.limit_invalid", {"least_minor": least, "most_minor": most_minor})
    return None
