"""Withdraw from the contract: one statement, one button, a receipt.

Directive 2011/83/EU article 11a asks for a statement that is filled in already and a button that
says nothing but "confirm withdrawal". Who is signed in is not asked again who they are.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import billing, identity, insight
from whiteslip.base import Refusal
from whiteslip.base.ids import spoken
from whiteslip.exits.model import Channel
from whiteslip.exits.withdrawal import can_withdraw, withdraw
from whiteslip.insight import Journey, Step
from whiteslip.lines import Line
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import see_other
from whiteslip.web.kit.pages import page
from whiteslip.web.kit.problems import granted
from whiteslip.web.portal.visit import HOME, Visit, signed_in


@get("/lines/{line_id:uuid}/withdraw", sync_to_thread=True)
def state(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """The statement, filled in."""

    def show(visit: Visit) -> Response[Any]:
        line = visit.line(line_id)
        if not can_withdraw(line, line.today(visit.now)):
            return see_other(request, HOME)
        _see(visit, line, Step.STATEMENT)
        return page(request, "portal/withdraw/page.html", **_statement(visit, line))

    return signed_in(request, show, noted=True)


def _see(visit: Visit, line: Line, step: Step) -> None:
    insight.see(visit.tx, Journey.WITHDRAW, step, f"{visit.session.id}:{line.id}", line.pack, visit.now)


def _statement(visit: Visit, line: Line) -> dict[str, Any]:
    quote = billing.payoff(visit.tx, line, line.today(visit.now))
    person = identity.peek(visit.tx, visit.ports.vault, visit.customer.id)
    return {
        "line": line,
        "name": "" if isinstance(person, Refusal) else person.full_name,
        "contract": spoken("LN", line.id),
        "last_day": line.withdrawable_until,
        "drawn": line.money(quote.principal_minor),
        "repay_days": visit.ports.pack.days("withdraw.repay_days"),
    }


@post("/lines/{line_id:uuid}/withdraw", sync_to_thread=True)
def declare(request: WebRequest, line_id: FromPath[UUID]) -> Response[Any]:
    """Confirm the withdrawal. Doing it again changes nothing."""

    def act(visit: Visit) -> Response[Any]:
        line = visit.line(line_id, lock=True)
        office = visit.ports.office
        case = granted(withdraw(visit.tx, office, line.id, Channel.PORTAL, visit.actor, visit.now))
        _see(visit, line, Step.DONE)
        return see_other(request, f"/exits/{case.reference}")

    return signed_in(request, act)


withdraw_handlers: Final = [state, declare]
