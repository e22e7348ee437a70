"""Leaving: choose, confirm who you are, check, confirm. Each step is found again from what is stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import exits, insight
from whiteslip.base import Refusal
from whiteslip.exits import offering, softer
from whiteslip.exits.acts import clocks_of
from whiteslip.exits.model import Channel, Identity, State
from whiteslip.exits.offering import Shown
from whiteslip.exits.offers import Kind as OfferKind
from whiteslip.insight import Journey, Step
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.notices.compose import kept_by
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Form, FromForm, see_other
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.confirm.handlers import answer_identity, identity_page
from whiteslip.web.portal.dues import by_day
from whiteslip.web.portal.hanging import hanging
from whiteslip.web.portal.line.handlers import set_pause
from whiteslip.web.portal.visit import FROM_CHOICE, HOME, Visit, signed_in

_IDENTITY: Final = "portal/leave/identity.html"


def _elsewhere(visit: Visit, line: Line, answers: bool = False) -> Response[Any] | None:
    """Where a line that is on its way out belongs; ``answers`` lets a case wait for its proof."""
    case = visit.latest_case(line)
    if case and (case.is_open or line.lifecycle is Lifecycle.CLOSED):
        waits = answers and case.state is State.STOPPED
        return None if waits else see_other(visit.request, f"/exits/{case.reference}")
    return see_other(visit.request, HOME) if line.lifecycle is Lifecycle.CLOSED else None


def _ask(visit: Visit, line: Line, who: Identity, not_me: bool = False) -> Response[Any]:
    """Ask to close. A line that closed meanwhile shows how: pressing twice does nothing twice."""
    case = exits.request(
        visit.tx, visit.ports.office, line.id, Channel.PORTAL, visit.actor, visit.now, who, not_me
    )
    if isinstance(case, Refusal):
        return _elsewhere(visit, line) or see_other(visit.request, HOME)
    _see(visit, line, Step.FROZEN if who is Identity.DOUBTED else Step.DONE)
    return see_other(visit.request, f"/exits/{case.reference}")


def _see(visit: Visit, line: Line, step: Step) -> None:
    """Note that somebody got here; see ``insight`` for what is kept of it."""
    insight.see(visit.tx, Journey.LEAVE, step, f"{visit.session.id}:{line.id}", line.pack, visit.now)


@get("/lines/{line_id:uuid}/leave", sync_to_thread=True)
def choose(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Screen 1: close, reduce, pause, as equals, with what is open."""

    def show(visit: Visit) -> Response[Any]:
        line = visit.line(line_id)
        elsewhere = _elsewhere(visit, line)
        if elsewhere:
            return elsewhere
        plan = granted(exits.preview(visit.tx, line.id, visit.now))
        _see(visit, line, Step.CHOOSE)
        return page(
            request,
            "portal/leave/choose.html",
            line=line,
            hangs=hanging(visit, line, plan),
            offer=offering.show(visit.tx, visit.ports.office, line, visit.actor, visit.now),
            owed=line.money(plan.owed_minor),
            held=line.money(plan.held_minor),
            credit=line.money(plan.credit_minor),
            disputed=line.money(plan.disputed_minor),
            uncleared=line.money(plan.uncleared_minor),
            clears_on=plan.clears_on,
        )

    return signed_in(request, show, noted=True)


