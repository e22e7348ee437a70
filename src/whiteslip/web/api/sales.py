"""Debts sold: who buys, what was sold, and what is sent on to them. A sale takes two callers."""

from __future__ import annotations

from datetime import date, datetime
from operator import attrgetter
from typing import Annotated, Any, Final, Literal

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from whiteslip.base import Refusal, local_day
from whiteslip.base.ids import public
from whiteslip.billing import handover, sales
from whiteslip.billing.handover import SoldRow
from whiteslip.billing.sales import Buyer, Sale
from whiteslip.exits import debtsales
from whiteslip.store import Tx
from whiteslip.web.api.access import PAGE, Caller, Page, get, identifier, post, read, write
from whiteslip.web.api.lists import Limit, listed
from whiteslip.web.api.locks import EmptyBody
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses

_EVER: Final = date(2000, 1, 1)
Text = Annotated[str, Meta(min_length=1, max_length=200)]


class NewBuyer(Struct, forbid_unknown_fields=True):
    """Who buys debts. ``pay_to`` is shown to customers: an account, an address, a page."""

    name: Text
    pay_to: Text
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class BuyerShape(Struct):
    """``due_minor`` is owed to them; negative where a payment went back that they have already."""

    id: str
    name: str
    pay_to: str
    currency: str
    due_minor: int

    @classmethod
    def of(cls, one: Buyer) -> BuyerShape:
        """Shape a buyer."""
        return cls(public("byr", one.id), one.name, one.pay_to, one.currency, one.due_minor)


class Remitted(Struct):
    """What was sent to a buyer."""

    buyer: str
    remitted_minor: int


class SaleBody(Struct, forbid_unknown_fields=True):
    """On what terms. The second caller repeats them; others replace the proposal."""

    buyer: str
    price_minor: Annotated[int, Meta(ge=0)]


class SaleShape(Struct):
    """``state``: proposed, agreed (it passes at ``passes_at``, where the pack gives days of notice) or sold.
    ``left_minor``: what was sold, less what of it reached us since.
    """

    line: str
    state: str
    buyer: str
    buyer_name: str
    pay_to: str
    price_minor: int
    proposed_at: datetime
    passes_at: datetime | None
    sold_on: date | None
    face_minor: int | None
    left_minor: int | None

    @classmethod
    def of(cls, one: Sale) -> SaleShape:
        """Shape a sale."""
        return cls(
            line=public("line", one.line),
            state=one.state,
            buyer=public("byr", one.buyer),
            buyer_name=one.buyer_name,
            pay_to=one.pay_to,
            price_minor=one.price_minor,
            proposed_at=one.proposed_at,
            passes_at=one.passes_at,
            sold_on=one.on_day,
            face_minor=one.face_minor,
            left_minor=one.left_minor,
        )


class CalledOff(Struct):
    """The line whose debt is not sold after all."""

    line: str
    called_off_at: datetime


@post("/debt-buyers", summary="Register who buys debts", responses=problem_responses(401, 403, 409, 422))
def add_buyer(request: WebRequest, data: JSONBody[NewBuyer]) -> Response[BuyerShape]:
    """A company that debts may be sold to."""

    def act(tx: Tx, now: datetime, caller: Caller) -> BuyerShape:
        made = sales.add_buyer(tx, data.name, data.pay_to, data.currency, caller.actor, now)
        return BuyerShape.of(granted(made))

    return write(request, data, act, 201)


@get("/debt-buyers", summary="Who buys debts", responses=problem_responses(401, 403))
def list_buyers(request: WebRequest) -> list[BuyerShape]:
    """Everybody who buys debts, with what is owed to them."""
    return read(request, lambda tx, _: [BuyerShape.of(one) for one in sales.buyers(tx)])


@post(
    "/debt-buyers/{buyer_id:str}/remit",
    summary="Send a buyer what is theirs",
    status_code=200,
    responses=problem_responses(401, 403, 404, 422),
)
def remit(request: WebRequest, buyer_id: FromPath[str], data: JSONBody[EmptyBody]) -> Response[Remitted]:
    """What reached us of debts they own. The night does the same."""
    timezone = ports_of(request, Ports).pack.timezone
    wanted = identifier("byr", buyer_id, "buyer.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> Remitted:
        sent = sales.remit(tx, wanted, local_day(now, timezone), caller.actor, now)
        return Remitted(buyer_id, granted(sent))

    return write(request, data, act)


@get(
    "/debt-buyers/{buyer_id:str}/sold",
    summary="What a buyer bought",
    responses=problem_responses(401, 403, 404, 422),
)
def show_sold(
    request: WebRequest,
    buyer_id: FromPath[str],
    since: FromQuery[date] = _EVER,
    format: FromQuery[Literal["json", "csv"]] = "json",  # noqa: A002 - the parameter's public name
) -> list[SoldRow] | Response[str]:
    """A row for each due day of each debt, for the buyer: sums, days and references, nobody's name."""
    wanted = identifier("byr", buyer_id, "buyer.not_found")
    rows = read(request, lambda tx, _: granted(handover.sold_to(tx, wanted, since)))
    if format == "csv":
        headers = {"Content-Disposition": f'attachment; filename="{buyer_id}.csv"'}
        return Response(handover.as_csv(rows), media_type="text/csv", headers=headers)
    return rows


@post(
    "/lines/{line_id:str}/sale",
    summary="Sell a debt",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def sell(request: WebRequest, line_id: FromPath[str], data: JSONBody[SaleBody]) -> Response[SaleShape]:
    """The first call proposes; a second one, by another key and on the same terms, says that the price has
    come in and sells, or agrees where the pack gives days of notice. The customer is written to at once.
    """
    office = ports_of(request, Ports).office
    wanted = identifier("line", line_id, "line.not_found")
    buyer = identifier("byr", data.buyer, "buyer.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> SaleShape:
        done = debtsales.sell(tx, office, wanted, buyer, data.price_minor, caller.person, now)
        return SaleShape.of(granted(done))

    return write(request, data, act)


@post(
    "/lines/{line_id:str}/sale/call-off",
    summary="Call off the sale of a debt",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def call_off(request: WebRequest, line_id: FromPath[str], data: JSONBody[EmptyBody]) -> Response[CalledOff]:
    """A sale that was agreed does not come; the customer is written to."""
    office = ports_of(request, Ports).office
    wanted = identifier("line", line_id, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> CalledOff:
        granted(debtsales.call_off(tx, office, wanted, caller.person, now))
        return CalledOff(line_id, now)

    return write(request, data, act)


@get("/lines/{line_id:str}/sale", summary="Who owns a debt", responses=problem_responses(401, 403, 404))
def show_sale(request: WebRequest, line_id: FromPath[str]) -> SaleShape:
    """To whom a line's debt was sold last, or is proposed to be."""
    wanted = identifier("line", line_id, "line.not_found")

    def question(tx: Tx, _: datetime) -> SaleShape:
        return SaleShape.of(granted(sales.newest(tx, wanted) or Refusal("sale.not_found")))

    return read(request, question)


@get("/sales", summary="Sales of debts that wait", responses=problem_responses(401, 403, 422))
def list_proposals(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """What somebody has proposed to sell and nobody else has agreed to yet."""
    return listed(request, "line", after, limit, sales.proposals, SaleShape.of, attrgetter("line"))


handlers: list[Any] = [add_buyer, list_buyers, show_sold, remit, sell, call_off, show_sale, list_proposals]
