"""Who is at the door, and what is theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response

from whiteslip import lines
from whiteslip.base import Refusal
from whiteslip.billing import sales
from whiteslip.billing.sales import Sale, State
from whiteslip.exits import Exit
from whiteslip.exits import store as exits_store
from whiteslip.identity import access
from whiteslip.identity.model import Kind, Session
from whiteslip.lines import Customer, Line
from whiteslip.notices.mailers import SmtpMailer
from whiteslip.store import Tx
from whiteslip.store.timers import present
from whiteslip.web.kit import proof
from whiteslip.web.kit.cookies import WebRequest, ports_of, session_token
from whiteslip.web.kit.forms import see_other
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused

T = TypeVar("T")

SESSION_MINUTES: Final = 60
HOME: Final = "/line"
# The query by which a page is told that its reader comes from a proof.
CONFIRMED: Final = "confirmed"
# The query by which a page knows that Back leads to the choice of how to leave.
FROM_CHOICE: Final = "from=leave"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a customer who is signed in, and the transaction it is answered in."""

    request: WebRequest
    ports: Ports
    tx: Tx
    now: datetime
    customer: Customer
    session: Session

    @property
    def actor(self) -> str:
        """The customer, as the journal names them."""
        return f"customer:{self.customer.id}"

    @property
    def is_proven(self) -> bool:
        """Whether they proved who they are a moment ago, in this session."""
        return proof.is_fresh(self.tx, self.ports, self.customer.id, self.now, self.session.id)

    def must_prove(self, to: str) -> Response[Any] | None:
        """Where to prove who they are before they go on at ``to``; None for who did a moment ago.

        For what opens a line up, gives data away or deletes it; what narrows never asks.
        """
        return None if self.is_proven else see_other(self.request, f"/confirm?{urlencode({'to': to})}")

    def line(self, line_id: UUID, lock: bool = False) -> Line:
        """A line of theirs. Raises Refused for one that is not there or not theirs, alike."""
        line = lines.get_line(self.tx, line_id, lock)
        if isinstance(line, Refusal) or line.customer != self.customer.id:
            raise Refused(Refusal("line.not_found"))
        return line

    def lines(self) -> list[Line]:
        """All their lines, also those that have closed."""
        return lines.lines_of(self.tx, self.customer.id)

    def back_from(self, line: Line) -> str:
        """Where Back leads from a page about a line: to the choice of how to leave, for who came from it."""
        chose = self.request.query_params.get("from") == "leave"
        return f"/lines/{line.id}/leave" if chose else HOME

    def case(self, reference: str) -> Exit:
        """A case of theirs. Raises Refused for one that is not there or not theirs, alike."""
        case = exits_store.by_reference(self.tx, reference)
        if case is None or case.customer != self.customer.id:
            raise Refused(Refusal("exit.not_found"))
        return case

    def sales(self, line: Line) -> list[Sale]:
        """To whom a line's debt was sold, oldest first, and will be, last; a proposal is nothing yet."""
        found = sales.of_line(self.tx, line.id) if line.drawing_stopped else []
        return [sale for sale in found if sale.state is not State.PROPOSED]

    def latest_case(self, line: Line) -> Exit | None:
        """The case that is open on a line or has closed it, else the newest."""
        found = exits_store.of_line(self.tx, line.id)
        counts = (case for case in found if case.is_open or case.closed_at)
        return next(counts, found[0] if found else None)


def known(request: WebRequest, ports: Ports, tx: Tx, now: datetime) -> Visit | None:
    """The customer whose session the browser holds, if it lasts."""
    token = session_token(request)
    session = access.session(tx, token, now) if token else None
    if session is None or session.kind is not Kind.CUSTOMER:
        return None
    customer = lines.get_customer(tx, session.subject)
    return None if isinstance(customer, Refusal) else Visit(request, ports, tx, now, customer, session)


def signed_in(request: WebRequest, act: Callable[[Visit], T], noted: bool = False) -> T | Response[Any]:
    """``act`` in one transaction, for a customer who is signed in; others sign in and come back. A page
    only reads, unless it is ``noted`` that somebody looked.
    """
    ports = ports_of(request, Ports)
    with ports.opened(request.method, noted) as tx:
        visit = known(request, ports, tx, present(tx))
        if visit is not None:
            return act(visit)
    path = request.url.path if request.method == "GET" else HOME
    return see_other(request, "/sign-in" if path == HOME else f"/sign-in?{urlencode({'to': path})}")


def codes_go_by_mail(ports: Ports) -> bool:
    """Whether one-time codes reach people by e-mail; else it is the phone."""
    return isinstance(ports.mailer, SmtpMailer)
