"""Payouts of credit balances, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from whiteslip import lines
from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.billing import payouts
from whiteslip.billing import store as billing_store
from whiteslip.billing.model import Payout
from whiteslip.exits import accounts, unclaimed
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
from whiteslip.web.api.lists import Limit, page_on_line
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses


class PayoutShape(Struct):
    """A payout: ``sent`` to an ``account``, or ``unclaimed``: back, or waiting for one that is verified."""

    id: str
    line: str
    currency: str
    amount_minor: int
    state: str
    sent_at: datetime
    bounced_at: datetime | None
    account: str | None

    @classmethod
    def of(cls, payout: Payout) -> PayoutShape:
        """Shape a payout."""
        return cls(
            id=public("pyo", payout.id),
            line=public("line", payout.line),
            currency=payout.currency,
            amount_minor=payout.amount_minor,
            state=payout.state,
            sent_at=payout.sent_at,
            bounced_at=payout.bounced_at,
            account=public("acc", payout.account) if payout.account else None,
        )


def _change(
    request: WebRequest, payout_id: str, act: Callable[[Tx, UUID, str, datetime], Payout | Refusal]
) -> Response[PayoutShape]:
    wanted = identifier("pyo", payout_id, "payout.not_found")

    def change(tx: Tx, now: datetime, caller: Caller) -> PayoutShape:
        return PayoutShape.of(granted(act(tx, wanted, caller.actor, now)))

    return write(request, None, change, 200)


@get("/payouts", summary="Payouts of a line", responses=problem_responses(401, 403, 404, 422))
def list_payouts(
    request: WebRequest, line: FromQuery[str], after: FromQuery[str | None] = None, limit: Limit = PAGE
) -> Page:
    """Everything that was paid out to a line's customer, oldest first."""
    return page_on_line(request, line, "pyo", after, limit, billing_store.payouts, PayoutShape.of)


@post(
    "/payouts/{payout_id:str}/bounce",
    summary="A payout came back",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def bounce(request: WebRequest, payout_id: FromPath[str]) -> Response[PayoutShape]:
    """The money waits for its owner, who is written to; the line stays as it is. Twice changes nothing."""
    office = ports_of(request, Ports).office
    return _change(
        request, payout_id, lambda tx, wanted, actor, now: unclaimed.bounce(tx, office, wanted, actor, now)
    )


@post(
    "/payouts/{payout_id:str}/send-again",
    summary="Send what came back",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def send_again(request: WebRequest, payout_id: FromPath[str]) -> Response[PayoutShape]:
    """To the verified account that stands; what does not wait is left alone. It takes the owner, checked
    within the last minutes; for an estate the owner of the key.
    """

    def send(tx: Tx, wanted: UUID, actor: str, now: datetime) -> Payout | Refusal:
        found = granted(billing_store.payout(tx, wanted) or Refusal("payout.not_found"))
        line = granted(lines.get_line(tx, found.line))
        whose = accounts.payee(tx, line)
        if whose is None:
            return Refusal("estate.nobody_shown")
        if whose == line.customer:
            must_be_proven(request, tx, whose, now)
        by = actor if whose == line.customer else caller_of(request).person
        done = payouts.send_again(tx, wanted, whose, by, now)
        stopped = isinstance(done, Refusal) and done.code == "payout.legal_freeze"
        # Of an order know those who handle it.
        return Refusal("payout.stopped") if stopped and not caller_of(request).handles_orders else done

    return _change(request, payout_id, send)


handlers: list[Any] = [list_payouts, bounce, send_again]
