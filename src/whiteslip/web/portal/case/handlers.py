"""A case of leaving, at an address that can be kept: what happened and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import exits, lines, notices
from whiteslip.exits import Exit
from whiteslip.exits import store as exits_store
from whiteslip.exits.acts import clocks_of
from whiteslip.exits.model import BY_LENDER, Ground, Kind, Plan, Reason, State
from whiteslip.exits.orders import is_untold
from whiteslip.exits.rules import can_cancel
from whiteslip.notices.model import Notice
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import FromForm, see_other
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.dues import by_day
from whiteslip.web.portal.hanging import hanging
from whiteslip.web.portal.letters.handlers import listed
from whiteslip.web.portal.visit import Visit, signed_in


def face_of(case: Exit, disputed: bool = False, untold: bool = False) -> str:
    """Where a case stands, as a word of the page's texts; ``disputed``: something on the line is;
    ``untold``: an order holds it of which nobody may be told, so that it looks like any that a person reads.
    """
    if case.kind is Kind.WITHDRAW and case.state in (State.RUN_OFF, State.CLEARING, State.CLOSED):
        return "withdrawn" if case.state is State.CLOSED else "withdrawing"
    if case.kind in BY_LENDER and case.why in _OVERTAKEN:
        return _OVERTAKEN[case.why]
    if case.kind in BY_LENDER and case.state in _ENDED_BY_LENDER:
        return _ENDED_BY_LENDER[case.state]
    if case.kind is Kind.ESTATE and case.state in (State.STOPPED, State.CLOSED):
        return "reported" if case.state is State.STOPPED else "ended"
    if case.not_me and disputed and case.state is State.RUN_OFF:
        return "unopened"
    match case.state:
        case State.HELD:
            legal = "desk" if untold else "frozen"
            return legal if case.ground is Ground.LEGAL else "held"
        case State.CONFIRMED:
            return "desk"
        case state:
            return state.value


_FIRST: Final = frozenset({"exit.acknowledged", "withdrawal.received"})
_CLOSING: Final = ("exit.closed", "termination.closed")
_OVERTAKEN: Final = {"customer_asked_first": "overtaken", "estate_is_settled": "overtaken_reported"}
_ENDED_BY_LENDER: Final = {State.NOTICE: "notice", State.CANCELLED: "called_off", State.CLOSED: "ended"}


def _written_last(letter: Notice) -> tuple[datetime, bool]:
    """Order of writing. A case that closes at once writes two letters in the same instant."""
    return letter.queued_at, letter.kind not in _FIRST


@dataclass(frozen=True, slots=True)
class Beside:
    """Of a wish: the lender's ``notice`` that runs on the line, or the one that it ``overtook``. Of a notice:
    the ``other`` case, which it waits for or which took its place.
    """

    notice: Exit | None = None
    overtook: Exit | None = None
    other: Exit | None = None


def _beside(visit: Visit, case: Exit) -> Beside:
    if case.kind in BY_LENDER:
        if case.why == "customer_asked_first":
            asked = (each for each in exits_store.of_line(visit.tx, case.line) if each.kind not in BY_LENDER)
            return Beside(other=next((each for each in asked if each.requested_at <= case.since), None))
        waits = case.state is State.NOTICE
        return Beside(other=exits_store.open_of_line(visit.tx, case.line) if waits else None)
    if case.kind is Kind.ESTATE and case.is_open:
        return Beside()
    overtook = (
        each
        for each in exits_store.of_line(visit.tx, case.line)
        if each.why == "customer_asked_first" and each.since >= case.requested_at
    )
    return Beside(exits_store.notice_of_line(visit.tx, case.line), next(overtook, None))


def _as_before(case: Exit, plan: Plan) -> bool:
    """Whether all that is left to pay falls due as it did when the customer asked: no other day for bills, no
    hardship plan, no fee, nothing sent since.
    """
    days = {(due.plan, due.no): due.due_on for due in case.plan.schedule}
    return all(days.get((due.plan, due.no)) == due.due_on for due in plan.schedule)


@get("/exits/{reference:str}", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Screen 4, now and whenever it is opened again."""

    def answer(visit: Visit) -> Response[Any]:
        case = visit.case(reference)
        line = granted(lines.get_line(visit.tx, case.line))
        plan, clocks = granted(exits.preview(visit.tx, line.id, visit.now)), clocks_of(line)
        asked = exits_store.paper_requests(visit.tx, case.id)
        dues = by_day(line, plan.schedule)
        letters = sorted(notices.of_subject(visit.tx, case.id), key=_written_last, reverse=True)
        face = face_of(case, plan.disputed_minor > 0, is_untold(visit.tx, line.id))
        beside = _beside(visit, case)
        if face == "notice" and beside.other:
            face = "waits_reported" if beside.other.kind is Kind.ESTATE else "waits"
        closing = next((letter for letter in letters if letter.kind in _CLOSING), None)
        return page(
            request,
            "portal/case/page.html",
            case=case,
            face=face,
            notice=beside.notice,
            other=beside.other,
            overtook=beside.overtook,
            line=line,
            plan=plan,
            sales=visit.sales(line),
            hangs=hanging(visit, line, plan),
            was=case.plan.ties,
            dues=dues,
            as_before=_as_before(case, plan),
            payoff=line.money(plan.payoff_minor),
            per_day=line.money(plan.per_day_minor),
            disputed=line.money(plan.disputed_minor),
            paper=next((each for each in asked if each.is_open(visit.now)), None),
            letters=listed(letters, language_of(request)),
            closing_letter=f"/letters/{closing.id}.pdf" if closing else None,
            can_cancel=can_cancel(case, clocks, visit.now),
            cancel_until=case.requested_at + timedelta(days=clocks.cancel_days),
            reasons=list(Reason),
            answer_days=visit.ports.pack.days("complaint.answer_days"),
        )

    return signed_in(request, answer)


@post("/exits/{reference:str}/cancel", sync_to_thread=True)
def cancel(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """Take it back, while that is possible. Drawing begins again, so it takes a proof of who asks."""

    def act(visit: Visit) -> Response[Any]:
        case = visit.case(reference)
        if case.state is not State.CANCELLED:
            unproven = visit.must_prove(f"/exits/{case.reference}")
            if unproven:
                return unproven
            granted(exits.cancel(visit.tx, visit.ports.office, case.id, visit.actor, visit.now))
        return see_other(request, f"/exits/{case.reference}")

    return signed_in(request, act)


@post("/exits/{reference:str}/reason", sync_to_thread=True)
def give_reason(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Note why the customer left, if they want to say. Nothing chosen is no answer and no fault."""

    def act(visit: Visit) -> Response[Any]:
        case = visit.case(reference)
        chosen = form.value("reason")
        if chosen in set(Reason):
            granted(exits.give_reason(visit.tx, case.id, Reason(chosen), visit.actor, visit.now))
        return see_other(request, f"/exits/{case.reference}")

    return signed_in(request, act)


case_handlers: Final = [show, cancel, give_reason]
