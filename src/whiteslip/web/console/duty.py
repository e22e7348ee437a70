"""Who is on duty, and what they may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from litestar import Response
from litestar.status_codes import HTTP_403_FORBIDDEN

from whiteslip import lines
from whiteslip.base import Refusal
from whiteslip.decisions.words import in_language
from whiteslip.exits import Exit
from whiteslip.exits import store as exits_store
from whiteslip.identity import access
from whiteslip.identity.model import DECIDES, Kind, Staff
from whiteslip.lines import Line
from whiteslip.store import Tx
from whiteslip.store.timers import present
from whiteslip.web.kit.cookies import WebRequest, ports_of, session_token
from whiteslip.web.kit.forms import Errors, Form, see_other
from whiteslip.web.kit.pages import language_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted
from whiteslip.web.kit.sentences import status_of

T = TypeVar("T")

SESSION_MINUTES: Final = 8 * 60
HOME: Final = "/console"


@dataclass(frozen=True, slots=True)
class Duty:
    """A request of somebody on duty, and the transaction it is answered in."""

    request: WebRequest
    ports: Ports
    tx: Tx
    now: datetime
    staff: Staff
    session: UUID

    @property
    def actor(self) -> str:
        """The member of staff, as the journal names them."""
        return f"staff:{self.staff.id}"

    @property
    def may_choose(self) -> bool:
        """Whether their role chooses paths."""
        return self.staff.role in DECIDES

    def named(self, actor: str) -> str:
        """An actor of the journal as colleagues know them; what is nobody's name stays as it is."""
        kind, _, own = actor.partition(":")
        try:
            found = access.staff(self.tx, UUID(own)) if kind == "staff" else None
        except ValueError:
            # The journal takes any text as an actor, and a page of history must not fail on one.
            found = None
        return found.name if found else actor

    def case(self, reference: str) -> Exit:
        """A case by its reference. Raises Refused."""
        found = exits_store.by_reference(self.tx, reference)
        if found is None:
            raise Refused(Refusal("exit.not_found"))
        return found

    def line(self, line_id: UUID) -> Line:
        """A line. Raises Refused."""
        return granted(lines.get_line(self.tx, line_id))

    def shown(self) -> dict[str, Any]:
        """What every page of the desk shows."""
        undoable = exits_store.pending_of(self.tx, self.actor, self.now) if self.may_choose else []
        in_words = partial(in_language, language_of(self.request))
        return {
            "staff": self.staff,
            "may_choose": self.may_choose,
            "undoable": undoable,
            "in_words": in_words,
        }


def on_duty(
    request: WebRequest, act: Callable[[Duty], T], chooses: bool = False, noted: bool = False
) -> T | Response[Any]:
    """``act`` in one transaction, for staff who are signed in; others sign in first.

    A page only reads, unless it is ``noted`` that somebody looked. With ``chooses``, a role that only looks
    is refused with ``request.forbidden``.
    """
    ports = ports_of(request, Ports)
    with ports.opened(request.method, noted) as tx:
        now = present(tx)
        token = session_token(request)
        session = access.session(tx, token, now) if token else None
        staff = access.staff(tx, session.subject) if session and session.kind is Kind.STAFF else None
        if session and staff:
            duty = Duty(request, ports, tx, now, staff, session.id)
            if chooses and not duty.may_choose:
                raise Refused(Refusal("request.forbidden"))
            return act(duty)
    return see_other(request, "/console/sign-in")


def submitted(
    request: WebRequest,
    form: Form,
    find: Callable[[Duty], T],
    act: Callable[[Duty, T], object],
    shown: Callable[..., Response[Any]],
    to: str,
) -> Response[Any]:
    """Do what a form asks for to what ``find`` finds, and go ``to``; or where ``act`` goes, if it says.

    What is wrong with the form (``Errors``), or a "no", stands on the page that ``shown`` gives. What takes
    somebody else is no mistake in a form: it answers 403 on a page of its own.
    """

    def done(duty: Duty) -> Response[Any]:
        found = find(duty)
        answer = act(duty, found)
        if isinstance(answer, Errors):
            return shown(duty, found, form, errors=answer)
        if isinstance(answer, Refusal) and status_of(answer) == HTTP_403_FORBIDDEN:
            raise Refused(answer)
        if isinstance(answer, Refusal):
            # An act locks, and may have seen something newer.
            return shown(duty, find(duty), form, refusal=answer)
        return cast("Response[Any]", answer) if isinstance(answer, Response) else see_other(request, to)

    return on_duty(request, done, chooses=True)
