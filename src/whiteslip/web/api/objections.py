"""Objections to what credit bureaus are told of a line, on behalf of who makes them, and their answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from whiteslip import bureau, lines
from whiteslip.base.ids import public
from whiteslip.bureau import Ground, Objection, Outcome, Subject
from whiteslip.bureau import store as bureau_store
from whiteslip.store import Tx
from whiteslip.web.api.access import Caller, get, identifier, post, read, write
from whiteslip.web.api.lists import one
from whiteslip.web.api.shapes import PublicId
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses

_PREFIX = "objection"


class NewObjection(Struct, forbid_unknown_fields=True):
    """Which part of the record is wrong, in which month; without one, all that was told until now.

    A ``billing_error`` has the sum that is disputed.
    """

    line: PublicId
    field: Subject
    month: Annotated[str, Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$")] | None = None
    ground: Ground = Ground.RECORD
    disputed_minor: Annotated[int, Meta(gt=0)] | None = None


class ObjectionAnswer(Struct, forbid_unknown_fields=True):
    """``corrected``: the next file corrects it; ``stays``: it was looked into and is right."""

    outcome: Outcome


class ObjectionShape(Struct):
    """An objection and its clock. Nobody's answer by ``due_at`` is a correction."""

    id: str
    line: str
    field: str
    ground: str
    month: str | None
    disputed_minor: int | None
    opened_at: datetime
    due_at: datetime
    outcome: str | None
    resolved_at: datetime | None

    @classmethod
    def of(cls, one: Objection) -> ObjectionShape:
        """Shape an objection."""
        return cls(
            id=public(_PREFIX, one.id),
            line=public("line", one.line),
            field=one.field,
            ground=one.ground,
            month=f"{one.month:%Y-%m}" if one.month else None,
            disputed_minor=one.disputed_minor,
            opened_at=one.opened_at,
            due_at=one.due_at,
            outcome=one.outcome,
            resolved_at=one.resolved_at,
        )


@post(
    "/bureau-objections",
    summary="Object to what a credit bureau is told",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def object_to(request: WebRequest, data: JSONBody[NewObjection]) -> Response[ObjectionShape]:
    """Every file marks it until it is answered; the customer gets a letter now and with the answer."""
    line, issuer = (
        identifier("line", data.line, "line.not_found"),
        ports_of(request, Ports).office.issuer_name,
    )
    month = date.fromisoformat(f"{data.month}-01") if data.month else None

    def act(tx: Tx, now: datetime, caller: Caller) -> ObjectionShape:
        made = bureau.object_to(
            tx, issuer, line, data.field, caller.actor, now, data.ground, data.disputed_minor, month
        )
        return ObjectionShape.of(granted(made))

    return write(request, data, act, 201)


@get("/bureau-objections", summary="Objections of a line", responses=problem_responses(401, 403, 404, 422))
def list_objections(request: WebRequest, line: FromQuery[str]) -> list[ObjectionShape]:
    """All of a line, oldest first."""
    wanted = identifier("line", line, "line.not_found")

    def question(tx: Tx, _now: datetime) -> list[ObjectionShape]:
        granted(lines.get_line(tx, wanted))
        return [ObjectionShape.of(one) for one in bureau_store.objections_of(tx, [wanted])]

    return read(request, question)


@get(
    "/bureau-objections/{objection_id:str}",
    summary="An objection",
    responses=problem_responses(401, 403, 404),
)
def show_objection(request: WebRequest, objection_id: FromPath[str]) -> ObjectionShape:
    """One objection."""
    return one(
        request,
        _PREFIX,
        objection_id,
        "bureau.objection_not_found",
        bureau_store.objection,
        ObjectionShape.of,
    )


@post(
    "/bureau-objections/{objection_id:str}/answer",
    summary="Answer an objection",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def answer(
    request: WebRequest, objection_id: FromPath[str], data: JSONBody[ObjectionAnswer]
) -> Response[ObjectionShape]:
    """By the owner of the key. What was wrong in the books is put right there first."""
    issuer = ports_of(request, Ports).office.issuer_name
    wanted = identifier(_PREFIX, objection_id, "bureau.objection_not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ObjectionShape:
        return ObjectionShape.of(
            granted(bureau.resolve(tx, issuer, wanted, data.outcome, caller.person, now))
        )

    return write(request, data, act)


handlers: list[Any] = [object_to, list_objections, show_objection, answer]
