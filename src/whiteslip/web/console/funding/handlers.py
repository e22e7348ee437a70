"""Facilities at the desk: a night's base down to its proof, covenants and their headroom, papers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from whiteslip import funding, lake
from whiteslip.base import Money, Rate, Refusal, local_day
from whiteslip.base.ids import parse_public, public
from whiteslip.funding import report
from whiteslip.funding import store as funding_store
from whiteslip.funding.acts import NIGHT, History, Statement, history
from whiteslip.funding.model import Covenant, Deal, Phase, Remedy
from whiteslip.funding.rules import warned_on
from whiteslip.funding.serving import refused_deal, serve
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.console.figures import Figure
from whiteslip.web.console.paper import Sheet, pdf_file
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Form, FromForm, see_other
from whiteslip.web.kit.i18n import Speech, Texts
from whiteslip.web.kit.pages import page, speech_of
from whiteslip.web.kit.problems import Refused, granted
from whiteslip.web.kit.sentences import sentence

AT: Final = f"{HOME}/funding"
_FOLDER: Final = "console/funding"
# Headroom is drawn over these nights.
_NIGHTS: Final = 90
_SHOWN: Final = 20
# Told apart by more than their colour.
_COLORS: Final = ("var:brand", "var:care", "var:info", "var:bad", "var:soft", "var:edge")
_DASHES: Final = ("solid", "dashed", "dotted")
_TYPES: Final = {"csv": "text/csv", "pdf": "application/pdf", "json": "application/json"}


@get("/funding", sync_to_thread=True)
def show_all(request: WebRequest) -> Response[Any]:
    """Every facility with its newest night."""

    def act(duty: Duty) -> Response[Any]:
        speech = speech_of(request)
        rows: list[dict[str, Any]] = []
        for found in funding_store.facilities(duty.tx):
            told = funding.statement(duty.tx, found.deal.name)
            money = partial(_figure, speech, found.deal.currency)
            shown = None if isinstance(told, Refusal) else told
            rows.append({"deal": found.deal, "told": shown, "money": money})
        return page(request, f"{_FOLDER}/list.html", rows=rows, **duty.shown())

    return on_duty(request, act)


def _money(speech: Speech, currency: str, minor: int) -> str:
    return speech.money(Money(minor, currency))


def _figure(speech: Speech, currency: str, minor: int) -> str:
    return speech.figure(Money(minor, currency))


@get("/funding/{name:str}", sync_to_thread=True)
def show(request: WebRequest, name: FromPath[str], day: FromQuery[date | None] = None) -> Response[Any]:
    """A facility as its newest night left it, or that of a day."""

    def act(duty: Duty) -> Response[Any]:
        speech = speech_of(request)
        t = Texts(_FOLDER, speech)
        facility = granted(funding.find(duty.tx, name))
        sealed, today = last_sealed_day(duty.tx), local_day(duty.now, duty.ports.pack.timezone)
        told = serve(duty.tx, name, today, sealed, day)
        if isinstance(told, Refusal):
            why = sentence(told, speech)
            return page(request, f"{_FOLDER}/none.html", deal=facility.deal, why=why, **duty.shown())
        now = funding.picture(duty.tx, facility, today)
        faults = funding.check(duty.tx, name, told.day)
        return page(
            request,
            f"{_FOLDER}/page.html",
            told=told,
            deal=told.deal,
            facility=facility,
            base_rows=_base(told, t),
            covenant_rows=[_covenant(each, told.deal.currency, speech, t) for each in told.covenants],
            breached=[t(f"test_{each.test}") for each in told.covenants if each.is_breached],
            headroom=headroom(duty, told, speech),
            gaps=now.gaps,
            form=Form(),
            asked_day=day,
            remedies=_remedies(duty, facility.id),
            decided=_decided(duty, facility.id),
            proven=not faults,
            term=_term(told),
            stale=told.why and sentence(told.why, speech),
            refused_deal=refused_deal(duty.tx, name),
            lake_fault=_lake_fault(duty, sealed, speech),
            money=partial(_money, speech, told.deal.currency),
            **duty.shown(),
        )

    return on_duty(request, act)


def _lake_fault(duty: Duty, sealed: date | None, speech: Speech) -> tuple[str, date | None] | None:
    """Why the snapshot of the day sealed last is not served, and which day stands in for it, if any."""
    if duty.ports.lake is None or sealed is None:
        return None
    found = lake.newest(duty.ports.lake, sealed)
    if isinstance(found, Refusal):
        return None if found.code == "lake.empty" else (sentence(found, speech), None)
    return (sentence(found.instead_of, speech), found.day) if found.instead_of else None


def _term(told: Statement) -> dict[str, Any]:
    """Where a night stands in the life of its facility: what is unpaid at the end, or that the end nears."""
    owed, matured = told.base.debt_minor, told.base.phase is Phase.MATURED
    return {
        "over": matured and not owed,
        "unpaid": owed if matured else 0,
        "nears": not matured and told.day >= warned_on(told.deal),
    }


def _remedies(duty: Duty, facility: UUID) -> list[dict[str, Any]]:
    """What waits, with what this reader may do about it."""
    return [
        {
            "id": public("rem", each.id),
            "it": each,
            "by": _who(duty, each.proposed_by),
            "endorsed": _who(duty, each.endorsed_by or ""),
            "first": each.proposed_by == NIGHT and each.endorsed_by is None,
            "own": duty.actor in (each.proposed_by, each.endorsed_by),
        }
        for each in funding_store.remedies(duty.tx, facility)
    ]


def _decided(duty: Duty, facility: UUID) -> list[tuple[Remedy, str]]:
    """What was decided, the newest first, and by whom."""
    found = [each for each in funding_store.remedies(duty.tx, facility, False) if each.decided_at]
    found.sort(key=lambda each: (each.decided_at, each.id), reverse=True)
    return [(each, _who(duty, each.decided_by or "")) for each in found[:_SHOWN]]


def _who(duty: Duty, actor: str) -> str:
    return "" if actor == NIGHT else duty.named(actor)


@post("/funding/{name:str}/remedies/{remedy_id:str}", sync_to_thread=True)
def decide(
    request: WebRequest, name: FromPath[str], remedy_id: FromPath[str], form: FromForm
) -> Response[Any]:
    """Endorse, approve or turn down. Who proposed or endorsed does not approve."""
    decision, wanted = form.value("decision"), parse_public("rem", remedy_id)
    if decision not in ("approve", "turn_down"):
        raise Refused(Refusal("request.invalid"))

    def act(duty: Duty) -> Response[Any]:
        facility = granted(funding.find(duty.tx, name))
        waits = {each.id for each in funding_store.remedies(duty.tx, facility.id, False)}
        if wanted is None or wanted not in waits:
            raise Refused(Refusal("funding.remedy_not_found"))
        today = local_day(duty.now, duty.ports.pack.timezone)
        granted(funding.decide(duty.tx, wanted, decision == "approve", today, duty.actor, duty.now))
        return see_other(request, f"{AT}/{name}#remedies")

    return on_duty(request, act, chooses=True)


def _base(told: Statement, t: Texts) -> list[tuple[str, Money | Rate, str]]:
    """From the pool to what may still be drawn: label, amount, and what the step does."""
    base, currency = told.base, told.deal.currency
    rows: list[tuple[str, Money | Rate, str]] = [(t("pool"), Money(base.pool_minor, currency), "sum")]
    for rule, minor in base.ineligible:
        rows.append((t(f"rule_{rule}"), Money(-minor, currency), "less"))
    rows.append((t("eligible"), Money(base.eligible_minor, currency), "sum"))
    for number, minor in base.excesses:
        limit = told.deal.concentrations[number - 1]
        beyond = t("beyond", days=limit.above_days) if limit.above_days is not None else ""
        by = t(f"bucket_{limit.by}", pd=Rate(limit.from_pd_bps or 0))
        label = t("excess", by=by, beyond=beyond, share=Rate(limit.at_most_bps))
        rows.append((label, Money(-minor, currency), "less"))
    rows.append((t("advance"), Rate(base.advance_bps), "step"))
    if base.held_back_minor:
        rows.append((t("held_back"), Money(-base.held_back_minor, currency), "less"))
    rows.append((t("cash"), Money(base.cash_minor, currency), "step"))
    rows.append((t("base"), Money(base.base_minor, currency), "sum"))
    rows.append((t("drawn"), Money(-base.debt_minor, currency), "less"))
    rows.append((t("available"), Money(base.available_minor, currency), "sum"))
    return rows


def _covenant(found: Covenant, currency: str, speech: Speech, t: Texts) -> dict[str, Any]:
    def said(value: int | None) -> str:
        if value is None:
            return t("not_yet")
        return speech.percent(Rate(value)) if found.unit == "bps" else speech.figure(Money(value, currency))

    days = "–" if found.days_to_breach is None else t("days", n=found.days_to_breach)
    return {
        "test": t(f"test_{found.test}"),
        "actual": said(found.actual),
        "limit": said(found.limit),
        "headroom": said(found.headroom),
        "days": days,
        "breached": found.is_breached,
        "soon": found.days_to_breach is not None,
        "told": found.actual is not None,
    }


def _chart(deal: Deal, day: date, nights: History, speech: Speech, t: Texts) -> Figure | None:
    """Headroom of each covenant night by night, as a share of its limit; below zero it is broken."""
    tests = list(dict.fromkeys(each.test for _, found in nights for each in found if _room(each) is not None))
    if len(nights) < 2 or not tests:
        return None
    by_night = [{each.test: _room(each) for each in found} for _, found in nights]
    series: list[dict[str, Any]] = [
        {
            "type": "line",
            "name": t(f"test_{test}"),
            "data": [shares.get(test) for shares in by_night],
            "symbol": "none",
            "color": _COLORS[n % len(_COLORS)],
            "lineStyle": {
                "color": _COLORS[n % len(_COLORS)],
                "width": 2,
                "type": _DASHES[n % len(_DASHES)],
            },
        }
        for n, test in enumerate(tests)
    ]
    series[0]["markLine"] = {
        "silent": True,
        "symbol": "none",
        "label": {"show": False},
        "data": [{"yAxis": 0}],
        "lineStyle": {"color": "var:ink"},
    }
    days = [night for night, _ in nights]
    links = [f"{AT}/{deal.name}?day={each.isoformat()}" for each in days]
    option = {
        "xAxis": {"type": "category", "data": [each.isoformat() for each in days], "boundaryGap": False},
        "yAxis": {"type": "value", "percent": True},
        "links": links,
        "legend": {},
        "series": series,
    }
    return Figure(
        "headroom",
        f"{deal.title} · {t('chart_headroom')}",
        [(t("night"), "date"), *((t(f"test_{test}"), "money") for test in tests)],
        [
            [speech.short_day(each), *(_shown(shares.get(test), speech) for test in tests)]
            for each, shares in reversed(list(zip(days, by_night, strict=True)))
        ],
        f"{AT}/{deal.name}/headroom.csv?day={day.isoformat()}",
        t("headroom_formula"),
        t("headroom_source"),
        option,
        links[::-1],
    )


def _room(found: Covenant) -> float | None:
    return None if found.headroom is None or not found.limit else found.headroom / abs(found.limit)


def _shown(share: float | None, speech: Speech) -> str:
    return "–" if share is None else speech.share(share)


@get("/funding/{name:str}/{paper:str}", sync_to_thread=True)
def paper_of(
    request: WebRequest, name: FromPath[str], paper: FromPath[str], day: FromQuery[date | None] = None
) -> Response[Any]:
    """A night's report and the headroom of its nights as CSV or PDF, or its proof as JSON."""
    stem, _, ending = paper.partition(".")
    if paper not in ("report.csv", "report.pdf", "proof.json", "headroom.csv", "headroom.pdf"):
        raise Refused(Refusal("request.not_found"))

    def act(duty: Duty) -> Response[Any]:
        told = granted(funding.statement(duty.tx, name, day))
        content: str | bytes
        match paper:
            case "report.csv":
                content = report.as_csv(told)
            case "report.pdf":
                content = report.as_pdf(told)
            case "headroom.csv":
                content = report.headroom_csv(history(duty.tx, name, told.day, _NIGHTS))
            case "headroom.pdf":
                return _headroom_pdf(duty, told)
            case _:
                kept = funding_store.proof(duty.tx, funding.facility_id(name), told.day)
                content = kept[1] if kept else b""
        disposition = f'attachment; filename="{name}-{told.day.isoformat()}-{stem}.{ending}"'
        return Response(content, media_type=_TYPES[ending], headers={"Content-Disposition": disposition})

    return on_duty(request, act)


def headroom(duty: Duty, told: Statement, speech: Speech) -> Figure | None:
    """Headroom of a facility's covenants up to a night; None before there are two nights."""
    nights = history(duty.tx, told.deal.name, told.day, _NIGHTS)
    return _chart(told.deal, told.day, nights, speech, Texts(_FOLDER, speech))


def _headroom_pdf(duty: Duty, told: Statement) -> Response[Any]:
    speech = speech_of(duty.request)
    t, figure = Texts(_FOLDER, speech), headroom(duty, told, speech)
    filters = [(t("deal"), told.deal.title), (t("night"), speech.day(told.day))]
    sheet = Sheet(told.deal.title, filters, [figure] if figure else [])
    return pdf_file(sheet, "headroom", f"{told.deal.name}-{told.day.isoformat()}-headroom", speech)


funding_handlers: Final[Sequence[Callable[..., Any] | Any]] = [show_all, show, paper_of, decide]
