"""What the lender ends with notice; and the estate of a customer who has died."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from whiteslip import lines
from whiteslip.base import Refusal, new_id
from whiteslip.base.ids import public
from whiteslip.exits import Exit, estates, terminations
from whiteslip.exits import store as exits_store
from whiteslip.exits.estates import StandsWhy
from whiteslip.exits.model import Cause, Channel, Estate, Kind, Termination
from whiteslip.identity import Person
from whiteslip.identity.vault import enrol_contact
from whiteslip.store import Tx
from whiteslip.web.api.access import (
    PAGE,
    Caller,
    Page,
    caller_of,
    get,
    identifier,
    page_of,
    post,
    read,
    write,
)
from whiteslip.web.api.lines import shaped
from whiteslip.web.api.lists import Limit, listed, start_of
from whiteslip.web.api.locks import CauseCode, EmptyBody
from whiteslip.web.api.shapes import Key, Text
from whiteslip.web.api.shapes_exits import ExitShape
from whiteslip.web.kit import proof
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses

EndCode: TypeAlias = CauseCode | Literal["product_ended"]


class TerminateBody(Struct, forbid_unknown_fields=True):
    """What to propose. ``reasons``: the weightiest first; for ``inactivity`` it is the only one."""

    kind: Literal["termination", "inactivity"] = "termination"
    reasons: Annotated[list[EndCode], Meta(max_length=4)] = []


class AuthorityBody(Struct, forbid_unknown_fields=True):
    """Who settles the estate, and a reference to the paper that shows it. What names them goes into
    the vault and comes back in no answer.
    """

    full_name: Text
    phone: Text
    email: Text
    authority: Key
    language: Literal["zh-CN", "en"] = "en"


class TerminationShape(Struct):
    """A proposal to end an agreement; ``exit`` is the case that approving it opened."""

    id: str
    line: str
    kind: str
    reasons: list[str]
    outcome: str
    proposed_at: datetime
    decided_at: datetime | None
    exit: str | None

    @classmethod
    def of(cls, one: Termination) -> TerminationShape:
        """Shape a proposal."""
        return cls(
            id=public("trm", one.id),
            line=public("line", one.line),
            kind=one.kind,
            reasons=[str(reason) for reason in one.reasons],
            outcome=one.outcome,
            proposed_at=one.proposed_at,
            decided_at=one.decided_at,
            exit=public("exit", one.exit) if one.exit else None,
        )


class StandsBody(Struct, forbid_unknown_fields=True):
    """Why a reported death stands."""

    why: Literal["paper_shows_it", "not_proven"]


class EstateShape(Struct):
    """A death that was reported; ``told_minor`` paid by the end of ``settle_by`` settles everything."""

    line: str
    exit: str
    reported_at: datetime
    authority: str | None
    told_at: datetime | None
    told_minor: int | None
    settle_by: date | None

    @classmethod
    def of(cls, estate: Estate) -> EstateShape:
        """Shape an estate."""
        return cls(
            line=public("line", estate.line),
            exit=public("exit", estate.exit),
            reported_at=estate.reported_at,
            authority=estate.authority,
            told_at=estate.told_at,
            told_minor=estate.told_minor,
            settle_by=estate.settle_by,
        )


@post(
    "/lines/{line_id:str}/terminate",
    summary="Propose to end an agreement",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def terminate(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[TerminateBody]
) -> Response[TerminationShape]:
    """Nothing changes until somebody else approves; then the customer gets at least two months' notice."""
    wanted = identifier("line", line_id, "line.not_found")
    kind, reasons = Kind(data.kind), [Cause(reason) for reason in data.reasons]

    def act(tx: Tx, now: datetime, caller: Caller) -> TerminationShape:
        return TerminationShape.of(
            granted(terminations.propose(tx, wanted, kind, reasons, caller.person, now))
        )

    return write(request, data, act, 201)


