"""Purchases and payments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody

from whiteslip import billing, exits, purchases
from whiteslip.base.ids import public
from whiteslip.billing import store as billing_store
from whiteslip.billing.mandates import collect
from whiteslip.billing.model import Payment
from whiteslip.exits import owed, partpayments
from whiteslip.purchases import Capture, Declined, Purchase, Request, promises
from whiteslip.purchases import store as purchases_store
from whiteslip.store import Tx
from whiteslip.web.api.access import PAGE, Caller, Page, get, identifier, post, write
from whiteslip.web.api.lists import Limit, known, one, page_on_line
from whiteslip.web.api.shapes import (
    CaptureBody,
    CorrectionBody,
    NewPaymentBody,
    NewPurchase,
    PartStatementShape,
    PaymentShape,
    PromiseBody,
    PromiseShape,
    PurchaseShape,
    RefundBody,
    ReturnBody,
)
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses


def _touch(tx: Tx, ports: Ports, line: UUID, now: datetime) -> None:
    """What moved money may have let a leaving customer go."""
    exits.advance_line(tx, ports.office, line, now)


@post("/purchases", summary="Authorise a purchase", responses=problem_responses(401, 403, 404, 409, 422))
def authorise(request: WebRequest, data: JSONBody[NewPurchase]) -> Response[PurchaseShape]:
    """Decide and hold. A decline is an answer with ``state`` declined, a ``code`` and reasons."""
    ports = ports_of(request, Ports)
    line = identifier("line", data.line, "line.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> PurchaseShape:
        buyer = identifier("usr", data.user, "user.not_found") if data.user else None
        asked = Request(
            line,
            data.merchant,
            data.amount_minor,
            data.instalments,
            data.category,
            data.cash,
            data.stored_credential,
            buyer,
            data.strong_authentication,
        )
        answer = granted(purchases.authorise(tx, ports.office.tables, [asked], caller.actor, now)[0])
        if isinstance(answer, Declined):
            return PurchaseShape.declined(answer, data.merchant, data.category)
        return PurchaseShape.of(answer)

    return write(request, data, act, 201)


@get("/purchases", summary="Purchases of a line", responses=problem_responses(401, 403, 404, 422))
def list_purchases(
    request: WebRequest, line: FromQuery[str], after: FromQuery[str | None] = None, limit: Limit = PAGE
) -> Page:
    """All purchases of a line that were authorised, oldest first."""

    def question(tx: Tx, line: UUID, after: UUID | None, count: int) -> list[Purchase]:
        last = known(purchases_store.find(tx, after), line) if after else None
        return purchases_store.page(tx, line, last, count)

    return page_on_line(request, line, "pur", after, limit, question, PurchaseShape.of)


@get("/purchases/{purchase_id:str}", summary="A purchase", responses=problem_responses(401, 403, 404))
def show_purchase(request: WebRequest, purchase_id: FromPath[str]) -> PurchaseShape:
    """One purchase as it stands."""
    return one(request, "pur", purchase_id, "purchase.not_found", purchases_store.find, PurchaseShape.of)


@post(
    "/purchases/{purchase_id:str}/capture",
    summary="Capture a purchase, or a part of it",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def capture(
    request: WebRequest, purchase_id: FromPath[str], data: JSONBody[CaptureBody]
) -> Response[PurchaseShape]:
    """Turn the hold, or a part, into debt. It works on a line that is leaving."""
    ports = ports_of(request, Ports)
    wanted = identifier("pur", purchase_id, "purchase.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> PurchaseShape:
        batch = [Capture(wanted, data.amount_minor, data.final)]
        done = granted(purchases.capture(tx, batch, caller.actor, now)[0])
        return _done(tx, ports, done, now)

    return write(request, data, act)


def _done(tx: Tx, ports: Ports, done: Purchase, now: datetime) -> PurchaseShape:
    _touch(tx, ports, done.line, now)
    return PurchaseShape.of(done)


@post(
    "/purchases/{purchase_id:str}/release",
    summary="Release what is held",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409),
)
def release(request: WebRequest, purchase_id: FromPath[str]) -> Response[PurchaseShape]:
    """Give the hold up. Doing it again changes nothing."""
    ports = ports_of(request, Ports)
    wanted = identifier("pur", purchase_id, "purchase.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> PurchaseShape:
        return _done(tx, ports, granted(purchases.release(tx, wanted, caller.actor, now)), now)

    return write(request, None, act)


@post(
    "/purchases/{purchase_id:str}/refund",
    summary="Refund a purchase, or a part of it",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def refund(
    request: WebRequest, purchase_id: FromPath[str], data: JSONBody[RefundBody]
) -> Response[PurchaseShape]:
    """Give money back by the waterfall: this purchase's debt, also what of it is in a hardship plan, other
    billed debt, credit. With ``value_on`` it counts from then.
    """
    ports = ports_of(request, Ports)
    wanted = identifier("pur", purchase_id, "purchase.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> PurchaseShape:
        done = granted(purchases.refund(tx, wanted, data.amount_minor, caller.actor, now, data.value_on))
        return _done(tx, ports, done, now)

    return write(request, data, act)


@post(
    "/purchases/{purchase_id:str}/refund-promise",
    summary="Note that a shop has promised a refund",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def promise_refund(
    request: WebRequest, purchase_id: FromPath[str], data: JSONBody[PromiseBody]
) -> Response[PromiseShape]:
    """Nothing of the debt changes yet. What has not come by its day is disputed for the customer."""
    wanted = identifier("pur", purchase_id, "purchase.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> PromiseShape:
        said = (data.amount_minor, data.promised_on, caller.actor, now)
        return PromiseShape.of(granted(promises.promise(tx, wanted, *said)))

    return write(request, data, act, 201)


@post("/payments", summary="Book a payment", responses=problem_responses(401, 403, 404, 409, 422))
def pay(request: WebRequest, data: JSONBody[NewPaymentBody]) -> Response[PaymentShape]:
    """Take a payment; it is allocated at once. The same reference is booked once."""
    ports = ports_of(request, Ports)
    line = identifier("line", data.line, "line.not_found")
    mandate = identifier("mdt", data.mandate, "mandate.not_found") if data.mandate else None
    clearing_days = ports.pack.days("exit.clearing_days")

    def act(tx: Tx, now: datetime, caller: Caller) -> PaymentShape:
        who, minor, on = caller.actor, data.amount_minor, data.value_on
        if mandate:
            paid = collect(tx, mandate, line, data.reference, minor, on, clearing_days, who, now)
        else:
            paid = billing.receive(tx, line, data.reference, minor, on, data.method, clearing_days, who, now)
        payment = granted(paid)
        _touch(tx, ports, line, now)
        return PaymentShape.of(payment)

    return write(request, data, act, 201)


@get("/payments", summary="Payments on a line", responses=problem_responses(401, 403, 404, 422))
def list_payments(
    request: WebRequest, line: FromQuery[str], after: FromQuery[str | None] = None, limit: Limit = PAGE
) -> Page:
    """All payments on a line in the order in which they were booked; what was told late comes late."""

    def question(tx: Tx, line: UUID, after: UUID | None, count: int) -> list[Payment]:
        last = known(billing_store.payment(tx, after), line) if after else None
        return billing_store.page_of_payments(tx, line, last, count)

    return page_on_line(request, line, "pay", after, limit, question, PaymentShape.of)


@get("/payments/{payment_id:str}", summary="A payment", responses=problem_responses(401, 403, 404))
def show_payment(request: WebRequest, payment_id: FromPath[str]) -> PaymentShape:
    """One payment as it stands, and what corrected it."""
    return one(request, "pay", payment_id, "payment.not_found", billing_store.payment, PaymentShape.of)


@post(
    "/payments/{payment_id:str}/return",
    summary="A payment came back",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def return_payment(
    request: WebRequest, payment_id: FromPath[str], data: JSONBody[ReturnBody | None] = None
) -> Response[PaymentShape]:
    """The line ends as if it had never been made; what others paid since goes where it would have gone.
    A direct debit comes back at its payer's word for eight weeks, as unauthorised for thirteen months.
    """
    said = data or ReturnBody()
    ports = ports_of(request, Ports)
    wanted = identifier("pay", payment_id, "payment.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> PaymentShape:
        who, on = caller.actor, said.returned_on
        done = owed.return_payment(tx, ports.office, wanted, who, now, said.unauthorised, on)
        return PaymentShape.of(granted(done))

    return write(request, data, act)


@post(
    "/payments/{payment_id:str}/correct",
    summary="A payment was booked wrongly",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def correct_payment(
    request: WebRequest, payment_id: FromPath[str], data: JSONBody[CorrectionBody]
) -> Response[PaymentShape]:
    """The true amount and value date. Answers with the payment that stands instead, from its own day."""
    ports = ports_of(request, Ports)
    wanted = identifier("pay", payment_id, "payment.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> PaymentShape:
        minor, on, who = data.amount_minor, data.value_on, caller.actor
        return PaymentShape.of(granted(owed.correct_payment(tx, ports.office, wanted, minor, on, who, now)))

    return write(request, data, act)


@post(
    "/payments/{payment_id:str}/statement",
    summary="A statement of a payment that came early",
    responses=problem_responses(401, 403, 404, 409),
)
def ask_statement(request: WebRequest, payment_id: FromPath[str]) -> Response[PartStatementShape]:
    """What was paid, how it was applied and what remains, in a letter to the customer. Asking again changes
    nothing.
    """
    ports = ports_of(request, Ports)
    wanted = identifier("pay", payment_id, "payment.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> PartStatementShape:
        last = granted(partpayments.ask(tx, ports.office, wanted, caller.actor, now))
        return PartStatementShape(public("pay", wanted), last)

    return write(request, None, act, 201)


handlers: list[Any] = [
    authorise,
    list_purchases,
    show_purchase,
    capture,
    release,
    refund,
    promise_refund,
    pay,
    list_payments,
    show_payment,
    return_payment,
    correct_payment,
    ask_statement,
]
