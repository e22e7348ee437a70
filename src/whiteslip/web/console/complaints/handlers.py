"""Complaints: a queue of their own, and each on one page with what may be answered."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from whiteslip import complaints, packs
from whiteslip.base import Refusal
from whiteslip.complaints import Complaint, Outcome, rules, store
from whiteslip.complaints.model import Delay, Why
from whiteslip.web.console.written import Register, handlers_of


def _later(found: Complaint, _now: datetime) -> datetime | None:
    """Until when the pack lets the answer be put off once more."""
    if found.overdue_at:
        return None
    return rules.due_at(packs.load(found.pack), found.filed_at, found.extensions + 1)


complaint_handlers: Final = handlers_of(
    Register(
        name="complaints",
        purpose="complaint",
        not_found=Refusal("complaint.not_found"),
        by_reference=store.by_reference,
        waiting=store.queue,
        about=lambda found: (f"topic_{found.topic}", found.filed_at),
        later=_later,
        may_answer=rules.may_answer,
        outcomes=Outcome,
        whys=Why,
        delays=Delay,
        answer=complaints.answer,
        extend=complaints.extend,
    )
)
