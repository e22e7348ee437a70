"""What is open, what will happen, and which step is due. Pure.

:func:`next_step` is the only place that decides a transition.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from whiteslip.base import Calendar, add_months, end_of_day
from whiteslip.billing.model import Quote, Record
from whiteslip.exits import noticed
from whiteslip.exits.model import (
    CANCELLABLE,
    TAKES_TWO,
    Due,
    Exit,
    Facts,
    Ground,
    Identity,
    Kind,
    Outcome,
    Path,
    Plan,
    Route,
    State,
    Step,
    Ties,
)
from whiteslip.lines import Line
from whiteslip.packs import Pack


@dataclass(frozen=True, slots=True)
class Clocks:
    """The parameters of a jurisdiction pack that leaving needs."""

    step_up_days: int
    hold_business_days: int
    desk_business_days: int
    cancel_days: int
    payoff_quote_days: int
    tail_months: int
    notice_months: int
    inactivity_months: int
    estate_answer_days: int
    interest_free_days: int
    contact_change_days: int
    de_minimis_minor: int
    payout_business_days: int
    keep_years: int
    blind_sample_bps: int
    calendar: Calendar

    @classmethod
    def of(cls, pack: Pack) -> Clocks:
        """Read them from a pack, each with its unit."""
        return cls(
            step_up_days=pack.days("exit.step_up_days"),
            hold_business_days=pack.business_days("exit.identity_hold_business_days"),
            desk_business_days=pack.business_days("exit.desk_business_days"),
            cancel_days=pack.days("exit.cancel_days"),
            payoff_quote_days=pack.days("exit.payoff_quote_days"),
            tail_months=pack.months("exit.tail_months"),
            notice_months=pack.months("issuer.notice_months"),
            inactivity_months=pack.months("issuer.inactivity_months"),
            estate_answer_days=pack.days("estate.answer_days"),
            interest_free_days=pack.days("estate.interest_free_days"),
            contact_change_days=pack.days("exit.contact_change_days"),
            de_minimis_minor=pack.minor("exit.de_minimis_minor"),
            payout_business_days=pack.business_days("exit.credit_payout_business_days"),
            keep_years=pack.years("retention.transactions_years"),
            blind_sample_bps=pack.bps("desk.blind_sample_bps"),
            calendar=pack.calendar,
        )


def plan(
    line: Line,
    schedule: Iterable[Due],
    quote: Quote,
    record: Record,
    held_until: date | None,
    disputed_minor: int = 0,
    ties: Ties | None = None,
) -> Plan:
    """What is open on the line on the quote's day, and what confirming would lead to."""
    today = quote.good_through
    uncleared = record.clears_on is not None and record.clears_on > today
    if line.owed_minor or line.held_minor or disputed_minor:
        outcome = Outcome.RUNS_OFF
    else:
        outcome = Outcome.CLEARS if uncleared else Outcome.CLOSES_NOW
    return Plan(
        outcome=outcome,
        owed_minor=line.owed_minor,
        held_minor=line.held_minor,
        held_until=held_until,
        credit_minor=line.credit_minor,
        uncleared_minor=record.uncleared_minor,
        clears_on=record.clears_on if uncleared else None,
        payoff_minor=quote.total_minor,
        per_day_minor=quote.per_day_minor,
        good_through=today,
        schedule=tuple(schedule),
        disputed_minor=disputed_minor,
        ties=ties or Ties(),
    )


def next_step(case: Exit, facts: Facts, now: datetime) -> Step | None:
    """The transition that is due at ``now``, or None.

    Nothing here looks at arrears, scores, the value of the customer or the state of the book.
    """
    if case.is_open and facts.legal_freeze:
        held = case.state is State.HELD and case.ground is Ground.LEGAL
        return None if held else Step(State.HELD, "legal_freeze", Ground.LEGAL)
    overdue = case.due_at is not None and now >= case.due_at
    match case.state:
        case State.NOTICE:
            return noticed.next_step(case, facts, overdue)
        case State.STOPPED:
            return _from_stopped(case, overdue)
        case State.HELD:
            return _from_held(case, overdue)
        case State.CONFIRMED | State.RUN_OFF | State.CLEARING if _was_not_them(case):
            return Step(State.HELD, "said_not_to_have_asked", Ground.IDENTITY)
        case State.CONFIRMED:
            return _from_confirmed(case, facts, overdue)
        case State.RUN_OFF | State.CLEARING:
            step = _onwards(case, facts)
            return step if step.to is not case.state else None
        case State.CLOSED | State.LAPSED | State.CANCELLED | State.REJECTED:
            return None


def taken(case: Exit, step: Step, now: datetime) -> Exit:
    """The case after a step, as far as the step alone decides; what goes with it is the caller's."""
    confirmed = now if step.to is State.CONFIRMED else None
    return replace(
        case,
        state=step.to,
        why=step.why,
        since=now,
        ground=step.ground,
        path=step.path or case.path,
        held_from=_held_from(case) if step.to is State.HELD else None,
        confirmed_at=case.confirmed_at or confirmed,
        due_at=None,
    )


