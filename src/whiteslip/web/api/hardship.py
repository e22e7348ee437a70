"""Plans for customers who cannot pay as agreed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from litestar import Response
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from whiteslip import lines
from whiteslip.base.ids import public
from whiteslip.billing import hardship as plans
from whiteslip.billing import store
from whiteslip.billing.model import Hardship, Instalment, Relief, ReliefOption
from whiteslip.exits import hardship
from whiteslip.store import Tx
from whiteslip.web.api.access import Caller, get, identifier, post, read, write
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses


class AgreeBody(Struct, forbid_unknown_fields=True):
    """What the customer chose. ``foreseen``: they told the desk before anything was past due."""

    option: Literal["longer", "holiday", "reduced"]
    foreseen: bool = False


class HardshipDue(Struct):
    """An instalment of a plan."""

    due_on: date
    amount_minor: int

    @classmethod
    def of(cls, row: Instalment) -> HardshipDue:
        """Shape an instalment."""
        return cls(row.due_on, row.total_minor)


class HardshipOption(Struct):
    """A plan the customer may choose; ``forgiven_minor`` of interest and fees is given up."""

    option: str
    total_minor: int
    forgiven_minor: int
    schedule: Sequence[HardshipDue]

    @classmethod
    def of(cls, option: ReliefOption) -> HardshipOption:
        """Shape an option."""
        schedule = [HardshipDue.of(row) for row in option.rows]
        return cls(option.relief, option.total_minor, option.forgiven_minor, schedule)


class HardshipShape(Struct):
    """A plan that was agreed, as its schedule was fixed. ``state``: agreed, broken or observed."""

    id: str
    line: str
    option: str
    state: str
    agreed_on: date
    days_past_due: int
    observed_until: date
    schedule: Sequence[HardshipDue]

    @classmethod
    def of(cls, tx: Tx, made: Hardship) -> HardshipShape:
        """Shape a plan."""
        return cls(
            id=public("hsp", made.id),
            line=public("line", made.line),
            option=made.relief,
            state=made.state,
            agreed_on=made.agreed_on,
            days_past_due=made.frozen_days,
            observed_until=made.observed_until,
            schedule=[HardshipDue.of(row) for row in store.rows_of(tx, made.line, made.plan)],
        )


class HardshipPage(Struct):
    """The plan that stands, if there is one, and what could be agreed today."""

    standing: HardshipShape | None
    options: Sequence[HardshipOption]


@get(
    "/lines/{line_id:str}/hardship",
    summary="Plans for who cannot pay as agreed",
    responses=problem_responses(401, 403, 404),
)
def show_hardship(request: WebRequest, line_id: FromPath[str]) -> HardshipPage:
    """What a customer in difficulty may choose from; none costs more than is owed today."""
    wanted = identifier("line", line_id, "line.not_found")

    def question(tx: Tx, now: datetime) -> HardshipPage:
        line = granted(lines.get_line(tx, wanted))
        standing = store.hardship(tx, line.id)
        items = store.open_items(tx, [line.id])[line.id]
        kept = standing is not None and standing.state == "agreed"
        offered = [] if kept else plans.options(items, line, line.today(now))
        shaped = HardshipShape.of(tx, standing) if standing else None
        return HardshipPage(shaped, [HardshipOption.of(option) for option in offered])

    return read(request, question)


@post(
    "/lines/{line_id:str}/hardship",
    summary="Agree on such a plan",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def agree(request: WebRequest, line_id: FromPath[str], data: JSONBody[AgreeBody]) -> Response[HardshipShape]:
    """It takes the place of what is open. Days past due stand still; agreeing again changes nothing."""
    ports = ports_of(request, Ports)
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> HardshipShape:
        relief = Relief(data.option)
        made = hardship.agree(tx, ports.office, wanted, relief, caller.person, now, data.foreseen)
        return HardshipShape.of(tx, granted(made))

    return write(request, data, act, 201)


handlers: list[Any] = [show_hardship, agree]
