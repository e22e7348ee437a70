"""What acts have in common: assessing, moving on, telling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from whiteslip import billing, decisions, identity, lines, notices
from whiteslip.applications import letters, rules, scorecard, store
from whiteslip.applications.model import Application, Asked, Lender, Outcome, State
from whiteslip.base import end_of_day, ids, local_day
from whiteslip.decisions import Decision, champions
from whiteslip.decisions.scoring import Model, Scored, points_of, score
from whiteslip.identity import Person
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import cancel_timer, set_timer

TABLE = "application-limit"


@dataclass(frozen=True, slots=True)
class Assessment:
    """Points, the decision they went into and the principal reasons, ranked."""

    points: int
    scorecard_version: str
    decision: Decision
    outcome: Outcome
    limit_minor: int
    reasons: tuple[str, ...]


def open_lines(tx: Tx, customer: UUID) -> list[Line]:
    """A customer's lines that are not closed."""
    return [line for line in lines.lines_of(tx, customer) if line.lifecycle is not Lifecycle.CLOSED]


def assess(
    tx: Tx,
    lender: Lender,
    subject: UUID,
    customer: UUID,
    asked: Asked,
    now: datetime,
    *,
    contact_agrees: bool = True,
    raising: Line | None = None,
) -> Assessment:
    """Score and decide about ``subject``, and keep the decision.

    Of what somebody did here only two sums of today count: the limits of their open lines and the days
    that something is past due. With ``raising`` that line's own limit is not in the way of a new one.
    """
    person = identity.peek(tx, lender.vault, customer)
    today = local_day(now, lender.pack.timezone)
    own = open_lines(tx, customer)
    debts = billing.debts(tx, [line.id for line in lines.lines_of(tx, customer)], today)
    card, scored = _scored(tx, lender, subject, asked, now)
    points = points_of(scored)
    facts = rules.limit_facts(
        asked,
        points,
        lender.pack,
        of_age=isinstance(person, Person) and rules.of_age(person.id_number, today),
        contact_agrees=contact_agrees,
        own_exposure_minor=sum(one.limit_minor for one in own if raising is None or one.id != raising.id),
        own_dpd_days=max((debt.days_past_due for debt in debts.values()), default=0),
    )
    version = store.keep_scorecard(tx, card)
    made = decisions.decide(tx, lender.tables, TABLE, subject, facts, now)
    most = lender.pack.count("issuer.principal_reasons")
    return Assessment(
        points,
        version,
        made,
        Outcome(made.outcome["outcome"]),
        made.outcome["limit_minor"],
        rules.principal_reasons(made.reasons, scored.reasons, most),
    )


def _scored(tx: Tx, lender: Lender, subject: UUID, asked: Asked, now: datetime) -> tuple[Model, Scored]:
    """Score by the champion, and in silence by its challengers; while there is none, by what ships."""
    facts = rules.score_facts(asked)
    served = champions.champion(tx, scorecard.NAME)
    given = champions.score_batch(tx, scorecard.NAME, [(subject, facts)], now) if served else None
    if served and given:
        return served.model, given[0].scored
    return lender.scorecard, score(lender.scorecard, facts)


def assess_increase(
    tx: Tx, lender: Lender, line: Line, asked: Asked, now: datetime, subject: UUID
) -> Assessment:
    """What a customer who asks for a higher limit could be offered. It changes nothing: a limit rises by
    their consent alone.
    """
    return assess(tx, lender, subject, line.customer, asked, now, raising=line)


def new_reference(tx: Tx) -> str:
    """What an application is called on letters."""
    while store.by_reference(tx, reference := ids.new_reference("AP")):
        pass
    return reference


def settle(
    tx: Tx,
    lender: Lender,
    application: Application,
    to: State,
    now: datetime,
    days: int | None = None,
    business_days: int | None = None,
) -> Application:
    """Move on, with the new state's deadline at the end of that day, or none."""
    pack = lender.pack
    due_at = None
    today = local_day(now, pack.timezone)
    if days is not None:
        due_at = end_of_day(today + timedelta(days=days), pack.timezone)
    if business_days is not None:
        due_at = end_of_day(pack.calendar.add_business_days(today, business_days), pack.timezone)
    if due_at:
        set_timer(tx, "application.deadline", application.id, due_at, now)
    else:
        cancel_timer(tx, "application.deadline", application.id, now)
    moved = replace(application, state=to, due_at=due_at)
    store.save(tx, moved)
    return moved


def decided(tx: Tx, lender: Lender, application: Application, actor: str, now: datetime) -> Application:
    """Enter the state that the outcome leads to, journal it and write the letter it asks for."""
    outcome = application.outcome
    if outcome is None:
        raise ValueError("an application is decided before it moves on")
    to, pack = rules.state_after(outcome), lender.pack
    days = pack.days("application.offer_days") if to is State.OFFERED else None
    desk = pack.business_days("application.review_business_days") if to is State.REFERRED else None
    moved = settle(tx, lender, application, to, now, days, desk)
    data = {
        "outcome": outcome,
        "limit_minor": moved.limit_minor,
        "reasons": list(moved.reasons),
        "decision": moved.decision,
        "score": moved.score,
    }
    tx.record(Entry(now, "application.decided", "application", moved.id, actor, data))
    letter = letters.of_outcome(tx, lender, moved)
    if letter:
        notices.queue(tx, [letter], now)
    return moved