def _held_from(case: Exit) -> State:
    """Where a held case goes back to; a hold upon a hold goes back to before both."""
    if case.state is State.HELD:
        return State.CONFIRMED if case.confirmed_at else State.STOPPED
    return case.state


def can_doubt(case: Exit) -> bool:
    """Whether word that it was not the customer who asked changes anything: once proven, as long as the case
    is open. A doubt that has had its time is not begun again, and nobody doubts a notice or a death by it.
    """
    return case.is_open and case.identity is Identity.VERIFIED and case.kind in (Kind.CLOSE, Kind.WITHDRAW)


def doubted(case: Exit) -> Exit:
    """A proven case after that word: a person looks at it, whatever was chosen before."""
    return replace(case, identity=Identity.DOUBTED, path=None)


def _was_not_them(case: Exit) -> bool:
    """Whether a case that goes on is in doubt, and neither the desk nor time has resolved it."""
    return case.identity is Identity.DOUBTED and case.path is None


def _from_stopped(case: Exit, overdue: bool) -> Step | None:
    if case.kind is Kind.ESTATE:
        return _from_reported(case, overdue)
    if case.identity is Identity.VERIFIED:
        return Step(State.CONFIRMED, "identity_verified")
    if case.identity is Identity.DOUBTED:
        return Step(State.HELD, "identity_not_proven", Ground.IDENTITY)
    return Step(State.LAPSED, "no_answer_in_time") if overdue else None


def _from_reported(case: Exit, overdue: bool) -> Step | None:
    """A death nobody has shown papers about goes to a person in the end, never back to drawing."""
    if case.identity is Identity.VERIFIED:
        return Step(State.CONFIRMED, "authority_shown")
    doubted = case.identity is Identity.DOUBTED
    return Step(State.HELD, "authority_not_shown", Ground.IDENTITY) if overdue or doubted else None


def _from_held(case: Exit, overdue: bool) -> Step | None:
    if case.ground is Ground.LEGAL:
        return Step(case.held_from or State.CONFIRMED, "legal_freeze_lifted")
    if case.path is Path.REJECT and case.kind is Kind.CLOSE:
        return Step(State.REJECTED, "asked_by_somebody_else")
    if case.is_satisfied:
        return Step(State.CONFIRMED, "desk_was_satisfied")
    # Doubt that nobody resolved in time does not keep a customer: the final step goes ahead.
    return Step(State.CONFIRMED, "held_too_long", path=Path.RUN_OFF) if overdue else None


def _from_confirmed(case: Exit, facts: Facts, overdue: bool) -> Step | None:
    if case.path is Path.HOLD:
        return Step(State.HELD, "desk_asked_for_proof", Ground.IDENTITY)
    if case.path is None and not overdue:
        if case.route is Route.HOLD:
            return Step(State.HELD, "identity_in_doubt", Ground.IDENTITY)
        if case.route is Route.DESK:
            return None
    return _onwards(case, facts)


def _onwards(case: Exit, facts: Facts) -> Step:
    """Where a case that nothing holds stands by its money alone."""
    if facts.owed_minor or facts.held_minor:
        if case.state is State.CLEARING:
            return Step(State.RUN_OFF, "payment_returned")
        return Step(State.RUN_OFF, "debt_open" if facts.owed_minor else "purchases_on_their_way")
    if facts.disputed_minor:
        return Step(State.RUN_OFF, "dispute_open")
    uncleared = facts.clears_on is not None and facts.clears_on > facts.today
    if uncleared and case.path is not Path.CLOSE_NOW:
        return Step(State.CLEARING, "payment_not_cleared")
    return Step(State.CLOSED, "nothing_open" if case.state is State.CONFIRMED else "all_paid")


def tail_is_over(case: Exit, today: date) -> bool:
    """Whether a closed case's tail has ended."""
    return case.tail_until is not None and case.tail_until <= today


def may_pay_out(changed_at: datetime | None, since: date, today: date, now: datetime, clocks: Clocks) -> bool:
    """Whether a credit owed since a day goes out: not while contact data (``changed_at``) is new.

    The clock of the payout goes before: a credit is refunded on its last day whatever changed meanwhile.
    """
    if changed_at is None or changed_at <= now - timedelta(days=clocks.contact_change_days):
        return True
    return clocks.calendar.add_business_days(since, clocks.payout_business_days) <= today


def waives_remainder(case: Exit, facts: Facts, clocks: Clocks) -> bool:
    """Whether what is left is too small to be asked for: of a confirmed case, and of one that has closed."""
    small = 0 < facts.owed_minor <= clocks.de_minimis_minor
    return small and not facts.held_minor and case.state in (State.RUN_OFF, State.CONFIRMED, State.CLOSED)


def can_cancel(case: Exit, clocks: Clocks, now: datetime) -> bool:
    """Whether the customer may still change their mind, without a new assessment.

    Withdrawing undoes the contract, so there is nothing to come back to; what the lender ended after
    its notice has ended; a death that was reported in error is for a person to undo.
    """
    undoable = case.kind is Kind.CLOSE and case.state in CANCELLABLE
    return undoable and now < case.requested_at + timedelta(days=clocks.cancel_days)


