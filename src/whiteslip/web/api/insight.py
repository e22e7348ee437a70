"""How people leave: measures of a window, monthly reports, and drafts of what they propose."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from litestar import Response
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from whiteslip import insight
from whiteslip.base import Refusal, local_day
from whiteslip.insight import MEASURES, Window, store
from whiteslip.insight.feedback import evidence_of
from whiteslip.insight.model import YEARS, Proposal, Report
from whiteslip.insight.paper import as_pdf
from whiteslip.insight.words import Words
from whiteslip.portfolio import Result
from whiteslip.store import Tx
from whiteslip.web.api.access import Caller, get, post, read, write
from whiteslip.web.api.portfolio import FigureShape, MeasureShape
from whiteslip.web.api.shapes_policies import PolicyShape
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses

_REPORT = "/insight/reports/{month:str}"
# Evidence that is a list of its own; the rest are measures.
_LISTS = ("alerts", "exits")


class MonthBody(Struct, forbid_unknown_fields=True):
    """A month that is over, such as 2026-09."""

    month: str


class ProposalShape(Struct):
    """A proposal: what, why, and what is expected, with the draft that was made of it.

    ``cases`` is the address that lists the alerts or exits it rests on; walks through pages and looks at
    offers are nobody's, and lead to the month's figure.
    """

    no: int
    kind: str
    about: str
    what: str
    evidence: dict[str, int | float]
    cases: str
    effect: float
    effect_low: float
    effect_high: float
    unit: str
    can_be_drafted: bool
    draft: str | None

    @classmethod
    def of(cls, no: int, found: Proposal, draft: store.Draft | None, window: Window) -> ProposalShape:
        """Shape a proposal of a month."""
        what, of = evidence_of(found, window)
        return cls(
            no=no,
            kind=found.kind,
            about=found.about,
            what=Words("en").say(found).what,
            evidence=found.evidence,
            cases=f"/v1/{what if what in _LISTS else f'insight/{what}'}?{urlencode(of)}",
            effect=found.effect.value,
            effect_low=found.effect.low,
            effect_high=found.effect.high,
            unit=found.unit,
            can_be_drafted=found.change is not None,
            draft=f"{draft.table_name}@{draft.version}" if draft else None,
        )


class ReportShape(Struct):
    """A month's report. ``figures`` has each measure's columns and rows."""

    month: str
    made_at: datetime
    sha256: str
    proposals: list[ProposalShape]
    figures: list[Any]

    @classmethod
    def of(cls, tx: Tx, month: date, timezone: str) -> ReportShape:
        """Shape a kept report. Raises Refused where there is none."""
        report, made_at, sha256 = _kept(tx, month)
        drafts = store.drafts(tx, report.month)
        window = insight.month_of(report.month, timezone)
        proposals = [
            ProposalShape.of(no, each, drafts.get(no), window) for no, each in enumerate(report.proposals, 1)
        ]
        figures = msgspec.to_builtins(report.figures)
        return cls(f"{report.month:%Y-%m}", made_at, sha256, proposals, figures)


def _kept(tx: Tx, month: date) -> tuple[Report, datetime, str]:
    return store.report(tx, month) or granted(Refusal("insight.not_found"))


def _month(text: str) -> date:
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Refused(Refusal("insight.not_found")) from None
    if found.year not in YEARS:
        raise Refused(Refusal("insight.not_found"))
    return found


@get("/insight", summary="List the measures of leaving", responses=problem_responses(401, 403))
def list_measures() -> list[MeasureShape]:
    """All measures with their formulas and sources; survival is the portfolio's."""
    return [MeasureShape(m.name, m.title, m.formula, m.source) for m in MEASURES.values()]


@get(
    "/insight/{measure:str}",
    summary="A measure of leaving",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def show_measure(
    request: WebRequest,
    measure: FromPath[str],
    since: FromQuery[date | None] = None,
    until: FromQuery[date | None] = None,
    segment: FromQuery[str] = "none",
    format: FromQuery[Literal["json", "csv"]] = "json",  # noqa: A002 - the parameter's public name
) -> FigureShape | Response[str]:
    """Of the year up to today by default. Groups of fewer than ten are null."""
    ports = ports_of(request, Ports)

    def question(tx: Tx, now: datetime) -> Result:
        last = until or local_day(now, ports.pack.timezone)
        window = Window.of(since, last, segment, ports.pack.timezone)
        return granted(insight.compute(tx, ports.lake, measure, window, ports.lake_engine))

    found = read(request, question)
    if format == "csv":
        headers = {"Content-Disposition": f'attachment; filename="{found.measure}-{found.day}.csv"'}
        return Response(found.as_csv(), media_type="text/csv", headers=headers)
    return FigureShape.of(found)


@get("/insight/reports", summary="List monthly reports on leaving", responses=problem_responses(401, 403))
def list_reports(request: WebRequest) -> list[str]:
    """Months that were reported, the newest first."""
    return read(request, lambda tx, _now: [f"{month:%Y-%m}" for month in store.months(tx)])


@post("/insight/reports", summary="Report a month", responses=problem_responses(401, 403, 404, 409, 422))
def make_report(request: WebRequest, data: JSONBody[MonthBody]) -> Response[ReportShape]:
    """Made once; asked again, the same report answers. The night of a month's last day makes it too."""
    ports, month = ports_of(request, Ports), _month(data.month)

    def act(tx: Tx, now: datetime, caller: Caller) -> ReportShape:
        tables, zone = ports.office.tables, ports.pack.timezone
        told = granted(insight.make_report(tx, tables, month, zone, caller.actor, now))
        return ReportShape.of(tx, told.month, zone)

    return write(request, data, act, 201)


@get(_REPORT, summary="A month's report on leaving", responses=problem_responses(401, 403, 404))
def show_report(request: WebRequest, month: FromPath[str]) -> ReportShape:
    """Figures and proposals, as they were told then."""
    zone = ports_of(request, Ports).pack.timezone
    return read(request, lambda tx, _now: ReportShape.of(tx, _month(month), zone))


@get(f"{_REPORT}/pdf", summary="A month's report as PDF", responses=problem_responses(401, 403, 404))
def report_pdf(
    request: WebRequest, month: FromPath[str], lang: FromQuery[Literal["en", "zh-CN"]] = "en"
) -> Response[bytes]:
    """The same month gives the same bytes."""
    report, _, sha256 = read(request, lambda tx, _now: _kept(tx, _month(month)))
    return Response(as_pdf(report, sha256, lang), media_type="application/pdf")


@post(
    f"{_REPORT}/proposals/{{no:int}}/draft",
    summary="Make a policy draft of a proposal",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def draft_proposal(request: WebRequest, month: FromPath[str], no: FromPath[int]) -> Response[PolicyShape]:
    """A draft like any other, held against the past; it decides nothing until two people put it in force."""
    tables = ports_of(request, Ports).office.tables

    def act(tx: Tx, now: datetime, caller: Caller) -> PolicyShape:
        done = insight.draft_proposal(tx, tables, _month(month), no, caller.person, now)
        return PolicyShape.of(granted(done))

    return write(request, None, act, 201)


handlers: list[Any] = [
    list_measures,
    show_measure,
    list_reports,
    make_report,
    show_report,
    report_pdf,
    draft_proposal,
]
