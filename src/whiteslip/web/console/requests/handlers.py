"""The queue of what people ask about their data, and one request: its clock, its answer."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from whiteslip import packs
from whiteslip.base import Refusal
from whiteslip.privacy import requests, rules, store
from whiteslip.privacy.model import Delay, Outcome, Request, Why
from whiteslip.web.console.written import Register, handlers_of


def _later(found: Request, now: datetime) -> datetime | None:
    """Until when the pack lets the answer be put off, once and before it is due."""
    if found.delay or now >= found.due_at:
        return None
    return rules.extended_due(packs.load(found.pack), found.asked_at)


request_handlers: Final = handlers_of(
    Register(
        name="requests",
        purpose="privacy",
        not_found=Refusal("privacy.request_not_found"),
        by_reference=store.request_by_reference,
        waiting=store.requests_waiting,
        about=lambda found: (f"kind_{found.kind}", found.asked_at),
        later=_later,
        may_answer=rules.may_answer,
        outcomes=Outcome,
        whys=Why,
        delays=Delay,
        answer=requests.answer,
        extend=requests.extend,
    )
)
