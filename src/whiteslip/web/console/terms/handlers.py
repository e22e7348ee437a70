"""Changes of terms: what waits for a second person, and what came of the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import packs
from whiteslip.exits import newterms
from whiteslip.lines import changes
from whiteslip.lines.changes import Change, Outcome, State
from whiteslip.notices.terms import terms_table
from whiteslip.web.console.duty import HOME, Duty, on_duty, submitted
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Form, FromForm
from whiteslip.web.kit.pages import language_of, page

_AT: Final = f"{HOME}/terms"
_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A change, what it changes in words, how many lines it came to, and who proposed it."""

    change: Change
    table: list[list[str]]
    lines: dict[str, int]
    by: str
    is_own: bool

    @property
    def may_go_back(self) -> bool:
        """Whether there is anything left to take back."""
        reached = self.lines[Outcome.TOLD] or not self.lines[Outcome.IN_FORCE]
        return self.change.state is State.PROPOSED or (self.change.state is State.APPROVED and bool(reached))


def _page(duty: Duty, form: Form, **shown: Any) -> Response[Any]:
    found = list(reversed(changes.page(duty.tx, None, _SHOWN)))
    found.sort(key=lambda one: one.state is not State.PROPOSED)
    rows = [_row(duty, one) for one in found]
    return page(duty.request, "console/terms/list.html", form=form, rows=rows, **shown, **duty.shown())


def _row(duty: Duty, one: Change) -> Row:
    before, after = (msgspec.to_builtins(each) for each in changes.both_terms(duty.tx, one))
    currency = packs.load(one.pack).currency
    return Row(
        one,
        terms_table(before, after, currency, language_of(duty.request)),
        changes.counts(duty.tx, one.id),
        duty.named(one.proposed_by),
        one.proposed_by == duty.actor,
    )


@get("/terms", sync_to_thread=True)
def listed(request: WebRequest) -> Response[Any]:
    """What waits first, then the newest."""
    return on_duty(request, lambda duty: _page(duty, Form()))


def _done(request: WebRequest, form: Form, change: UUID, act: Callable[[Duty], object]) -> Response[Any]:
    def again(duty: Duty, _: object, form: Form, **shown: Any) -> Response[Any]:
        return _page(duty, form, **shown)

    return submitted(
        request, form, lambda duty: changes.find(duty.tx, change), lambda duty, _: act(duty), again, _AT
    )


@post("/terms/{change:uuid}/decide", sync_to_thread=True)
def decide(request: WebRequest, change: FromPath[UUID], form: FromForm) -> Response[Any]:
    """The second person agrees, and the holders are written to; or turns it down. The first is refused."""

    approve = form.value("decision") == "approve"
    return _done(
        request,
        form,
        change,
        lambda duty: newterms.decide(duty.tx, duty.ports.office, change, approve, duty.actor, duty.now),
    )


@post("/terms/{change:uuid}/take-back", sync_to_thread=True)
def take_back(request: WebRequest, change: FromPath[UUID], form: FromForm) -> Response[Any]:
    """What is not in force yet does not come, and who was told is written to; one person is enough."""

    return _done(
        request,
        form,
        change,
        lambda duty: newterms.take_back(duty.tx, duty.ports.office, change, duty.actor, duty.now),
    )


terms_handlers: Final = [listed, decide, take_back]
