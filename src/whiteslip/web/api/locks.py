"""The softer exits: pause, resume, lower the limit; and what the lender restricts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from whiteslip import exits, lines
from whiteslip.base import Refusal
from whiteslip.exits import restrictions, softer, stepups
from whiteslip.lines import Line
from whiteslip.lines.locks import standing
from whiteslip.lines.model import VALUED, Feature, Lock, LockKind, Part
from whiteslip.store import Tx
from whiteslip.web.api.access import (
    PAGE,
    Caller,
    Page,
    caller_of,
    get,
    identifier,
    must_be_proven,
    post,
    write,
)
from whiteslip.web.api.lines import shaped
from whiteslip.web.api.lists import Limit, page_on_line
from whiteslip.web.api.shapes import Amount, LineShape
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses

CauseCode: TypeAlias = Literal[
    "returned_payments",
    "past_due",
    "suspected_fraud",
    "insolvency",
    "income_lost",
    "contact_lost",
    "debt_elsewhere",
]


class PartBody(Struct, forbid_unknown_fields=True):
    """A part of drawing; all of it when ``feature`` is absent. ``value`` names the category or the shop."""

    feature: Literal["category", "merchant", "cash", "instalments", "night"] | None = None
    value: Annotated[str, Meta(max_length=64, pattern="^[A-Za-z0-9._:-]*$")] = ""


class PauseBody(PartBody, forbid_unknown_fields=True):
    """What to lock, and for how long. Without ``days`` until it is lifted.

    ``began_at`` is when the customer asked for it, if that is written down later.
    """

    days: Annotated[int, Meta(ge=1, le=3_650)] | None = None
    firm: bool = False
    began_at: Annotated[datetime, Meta(tz=True)] | None = None


class LimitBody(Struct, forbid_unknown_fields=True):
    """The new limit."""

    limit_minor: Amount


class EmptyBody(Struct, forbid_unknown_fields=True):
    """Nothing more to say."""


class LockShape(Struct):
    """A lock that stands on all drawing, or on one ``feature``. ``ground``: general, firm, or for the
    lender's restriction, charge_off, sale or step_up.
    """

    kind: str
    party: str
    ground: str
    feature: str | None
    value: str
    firm: bool
    until: datetime | None
    set_at: datetime
    began_at: datetime

    @classmethod
    def of(cls, lock: Lock) -> LockShape:
        """Shape a lock."""
        part = lock.part
        return cls(
            kind=lock.kind,
            party=lock.party,
            ground=lock.ground,
            feature=part.feature if part else None,
            value=part.value if part else "",
            firm=lock.firm,
            until=lock.until,
            set_at=lock.set_at,
            began_at=lock.began_at,
        )


def _part(data: PartBody) -> Part | None:
    """The part of drawing that a body names; None for all of it."""
    if data.feature is None and not data.value:
        return None
    if data.feature is None or (Feature(data.feature) in VALUED) != bool(data.value):
        raise Refused(Refusal("lock.part_invalid"))
    return Part(Feature(data.feature), data.value)


def _change(
    request: WebRequest,
    line_id: str,
    data: object,
    act: Callable[[Tx, UUID, datetime, Caller], Line | Refusal],
) -> Response[LineShape]:
    wanted = identifier("line", line_id, "line.not_found")

    def change(tx: Tx, now: datetime, caller: Caller) -> LineShape:
        return shaped(tx, granted(act(tx, wanted, now, caller)), caller, now)

    return write(request, data, change, 200)


@post(
    "/lines/{line_id:str}/pause",
    summary="Pause a line, or lock a part of it",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def pause(request: WebRequest, line_id: FromPath[str], data: JSONBody[PauseBody]) -> Response[LineShape]:
    """The customer's own lock, at once: until they resume, or for ``days``; ``firm`` means not before.

    With ``began_at`` it counts from then, on a line in any state: what was bought since is owed, and
    costs nothing.
    """
    part, office, began = _part(data), ports_of(request, Ports).office, data.began_at

    def act(tx: Tx, line: UUID, now: datetime, caller: Caller) -> Line | Refusal:
        if began is None:
            return softer.pause(tx, line, caller.actor, now, data.days, data.firm, part)
        done = softer.pause_late(tx, line, began, caller.actor, now, data.days, data.firm, part)
        exits.advance_line(tx, office, line, now)
        return done

    return _change(request, line_id, data, act)


@post(
    "/lines/{line_id:str}/resume",
    summary="Lift the customer's own lock",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def resume(request: WebRequest, line_id: FromPath[str], data: JSONBody[PartBody]) -> Response[LineShape]:
    """Resume drawing, or the part that was locked. What others locked stays locked.

    The customer is checked within the last minutes.
    """
    part = _part(data)

    def act(tx: Tx, line: UUID, now: datetime, caller: Caller) -> Line | Refusal:
        must_be_proven(request, tx, granted(lines.get_line(tx, line)).customer, now)
        return softer.resume(tx, line, caller.actor, now, part)

    return _change(request, line_id, data, act)


@post(
    "/lines/{line_id:str}/reduce",
    summary="Lower the limit",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def reduce(request: WebRequest, line_id: FromPath[str], data: JSONBody[LimitBody]) -> Response[LineShape]:
    """At once and free. ``limit_minor`` of the answer is never below what is drawn, and falls with it."""
    return _change(
        request,
        line_id,
        data,
        lambda tx, line, now, caller: softer.reduce(tx, line, data.limit_minor, caller.actor, now),
    )


@post(
    "/lines/{line_id:str}/unrestrict",
    summary="End the lender's restriction",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def unrestrict(request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]) -> Response[LineShape]:
    """The reason has ended. The customer's own locks, and an exit, stay."""
    office = ports_of(request, Ports).office
    return _change(
        request,
        line_id,
        data,
        lambda tx, line, now, caller: restrictions.lift(tx, office, line, "reason_ended", caller.actor, now),
    )


@get(
    "/lines/{line_id:str}/locks", summary="Locks that stand", responses=problem_responses(401, 403, 404, 422)
)
def list_locks(
    request: WebRequest, line_id: FromPath[str], after: FromQuery[str | None] = None, limit: Limit = PAGE
) -> Page:
    """Locks that stand on a line, in the order in which they were first set; an order of the law is for keys
    that may handle one.
    """
    handles = caller_of(request).handles_orders

    def seen(tx: Tx, line: UUID, start: UUID | None, count: int) -> list[Lock]:
        found = standing(tx, line, start)
        return [lock for lock in found if handles or lock.kind is not LockKind.LEGAL][:count]

    return page_on_line(request, line_id, "lock", after, limit, seen, LockShape.of)


@post(
    "/lines/{line_id:str}/step-up",
    summary="Ask the customer to confirm that it is them",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def ask_step_up(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]
) -> Response[LineShape]:
    """They are written to; until a check by ``/v1/identity-checks`` or in the portal, a table says what they
    may draw. It shows among the line's locks, as ``unconfirmed``, and ends by itself. Twice is once.
    """
    office = ports_of(request, Ports).office
    return _change(
        request,
        line_id,
        data,
        lambda tx, line, now, caller: stepups.ask(tx, office, line, caller.actor, now),
    )


handlers: list[Any] = [pause, resume, reduce, unrestrict, list_locks, ask_step_up]
