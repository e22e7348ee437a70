"""Where a customer is reached: another phone or e-mail, proven by a code that goes there."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.params import FromPath, JSONBody

from whiteslip import lines
from whiteslip.lines import Customer
from whiteslip.web.api.access import caller_of, identifier, must_be_proven, post, read
from whiteslip.web.api.shapes import ContactBody, ContactCodeBody, ContactShape
from whiteslip.web.kit import reached
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses


def _proven(request: WebRequest, customer_id: str) -> Customer:
    """The customer, who was checked within the last minutes by what is on file."""
    wanted = identifier("cus", customer_id, "customer.not_found")

    def question(tx: Any, now: Any) -> Customer:
        customer = granted(lines.get_customer(tx, wanted))
        must_be_proven(request, tx, customer.id, now)
        return customer

    return read(request, question)


@post(
    "/customers/{customer_id:str}/contact",
    summary="Ask for another phone or e-mail",
    responses=problem_responses(401, 403, 404, 409, 422, 429, 503),
)
def ask(
    request: WebRequest, customer_id: FromPath[str], data: JSONBody[ContactBody]
) -> Response[ContactShape]:
    """A code goes to the new place; nothing changes before it comes back."""
    customer, ports = _proven(request, customer_id), ports_of(request, Ports)
    asked = granted(reached.ask(ports, customer, data.place, caller_of(request).actor))
    part = "phone" if asked.part == "phone" else "email"
    return Response(ContactShape(customer_id, "sent", part, asked.expires_at), status_code=201)


@post(
    "/customers/{customer_id:str}/contact/confirm",
    summary="Change where a customer is reached",
    status_code=200,
    responses=problem_responses(401, 403, 404, 409, 410, 422, 429),
)
def confirm(request: WebRequest, customer_id: FromPath[str], data: JSONBody[ContactCodeBody]) -> ContactShape:
    """With the code from the new place. A letter goes to where they were reached before as well."""
    customer, ports = _proven(request, customer_id), ports_of(request, Ports)
    refused = reached.answer(ports, customer.id, data.code, caller_of(request).actor)
    if refused:
        raise Refused(refused)
    return ContactShape(customer_id, "changed")


handlers: list[Any] = [ask, confirm]
