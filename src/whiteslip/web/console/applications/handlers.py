"""Applications: the list, and each with its facts, its score, why, and a person's decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter

from whiteslip import applications
from whiteslip.applications import Application, Asked, rules, store
from whiteslip.applications.model import State
from whiteslip.applications.otherwise import Better, better, better_pair
from whiteslip.applications.reviews import WHYS
from whiteslip.base import Money, Refusal
from whiteslip.decisions import Decision, decisions_about
from whiteslip.decisions import store as decisions_store
from whiteslip.decisions.explaining import Step, explained
from whiteslip.decisions.model import Table
from whiteslip.decisions.scoring import Model, points_of, score
from whiteslip.identity.documents import open_document
from whiteslip.notices.compose import texts
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, parse_money, see_other
from whiteslip.web.kit.pages import language_of, page
from whiteslip.web.kit.problems import Refused

AT: Final = f"{HOME}/applications"
PURPOSE: Final = "review of an application"
_SHOWN: Final = 100
# A bar is drawn in hundredths of this width.
_BAR: Final = 120


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


def _page(duty: Duty, reference: str, form: Form, **shown: Any) -> Response[str]:
    tx, found = duty.tx, _found(duty, reference)
    made = [one for one in decisions_about(tx, found.id) if one.id == found.decision]
    singles = _better(duty, found, made[0]) if made else []
    shown.setdefault("view", None)
    return page(
        duty.request,
        "console/applications/page.html",
        form=form,
        application=found,
        limit=Money(found.limit_minor, found.currency),
        facts=[(fact, _value(found, fact.name, fact.value)) for fact in store.facts(tx, found.id)],
        score=_score(duty, found),
        decision=made[0] if made else None,
        better=singles,
        pair=_pair(duty, found, made[0]) if made and not singles else None,
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


def _value(found: Application, name: str, value: int) -> Money | int:
    return Money(value, found.currency) if name.endswith("_minor") else value


@dataclass(frozen=True, slots=True)
class Shown:
    """A score as the page shows it: points, odds of paying to one, and what each characteristic gave."""

    points: int
    odds: float
    parts: list[tuple[Step, str, int, int]]


def _score(duty: Duty, found: Application) -> Shown | None:
    """The score by the very card it was made with; none before the phone was proven."""
    if found.scorecard_version is None:
        return None
    card = store.scorecard(duty.tx, found.scorecard_version)
    facts = rules.score_facts(store.asked(duty.tx, found.id))
    made, steps = score(card, facts), explained(card, facts).steps
    most = max((step.best for step in steps), default=1) or 1
    parts = [(step, _bin(step), _width(step.here, most), _width(step.best, most)) for step in steps]
    return Shown(points_of(made), (1 - made.probability) / made.probability, parts)


def _bin(step: Step) -> str:
    """A bin in words, or a word that the page has: ``< 1000``, ``1000–2000``, ``≥ 5000``."""
    if step.value is None or step.bin is None:
        return "missing"
    if step.column == "income_proven":
        return "proven" if step.value else "stated"
    low, high = step.bin
    if high is None:
        return f"≥ {low:g}" if low is not None else "any"
    return f"{low:g}–{high:g}" if low is not None else f"< {high:g}"


def _width(points: float, most: float) -> int:
    return max(0, round(points * _BAR / most))


_Shown: TypeAlias = tuple[Better, Money | int, Money]


def _deciders(duty: Duty, found: Application, made: Decision) -> tuple[Asked, Model, Table] | None:
    """What was asked, and the very card and table that decided."""
    table = decisions_store.kept_version(duty.tx, made.table_name, made.version)
    if table is None or found.scorecard_version is None:
        return None
    return store.asked(duty.tx, found.id), store.scorecard(duty.tx, found.scorecard_version), table


def _worded(found: Application, each: Better) -> _Shown:
    return each, _value(found, each.fact, each.to), Money(each.limit_minor, found.currency)


def _better(duty: Duty, found: Application, made: Decision) -> list[_Shown]:
    """What the applicant could have given otherwise, one fact at a time."""
    by = _deciders(duty, found, made)
    return [_worded(found, each) for each in better(*by, made)] if by else []


def _pair(duty: Duty, found: Application, made: Decision) -> tuple[_Shown, _Shown] | None:
    """Two facts at once, where none alone was enough."""
    by = _deciders(duty, found, made)
    pair = better_pair(*by, made) if by else None
    return (_worded(found, pair[0]), _worded(found, pair[1])) if pair else None


@get("/applications/{reference:str}", sync_to_thread=True)
def show(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """The application."""
    return on_duty(request, lambda duty: _page(duty, reference, Form()))


@post("/applications/{reference:str}/view", sync_to_thread=True)
def read_view(request: WebRequest, reference: FromPath[str]) -> Response[Any]:
    """What the applicant says to it. Who read it goes into the journal."""

    def act(duty: Duty) -> Response[Any]:
        notes = [one.note for one in store.reviews(duty.tx, _found(duty, reference).id) if one.note]
        if not notes:
            return see_other(request, f"{AT}/{reference}")
        opened = open_document(duty.tx, duty.ports.vault, notes[-1], PURPOSE, duty.actor, duty.now)
        if isinstance(opened, Refusal):
            raise Refused(opened)
        return _page(duty, reference, Form(), view=opened.content.decode())

    return on_duty(request, act, chooses=True)


@post("/applications/{reference:str}", sync_to_thread=True)
def choose(request: WebRequest, reference: FromPath[str], form: FromForm) -> Response[Any]:
    """Offer a limit, or decline with reasons."""

    def act(duty: Duty) -> Response[Any]:
        found = _found(duty, reference)
        typed = form.read(Choice)
        if isinstance(typed, Errors):
            return _page(duty, reference, form, errors=typed)
        limit = parse_money(typed.limit, found.currency) if typed.do == "offer" else Money(0, found.currency)
        if limit is None or (typed.do == "offer" and not limit.minor):
            return _page(duty, reference, form, errors=Errors().add("limit", "invalid"))
        done = applications.decide(
            duty.tx,
            duty.ports.lender,
            found.id,
            limit.minor,
            typed.reasons if typed.do != "offer" else (),
            typed.why,
            duty.actor,
            duty.now,
        )
        if isinstance(done, Refusal):
            if done.code == "application.own_decision":
                raise Refused(done)
            return _page(duty, reference, form, refusal=done)
        return see_other(request, f"{AT}/{reference}")

    return on_duty(request, act, chooses=True)


application_handlers: Final = [listed, show, read_view, choose]