@post("/lines/{line_id:uuid}/leave", sync_to_thread=True)
def chosen(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Take the way that was chosen; pausing is done at once."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        way = form.value("way")
        offer = offering.answer(visit.tx, line, way == "offer", visit.actor, visit.now)
        match way:
            case "offer" if offer:
                _see(visit, line, Step.OFFER)
                return _take_up(visit, line, offer)
            case "close":
                return see_other(request, f"/lines/{line.id}/leave/identity")
            case "reduce":
                _see(visit, line, Step.REDUCING)
                return see_other(request, f"/lines/{line.id}/reduce?{FROM_CHOICE}")
            case "pause":
                set_pause(visit, line)
                _see(visit, line, Step.PAUSED)
                return see_other(request, HOME)
            case _:
                return see_other(request, f"/lines/{line.id}/leave")

    return signed_in(request, act)


def _take_up(visit: Visit, line: Line, offer: Shown) -> Response[Any]:
    """Do, or lead to, what the alternative said."""
    match offer.kind:
        case OfferKind.PAUSE if line.lifecycle is Lifecycle.ACTIVE:
            granted(softer.pause(visit.tx, line.id, visit.actor, visit.now, offer.days))
            return see_other(visit.request, HOME)
        case OfferKind.LOWER_LIMIT:
            return see_other(visit.request, f"/lines/{line.id}/reduce?{FROM_CHOICE}")
        case OfferKind.HARDSHIP_HELP:
            return see_other(visit.request, f"/lines/{line.id}/hardship?{FROM_CHOICE}")
        case _:
            return see_other(visit.request, HOME)


@get("/lines/{line_id:uuid}/leave/identity", sync_to_thread=True)
def identify(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Screen 2: who you are. Left out when that was proven a moment ago."""

    def show(visit: Visit) -> Response[Any]:
        line = visit.line(line_id)
        elsewhere = _elsewhere(visit, line, answers=True)
        if elsewhere:
            return elsewhere
        if visit.is_proven:
            return see_other(request, f"/lines/{line.id}/leave/check")
        _see(visit, line, Step.IDENTITY)
        return identity_page(visit, _IDENTITY, Form(), line_id=line_id)

    return signed_in(request, show, noted=True)


@post("/lines/{line_id:uuid}/leave/identity", sync_to_thread=True)
def prove(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Send a code, or check name, ID number and code. What was typed stays."""

    def elsewhere(visit: Visit) -> Response[Any] | None:
        return _elsewhere(visit, visit.line(line_id), answers=True)

    to = f"/lines/{line_id}/leave/check"
    return answer_identity(request, form, _IDENTITY, to, elsewhere, line_id=line_id)


@get("/lines/{line_id:uuid}/leave/check", sync_to_thread=True)
def check(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Screen 3: everything that closing means, and one button."""

    def show(visit: Visit) -> Response[Any]:
        line = visit.line(line_id)
        elsewhere = _elsewhere(visit, line, answers=True)
        if elsewhere:
            return elsewhere
        if not visit.is_proven:
            return see_other(request, f"/lines/{line.id}/leave/identity")
        plan, clocks = granted(exits.preview(visit.tx, line.id, visit.now)), clocks_of(line)
        _see(visit, line, Step.CHECK)
        dues = by_day(line, plan.schedule)
        return page(
            request,
            "portal/leave/check.html",
            line=line,
            plan=plan,
            hangs=hanging(visit, line, plan),
            dues=dues,
            payoff=line.money(plan.payoff_minor),
            per_day=line.money(plan.per_day_minor),
            credit_days=clocks.payout_business_days,
            keep_years=clocks.keep_years,
            kept_by=kept_by(line.pack, language_of(request)),
            cancel_until=line.today(visit.now) + timedelta(days=clocks.cancel_days),
        )

    return signed_in(request, show, noted=True)


@post("/lines/{line_id:uuid}/leave/check", sync_to_thread=True)
def confirm(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Close. Without a fresh proof the second screen comes again, and nothing is done."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        elsewhere = _elsewhere(visit, line, answers=True)
        if elsewhere:
            return elsewhere
        if not visit.is_proven:
            return see_other(request, f"/lines/{line.id}/leave/identity")
        return _ask(visit, line, Identity.VERIFIED)

    return signed_in(request, act)


_FREEZE: Final = [
    "/lines/{line_id:uuid}/leave/without-code",
    "/lines/{line_id:uuid}/leave/not-mine",
]


def _is_not_mine(request: WebRequest) -> bool:
    return request.url.path.endswith("/not-mine")


@get(_FREEZE, sync_to_thread=True)
def offer_freeze(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """No code can be had, or the line was opened by somebody else: what we can do at once."""

    def show(visit: Visit) -> Response[Any]:
        line = visit.line(line_id)
        return _elsewhere(visit, line, answers=True) or page(
            request,
            "portal/leave/freeze.html",
            line_id=line.id,
            not_mine=_is_not_mine(request),
            days=clocks_of(line).hold_business_days,
        )

    return signed_in(request, show)


@post(_FREEZE, sync_to_thread=True)
def freeze(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Stop now; a person looks at who it was, with a deadline."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        elsewhere = _elsewhere(visit, line, answers=True)
        return elsewhere or _ask(visit, line, Identity.DOUBTED, _is_not_mine(request))

    return signed_in(request, act)


leave_handlers: Final = [choose, chosen, identify, prove, check, confirm, offer_freeze, freeze]
