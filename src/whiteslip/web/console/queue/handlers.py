"""What waits for a person, and all cases."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from litestar import Response, get
from litestar.params import FromQuery, QueryParameter

from whiteslip import lines
from whiteslip.base import Money
from whiteslip.exits import Exit, desk, lateletters, promises
from whiteslip.exits import store as exits_store
from whiteslip.exits.choices import Only
from whiteslip.exits.model import Reason, State
from whiteslip.insight.words import Words
from whiteslip.notices import acts as notices_acts
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import see_other
from whiteslip.web.kit.pages import language_of, page

_SHOWN: Final = 100
_DAY_MINUTES: Final = 24 * 60


def _rows(duty: Duty, cases: list[Exit]) -> list[dict[str, Any]]:
    found = lines.get_lines(duty.tx, {case.line for case in cases})
    return [
        {"case": case, "owed": _owed(found[case.line]), "left": _left(case.due_at, duty.now)}
        for case in cases
    ]


def _owed(line: lines.Line) -> Money:
    return line.money(line.owed_minor)


def _left(due_at: datetime | None, now: datetime) -> tuple[str, int] | None:
    """How long until the deadline: a text key and a number; None without one."""
    if due_at is None:
        return None
    minutes = int((due_at - now).total_seconds() // 60)
    if minutes < 0:
        return ("late_hours", -minutes // 60)
    return (
        ("left_hours", minutes // 60) if minutes < 2 * _DAY_MINUTES else ("left_days", minutes // (24 * 60))
    )


@get("/", sync_to_thread=True)
def queue(request: WebRequest, done: FromQuery[str | None] = None) -> Response[Any]:
    """Cases that wait for a person, the nearest deadline first."""

    def act(duty: Duty) -> Response[str]:
        cases = exits_store.queue(duty.tx, duty.now, _SHOWN)
        counts, letters = exits_store.counts(duty.tx), notices_acts.counts(duty.tx)
        return page(
            request,
            "console/queue/page.html",
            rows=_rows(duty, cases),
            counts=[(state, counts.get(state, 0)) for state in State],
            agreement=exits_store.agreement(duty.tx),
            at_zero=promises.too_long_at_zero(duty.tx, duty.now),
            late_letters=lateletters.late(duty.tx, duty.now),
            waiting=waiting if (waiting := notices_acts.waiting(duty.tx)).is_long(duty.now) else None,
            lost_letters=letters.get("failed", 0) + letters.get("unknown", 0),
            done=done if done and exits_store.by_reference(duty.tx, done) else None,
            **duty.shown(),
        )

    return on_duty(request, act)


@get("/all", sync_to_thread=True)
def every(
    request: WebRequest,
    in_state: Annotated[State | None, QueryParameter(name="state")] = None,
    reason: FromQuery[Reason | None] = None,
    reference: FromQuery[str | None] = None,
    sent_by: FromQuery[str | None] = None,
) -> Response[Any]:
    """All cases, the newest first, or those in one state, of one reason, or that one rule sent to the desk; a
    reference leads to its case.
    """

    def act(duty: Duty) -> Response[Any]:
        wanted = (reference or "").strip().upper()
        if wanted and exits_store.by_reference(duty.tx, wanted):
            return see_other(request, f"{HOME}/cases/{wanted}")
        cases = exits_store.recent(duty.tx, _SHOWN, Only(in_state, reason, sent_by))
        return page(
            request,
            "console/queue/all.html",
            rows=_rows(duty, cases),
            states=list(State),
            state=in_state,
            reason=Words(language_of(request)).code(reason) if reason else None,
            sent_by=Words(language_of(request)).code(sent_by) if sent_by else None,
            wanted=wanted,
            **duty.shown(),
        )

    return on_duty(request, act)


@get("/next", sync_to_thread=True)
def following(request: WebRequest) -> Response[Any]:
    """Take the case nearest to its deadline that nobody else works on; or the empty queue."""

    def act(duty: Duty) -> Response[None]:
        case = desk.take_next(duty.tx, duty.actor, duty.now)
        return see_other(request, f"{HOME}/cases/{case.reference}" if case else HOME)

    return on_duty(request, act, chooses=True, noted=True)


queue_handlers: Final = [queue, every, following]
