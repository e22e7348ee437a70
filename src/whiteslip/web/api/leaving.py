"""Exits, checks of identity, letters and events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from whiteslip import exits, identity, lines, notices
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import Exit
from whiteslip.exits import store as exits_store
from whiteslip.exits.choices import Only
from whiteslip.exits.model import Channel, Identity, Reason, State
from whiteslip.exits.withdrawal import withdraw
from whiteslip.notices import Addressee
from whiteslip.notices.model import Notice
from whiteslip.store import Tx
from whiteslip.store.database import journal_after
from whiteslip.web.api.access import (
    MAX_PAGE,
    PAGE,
    Caller,
    Page,
    caller_of,
    get,
    identifier,
    must_be_proven,
    page_of,
    post,
    put,
    read,
    write,
)
from whiteslip.web.api.lists import CURSOR, Limit, listed, one, start_of
from whiteslip.web.api.shapes import CheckBody, CheckShape, EventShape, LetterShape, NewCheck
from whiteslip.web.api.shapes_exits import DoubtBody, ExitShape, NewExit, ReasonBody
from whiteslip.web.kit import proof
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses
from whiteslip.webhooks.events import PUBLISHED


@post("/exits", summary="Ask to close a line", responses=problem_responses(401, 403, 404, 409, 422))
def ask(request: WebRequest, data: JSONBody[NewExit]) -> Response[ExitShape]:
    """Drawing stops at once. Asking again returns the open case.

    A customer whose identity was checked within the last minutes is confirmed in the same act.
    """
    ports = ports_of(request, Ports)
    line_id = identifier("line", data.line, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ExitShape:
        line = granted(lines.get_line(tx, line_id))
        if data.type == "withdraw":
            withdrawn = withdraw(tx, ports.office, line_id, Channel.API, caller.actor, now)
            return ExitShape.of(granted(withdrawn), caller.handles_orders, data.validate_only)
        who = Identity.VERIFIED if proof.is_fresh(tx, ports, line.customer, now) else Identity.PENDING
        case = granted(exits.request(tx, ports.office, line_id, Channel.API, caller.actor, now, who))
        return ExitShape.of(case, caller.handles_orders, data.validate_only)

    return write(request, data, act, 200 if data.validate_only else 201, data.validate_only)


def _shape_for(request: WebRequest) -> Callable[[Exit], ExitShape]:
    handles = caller_of(request).handles_orders
    return lambda case: ExitShape.of(case, handles)


@get("/exits", summary="List exits", responses=problem_responses(401, 403, 422))
def list_exits(
    request: WebRequest,
    in_state: Annotated[State | None, QueryParameter(name="state")] = None,
    reason: FromQuery[Reason | None] = None,
    sent_by: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
    limit: Limit = PAGE,
) -> Page:
    """Cases in the order they were asked for: all, or in a state, of a reason, sent to the desk by a rule."""
    only = Only(in_state, reason, sent_by)

    def question(tx: Tx, start: UUID | None, count: int) -> list[Exit]:
        return exits_store.page(tx, start, count, only)

    return listed(request, "exit", after, limit, question, _shape_for(request))


@get("/exits/{exit_id:str}", summary="An exit", responses=problem_responses(401, 403, 404))
def show_exit(request: WebRequest, exit_id: FromPath[str]) -> ExitShape:
    """One case, with what the customer was told."""
    return one(request, "exit", exit_id, "exit.not_found", exits_store.find, _shape_for(request))


@post(
    "/exits/{exit_id:str}/confirm",
    summary="Confirm an exit",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def confirm(request: WebRequest, exit_id: FromPath[str]) -> Response[ExitShape]:
    """The customer proved who they are a moment ago, by an identity check."""
    ports = ports_of(request, Ports)
    wanted = identifier("exit", exit_id, "exit.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ExitShape:
        case = exits_store.find(tx, wanted)
        if case is None:
            raise Refused(Refusal("exit.not_found"))
        if not proof.is_fresh(tx, ports, case.customer, now):
            raise Refused(Refusal("exit.identity_not_verified"))
        done = exits.confirm(tx, ports.office, wanted, caller.actor, now)
        return ExitShape.of(granted(done), caller.handles_orders)

    return write(request, None, act)


@post(
    "/exits/{exit_id:str}/doubt",
    summary="Who asked is in doubt",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def doubt(request: WebRequest, exit_id: FromPath[str], data: JSONBody[DoubtBody]) -> Response[ExitShape]:
    """The proof failed, it was not them who asked, or not them who opened the line: a person looks at it,
    also where somebody had been taken for them. Once that was cleared up it is refused.

    Drawing stays stopped, and a doubt that nobody resolves in time ends in the customer's favour.
    """
    ports = ports_of(request, Ports)
    wanted = identifier("exit", exit_id, "exit.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ExitShape:
        done = exits.doubt(tx, ports.office, wanted, caller.actor, now, data.not_me)
        return ExitShape.of(granted(done), caller.handles_orders)

    return write(request, data, act)


@post(
    "/exits/{exit_id:str}/cancel",
    summary="Cancel an exit",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def cancel(request: WebRequest, exit_id: FromPath[str]) -> Response[ExitShape]:
    """The customer changed their mind. Drawing begins again, so they are checked within the last minutes."""
    ports = ports_of(request, Ports)
    wanted = identifier("exit", exit_id, "exit.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ExitShape:
        case = granted(exits_store.find(tx, wanted) or Refusal("exit.not_found"))
        must_be_proven(request, tx, case.customer, now)
        done = exits.cancel(tx, ports.office, wanted, caller.actor, now)
        return ExitShape.of(granted(done), caller.handles_orders)

    return write(request, None, act)


@put(
    "/exits/{exit_id:str}/reason",
    summary="Say why",
    responses=problem_responses(401, 403, 404, 422),
)
def reason(request: WebRequest, exit_id: FromPath[str], data: JSONBody[ReasonBody]) -> Response[ExitShape]:
    """Why somebody left: afterwards, if at all."""
    wanted = identifier("exit", exit_id, "exit.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ExitShape:
        done = exits.give_reason(tx, wanted, data.reason, caller.actor, now)
        return ExitShape.of(granted(done), caller.handles_orders)

    return write(request, data, act)


@post(
    "/identity-checks",
    summary="Send a one-time code",
    responses=problem_responses(401, 403, 404, 422, 429, 503),
)
def start_check(request: WebRequest, data: JSONBody[NewCheck]) -> Response[CheckShape]:
    """A code goes to the phone on file. An earlier one that has not run out stays good."""
    customer_id = identifier("cus", data.customer, "customer.not_found")
    customer = read(request, lambda tx, _: granted(lines.get_customer(tx, customer_id)))
    sent = granted(proof.send(ports_of(request, Ports), customer))
    return Response(CheckShape(data.customer, "sent", sent.phone_ends, sent.expires_at), status_code=201)


@post(
    "/identity-checks/{customer_id:str}/verify",
    summary="Check what the customer typed",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422, 429),
)
def verify(request: WebRequest, customer_id: FromPath[str], data: JSONBody[CheckBody]) -> CheckShape:
    """Name, ID number and code together. A wrong answer counts, and says no more than that."""
    ports = ports_of(request, Ports)
    wanted = identifier("cus", customer_id, "customer.not_found")
    ends = read(request, lambda tx, _: _known(tx, ports, wanted))
    refusal = proof.check(ports, wanted, data.full_name, data.id_number, data.code)
    if refusal:
        raise Refused(refusal)
    return CheckShape(customer_id, "verified", ends)


def _known(tx: Tx, ports: Ports, customer: UUID) -> str:
    granted(lines.get_customer(tx, customer))
    return proof.phone_ends(tx, ports, customer)


def _letter(notice: Notice) -> LetterShape:
    return LetterShape(
        public("ltr", notice.id),
        notice.kind,
        public(notice.subject_kind, notice.subject),
        notice.language,
        notice.state,
        notice.queued_at,
        notice.sent_at,
    )


@get("/letters", summary="Letters about an exit or a line", responses=problem_responses(401, 403, 404, 422))
def list_letters(
    request: WebRequest,
    case: Annotated[str | None, QueryParameter(name="exit", description="Id of an exit")] = None,
    line: Annotated[str | None, QueryParameter(description="Id of a line, instead of an exit")] = None,
    after: FromQuery[str | None] = None,
    limit: Limit = PAGE,
) -> Page:
    """What was written to the customer about a case, or about the line and not a case, oldest first."""
    if (case is None) == (line is None):
        raise Refused(Refusal("request.invalid"))
    about, asked = ("line", line) if case is None else ("exit", case)
    wanted = identifier(about, asked or "", f"{about}.not_found")
    start = start_of("ltr", after)

    def question(tx: Tx, _now: datetime) -> Page:
        if start and getattr(notices.get(tx, start), "subject", None) != wanted:
            raise Refused(Refusal(CURSOR))
        found = notices.of_subject(tx, wanted, start, limit + 1)
        return page_of(found, limit, _letter, lambda notice: public("ltr", notice.id))

    return read(request, question)


@get(
    "/letters/{letter_id:str}/pdf",
    summary="A letter as PDF",
    media_type="application/pdf",
    responses=problem_responses(401, 403, 404),
)
def letter_pdf(request: WebRequest, letter_id: FromPath[str]) -> Response[bytes]:
    """The letter as it was sent, to the byte."""
    ports = ports_of(request, Ports)
    wanted = identifier("ltr", letter_id, "notice.not_found")

    def question(tx: Tx, _now: datetime) -> bytes:
        notice = granted(notices.get(tx, wanted))
        person = granted(identity.peek(tx, ports.vault, notice.recipient))
        to = Addressee(person.full_name, person.email, person.phone)
        return granted(notices.letter(tx, wanted, to))

    return Response(read(request, question), media_type="application/pdf")


@get("/events", summary="What happened, in order", responses=problem_responses(401, 403, 422))
def events(
    request: WebRequest,
    after: Annotated[int, QueryParameter(ge=0, description="Number of the last event you have")] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)] = PAGE,
) -> Page:
    """The journal, for a key that may handle orders of the law; for any other what webhooks tell, and no more
    of it. ``after`` never misses one.
    """
    if caller_of(request).handles_orders:
        kinds, shape = None, EventShape.of
    else:
        kinds, shape = sorted(PUBLISHED), EventShape.published
    found = read(request, lambda tx, _: journal_after(tx, after, limit + 1, kinds))
    return page_of(found, limit, shape, lambda row: str(row["seq"]))


handlers: list[Any] = [
    ask,
    list_exits,
    show_exit,
    confirm,
    doubt,
    cancel,
    reason,
    start_check,
    verify,
    list_letters,
    letter_pdf,
    events,
]
