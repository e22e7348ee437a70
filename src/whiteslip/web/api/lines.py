"""Customers and lines."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from psycopg.errors import UniqueViolation

from whiteslip import billing, identity, lines
from whiteslip.base import Refusal, add_months, new_id
from whiteslip.base.ids import public
from whiteslip.billing import defaults, rules
from whiteslip.exits.orders import shown_locks
from whiteslip.identity import Person
from whiteslip.lines import Customer, Line
from whiteslip.lines.acts import customers_by_reference, open_house, page_of_customers, page_of_lines
from whiteslip.lines.model import Agreement, NewLine
from whiteslip.store import Tx
from whiteslip.web.api.access import (
    PAGE,
    Caller,
    Page,
    caller_of,
    get,
    identifier,
    page_of,
    post,
    read,
    write,
)
from whiteslip.web.api.lists import Limit, listed, one, start_of
from whiteslip.web.api.shapes import CustomerShape, LineShape, NewCustomer, NewLineBody, PayoffShape
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses


@post("/customers", summary="Register a customer", responses=problem_responses(401, 403, 409, 422))
def register(request: WebRequest, data: JSONBody[NewCustomer]) -> Response[CustomerShape]:
    """Register a person. Their data is encrypted into the vault and never answered back."""
    ports = ports_of(request, Ports)

    def act(tx: Tx, now: datetime, caller: Caller) -> CustomerShape:
        customer = Customer(new_id(now), data.reference, data.language, now)
        if data.reference and customers_by_reference(tx, [data.reference]):
            raise Refused(Refusal("customer.reference_taken"))
        person = Person(data.full_name, data.id_number, data.phone, data.email)
        lines.open_customers(tx, [customer], now)
        granted(identity.enrol(tx, ports.vault, customer.id, person, caller.actor, now))
        return CustomerShape.of(customer)

    try:
        return write(request, data, act, 201)
    except UniqueViolation:  # two requests at once with one reference
        raise Refused(Refusal("customer.reference_taken")) from None


@get("/customers", summary="List customers", responses=problem_responses(401, 403, 422))
def list_customers(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """Customers in order of registration."""
    return listed(request, "cus", after, limit, page_of_customers, CustomerShape.of)


@get("/customers/{customer_id:str}", summary="A customer", responses=problem_responses(401, 403, 404))
def show_customer(request: WebRequest, customer_id: FromPath[str]) -> CustomerShape:
    """One customer, without what names them."""
    return one(request, "cus", customer_id, "customer.not_found", lines.get_customer, CustomerShape.of)


def shaped(tx: Tx, line: Line, caller: Caller, now: datetime) -> LineShape:
    """A line with its third region, which billing derives, as ``caller`` may see it."""
    debt = billing.debt(tx, line.id, line.today(now))
    counted = defaults.count(tx, line, debt, line.today(now))
    return LineShape(
        id=public("line", line.id),
        customer=public("cus", line.customer),
        currency=line.currency,
        pack=line.pack,
        terms_version=line.terms_version,
        lifecycle=line.lifecycle,
        locks=shown_locks(line, caller.handles_orders),
        drawing_stopped=line.drawing_stopped,
        limit_minor=line.advised_limit_minor,
        limit_target_minor=line.limit_minor,
        available_minor=line.available_minor,
        held_minor=line.held_minor,
        owed_minor=line.owed_minor,
        credit_minor=line.credit_minor,
        bucket=rules.bucket(debt),
        days_past_due=debt.days_past_due,
        risk_class=rules.class_of(debt),
        ifrs_stage=rules.stage_of(debt),
        default_days=counted.days,
        in_default=counted.is_default,
        statement_day=line.statement_day,
        opened_on=line.opened_on,
        withdrawable_until=line.withdrawable_until,
        closed_on=line.closed_on,
    )


@post("/lines", summary="Open a line", responses=problem_responses(401, 403, 404, 409, 422))
def open_line(request: WebRequest, data: JSONBody[NewLineBody]) -> Response[LineShape]:
    """Open a line under the installation's pack."""
    agreement = Agreement.of(ports_of(request, Ports).pack)
    customer_id = identifier("cus", data.customer, "customer.not_found")

    def act(tx: Tx, now: datetime, caller: Caller) -> LineShape:
        customer = granted(lines.get_customer(tx, customer_id))
        open_house(tx, agreement.currency)
        opened_on = agreement.today(now)
        day = data.statement_day
        new = NewLine(new_id(now), customer.id, data.limit_minor, day, opened_on, data.informed)
        lines.open_lines(tx, agreement, [new], caller.actor, now)
        return shaped(tx, granted(lines.get_line(tx, new.id)), caller, now)

    return write(request, data, act, 201)


@get("/lines", summary="List lines", responses=problem_responses(401, 403, 422))
def list_lines(request: WebRequest, after: FromQuery[str | None] = None, limit: Limit = PAGE) -> Page:
    """Lines in order of opening."""
    start = start_of("line", after)

    def question(tx: Tx, now: datetime) -> Page:
        found, who = page_of_lines(tx, start, limit + 1), caller_of(request)
        return page_of(
            found, limit, lambda line: shaped(tx, line, who, now), lambda line: public("line", line.id)
        )

    return read(request, question)


@get("/lines/{line_id:str}", summary="A line", responses=problem_responses(401, 403, 404))
def show_line(request: WebRequest, line_id: FromPath[str]) -> LineShape:
    """One line in its three regions."""
    wanted, who = identifier("line", line_id, "line.not_found"), caller_of(request)
    return read(request, lambda tx, now: shaped(tx, granted(lines.get_line(tx, wanted)), who, now))


@get("/lines/{line_id:str}/payoff", summary="A payoff quote", responses=problem_responses(401, 403, 404, 422))
def payoff(
    request: WebRequest,
    line_id: FromPath[str],
    good_through: Annotated[date | None, QueryParameter(name="date", description="Today if absent")] = None,
) -> PayoffShape:
    """What settles everything if it is paid by the end of ``good_through``: the day that was asked for, or
    one before, on which a late fee may be charged.
    """
    wanted = identifier("line", line_id, "line.not_found")

    def question(tx: Tx, now: datetime) -> PayoffShape:
        line = granted(lines.get_line(tx, wanted))
        today = line.today(now)
        if good_through and not today <= good_through <= add_months(today, 12):
            raise Refused(Refusal("payoff.date_out_of_range"))
        return PayoffShape.of(line, billing.payoff(tx, line, today, good_through))

    return read(request, question)


handlers: list[Any] = [
    register,
    list_customers,
    show_customer,
    open_line,
    list_lines,
    show_line,
    payoff,
]
