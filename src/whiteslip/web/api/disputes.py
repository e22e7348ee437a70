"""Disputes, and what shops post without an authorisation."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from whiteslip.base.ids import public
from whiteslip.exits import owed
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Bears, Dispute, Ground
from whiteslip.store import Tx
from whiteslip.web.api.access import PAGE, Caller, Page, get, identifier, post, write
from whiteslip.web.api.lists import Limit, page_on_line
from whiteslip.web.api.shapes import Amount, Key, PublicId
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses


class DisputeBody(Struct, forbid_unknown_fields=True):
    """What the customer says is wrong, and how much of the purchase it concerns.

    ``began_on`` is the day on which they first said so, if it is written down later.
    """

    amount_minor: Amount
    ground: Literal["not_received", "not_as_described", "not_mine", "wrong_amount", "cancelled"]
    began_on: date | None = None


class ResolveBody(Struct, forbid_unknown_fields=True):
    """Who was right, as the customer sees it, and whose loss a won one is; by rule if that is not said."""

    outcome: Literal["won", "lost"]
    bears: Literal["shop", "lender"] | None = None


class ForcedBody(Struct, forbid_unknown_fields=True):
    """A shop's posting without an authorisation."""

    line: PublicId
    merchant: Key
    amount_minor: Amount


class DisputeShape(Struct):
    """A dispute. ``suspended_minor`` is not demanded and not past due while it is open; ``bears`` says whose
    loss it is that the customer won: the shop's or the lender's. ``told_late``: after the pack's days.
    """

    id: str
    line: str
    purchase: str | None
    ground: str
    amount_minor: int
    suspended_minor: int
    outcome: str
    opened_at: datetime
    due_at: datetime
    told_late: bool
    resolved_at: datetime | None
    bears: str | None

    @classmethod
    def of(cls, found: Dispute) -> DisputeShape:
        """Shape a dispute."""
        return cls(
            id=public("dsp", found.id),
            line=public("line", found.line),
            purchase=public("pur", found.purchase) if found.purchase else None,
            ground=found.ground,
            amount_minor=found.amount_minor,
            suspended_minor=found.suspended_minor,
            outcome=found.outcome,
            opened_at=found.opened_at,
            due_at=found.due_at,
            told_late=found.told_late,
            resolved_at=found.resolved_at,
            bears=found.bears,
        )


@post(
    "/purchases/{purchase_id:str}/dispute",
    summary="Dispute a purchase, or a part of it",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def dispute(
    request: WebRequest, purchase_id: FromPath[str], data: JSONBody[DisputeBody]
) -> Response[DisputeShape]:
    """What of it is owed is not demanded until the dispute is resolved, on a line in any state."""
    ports = ports_of(request, Ports)
    wanted = identifier("pur", purchase_id, "purchase.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> DisputeShape:
        ground, who = Ground(data.ground), caller.actor
        minor, began = data.amount_minor, data.began_on
        return DisputeShape.of(
            granted(owed.dispute(tx, ports.office, wanted, minor, ground, who, now, began))
        )

    return write(request, data, act, 201)


@post(
    "/disputes/{dispute_id:str}/resolve",
    summary="Resolve a dispute",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def resolve(
    request: WebRequest, dispute_id: FromPath[str], data: JSONBody[ResolveBody]
) -> Response[DisputeShape]:
    """Won: shop or lender gives it back. Lost: it is owed with a fresh due day. Again changes nothing."""
    ports = ports_of(request, Ports)
    wanted = identifier("dsp", dispute_id, "dispute.not_found")

    won, bears = data.outcome == "won", Bears(data.bears) if data.bears else None

    def act(tx: Tx, now: datetime, caller: Caller) -> DisputeShape:
        done = owed.resolve_dispute(tx, ports.office, wanted, won, caller.actor, now, bears=bears)
        return DisputeShape.of(granted(done))

    return write(request, data, act, 200)


@post(
    "/forced-posts",
    summary="A posting without an authorisation",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def force(request: WebRequest, data: JSONBody[ForcedBody]) -> Response[DisputeShape]:
    """It becomes a dispute of which the customer is told, never a debt; a closed line stays closed."""
    ports = ports_of(request, Ports)
    line = identifier("line", data.line, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> DisputeShape:
        merchant, minor, who = data.merchant, data.amount_minor, caller.actor
        posted = owed.force_post(tx, ports.office, line, merchant, minor, who, now)
        return DisputeShape.of(granted(posted))

    return write(request, data, act, 201)


@get("/disputes", summary="Disputes of a line", responses=problem_responses(401, 403, 404, 422))
def list_disputes(
    request: WebRequest, line: FromQuery[str], after: FromQuery[str | None] = None, limit: Limit = PAGE
) -> Page:
    """All disputes of a line, oldest first."""
    asked = purchases_store.disputes_of_line
    return page_on_line(request, line, "dsp", after, limit, asked, DisputeShape.of)


handlers: list[Any] = [dispute, resolve, force, list_disputes]
