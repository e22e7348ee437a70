"""An order of the law on a line: two people place it, and two lift it when the authority says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from whiteslip import lines
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.exits import Office, freezes
from whiteslip.exits.freezes import Freeze, Order
from whiteslip.store import Tx
from whiteslip.web.api.access import Caller, caller_of, get, identifier, post, read, write
from whiteslip.web.api.locks import EmptyBody
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses

_Act: TypeAlias = Callable[[Tx, Office, UUID, str, datetime], Freeze | Refusal]


class FreezeBody(Struct, forbid_unknown_fields=True):
    """On what ground, and the authority's own file number; nobody's name."""

    ground: Literal["court_order", "attachment", "insolvency", "sanctions", "investigation"]
    reference: Annotated[str, Meta(pattern=r"^[\w/. ()-]{1,60}$")]


class FreezeShape(Struct):
    """``state``: proposed, placed, lift_proposed or lifted."""

    line: str
    state: str
    ground: str
    reference: str
    proposed_at: datetime
    placed_at: datetime | None
    lifted_at: datetime | None

    @classmethod
    def of(cls, one: Freeze) -> FreezeShape:
        """Shape an order."""
        return cls(
            line=public("line", one.line),
            state=one.state,
            ground=one.ground,
            reference=one.reference,
            proposed_at=one.proposed_at,
            placed_at=one.placed_at,
            lifted_at=one.lifted_at,
        )


def _act(request: WebRequest, line_id: str, data: object, act: _Act) -> Response[FreezeShape]:
    office = ports_of(request, Ports).office
    wanted = identifier("line", line_id, "line.not_found")

    def done(tx: Tx, now: datetime, caller: Caller) -> FreezeShape:
        return FreezeShape.of(granted(act(tx, office, wanted, caller.person, now)))

    return write(request, data, done)


@post(
    "/lines/{line_id:str}/freeze",
    summary="Freeze a line by order of the law",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def freeze(request: WebRequest, line_id: FromPath[str], data: JSONBody[FreezeBody]) -> Response[FreezeShape]:
    """The first call proposes; the same by a key of somebody else places it. Drawing and payouts stop."""
    ground, reference = Order(data.ground), data.reference
    return _act(
        request,
        line_id,
        data,
        lambda tx, office, line, who, now: freezes.place(tx, office, line, ground, reference, who, now),
    )


@post(
    "/lines/{line_id:str}/unfreeze",
    summary="Lift an order of the law",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def unfreeze(request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]) -> Response[FreezeShape]:
    """The authority has lifted it: the first call proposes, a second one by somebody else does it."""
    return _act(request, line_id, data, freezes.lift)


@post(
    "/lines/{line_id:str}/freeze/turn-down",
    summary="Turn down a proposal about an order of the law",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def turn_down(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]
) -> Response[FreezeShape]:
    """Somebody else does not agree, to the order or to lifting it: everything stays as it was."""
    return _act(
        request, line_id, data, lambda tx, _office, line, who, now: freezes.turn_down(tx, line, who, now)
    )


@get(
    "/lines/{line_id:str}/freeze",
    summary="The order on a line",
    responses=problem_responses(401, 403, 404, 409),
)
def show_freeze(request: WebRequest, line_id: FromPath[str]) -> FreezeShape:
    """What is proposed or stands, for a key that may handle it."""
    if not caller_of(request).handles_orders:
        raise Refused(Refusal("request.forbidden"))
    wanted = identifier("line", line_id, "line.not_found")

    def question(tx: Tx, _now: datetime) -> FreezeShape:
        granted(lines.get_line(tx, wanted))
        return FreezeShape.of(granted(freezes.of_line(tx, wanted) or Refusal("freeze.not_standing")))

    return read(request, question)


handlers: list[Any] = [freeze, unfreeze, turn_down, show_freeze]
