"""Monthly statements: what each asked for, as it was on its day, and as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from litestar import Response
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from whiteslip import identity, lines
from whiteslip.base import Refusal, end_of_day
from whiteslip.base.ids import public
from whiteslip.billing import statements, store
from whiteslip.billing.model import Bill
from whiteslip.billing.statements import Item, Statement
from whiteslip.lines import Line
from whiteslip.notices import Addressee
from whiteslip.notices.acts import draft
from whiteslip.store import Tx
from whiteslip.web.api.access import get, identifier, read
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses


class StatementShape(Struct):
    """A statement. ``balance_minor`` was owed in all on its day; negative for a credit balance."""

    id: str
    line: str
    statement_on: date
    due_on: date
    demanded_minor: int
    principal_minor: int
    interest_minor: int
    fee_minor: int
    balance_minor: int

    @classmethod
    def of(cls, bill: Bill) -> StatementShape:
        """Shape a bill."""
        return cls(
            id=public("bill", bill.id),
            line=public("line", bill.line),
            statement_on=bill.statement_on,
            due_on=bill.due_on,
            demanded_minor=bill.demanded_minor,
            principal_minor=bill.principal_minor,
            interest_minor=bill.interest_minor,
            fee_minor=bill.fee_minor,
            balance_minor=bill.balance_minor,
        )


class DatedMinor(Struct):
    """A sum of a day."""

    on: date
    amount_minor: int


class StatementInFull(Struct):
    """A statement with its items as scheduled; ``settled_minor`` of them had been settled before.
    ``received`` and ``bought`` are payments and purchases since the statement before.
    """

    statement: StatementShape
    items: Sequence[Item]
    settled_minor: int
    received: Sequence[DatedMinor]
    bought: Sequence[DatedMinor]

    @classmethod
    def of(cls, made: Statement) -> StatementInFull:
        """Shape a statement."""
        return cls(
            statement=StatementShape.of(made.bill),
            items=list(made.items),
            settled_minor=made.settled_minor,
            received=[DatedMinor(on, minor) for on, minor in made.received],
            bought=[DatedMinor(on, minor) for on, minor in made.bought],
        )


def _found(tx: Tx, bill_id: str) -> tuple[Line, Statement]:
    wanted = identifier("bill", bill_id, "statement.not_found")
    bill = granted(statements.find(tx, wanted) or Refusal("statement.not_found"))
    line = granted(lines.get_line(tx, bill.line))
    return line, statements.statement(tx, line, bill)


@get("/lines/{line_id:str}/statements", summary="Statements", responses=problem_responses(401, 403, 404))
def list_statements(request: WebRequest, line_id: FromPath[str]) -> list[StatementShape]:
    """Every statement of a line, the oldest first; of a closed line too."""
    wanted = identifier("line", line_id, "line.not_found")

    def question(tx: Tx, _: datetime) -> list[StatementShape]:
        line = granted(lines.get_line(tx, wanted))
        return [StatementShape.of(bill) for bill in store.bills(tx, line.id)]

    return read(request, question)


@get("/statements/{bill_id:str}", summary="A statement", responses=problem_responses(401, 403, 404))
def show_statement(request: WebRequest, bill_id: FromPath[str]) -> StatementInFull:
    """What it asked for, and what came in since the one before."""
    return read(request, lambda tx, _: StatementInFull.of(_found(tx, bill_id)[1]))


@get(
    "/statements/{bill_id:str}/pdf",
    summary="A statement as PDF",
    media_type="application/pdf",
    responses=problem_responses(401, 403, 404, 422),
)
def statement_pdf(
    request: WebRequest,
    bill_id: FromPath[str],
    lang: Annotated[Literal["zh-CN", "en"] | None, QueryParameter(description="As the customer's")] = None,
) -> Response[bytes]:
    """The statement as the customer downloads it: the same bytes each time."""
    ports = ports_of(request, Ports)

    def question(tx: Tx, _: datetime) -> bytes:
        line, made = _found(tx, bill_id)
        person = granted(identity.peek(tx, ports.vault, line.customer))
        customer = granted(lines.get_customer(tx, line.customer))
        to = Addressee(person.full_name, person.email, person.phone)
        new = statements.letter(made, line, lang or customer.language, ports.office.issuer_name)
        return draft(new, to, end_of_day(made.bill.statement_on, line.timezone))

    return Response(read(request, question), media_type="application/pdf")


handlers: list[Any] = [list_statements, show_statement, statement_pdf]
