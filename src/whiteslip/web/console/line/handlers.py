"""A line at the desk: find it, see its state, restrict, end with notice, settle an estate, close for
somebody on the phone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import billing
from whiteslip.base import Refusal
from whiteslip.base.ids import spoken
from whiteslip.exits import Exit, behalf, freezes, proposals, restrictions, terminations
from whiteslip.exits import store as exits_store
from whiteslip.exits.behalf import How
from whiteslip.exits.estates import StandsWhy
from whiteslip.exits.freezes import FILE_NUMBER, Order
from whiteslip.exits.model import ONLY_WITH_NOTICE, Cause, Channel, Kind
from whiteslip.exits.restrictions import Limits
from whiteslip.exits.withdrawal import can_withdraw
from whiteslip.lines import Line
from whiteslip.lines.changes import told_of_line
from whiteslip.lines.locks import standing
from whiteslip.lines.model import Lifecycle
from whiteslip.web.console.duty import HOME, Duty, on_duty, submitted
from whiteslip.web.console.line.finding import AT, index
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import Refused, granted

_TO_RESTRICT: Final = [cause for cause in Cause if cause not in ONLY_WITH_NOTICE]
_TO_END: Final = [cause for cause in Cause if cause is not Cause.INACTIVITY]


class OnBehalf(msgspec.Struct):
    """The form of who asked on the phone or on paper; ``how`` it is known who it was, if it is."""

    channel: Channel
    kind: Kind
    how: How | None = None


def _page(duty: Duty, line: Line, form: Form, **shown: Any) -> Response[Any]:
    tx = duty.tx
    open_one = next(
        (one for one in exits_store.terminations_of_line(tx, line.id) if one.outcome == "open"), None
    )
    case, estate = exits_store.open_of_line(tx, line.id), exits_store.estate_of_line(tx, line.id)
    return page(
        duty.request,
        "console/line/page.html",
        form=form,
        line=line,
        reference=spoken("LN", line.id),
        to_ask=_to_ask(line, case, duty) if estate is None else [],
        ways=list(How),
        debt=billing.debt(tx, line.id, line.today(duty.now)),
        locks=standing(tx, line.id),
        case=case,
        notice=exits_store.notice_of_line(tx, line.id),
        told=told_of_line(tx, line.id),
        restriction=exits_store.restriction_of_line(tx, line.id),
        to_agree=proposals.open_of_line(tx, line.id),
        estate=estate,
        stand_whys=list(StandsWhy),
        freeze=freezes.of_line(tx, line.id),
        orders=list(Order),
        actor=duty.actor,
        proposal=open_one,
        may_decide=duty.may_choose and open_one is not None and open_one.proposed_by != duty.actor,
        to_restrict=_TO_RESTRICT,
        to_end=_TO_END,
        **shown,
        **duty.shown(),
    )


def _to_ask(line: Line, case: Exit | None, duty: Duty) -> list[Kind]:
    """What somebody may ask for on behalf: to withdraw also while a closing is under way."""
    kinds = [Kind.CLOSE] if line.lifecycle is Lifecycle.ACTIVE else []
    withdraws = can_withdraw(line, line.today(duty.now)) and (case is None or case.kind is Kind.CLOSE)
    return [*kinds, Kind.WITHDRAW] if withdraws else kinds


@get("/lines/{line_id:uuid}", sync_to_thread=True)
def show(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """The line."""
    return on_duty(request, lambda duty: _page(duty, duty.line(line_id), Form()))


def change(
    request: WebRequest, line_id: UUID, form: Form, act: Callable[[Duty, Line], object]
) -> Response[Any]:
    """Do something to a line and show it again."""
    return submitted(request, form, lambda duty: duty.line(line_id), act, _page, f"{AT}/{line_id}")


def _cause(form: Form, name: str, allowed: list[Cause]) -> Cause | Errors:
    chosen = form.value(name)
    return Cause(chosen) if chosen in allowed else Errors().add(name, "missing")


@post("/lines/{line_id:uuid}/restrict", sync_to_thread=True)
def restrict(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Propose to stop drawing, for a reason and for a while; a table says whether it takes two."""

    def act(duty: Duty, line: Line) -> object:
        why = _cause(form, "reason", _TO_RESTRICT)
        if isinstance(why, Errors):
            return why
        office = duty.ports.office
        return proposals.propose(duty.tx, office, line.id, Limits(), [why], duty.actor, duty.now)

    return change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/restrict/decide", sync_to_thread=True)