def can_choose(case: Exit, path: Path, facts: Facts, estate: bool = False) -> bool:
    """Whether the desk may put the case on ``path``: a debt is never called in to close sooner.

    Once a death was reported (``estate``) there is an estate to settle, whoever asked first: see
    :func:`may_hold_estate`.
    """
    match path:
        case Path.CLOSE_NOW:
            return case.waits_for_desk and not (facts.owed_minor or facts.held_minor or facts.disputed_minor)
        case Path.RUN_OFF:
            return case.waits_for_desk
        case Path.HOLD:
            return case.waits_for_desk and case.state is not State.HELD and not estate
        case Path.REJECT:
            # Not where somebody withdraws: their days run out, so doubt alone must not end it.
            doubted = case.waits_for_desk and case.state is State.HELD
            return doubted and case.kind is Kind.CLOSE and not estate


def chosen(case: Exit, path: Path) -> Exit:
    """The case with what the desk chose; to go on with one in doubt says that they are satisfied."""
    satisfied = path not in TAKES_TWO and case.state is State.HELD
    return replace(case, path=path, identity=Identity.VERIFIED if satisfied else case.identity)


def is_blind(case_id: UUID, share_bps: int) -> bool:
    """Whether a case is one of the share that is shown without advice: the same case, always."""
    return int.from_bytes(hashlib.sha256(b"blind" + case_id.bytes).digest()[:8]) % 10_000 < share_bps


def agrees(route: Route, path: Path) -> bool:
    """Whether a choice is what the table advised: to let go on, or not yet."""
    return (route is Route.HOLD) == (path in TAKES_TWO)


def deadline(case: Exit, facts: Facts, clocks: Clocks, timezone: str) -> datetime | None:
    """When the state that was just entered runs out; None when only an event ends it.

    Business days end at midnight in the contract's ``timezone``.
    """

    def business_days(count: int) -> datetime:
        return end_of_day(clocks.calendar.add_business_days(facts.today, count), timezone)

    match case.state:
        case State.NOTICE:
            return noticed.ends_at(facts.today, clocks.notice_months, timezone)
        case State.STOPPED if case.kind is Kind.ESTATE:
            return case.requested_at + timedelta(days=clocks.estate_answer_days)
        case State.STOPPED:
            return case.requested_at + timedelta(days=clocks.step_up_days)
        case State.HELD:
            return business_days(clocks.hold_business_days) if case.ground is Ground.IDENTITY else None
        case State.CONFIRMED if case.waits_for_desk:
            return business_days(clocks.desk_business_days)
        case State.CLEARING if facts.clears_on:
            # The first moment of the day on which the payment can no longer come back.
            day = facts.clears_on
            return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone))
        case _:
            return None


def as_withdrawal(case: Exit) -> Exit:
    """An open case as one of withdrawing: said by who is signed in, and not assessed. Where the lender's
    notice began it, drawing stopped when that was over.
    """
    doubted = case.identity is Identity.DOUBTED and case.state is not State.STOPPED
    known = Identity.DOUBTED if doubted else Identity.VERIFIED
    route = Route.STRAIGHT_THROUGH if case.route else None
    since = case.stopped_at or case.requested_at
    return replace(case, kind=Kind.WITHDRAW, identity=known, route=route, requested_at=since)


def as_estate(case: Exit) -> Exit:
    """An open case once a death was reported: a wish that nobody has proven becomes the estate's."""
    unproven = case.confirmed_at is None and case.kind is Kind.CLOSE
    return replace(case, kind=Kind.ESTATE) if unproven else case


def with_authority(case: Exit) -> Exit:
    """The case once somebody has shown that they settle the estate: nobody doubts who asks any more."""
    doubted = case.state is State.HELD and case.ground is Ground.IDENTITY
    if case.confirmed_at and not doubted:
        return case
    return replace(case, identity=Identity.VERIFIED, path=Path.RUN_OFF if doubted else case.path)


def undone(case: Exit, took_over: bool, now: datetime) -> Exit:
    """The case once a death turns out to be an error: what the customer had begun goes on as theirs.

    A wish that was not proven when the estate took it over lapses, so that nobody draws but by the
    customer's own word; a case that began with the report is taken back.
    """
    if case.kind is not Kind.ESTATE:
        return case
    back = called_off(case, "reported_in_error", now)
    return replace(back, kind=Kind.CLOSE, state=State.LAPSED) if took_over else back


def called_off(case: Exit, why: str, now: datetime) -> Exit:
    """A notice that is called off, or an open case that is taken back."""
    return replace(case, state=State.CANCELLED, why=why, since=now, ground=None, held_from=None, due_at=None)


def may_hold_estate(case: Exit) -> bool:
    """Whether heirs who dispute an estate may be waited for, by a hold on the ground of law."""
    return case.is_open and case.state is not State.HELD


def tail_end(today: date, clocks: Clocks) -> date:
    """Until when late credits and debits are awaited after closing.

    13 months: the longest a payer's bank may send an unauthorised SEPA debit back.
    """
    return add_months(today, clocks.tail_months)
