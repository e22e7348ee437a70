"""The review desk: what waits for a person, what they choose, and the second one who approves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import Exit, desk
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Ground, Path
from whiteslip.exits.orders import shown_case
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
from whiteslip.web.api.lists import CURSOR, Limit, start_of
from whiteslip.web.api.locks import EmptyBody
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses

# The reasons that the page of a case offers; free words could hold personal data.
_Reason = Literal["papers_checked", "called_back", "nothing_unusual", "order_received", "proof_missing"]
_Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class ChooseBody(Struct, forbid_unknown_fields=True):
    """A way for a case. A hold needs its ``ground``; a hold and a rejection wait for a second person.

    With ``letter_sha256``, the hash of the letter that was read, that very letter goes out or none.
    """

    path: Literal["close_now", "run_off", "hold", "reject_not_holder"]
    reason: _Reason
    ground: Literal["identity", "legal"] | None = None
    letter_sha256: _Sha256 | None = None


class CaseShape(Struct):
    """A case as the desk has it: what is ``proposed`` and waits for a second person, what is ``chosen``
    and can be taken back until ``chosen_due_at``. ``exit`` is the id of the exit it is about.
    """

    exit: str
    reference: str
    line: str
    state: str
    why: str
    due_at: datetime | None
    proposed: str | None
    proposed_ground: str | None
    proposed_at: datetime | None
    chosen: str | None
    chosen_due_at: datetime | None

    @classmethod
    def of(cls, tx: Tx, found: Exit, handles_orders: bool) -> CaseShape:
        """Shape a case with what stands on it, for a key that handles orders of the law or not."""
        case = shown_case(found, handles_orders)
        proposal, chosen = exits_store.proposal(tx, case.id), exits_store.pending(tx, case.id)
        return cls(
            exit=public("exit", case.id),
            reference=case.reference,
            line=public("line", case.line),
            state=case.state,
            why=case.why,
            due_at=case.due_at,
            proposed=proposal.path if proposal else None,
            proposed_ground=proposal.ground if proposal and handles_orders else None,
            proposed_at=proposal.proposed_at if proposal else None,
            chosen=chosen.path if chosen else None,
            chosen_due_at=chosen.due_at if chosen else None,
        )


@get("/cases", summary="Cases that wait for a person", responses=problem_responses(401, 403, 422))
def list_cases(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """The nearest deadline first."""
    start = start_of("exit", after)

    def question(tx: Tx, now: datetime) -> Page:
        if start and exits_store.find(tx, start) is None:
            raise Refused(Refusal(CURSOR))
        found, all_of_it = exits_store.queue(tx, now, limit + 1, start), caller_of(request).handles_orders
        return page_of(
            found, limit, lambda case: CaseShape.of(tx, case, all_of_it), lambda case: public("exit", case.id)
        )

    return read(request, question)


class NextShape(Struct):
    """The case that was taken; None when nothing waits that nobody else works on."""

    case: CaseShape | None


class SnoozeBody(Struct, forbid_unknown_fields=True):
    """Until when a case is put aside; its own deadline goes on and is later."""

    until: Annotated[datetime, Meta(tz=True)]


@post(
    "/cases/next", summary="Take the next case", status_code=200, responses=problem_responses(401, 403, 422)
)
def take_next(request: WebRequest, data: JSONBody[EmptyBody]) -> Response[NextShape]:
    """The one nearest to its deadline that nobody else works on. It is yours for twenty minutes."""

    def act(tx: Tx, now: datetime, caller: Caller) -> NextShape:
        case = desk.take_next(tx, caller.person, now)
        return NextShape(CaseShape.of(tx, case, caller.handles_orders) if case else None)

    return write(request, data, act)


def _on_case(
    request: WebRequest, exit_id: str, data: object, act: Callable[[Tx, UUID, str, datetime], object]
) -> Response[CaseShape]:
    """An act of the person who owns the key: two keys of one person are one person."""
    wanted = identifier("exit", exit_id, "exit.not_found")

    def done(tx: Tx, now: datetime, caller: Caller) -> CaseShape:
        granted(act(tx, wanted, caller.person, now))
        case = exits_store.find(tx, wanted)
        if case is None:
            raise Refused(Refusal("exit.not_found"))
        return CaseShape.of(tx, case, caller.handles_orders)

    return write(request, data, done)


@post(
    "/cases/{exit_id:str}/claim",
    summary="Take a case",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def claim(request: WebRequest, exit_id: FromPath[str], data: JSONBody[EmptyBody]) -> Response[CaseShape]:
    """By its id, or keep it: for twenty minutes nobody else is given it. Refused while somebody has it."""

    def take(tx: Tx, case: UUID, who: str, now: datetime) -> Refusal | None:
        if exits_store.find(tx, case) is None:
            return Refusal("exit.not_found")
        return desk.take(tx, case, who, now)

    return _on_case(request, exit_id, data, take)


@post(
    "/cases/{exit_id:str}/snooze",
    summary="Put a case aside",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def snooze(request: WebRequest, exit_id: FromPath[str], data: JSONBody[SnoozeBody]) -> Response[CaseShape]:
    """Until an instant before its deadline, which goes on."""
    return _on_case(
        request, exit_id, data, lambda tx, case, who, now: desk.snooze(tx, case, data.until, who, now)
    )


@post(
    "/cases/{exit_id:str}/choose",
    summary="Choose a way for a case",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def choose(request: WebRequest, exit_id: FromPath[str], data: JSONBody[ChooseBody]) -> Response[CaseShape]:
    """Carried out half a minute later, unless it is undone. A hold and a rejection are then proposed."""
    office = ports_of(request, Ports).office
    path, ground = Path(data.path), Ground(data.ground) if data.ground else None
    return _on_case(
        request,
        exit_id,
        data,
        lambda tx, case, who, now: desk.choose(
            tx, office, case, path, [data.reason], who, now, ground, data.letter_sha256
        ),
    )


@post(
    "/cases/{exit_id:str}/undo",
    summary="Take a choice back",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def undo(request: WebRequest, exit_id: FromPath[str], data: JSONBody[EmptyBody]) -> Response[CaseShape]:
    """One's own, within half a minute."""
    return _on_case(request, exit_id, data, desk.undo)


@post(
    "/cases/{exit_id:str}/approve",
    summary="Approve a hold or a rejection",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def approve(request: WebRequest, exit_id: FromPath[str], data: JSONBody[EmptyBody]) -> Response[CaseShape]:
    """By another than who proposed it; carried out half a minute later."""
    office = ports_of(request, Ports).office
    return _on_case(
        request, exit_id, data, lambda tx, case, who, now: desk.decide(tx, office, case, True, who, now)
    )


@post(
    "/cases/{exit_id:str}/turn-down",
    summary="Turn a hold or a rejection down",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def turn_down(request: WebRequest, exit_id: FromPath[str], data: JSONBody[EmptyBody]) -> Response[CaseShape]:
    """By another than who proposed it; the case is there to be chosen for."""
    office = ports_of(request, Ports).office
    return _on_case(
        request, exit_id, data, lambda tx, case, who, now: desk.decide(tx, office, case, False, who, now)
    )


handlers: list[Any] = [list_cases, take_next, claim, snooze, choose, undo, approve, turn_down]
