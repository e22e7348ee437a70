"""Applications: the list, and each with its facts, its score, why, and a person's decision."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter

from whiteslip import applications
from whiteslip.applications import Application, rules, store
from whiteslip.applications.model import State
from whiteslip.applications.reviews import WHYS
from whiteslip.base import Money, Refusal
from whiteslip.identity.documents import open_document
from whiteslip.notices.words import texts
from whiteslip.web.console.applications.telling import (
    AT,
    better_singles,
    better_two,
    made_of,
    odds_of,
    sheet,
    value_of,
    waterfall,
)
from whiteslip.web.console.duty import Duty, on_duty, submitted
from whiteslip.web.console.files import csv_file
from whiteslip.web.console.paper import pdf_file
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, parse_money, see_other
from whiteslip.web.kit.pages import language_of, page, speech_of
from whiteslip.web.kit.problems import Refused, granted

PURPOSE: Final = "review of an application"
_SHOWN: Final = 100


class Choice(msgspec.Struct):
    """The form at the foot of an application."""

    do: str
    limit: str = ""
    reasons: tuple[str, ...] = ()
    why: str = WHYS[0]


@get("/applications", sync_to_thread=True)
def listed(
    request: WebRequest, in_state: Annotated[State | None, QueryParameter(name="state")] = None
) -> Response[Any]:
    """What waits for a person first, then the newest."""

    def act(duty: Duty) -> Response[str]:
        counts = store.counts(duty.tx)
        return page(
            request,
            "console/applications/list.html",
            waiting=[] if in_state else _rows(store.waiting(duty.tx, _SHOWN)),
            rows=_rows(store.recent(duty.tx, in_state, _SHOWN)),
            states=[(state, counts.get(state, 0)) for state in State],
            state=in_state,
            now=duty.now,
            **duty.shown(),
        )

    return on_duty(request, act)


def _rows(found: list[Application]) -> list[tuple[Application, Money | None]]:
    return [(one, Money(one.limit_minor, one.currency) if one.limit_minor else None) for one in found]


def _found(duty: Duty, reference: str) -> Application:
    found = store.by_reference(duty.tx, reference)
    if found is None:
        raise Refused(Refusal("application.not_found"))
    return found


def _page(duty: Duty, found: Application, form: Form, **shown: Any) -> Response[str]:
    tx = duty.tx
    made = made_of(tx, found)
    singles = better_singles(tx, found, made) if made else []
    shown.setdefault("view", None)
    return page(
        duty.request,
        "console/applications/page.html",
        form=form,
        application=found,
        limit=Money(found.limit_minor, found.currency),
        facts=[(fact, value_of(found, fact.name, fact.value)) for fact in store.facts(tx, found.id)],
        score=odds_of(tx, found),
        waterfall=waterfall(tx, found, speech_of(duty.request)),
        decision=made,
        better=singles,
        pair=better_two(tx, found, made) if made and not singles else None,
        reviews=store.reviews(tx, found.id),
        others=[one for one in store.of_customer(tx, found.customer) if one.id != found.id],
        said=texts(language_of(duty.request))["reasons"],
        known=rules.REASONS,
        whys=WHYS,
        may_decide=duty.may_choose and found.waits_for_desk and found.decided_by != duty.actor,
        own=found.waits_for_desk and found.decided_by == duty.actor,
        **shown,
        **duty.shown(),
    )


@get("/applications/{reference:str}", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """The application."""
    return on_duty(request, lambda duty: _page(duty, _found(duty, reference), Form()))


@get("/applications/{reference:str}/{name:str}", sync_to_thread=True)
def as_file(request: WebRequest, reference: FromPath[str], name: FromPath[str]) -> Response[Any]:
    """The waterfall of the score as CSV or PDF."""

    def act(duty: Duty) -> Response[Any]:
        found, speech = _found(duty, reference), speech_of(request)
        figure = waterfall(duty.tx, found, speech)
        if figure is None or name not in ("waterfall.csv", "waterfall.pdf"):
            raise Refused(Refusal("request.not_found"))
        if name.endswith(".pdf"):
            paper = sheet(duty.tx, found, figure, speech)
            return pdf_file(paper, figure.key, f"{reference}-waterfall", speech)
        return csv_file(f"{reference}-{name}", [head for head, _ in figure.columns], figure.rows)

    return on_duty(request, act)


@post("/applications/{reference:str}/view", sync_to_thread=True)
def read_view(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """What the applicant says to it. Who read it goes into the journal."""

    def act(duty: Duty) -> Response[Any]:
        found = _found(duty, reference)
        notes = [one.note for one in store.reviews(duty.tx, found.id) if one.note]
        if not notes:
            return see_other(request, f"{AT}/{reference}")
        opened = granted(open_document(duty.tx, duty.ports.vault, notes[-1], PURPOSE, duty.actor, duty.now))
        return _page(duty, found, Form(), view=opened.content.decode())

    return on_duty(request, act, chooses=True)


@post("/applications/{reference:str}", sync_to_thread=True)
def choose(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Offer a limit, or decline with reasons."""

    def act(duty: Duty, found: Application) -> object:
        typed = form.read(Choice)
        if isinstance(typed, Errors):
            return typed
        limit = parse_money(typed.limit, found.currency) if typed.do == "offer" else Money(0, found.currency)
        if limit is None or (typed.do == "offer" and not limit.minor):
            return Errors().add("limit", "invalid")
        return applications.decide(
            duty.tx,
            duty.ports.lender,
            found.id,
            limit.minor,
            typed.reasons if typed.do != "offer" else (),
            typed.why,
            duty.actor,
            duty.now,
        )

    return submitted(request, form, lambda duty: _found(duty, reference), act, _page, f"{AT}/{reference}")


application_handlers: Final = [listed, show, as_file, read_view, choose]
