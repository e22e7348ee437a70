"""Monthly statements of the customer's lines, as pages and as PDF, also long after a line was closed."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import identity, lines
from whiteslip.base import Refusal, end_of_day
from whiteslip.billing import statements, store
from whiteslip.billing.model import Bill
from whiteslip.exits import partpayments
from whiteslip.lines import Line
from whiteslip.notices import Addressee
from whiteslip.notices.acts import draft
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import see_other
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.problems import Refused, granted
from whiteslip.web.portal.visit import Visit, signed_in


@get("/statements", sync_to_thread=True)
def index(request: WebRequest) -> Response[Any]:
    """All statements, the newest first, by line."""

    def show(visit: Visit) -> Response[Any]:
        found = lines.lines_of(visit.tx, visit.customer.id)
        books = [
            (line, store.bills(visit.tx, line.id)[::-1], partpayments.of_line(visit.tx, line.id))
            for line in reversed(found)
        ]
        kept = [(line, bills, early) for line, bills, early in books if bills or early]
        return page(request, "portal/statements/page.html", books=kept)

    return signed_in(request, show)


def _own(visit: Visit, bill_id: UUID) -> tuple[Line, Bill]:
    """A statement of theirs. Raises Refused for one that is not there or not theirs, alike."""
    bill = statements.find(visit.tx, bill_id)
    line = lines.get_line(visit.tx, bill.line) if bill else None
    if bill is None or not isinstance(line, Line) or line.customer != visit.customer.id:
        raise Refused(Refusal("statement.not_found"))
    return line, bill


@get("/statements/{bill:uuid}", sync_to_thread=True)
def show(request: WebRequest, bill: FromPath[UUID]) -> Response[Any]:
    """One statement."""

    def act(visit: Visit) -> Response[Any]:
        line, found = _own(visit, bill)
        made = statements.statement(visit.tx, line, found)
        return page(request, "portal/statements/one.html", line=line, made=made, bill=found)

    return signed_in(request, act)


@get("/statements/{bill:uuid}/pdf", sync_to_thread=True)
def pdf(request: WebRequest, bill: FromPath[UUID]) -> Response[Any]:
    """One statement as PDF in the language of the page: the same bytes each time."""

    def act(visit: Visit) -> Response[Any]:
        line, found = _own(visit, bill)
        made = statements.statement(visit.tx, line, found)
        person = granted(identity.peek(visit.tx, visit.ports.vault, visit.customer.id))
        to = Addressee(person.full_name, person.email, person.phone)
        new = statements.letter(made, line, language_of(request), visit.ports.office.issuer_name)
        name = f"statement-{found.statement_on}.pdf"
        return Response(
            draft(new, to, end_of_day(found.statement_on, line.timezone)),
            media_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return signed_in(request, act)


@post("/payments/{payment:uuid}/statement", sync_to_thread=True)
def ask(request: WebRequest, payment: FromPath[UUID]) -> Response[Any]:
    """A statement of a payment that came early, as a letter. Asking again changes nothing."""

    def act(visit: Visit) -> Response[Any]:
        known = store.payment(visit.tx, payment)
        own = {line.id for line in lines.lines_of(visit.tx, visit.customer.id)}
        if known is None or known.line not in own:
            raise Refused(Refusal("payment.not_found"))
        granted(partpayments.ask(visit.tx, visit.ports.office, payment, visit.actor, visit.now))
        return see_other(request, "/statements")

    return signed_in(request, act)


statement_handlers: Final = [index, show, pdf, ask]
