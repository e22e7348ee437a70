"""Freed capacity at the desk: what closings freed, a plan with its prices in words, and two people.

The URL is the state: a plan that nobody proposed yet is an answer to its query and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from whiteslip import treasury
from whiteslip.base import Money, Refusal
from whiteslip.base.ids import parse_public, public
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.portfolio.model import SEGMENTS
from whiteslip.treasury import Appetite, Basis, Plan
from whiteslip.treasury import store as treasury_store
from whiteslip.treasury.model import Answer
from whiteslip.web.console.capacity import charts
from whiteslip.web.console.capacity.telling import Told
from whiteslip.web.console.currencies import currencies
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.console.figures import beside
from whiteslip.web.console.files import csv_file
from whiteslip.web.console.paper import WHOLE, pdf_file
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form, FromForm, parse_money, see_other
from whiteslip.web.kit.i18n import Texts
from whiteslip.web.kit.pages import page, speech_of
from whiteslip.web.kit.problems import Refused, granted
from whiteslip.web.kit.sentences import sentence

AT: Final = f"{HOME}/capacity"
_FOLDER: Final = "console/capacity"
MONTHS: Final = (1, 3, 6, 12)
_PPM: Final = 1_000_000
_AMOUNTS: Final = ("step", "funding", "loss", "campaign")
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]


class Closings(msgspec.Struct):
    """Which closings count."""

    segment: str = "limit"
    months: int = 3
    currency: str = ""


class Typed(msgspec.Struct):
    """How much risk may be taken, as people type it: amounts, and shares in per cent."""

    step: str
    funding: str
    loss: str
    campaign: str = "0"
    pd: Percent = 5.0
    share: Percent = 60.0
    take_up: Percent = 20.0
    reuse: Percent = 100.0
    cost: Percent = 5.0
    least: Annotated[int, msgspec.Meta(ge=1)] = treasury.LEAST


# Closings ----------------------------------------------------------------------------------------


def _closings(form: Form) -> Closings | Errors:
    asked = form.read(Closings)
    if isinstance(asked, Errors):
        return asked
    if asked.segment not in SEGMENTS:
        return Errors().add("segment", "not_an_option")
    return asked if asked.months in MONTHS else Errors().add("months", "not_an_option")


def _basis(duty: Duty, asked: Closings) -> Basis | Refusal:
    place = duty.ports.lake
    if place is None:
        return Refusal("lake.off")
    sealed, currency = last_sealed_day(duty.tx), asked.currency or next(iter(currencies(duty)), None)
    return treasury.basis(place, sealed, asked.segment, asked.months, currency, None, duty.ports.lake_engine)


def _appetite(form: Form, currency: str) -> Appetite | Errors:
    """What was typed, or all that is wrong with it."""
    typed = form.read(Typed)
    errors = typed if isinstance(typed, Errors) else Errors()
    amounts: dict[str, int] = {}
    for name in _AMOUNTS:
        text = form.value(name) or ("0" if name == "campaign" else "")
        amount = parse_money(text, currency) if text else None
        if amount is not None and (amount.minor or name == "campaign"):
            amounts[name] = amount.minor
        elif errors.of(name) is None:
            errors.add(name, "amount")
    if errors or isinstance(typed, Errors):
        return errors
    return Appetite(
        step_minor=amounts["step"],
        funding_minor=amounts["funding"],
        loss_at_most_minor=amounts["loss"],
        campaign_minor=amounts["campaign"],
        pd_at_most_ppm=round(typed.pd * _PPM / 100),
        share_at_most_bps=round(typed.share * 100),
        take_up_bps=round(typed.take_up * 100),
        reuse_bps=round(typed.reuse * 100),
        funding_cost_bps=round(typed.cost * 100),
        least_offers=typed.least,
    )


@get("/capacity", sync_to_thread=True)
def home(request: WebRequest) -> Response[Any]:
    """What was freed, the plan that the query asks for, and the plans that were proposed."""

    def act(duty: Duty) -> Response[Any]:
        return _home(duty, Form({name: [value] for name, value in request.query_params.items()}))

    return on_duty(request, act)


def _home(duty: Duty, form: Form) -> Response[Any]:
    speech = speech_of(duty.request)
    asked = _closings(form)
    shown: dict[str, Any] = {
        "form": form,
        "segments": SEGMENTS,
        "terms": MONTHS,
        "currencies": currencies(duty),
        "plans": [_row(each, duty) for each in treasury_store.plans(duty.tx)],
        **duty.shown(),
    }
    file = f"{_FOLDER}/page.html"
    if isinstance(asked, Errors):
        return page(duty.request, file, errors=asked, asked=Closings(), basis=None, **shown)
    basis = _basis(duty, asked)
    if isinstance(basis, Refusal):
        return page(duty.request, file, why=sentence(basis, speech), asked=asked, basis=None, **shown)
    told = _telling(duty, basis, asked, form)
    shown |= {"asked": asked, "basis": basis, "usual": _usual(basis), **told.freed()}
    shown |= {"filters": _filters(asked, told), "paper": beside(told.at, f"{WHOLE}.pdf")}
    shown |= {"day": basis.day, "instead_of": basis.why and sentence(basis.why, speech)}
    if not form.value("step"):
        return page(duty.request, file, **shown)
    appetite = _appetite(form, basis.currency)
    if isinstance(appetite, Errors):
        return page(duty.request, file, errors=appetite, **shown)
    answer = treasury.allocate(basis, appetite)
    return page(duty.request, file, **told.plan(answer, appetite), **shown)


def _telling(duty: Duty, basis: Basis, asked: Closings, form: Form) -> Told:
    speech = speech_of(duty.request)
    query = _query(form) or urlencode({"segment": asked.segment, "months": asked.months})
    return Told(basis, speech, Texts(_FOLDER, speech), f"{AT}/freed.csv?{query}")


def _filters(asked: Closings, told: Told) -> list[tuple[str, str]]:
    """Which closings the page counts, in words."""
    t = told.t
    return [
        (t("closings_of"), t("months", n=asked.months)),
        (t("group_by"), t(f"segment_{asked.segment}")),
        (t("currency"), told.basis.currency),
    ]


def _usual(basis: Basis) -> dict[str, str]:
    """What the form proposes: a step of a thousand, half of what was freed, and one in fifty of that lost."""
    undrawn = sum(each.undrawn_minor for each in basis.freed)
    amounts = {"step": 100_000, "funding": undrawn // 2, "loss": undrawn // 100, "campaign": 0}
    return {name: f"{minor // 100}.{minor % 100:02d}" for name, minor in amounts.items()}


def _row(plan: Plan, duty: Duty) -> dict[str, Any]:
    return {
        "id": public("cap", plan.id),
        "plan": plan,
        "offers": sum(count for _, count in plan.answer.best.offers),
        "worth": Money(plan.answer.best.worth_minor, plan.basis.currency),
        "by": duty.named(plan.proposed_by),
    }


# Plans -------------------------------------------------------------------------------------------


@post("/capacity/plans", sync_to_thread=True)
def propose(request: WebRequest, form: FromForm) -> Response[Any]:
    """Propose the plan that was looked at. It is made again from the newest figures."""

    def act(duty: Duty) -> Response[Any]:
        asked = _closings(form)
        basis = granted(asked if isinstance(asked, Errors) else _basis(duty, asked))
        appetite = basis if isinstance(basis, Errors) else _appetite(form, basis.currency)
        if isinstance(appetite, Errors) or isinstance(basis, Errors):
            return see_other(request, f"{AT}?{_query(form)}")
        plan = granted(treasury.propose(duty.tx, basis, appetite, duty.actor, duty.now))
        return see_other(request, f"{AT}/plans/{public('cap', plan.id)}")

    return on_duty(request, act, chooses=True)


def _query(form: Form) -> str:
    names = [*Closings.__struct_fields__, *Typed.__struct_fields__]
    return urlencode({name: form.value(name) for name in names if form.value(name)})


def _plan(duty: Duty, plan_id: str) -> Plan:
    wanted = parse_public("cap", plan_id)
    found = treasury_store.find(duty.tx, wanted) if wanted else None
    if found is None:
        raise Refused(Refusal("capacity.plan_not_found"))
    return found


@get("/capacity/plans/{plan_id:str}", sync_to_thread=True)
def show(request: WebRequest, plan_id: FromPath[str]) -> Response[Any]:
    """A plan: who proposed it, what it would do, and who decided."""

    def act(duty: Duty) -> Response[Any]:
        plan, speech = _plan(duty, plan_id), speech_of(request)
        told = Told(plan.basis, speech, Texts(_FOLDER, speech), f"{AT}/plans/{plan_id}/freed.csv")
        return page(
            request,
            f"{_FOLDER}/plan.html",
            form=Form(),
            plan=plan,
            plan_id=plan_id,
            basis=plan.basis,
            paper=beside(told.at, f"{WHOLE}.pdf"),
            proposed_by=duty.named(plan.proposed_by),
            decided_by=duty.named(plan.decided_by or ""),
            own=plan.proposed_by == duty.actor,
            **told.freed(),
            **told.plan(plan.answer, plan.appetite),
            **duty.shown(),
        )

    return on_duty(request, act)


@post("/capacity/plans/{plan_id:str}/decide", sync_to_thread=True)
def decide(request: WebRequest, plan_id: FromPath[str], form: FromForm) -> Response[Any]:
    """Approve or turn down."""
    decision = form.value("decision")
    if decision not in ("approve", "turn_down"):
        raise Refused(Refusal("request.invalid"))

    def act(duty: Duty) -> Response[Any]:
        plan = _plan(duty, plan_id)
        granted(treasury.decide(duty.tx, plan.id, decision == "approve", duty.actor, duty.now))
        return see_other(request, f"{AT}/plans/{plan_id}")

    return on_duty(request, act, chooses=True)


# Files -------------------------------------------------------------------------------------------


@get("/capacity/{name:str}", sync_to_thread=True)
def as_file(request: WebRequest, name: FromPath[str]) -> Response[Any]:
    """What was freed, who could be asked, or the plan of the query, as CSV or PDF."""

    def act(duty: Duty) -> Response[Any]:
        form = Form({key: [value] for key, value in request.query_params.items()})
        asked = _closings(form)
        basis = granted(Refusal("request.invalid") if isinstance(asked, Errors) else _basis(duty, asked))
        answer = appetite = None
        if form.value("step") and name not in ("freed.csv", "segments.csv"):
            appetite = _appetite(form, basis.currency)
            if isinstance(appetite, Errors):
                raise Refused(Refusal("request.invalid"))
            answer = treasury.allocate(basis, appetite)
        stem, _, kind = name.rpartition(".")
        if kind != "pdf" or isinstance(asked, Errors):
            return _file(name, basis, answer)
        told = _telling(duty, basis, asked, form)
        shown = told.freed() | (told.plan(answer, appetite) if answer and appetite else {})
        file = f"capacity-{basis.day.isoformat()}-{stem}"
        return pdf_file(told.sheet(_filters(asked, told), shown), stem, file, told.speech)

    return on_duty(request, act)


@get("/capacity/plans/{plan_id:str}/{name:str}", sync_to_thread=True)
def plan_file(request: WebRequest, plan_id: FromPath[str], name: FromPath[str]) -> Response[Any]:
    """A plan's figures as CSV or PDF."""

    def act(duty: Duty) -> Response[Any]:
        plan = _plan(duty, plan_id)
        stem, _, kind = name.rpartition(".")
        if kind == "pdf":
            speech = speech_of(request)
            told = Told(plan.basis, speech, Texts(_FOLDER, speech), f"{AT}/plans/{plan_id}/freed.csv")
            shown = told.freed() | told.plan(plan.answer, plan.appetite)
            file = f"capacity-{plan.basis.day.isoformat()}-{stem}"
            return pdf_file(told.sheet([(told.t("plan_title"), plan_id)], shown), stem, file, speech)
        return _file(name, plan.basis, plan.answer)

    return on_duty(request, act)


def _file(name: str, basis: Basis, answer: Answer | None) -> Response[Any]:
    rows: Sequence[dict[str, Any]]
    match name:
        case "freed.csv":
            rows = [msgspec.structs.asdict(each) for each in basis.freed]
        case "segments.csv":
            rows = [msgspec.structs.asdict(each) for each in basis.segments]
        case "offers.csv" if answer:
            rivals = {each: dict(getattr(answer, each).offers) for each, _ in charts.RIVALS}
            lines = {each.name: each.lines for each in basis.segments}
            rows = [
                {"segment": segment, "lines": lines.get(segment, 0)}
                | {each: found[segment] for each, found in rivals.items()}
                for segment, _ in answer.best.offers
            ]
        case "limits.csv" if answer:
            rows = [msgspec.structs.asdict(each) for each in answer.prices]
        case _:
            raise Refused(Refusal("request.not_found"))
    heads = list(rows[0]) if rows else []
    return csv_file(f"capacity-{basis.day.isoformat()}-{name}", heads, [list(row.values()) for row in rows])


capacity_handlers: Final[Sequence[Callable[..., Any] | Any]] = [
    home,
    propose,
    show,
    decide,
    as_file,
    plan_file,
]
