"""When an answer is due, how often that may move, and what may be answered. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from whiteslip.base import end_of_day, local_day
from whiteslip.complaints.model import Complaint, Outcome
from whiteslip.packs import Pack


def due_at(pack: Pack, filed_at: datetime, extensions: int) -> datetime | None:
    """When the answer is due after so many extensions; None where the pack allows no more of them.

    China: 15 days, 30 in all where it is complex, 30 more in special cases. The United Kingdom and
    the European Union: eight weeks, no extension. Days end at midnight in the pack's timezone.
    """
    first, complex_ = pack.days("complaint.answer_days"), pack.days("complaint.complex_days")
    steps = [first]
    if complex_ > first:
        steps.append(complex_)
    if extra := pack.days("complaint.special_extra_days"):
        steps.append(steps[-1] + extra)
    if extensions >= len(steps):
        return None
    filed_on = local_day(filed_at, pack.timezone)
    return end_of_day(filed_on + timedelta(days=steps[extensions]), pack.timezone)


def may_answer(complaint: Complaint, outcome: Outcome) -> bool:
    """Whether it may be answered so: what the lender left lying too long it cannot turn down."""
    return not (complaint.overdue_at and outcome is Outcome.NOT_UPHELD)
