"""Another day of the month for later bills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from whiteslip import lines
from whiteslip.billing.payday import Moved
from whiteslip.exits import payday
from whiteslip.store import Tx
from whiteslip.web.api.access import Caller, get, identifier, post, read, write
from whiteslip.web.api.lines import shaped
from whiteslip.web.api.shapes import LineShape
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses

DayOfMonth = Annotated[int, QueryParameter(name="statement_day", ge=1, le=28)]


class PaydayBody(Struct, forbid_unknown_fields=True):
    """The day of the month on which bills are to be made."""

    statement_day: Annotated[int, Meta(ge=1, le=28)]


class MovedShape(Struct):
    """An instalment that is not billed yet, and when it would be due."""

    was_due_on: date
    due_on: date
    open_minor: int

    @classmethod
    def of(cls, row: Moved) -> MovedShape:
        """Shape an instalment."""
        return cls(row.was_due_on, row.due_on, row.open_minor)


class PaydayShape(Struct):
    """What a move would do; ``refused`` is the code that stands against it today, if any."""

    statement_day: int
    refused: str | None
    moved: Sequence[MovedShape]


@get(
    "/lines/{line_id:str}/payday",
    summary="What another day for bills would change",
    responses=problem_responses(401, 403, 404, 422),
)
def show_payday(request: WebRequest, line_id: FromPath[str], statement_day: DayOfMonth) -> PaydayShape:
    """What is billed stays; the rest goes to the new day next after its own, with the same sums."""
    wanted = identifier("line", line_id, "line.not_found")

    def question(tx: Tx, now: datetime) -> PaydayShape:
        line = granted(lines.get_line(tx, wanted))
        refused = payday.fault(tx, line, now)
        rows = [MovedShape.of(row) for row in payday.foreseen(tx, line, statement_day)]
        return PaydayShape(statement_day, refused.code if refused else None, [] if refused else rows)

    return read(request, question)


@post(
    "/lines/{line_id:str}/payday",
    summary="Make bills on another day of the month",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def move_payday(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[PaydayBody]
) -> Response[LineShape]:
    """At no price, never to an earlier day, once in the pack's months. A letter says the new days."""
    office = ports_of(request, Ports).office
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> LineShape:
        done = payday.move(tx, office, wanted, data.statement_day, caller.actor, now)
        return shaped(tx, granted(done), caller, now)

    return write(request, data, act)


handlers: list[Any] = [show_payday, move_payday]
