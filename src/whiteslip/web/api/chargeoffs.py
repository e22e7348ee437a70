"""Debts taken as lost, and parts of them accepted for the whole. Each takes two callers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from operator import attrgetter
from typing import Any, TypeAlias
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.billing import chargeoff
from whiteslip.billing.chargeoff import ChargeOff
from whiteslip.exits import Office, chargeoffs, defaultnotices
from whiteslip.store import Tx
from whiteslip.web.api.access import PAGE, Caller, Page, get, identifier, post, write
from whiteslip.web.api.lists import Limit, listed
from whiteslip.web.api.locks import EmptyBody
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses

_Act: TypeAlias = Callable[[Tx, Office, UUID, str, datetime], ChargeOff | Refusal]


class ChargeOffShape(Struct):
    """``state``: proposed, charged_off or settled. ``settlement_proposed``: one of two has agreed."""

    line: str
    state: str
    proposed_at: datetime
    charged_off_on: date | None
    days_past_due: int | None
    amount_minor: int | None
    settlement_proposed: bool
    settled_on: date | None

    @classmethod
    def of(cls, one: ChargeOff) -> ChargeOffShape:
        """Shape a charge-off."""
        return cls(
            line=public("line", one.line),
            state=one.state,
            proposed_at=one.proposed_at,
            charged_off_on=one.on_day,
            days_past_due=one.days_past_due,
            amount_minor=one.amount_minor,
            settlement_proposed=one.settle_by is not None,
            settled_on=one.settled_on,
        )


def _act(request: WebRequest, line_id: str, data: object, act: _Act) -> Response[ChargeOffShape]:
    office = ports_of(request, Ports).office
    wanted = identifier("line", line_id, "line.not_found")

    def done(tx: Tx, now: datetime, caller: Caller) -> ChargeOffShape:
        return ChargeOffShape.of(granted(act(tx, office, wanted, caller.person, now)))

    return write(request, data, done)


@post(
    "/lines/{line_id:str}/charge-off",
    summary="Take a debt as lost",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def charge_off(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]
) -> Response[ChargeOffShape]:
    """The first call proposes; a second one, by another key, does it. The debt stays owed."""
    return _act(request, line_id, data, chargeoffs.charge_off)


@post(
    "/lines/{line_id:str}/settle",
    summary="Accept a part for the whole",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def settle(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]
) -> Response[ChargeOffShape]:
    """Of a debt that was charged off and partly paid since: two calls by two keys give the rest up."""
    return _act(request, line_id, data, chargeoffs.settle)


@get("/charge-offs", summary="Charge-offs that wait", responses=problem_responses(401, 403, 422))
def list_proposals(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """What somebody, or the night, has proposed and nobody else has approved yet."""
    return listed(request, "line", after, limit, chargeoff.proposals, ChargeOffShape.of, attrgetter("line"))


class DefaultNoticeShape(Struct):
    """What was past due, and by the end of which day it is put right."""

    line: str
    given_on: date
    remedy_by: date
    past_due_minor: int


@post(
    "/lines/{line_id:str}/default-notice",
    summary="Give notice of default",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def give_notice(
    request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]
) -> Response[DefaultNoticeShape]:
    """In writing, where the pack demands one before a debt is lost or an agreement ends for a breach."""
    office = ports_of(request, Ports).office
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> DefaultNoticeShape:
        made = granted(defaultnotices.give(tx, office, wanted, caller.actor, now))
        shown = (made.given_on, made.remedy_by, made.past_due_minor)
        return DefaultNoticeShape(public("line", made.line), *shown)

    return write(request, data, act, 201)


handlers: list[Any] = [give_notice, charge_off, settle, list_proposals]
