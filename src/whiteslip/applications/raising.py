"""A customer asks for a higher limit: assessed like an application, and never done to them. None commits.

Nobody asks them to ask. What they did with locks, exits, disputes and complaints is no fact of it, and a
"no" changes nothing about the limit they have.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from whiteslip import lines, notices
from whiteslip.applications import letters, rules, store
from whiteslip.applications.model import Application, Asked, Channel, Lender, Outcome, State
from whiteslip.applications.steps import Assessment, assess_increase, decided, new_reference, settle
from whiteslip.base import Refusal, new_id
from whiteslip.lines import Line, increases
from whiteslip.store import Entry, Tx


def request_increase(
    tx: Tx,
    lender: Lender,
    line: Line,
    asked: Asked,
    channel: Channel,
    language: str,
    consent_version: str,
    actor: str,
    now: datetime,
) -> Application | Refusal:
    """Assess and decide at once. Nothing rises before the offer is accepted.

    An application of theirs that is open is the answer instead of a second one. Refusals:
    ``application.consent_missing``, ``application.facts_invalid``, ``line.not_active``,
    ``limit.not_higher``, ``limit.over_most``.
    """
    if not rules.is_consent(consent_version):
        return Refusal("application.consent_missing")
    known = store.open_of_customer(tx, line.customer)
    if known:
        return known
    refusal = rules.asked_fault(asked, lender.pack) or increases.cannot_rise(line, asked.wanted_minor)
    if refusal:
        return refusal
    new = Application(
        id=new_id(now),
        reference=new_reference(tx),
        customer=line.customer,
        pack=lender.pack.name,
        currency=line.currency,
        channel=channel,
        language=language,
        state=State.DRAFT,
        consent_version=consent_version,
        applied_at=now,
        due_at=None,
        raises=line.id,
    )
    store.add(tx, new, asked)
    tx.record(Entry(now, "application.received", "application", new.id, actor, {"raises": line.id}))
    made = assess_increase(tx, lender, line, asked, now, subject=new.id)
    outcome, limit_minor = _told(made, line)
    done = replace(
        new,
        proven_at=now,
        decision=made.decision.id,
        outcome=outcome,
        limit_minor=limit_minor,
        reasons=made.reasons,
        score=made.points,
        scorecard_version=made.scorecard_version,
        decided_at=now,
        decided_by="system",
    )
    return decided(tx, lender, done, "system", now)


def _told(made: Assessment, line: Line) -> tuple[Outcome, int]:
    """What the assessment comes to for a line that has a limit: a smaller one is never offered.

    Less than there is already is a "no" with the reasons why it would be less; without any, a person looks.
    """
    offers = made.outcome in (Outcome.APPROVE, Outcome.COUNTER_OFFER)
    if not offers or made.limit_minor > line.limit_minor:
        return made.outcome, made.limit_minor if offers else 0
    return (Outcome.DECLINE if made.reasons else Outcome.REFER), 0


def accept_increase(
    tx: Tx, lender: Lender, found: Application, actor: str, now: datetime
) -> Application | Refusal:
    """The customer accepts: their limit rises at once, and a letter says so.

    Refusals: those of ``increases.agree``; a line that is paused, restricted or on its way out does not rise.
    """
    if found.raises is None:
        raise ValueError("an application that raises nothing is accepted otherwise")
    rose = increases.agree(tx, found.raises, found.limit_minor, actor, now)
    if isinstance(rose, Refusal):
        return rose
    done = settle(tx, lender, replace(found, line=found.raises), State.ACCEPTED, now)
    data = {"line": found.raises, "limit_minor": found.limit_minor}
    tx.record(Entry(now, "application.accepted", "application", found.id, actor, data))
    notices.queue(tx, [letters.raised(lender, done, rose.from_minor or 0)], now)
    return done


def cannot_offer(tx: Tx, found: Application, limit_minor: int) -> Refusal | None:
    """Why a person cannot offer that limit to a customer who asked for more, if they cannot."""
    line = lines.get_line(tx, found.raises) if found.raises else Refusal("line.not_found")
    return line if isinstance(line, Refusal) else increases.cannot_rise(line, limit_minor)
