"""Capacity that leaving freed: figures of groups, and plans that two people agree on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from whiteslip import treasury
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.store import Tx
from whiteslip.treasury import Appetite, Basis, Plan
from whiteslip.treasury import store as treasury_store
from whiteslip.treasury.model import Answer
from whiteslip.web.api.access import Caller, get, identifier, post, read, write
from whiteslip.web.api.locks import EmptyBody
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses

By = Literal["none", "pack", "opened", "limit"]


class PlanBody(Struct, forbid_unknown_fields=True):
    """A plan to be proposed: how much risk may be taken, on which closings."""

    appetite: Appetite
    as_of: date | None = None
    segment: By = "limit"
    months: int = 3
    currency: str | None = None


class PlanShape(Struct):
    """A plan: offers by segment, two simple rivals, and what each limit is worth. It changes no limit."""

    id: str
    basis: Basis
    appetite: Appetite
    answer: Answer
    proposed_by: str
    proposed_at: datetime
    outcome: str | None
    decided_by: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, found: Plan) -> PlanShape:
        """Shape a plan."""
        return cls(
            id=public("cap", found.id),
            basis=found.basis,
            appetite=found.appetite,
            answer=found.answer,
            proposed_by=found.proposed_by,
            proposed_at=found.proposed_at,
            outcome=found.outcome,
            decided_by=found.decided_by,
            decided_at=found.decided_at,
        )


def _basis(
    request: WebRequest,
    as_of: date | None,
    by: str,
    months: int,
    currency: str | None,
    given: Appetite | None = None,
) -> Basis:
    ports = ports_of(request, Ports)
    if ports.lake is None:
        raise Refused(Refusal("lake.off"))
    asked = as_of or read(request, lambda tx, _: last_sealed_day(tx))
    return granted(treasury.basis(ports.lake, asked, by, months, currency, given, ports.lake_engine))


@get(
    "/capacity/freed",
    summary="What leaving freed",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def freed(
    request: WebRequest,
    as_of: FromQuery[date | None] = None,
    segment: FromQuery[By] = "limit",
    months: FromQuery[int] = 3,
    currency: FromQuery[str | None] = None,
) -> Basis:
    """Of groups of lines that stopped drawing in the last months; never of fewer than ten."""
    return _basis(request, as_of, segment, months, currency)


@get("/capacity/plans", summary="List capacity plans", responses=problem_responses(401, 403))
def list_plans(request: WebRequest) -> list[PlanShape]:
    """The newest hundred, those that wait first."""
    return [PlanShape.of(each) for each in read(request, lambda tx, _: treasury_store.plans(tx))]


@post(
    "/capacity/plans",
    summary="Propose a capacity plan",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def propose(request: WebRequest, data: JSONBody[PlanBody]) -> Response[PlanShape]:
    """Propose which segments may be offered what was freed."""
    basis = _basis(request, data.as_of, data.segment, data.months, data.currency, data.appetite)

    def act(tx: Tx, now: datetime, caller: Caller) -> PlanShape:
        return PlanShape.of(granted(treasury.propose(tx, basis, data.appetite, caller.person, now)))

    return write(request, data, act, 201)


@post(
    "/capacity/plans/{plan_id:str}/{decision:str}",
    summary="Decide about a capacity plan",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def decide(
    request: WebRequest,
    plan_id: FromPath[str],
    decision: FromPath[Literal["approve", "turn_down"]],
    data: JSONBody[EmptyBody],
) -> Response[PlanShape]:
    """Approve or turn down; who proposed a plan does not approve it."""
    wanted = identifier("cap", plan_id, "capacity.plan_not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> PlanShape:
        done = treasury.decide(tx, wanted, decision == "approve", caller.person, now)
        return PlanShape.of(granted(done))

    return write(request, data, act, 200)


handlers: list[Any] = [freed, list_plans, propose, decide]
