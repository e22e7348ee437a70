"""The lender's notice, while it runs and beside a case that is open on the same line. Pure.

A wish to leave that nobody has proven neither ends a notice nor lets it end the line: the notice waits. Once
the wish is proven it takes the notice's place for good; once it is over otherwise the notice goes on with
the day that it had.
"""

from __future__ import annotations

from datetime import date, datetime

from whiteslip.base import add_months, end_of_day
from whiteslip.exits.model import Exit, Facts, Identity, Kind, State, Step


def next_step(case: Exit, facts: Facts, overdue: bool) -> Step | None:
    """What is due on a notice. A line that is used again is not inactive; otherwise it runs to its end."""
    other = facts.beside
    if other and is_proven(other):
        estate = other.kind is Kind.ESTATE
        return Step(State.CANCELLED, "estate_is_settled" if estate else "customer_asked_first")
    used = facts.owed_minor or facts.held_minor or facts.disputed_minor
    if case.kind is Kind.INACTIVITY and (used or facts.used_since):
        return Step(State.CANCELLED, "line_used_again")
    return Step(State.CONFIRMED, "notice_ended") if overdue and other is None else None


def is_proven(case: Exit) -> bool:
    """Whether it is known who asked, or the case has gone on because nobody found out in time."""
    return case.identity is Identity.VERIFIED or case.confirmed_at is not None


def ends_at(given_on: date, months: int, timezone: str) -> datetime:
    """When a notice of that many calendar months has run: the end of the day with the same number,
    or of the month's last day where it has none, by the contract's clock.
    """
    return end_of_day(add_months(given_on, months), timezone)