def decide_restriction(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """The second person agrees, or turns it down; the first is refused."""

    def act(duty: Duty, line: Line) -> object:
        waiting = proposals.open_of_line(duty.tx, line.id)
        if waiting is None:
            return Refusal("restriction.not_found")
        if form.value("decision") not in ("approve", "reject"):
            return Errors().add("decision", "missing")
        approve, office = form.value("decision") == "approve", duty.ports.office
        return proposals.decide(duty.tx, office, waiting.id, approve, duty.actor, duty.now)

    return change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/unrestrict", sync_to_thread=True)
def unrestrict(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """End a restriction whose reason has ended."""
    return change(
        request,
        line_id,
        form,
        lambda duty, line: restrictions.lift(
            duty.tx, duty.ports.office, line.id, "reason_ended", duty.actor, duty.now
        ),
    )


@post("/lines/{line_id:uuid}/terminate", sync_to_thread=True)
def terminate(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Propose to end the agreement; somebody else decides."""

    def act(duty: Duty, line: Line) -> object:
        if form.value("end_reason") == Cause.INACTIVITY:
            return terminations.propose(duty.tx, line.id, Kind.INACTIVITY, [], duty.actor, duty.now)
        why = _cause(form, "end_reason", _TO_END)
        if isinstance(why, Errors):
            return why
        return terminations.propose(duty.tx, line.id, Kind.TERMINATION, [why], duty.actor, duty.now)

    return change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/decide", sync_to_thread=True)
def decide(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """The second person gives notice or turns the proposal down; the first is refused."""

    def act(duty: Duty, line: Line) -> object:
        found = exits_store.terminations_of_line(duty.tx, line.id)
        open_one = next((one for one in found if one.outcome == "open"), None)
        if open_one is None:
            raise Refused(Refusal("termination.not_found"))
        approve, office = form.value("decision") == "approve", duty.ports.office
        return granted(terminations.decide(duty.tx, office, open_one.id, approve, duty.actor, duty.now))

    return change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/withdraw-notice", sync_to_thread=True)
def withdraw_notice(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Take the notice back before it is over."""

    def act(duty: Duty, line: Line) -> object:
        notice = exits_store.notice_of_line(duty.tx, line.id)
        if notice is None:
            return Refusal("exit.no_notice")
        return terminations.withdraw_notice(duty.tx, duty.ports.office, notice.id, duty.actor, duty.now)

    return change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/close", sync_to_thread=True)
def close(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Ask to close, or withdraw, for a customer on the phone or by letter: drawing stops at once. The case
    is where it is recorded who it was, if that is not known yet.
    """

    def act(duty: Duty, line: Line) -> object:
        typed = form.read(OnBehalf)
        if isinstance(typed, Errors):
            return typed
        if typed.kind is Kind.WITHDRAW and typed.how is None:
            return Errors().add("how", "missing")
        done = behalf.ask(
            duty.tx,
            duty.ports.office,
            line.id,
            Kind.WITHDRAW if typed.kind is Kind.WITHDRAW else Kind.CLOSE,
            Channel.PAPER if typed.channel is Channel.PAPER else Channel.PHONE,
            typed.how,
            duty.actor,
            duty.now,
        )
        return done if isinstance(done, Refusal) else see_other(request, f"{HOME}/cases/{done.reference}")

    return change(request, line_id, form, act)


class SaysNo(msgspec.Struct):
    """The form of who said no to new terms; ``how`` it is known who it was, if it is."""

    no_channel: Channel
    no_how: How | None = None


@post("/lines/{line_id:uuid}/terms/reject", sync_to_thread=True)
def reject_terms(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """The customer called or wrote that they do not want the new terms: the line closes on those it has."""

    def act(duty: Duty, line: Line) -> object:
        typed, office = form.read(SaysNo), duty.ports.office
        if isinstance(typed, Errors):
            return typed
        channel = Channel.PAPER if typed.no_channel is Channel.PAPER else Channel.PHONE
        return behalf.reject_terms(duty.tx, office, line.id, channel, typed.no_how, duty.actor, duty.now)

    return change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/freeze", sync_to_thread=True)
def freeze(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Propose an order of the law, or place what somebody else has proposed; the first is refused."""

    def act(duty: Duty, line: Line) -> object:
        ground, reference = form.value("order"), form.value("file_number").strip()
        if ground not in {each.value for each in Order}:
            return Errors().add("order", "missing")
        if not FILE_NUMBER.fullmatch(reference):
            return Errors().add("file_number", "missing")
        office = duty.ports.office
        return freezes.place(duty.tx, office, line.id, Order(ground), reference, duty.actor, duty.now)

    return change(request, line_id, form, act)


@post("/lines/{line_id:uuid}/unfreeze", sync_to_thread=True)
def unfreeze(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Propose to lift an order as its authority said, or lift it as the second person."""
    return change(
        request,
        line_id,
        form,
        lambda duty, line: freezes.lift(duty.tx, duty.ports.office, line.id, duty.actor, duty.now),
    )


@post("/lines/{line_id:uuid}/freeze/turn-down", sync_to_thread=True)
def turn_down_freeze(request: WebRequest, line_id: FromPath[UUID], form: FromForm) -> Response[Any]:
    """Do not agree to what somebody else proposed of an order, the order or its lift."""
    return change(
        request,
        line_id,
        form,
        lambda duty, line: freezes.turn_down(duty.tx, line.id, duty.actor, duty.now),
    )


line_handlers: Final = [
    index,
    show,
    restrict,
    decide_restriction,
    unrestrict,
    terminate,
    decide,
    withdraw_notice,
    close,
    reject_terms,
    freeze,
    unfreeze,
    turn_down_freeze,
]