@get("/terminations", summary="Proposals to end agreements", responses=problem_responses(401, 403, 422))
def list_terminations(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """Those that wait for the second person, the oldest first."""
    return listed(request, "trm", after, limit, exits_store.open_terminations, TerminationShape.of)


def _decide(request: WebRequest, termination_id: str, approve: bool) -> Response[TerminationShape]:
    office = ports_of(request, Ports).office
    wanted = identifier("trm", termination_id, "termination.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> TerminationShape:
        return TerminationShape.of(
            granted(terminations.decide(tx, office, wanted, approve, caller.person, now))
        )

    return write(request, None, act)


@post(
    "/terminations/{termination_id:str}/approve",
    summary="Give notice",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def approve(request: WebRequest, termination_id: FromPath[str]) -> Response[TerminationShape]:
    """By another than who proposed it; the letter is queued in the same act."""
    return _decide(request, termination_id, True)


@post(
    "/terminations/{termination_id:str}/turn-down",
    summary="Turn a proposal down",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def turn_down(request: WebRequest, termination_id: FromPath[str]) -> Response[TerminationShape]:
    """By another than who proposed it; nothing has changed."""
    return _decide(request, termination_id, False)


@post(
    "/exits/{exit_id:str}/withdraw-notice",
    summary="Take a notice back",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def withdraw_notice(request: WebRequest, exit_id: FromPath[str]) -> Response[ExitShape]:
    """Before it is over; the customer is written to."""
    office = ports_of(request, Ports).office
    wanted = identifier("exit", exit_id, "exit.not_found")
    return _on_exit(
        request, None, lambda tx, now, who: terminations.withdraw_notice(tx, office, wanted, who.actor, now)
    )


@post(
    "/lines/{line_id:str}/keep",
    summary="Keep an unused line",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def keep(request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]) -> Response[ExitShape]:
    """The customer keeps a line that was to end because it was not used."""
    office = ports_of(request, Ports).office
    wanted = identifier("line", line_id, "line.not_found")
    return _on_exit(request, data, lambda tx, now, who: terminations.keep(tx, office, wanted, who.actor, now))


@get("/inactive-lines", summary="Lines nobody uses", responses=problem_responses(401, 403, 422))
def list_inactive(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """Lines that owe nothing and on which nothing has moved for their pack's months. A list, no more."""
    start = start_of("line", after)

    def question(tx: Tx, now: datetime) -> Page:
        found, who = terminations.inactive(tx, now, start, limit + 1), caller_of(request)
        return page_of(
            found, limit, lambda line: shaped(tx, line, who, now), lambda line: public("line", line.id)
        )

    return read(request, question)


def _on_exit(
    request: WebRequest, data: object, act: Callable[[Tx, datetime, Caller], Exit | Refusal]
) -> Response[ExitShape]:
    def done(tx: Tx, now: datetime, caller: Caller) -> ExitShape:
        return ExitShape.of(granted(act(tx, now, caller)), caller.handles_orders)

    return write(request, data, done)


@post(
    "/lines/{line_id:str}/estate",
    summary="Report that a customer has died",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def report_death(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]
) -> Response[ExitShape]:
    """Drawing and fees stop at once, before anybody has shown a paper. Reporting twice is the same."""
    office = ports_of(request, Ports).office
    wanted = identifier("line", line_id, "line.not_found")
    return _on_exit(
        request,
        data,
        lambda tx, now, who: estates.report(tx, office, wanted, Channel.API, who.actor, now),
    )


@get(
    "/lines/{line_id:str}/estate",
    summary="The estate of a line",
    responses=problem_responses(401, 403, 404, 409),
)
def show_estate(request: WebRequest, line_id: FromPath[str]) -> EstateShape:
    """What was reported, and what the estate was told."""
    wanted = identifier("line", line_id, "line.not_found")

    def question(tx: Tx, _now: datetime) -> EstateShape:
        granted(lines.get_line(tx, wanted))
        estate = exits_store.estate_of_line(tx, wanted)
        if estate is None:
            raise Refused(Refusal("estate.not_reported"))
        return EstateShape.of(estate)

    return read(request, question)


@post(
    "/lines/{line_id:str}/estate/authority",
    summary="Somebody shows that they settle the estate",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def show_authority(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[AuthorityBody]
) -> Response[EstateShape]:
    """They are told the balance in the same act. The paper is the only evidence that is ever asked for."""
    ports = ports_of(request, Ports)
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> EstateShape:
        exit_id, contact = _exit_of_estate(tx, wanted), new_id(now)
        person = Person(data.full_name, "", data.phone, data.email)
        granted(enrol_contact(tx, ports.vault, contact, person, caller.actor, now))
        granted(
            estates.show_authority(
                tx, ports.office, exit_id, contact, data.language, data.authority, caller.actor, now
            )
        )
        found = exits_store.estate_of_line(tx, wanted)
        if found is None:
            raise LookupError(f"the estate of line {wanted} vanished")
        return EstateShape.of(found)

    return write(request, data, act)


def _exit_of_estate(tx: Tx, line_id: UUID) -> UUID:
    granted(lines.get_line(tx, line_id))
    estate = exits_store.estate_of_line(tx, line_id)
    if estate is None:
        raise Refused(Refusal("estate.not_reported"))
    return estate.exit


@post(
    "/lines/{line_id:str}/estate/undo",
    summary="A death was reported in error",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def undo_death(request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]) -> Response[ExitShape]:
    """The line is as it was before; the customer gets an apology. It takes the customer, checked by
    ``/v1/identity-checks`` within the last minutes, or two people: the first one's word changes nothing yet.
    """
    ports = ports_of(request, Ports)
    wanted = identifier("line", line_id, "line.not_found")

    def undo(tx: Tx, now: datetime, who: Caller) -> Exit | Refusal:
        exit_id = _exit_of_estate(tx, wanted)
        line = granted(lines.get_line(tx, wanted))
        proven = proof.is_fresh(tx, ports, line.customer, now)
        by = who.actor if proven else who.person
        return estates.undo(tx, ports.office, exit_id, by, now, proven)

    return _on_exit(request, data, undo)


@post(
    "/lines/{line_id:str}/estate/undo/turn-down",
    summary="It was no error",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def turn_down_undo(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[StandsBody]
) -> Response[ExitShape]:
    """A second person does not agree that the report was an error, for a reason: it stands."""
    wanted, why = identifier("line", line_id, "line.not_found"), StandsWhy(data.why)
    return _on_exit(
        request,
        data,
        lambda tx, now, who: estates.turn_down_undo(tx, _exit_of_estate(tx, wanted), why, who.person, now),
    )


@post(
    "/lines/{line_id:str}/estate/release",
    summary="Heirs agree",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def release(request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]) -> Response[ExitShape]:
    """A hold on the ground of law, which two people at the desk had set, is over; the case goes on."""
    office = ports_of(request, Ports).office
    wanted = identifier("line", line_id, "line.not_found")
    return _on_exit(
        request,
        data,
        lambda tx, now, who: estates.release(tx, office, _exit_of_estate(tx, wanted), who.actor, now),
    )


handlers: list[Any] = [
    terminate,
    list_terminations,
    approve,
    turn_down,
    withdraw_notice,
    keep,
    list_inactive,
    report_death,
    show_estate,
    show_authority,
    undo_death,
    turn_down_undo,
    release,
]
