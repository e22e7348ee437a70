"""What is held of a customer, and erasing what may go."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from litestar import Response
from litestar.params import FromPath
from msgspec import Struct

from whiteslip import privacy
from whiteslip.base.ids import public
from whiteslip.day.forgetting import FORGET
from whiteslip.privacy import Answer, Kept, Overview
from whiteslip.store import Tx
from whiteslip.web.api.access import Caller, get, identifier, post, read, write
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses


class KeptShape(Struct):
    """A kind of record that the law keeps. ``until`` is null while a line is open."""

    kind: str
    months: int
    source: str
    until: date | None

    @classmethod
    def of(cls, kept: Kept) -> KeptShape:
        """Shape what is kept."""
        return cls(kept.kind, kept.months, kept.source, kept.until)


class PrivacyShape(Struct):
    """What is held of a customer: since when they are gone, what stays and until when."""

    customer: str
    ended_on: date | None
    gone_after: date | None
    kept: list[KeptShape]
    orders: int

    @classmethod
    def of(cls, known: Overview) -> PrivacyShape:
        """Shape an overview."""
        return cls(
            customer=public("cus", known.customer),
            ended_on=known.ended_on,
            gone_after=known.until,
            kept=[KeptShape.of(kept) for kept in known.kept],
            orders=len(known.orders),
        )


class ErasureShape(Struct):
    """The answer to a request to erase: records gone by kind, and what stays."""

    reference: str
    customer: str
    answered_at: datetime
    erased: dict[str, int]
    kept: list[KeptShape]

    @classmethod
    def of(cls, answer: Answer) -> ErasureShape:
        """Shape an answer."""
        return cls(
            reference=answer.reference,
            customer=public("cus", answer.customer),
            answered_at=answer.answered_at,
            erased=dict(answer.erased),
            kept=[KeptShape.of(kept) for kept in answer.kept],
        )


@get(
    "/customers/{customer_id:str}/privacy",
    summary="What is held of a customer",
    responses=problem_responses(401, 403, 404),
)
def show_privacy(request: WebRequest, customer_id: FromPath[str]) -> PrivacyShape:
    """Which kinds of records are kept, by which source and until when."""
    wanted = identifier("cus", customer_id, "customer.not_found")
    return PrivacyShape.of(read(request, lambda tx, _: granted(privacy.overview(tx, wanted))))


@post(
    "/customers/{customer_id:str}/erasure",
    summary="Erase what may be erased",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def erase(request: WebRequest, customer_id: FromPath[str]) -> Response[ErasureShape]:
    """What no law keeps goes at once; the answer, also by letter, names what stays and until when."""
    ports = ports_of(request, Ports)
    wanted = identifier("cus", customer_id, "customer.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> ErasureShape:
        issuer = ports.office.issuer_name
        return ErasureShape.of(granted(privacy.erase(tx, wanted, FORGET, issuer, caller.actor, now)))

    return write(request, None, act, 200)


handlers: list[Any] = [show_privacy, erase]
