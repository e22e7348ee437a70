"""Risk: scores of a night on one page, their lines, and one score taken apart. The URL is the state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from whiteslip.base import Refusal, end_of_day
from whiteslip.base.ids import spoken
from whiteslip.decisions import champions
from whiteslip.decisions.explaining import Explained, explained
from whiteslip.decisions.scoring import Model
from whiteslip.store.database import Row
from whiteslip.watch import risk
from whiteslip.watch import store as watch_store
from whiteslip.watch.nightly import MODEL
from whiteslip.watch.risk import Overview
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.console.figures import Figure
from whiteslip.web.console.files import csv_file
from whiteslip.web.console.paper import Sheet, pdf_file
from whiteslip.web.console.risk import charts
from whiteslip.web.console.risk.charts import Chart
from whiteslip.web.kit.cookies import WebRequest, settings_of
from whiteslip.web.kit.i18n import Speech, Texts
from whiteslip.web.kit.pages import page, speech_of
from whiteslip.web.kit.problems import Refused

RISK: Final = f"{HOME}/risk"
_ALL_LINES: Final = 1_000_000
_SHIFTS: Final = 5
Night = Annotated[date | None, QueryParameter(name="on")]
Band = Annotated[int | None, QueryParameter(name="band")]
Reason = Annotated[str | None, QueryParameter(name="reason")]


def _until(duty: Duty, night: date) -> datetime:
    return end_of_day(night, settings_of(duty.request).timezone)


def _link(night: date, **more: object) -> str:
    return f"{RISK}/lines?" + urlencode({"on": night.isoformat(), **more})


def _seen(duty: Duty, on: date | None) -> Overview:
    found = risk.overview(duty.tx, on)
    if found is None:
        raise Refused(Refusal("model.no_scores"))
    return found


def _charts(duty: Duty, seen: Overview, t: Texts) -> list[Chart]:
    """All charts of a night that have something to show."""
    until = _until(duty, seen.night)
    names = [charts.edges(seen.spread, band) for band in range(len(seen.counts))]
    links = [_link(seen.night, band=band) for band in range(len(names))]
    told = risk.reasons(duty.tx, seen, until)
    words = [_because(code, t) for code, _ in told]
    found = [charts.spread(seen, names, links, t)]
    if nights := risk.strip(duty.tx, seen):
        found += [charts.strip(nights, t), charts.columns(seen, t)]
    if came := risk.calibration(duty.tx, seen):
        found.append(charts.calibration(came, names, t))
    if told:
        found.append(charts.reasons(told, words, [_link(seen.night, reason=code) for code, _ in told], t))
    for each in seen.challengers[:1]:
        pairs = risk.versus(duty.tx, seen, each.model, until)
        if pairs:
            found.append(charts.versus(risk.crossed(seen, pairs), names, t))
    return found


def _because(code: str, t: Texts) -> str:
    return t.first((f"because_{code}", "because_other"), {"code": code})


@get("/risk", sync_to_thread=True)
def home(request: WebRequest, on: Night = None) -> Response[Any]:
    """The page. Without a champion it says so and what to do."""

    def act(duty: Duty) -> Response[Any]:
        speech = speech_of(request)
        t = Texts("console/risk", speech)
        seen = risk.overview(duty.tx, on)
        shifts = watch_store.shifts(duty.tx, count=_SHIFTS)
        sheet = _sheet(duty, seen, t, speech) if seen else None
        return page(
            request, "console/risk/page.html", seen=seen, sheet=sheet, shifts=shifts, on=on, **duty.shown()
        )

    return on_duty(request, act)


def _sheet(duty: Duty, seen: Overview, t: Texts, speech: Speech) -> Sheet:
    night = seen.night.isoformat()
    figures = [
        charts.told(each, f"{RISK}/{each.key}.csv?on={night}", t, speech) for each in _charts(duty, seen, t)
    ]
    filters = [(t("on_night"), speech.day(seen.night)), (t("champion"), seen.model.version)]
    psi = "–" if seen.stability is None else f"{seen.stability:.3f}"
    heads = [(t("lines_scored"), speech.number(seen.scored)), (t("head_psi"), psi)]
    return Sheet(t("risk_title"), filters, figures, heads)


@get("/risk/lines", sync_to_thread=True)
def some(request: WebRequest, on: Night = None, band: Band = None, reason: Reason = None) -> Response[Any]:
    """The riskiest lines: all, those of a band of the score, or those with the same first reason."""
    return on_duty(request, lambda duty: _lines(duty, on, band, reason))


@get("/risk/{name:str}", sync_to_thread=True)
def as_file(
    request: WebRequest, name: FromPath[str], on: Night = None, band: Band = None, reason: Reason = None
) -> Response[Any]:
    """One chart's figures, or lines with their scores, as CSV; one chart or the page as PDF."""

    def act(duty: Duty) -> Response[Any]:
        seen = _seen(duty, on)
        if name == "lines.csv":
            rows = risk.lines_of(duty.tx, seen, _until(duty, seen.night), band, reason, _ALL_LINES)
            heads = ("line", "probability", "points", "reasons", "at")
            return _file(name, seen.night, heads, [[_plain(row[head]) for head in heads] for row in rows])
        speech = speech_of(request)
        t = Texts("console/risk", speech)
        stem, _, kind = name.rpartition(".")
        if kind == "pdf":
            file = f"risk-{stem}-{seen.night.isoformat()}"
            return pdf_file(_sheet(duty, seen, t, speech), stem, file, speech)
        for chart in _charts(duty, seen, t):
            if name == f"{chart.key}.csv":
                return _file(name, seen.night, [column for column, _ in chart.columns], chart.rows)
        raise Refused(Refusal("request.not_found"))

    return on_duty(request, act)


def _plain(value: Any) -> Any:
    match value:
        case list():
            return " ".join(map(str, value))  # type: ignore[reportUnknownArgumentType]
        case datetime():
            return value.isoformat()
        case _:
            return value


def _file(name: str, night: date, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Response[Any]:
    return csv_file(f"{name.removesuffix('.csv')}-{night.isoformat()}.csv", heads, rows)


def _lines(duty: Duty, on: date | None, band: int | None, reason: str | None) -> Response[Any]:
    """The riskiest lines of a band or a reason."""
    seen, t = _seen(duty, on), Texts("console/risk", speech_of(duty.request))
    rows = risk.lines_of(duty.tx, seen, _until(duty, seen.night), band, reason)
    query = {"on": seen.night.isoformat()} | {
        key: value for key, value in (("band", band), ("reason", reason)) if value is not None
    }
    named = [(row, spoken("LN", row["line"]), [_because(code, t) for code in row["reasons"]]) for row in rows]
    return page(
        duty.request,
        "console/risk/lines.html",
        seen=seen,
        rows=named,
        band=None if band is None else charts.edges(seen.spread, band),
        reason=None if reason is None else _because(reason, t),
        file=f"{RISK}/lines.csv?{urlencode(query)}",
        **duty.shown(),
    )


@get("/risk/lines/{line:uuid}", sync_to_thread=True)
def one(request: WebRequest, line: FromPath[UUID]) -> Response[Any]:
    """One line's newest score, taken apart, and what would make it better."""

    def act(duty: Duty) -> Response[Any]:
        speech = speech_of(request)
        t = Texts("console/risk", speech)
        row, model, found = _explained(duty, line)
        return page(
            request,
            "console/risk/line.html",
            line=line,
            reference=spoken("LN", line),
            row=row,
            model=model,
            figure=_waterfall(line, row, model, found, t, speech),
            changes=[
                (each, charts.named(each.column, t), _range(each.low, each.high))
                for each in found.changes[:4]
            ],
            because=[_because(code, t) for code in row["reasons"]],
            **duty.shown(),
        )

    return on_duty(request, act)


def _explained(duty: Duty, line: UUID) -> tuple[Row, Model, Explained]:
    """The newest score of a line, the model that made it, and how. Raises Refused."""
    row = risk.score_of(duty.tx, line)
    if row is None:
        raise Refused(Refusal("model.no_scores"))
    serving = champions.serving(duty.tx, MODEL)
    model = next(each.model for each in serving if each.model.version == row["version"])
    return row, model, explained(model, row["facts"])


def _waterfall(line: UUID, row: Row, model: Model, found: Explained, t: Texts, speech: Speech) -> Figure:
    unit = "points" if model.scale else "log_odds"
    chart = charts.waterfall(found, _best(model, found, row), unit, t, partial(charts.named, t=t))
    return charts.told(chart, f"{RISK}/lines/{line}/waterfall.csv", t, speech)


def _best(model: Model, found: Explained, row: Row) -> float:
    """Where the waterfall starts: the score with every column at its best."""
    against = sum(step.against for step in found.steps if step.against > 0)
    if model.scale:
        return row["points"] + against
    return model.bias + sum(step.here for step in found.steps) - against


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"< {high:g}"
    return f"≥ {low:g}" if high is None else f"{low:g} – {high:g}"


@get("/risk/lines/{line:uuid}/{name:str}", sync_to_thread=True)
def one_file(request: WebRequest, line: FromPath[UUID], name: FromPath[str]) -> Response[Any]:
    """The steps of one line's score as CSV or PDF, with what would make it better."""

    def act(duty: Duty) -> Response[Any]:
        row, model, found = _explained(duty, line)
        speech = speech_of(request)
        t = Texts("console/risk", speech)
        if name == "waterfall.pdf":
            figure = _waterfall(line, row, model, found, t, speech)
            filters = [
                (t("column_line"), spoken("LN", line)),
                (t("scored_at"), speech.instant(row["at"])),
                (t("column_probability"), speech.share(row["probability"])),
                *(
                    (
                        t("if_title"),
                        t(
                            "if_column",
                            column=charts.named(each.column, t),
                            range=_range(each.low, each.high),
                            share=speech.share(each.probability),
                        ),
                    )
                    for each in found.changes[:1]
                ),
            ]
            sheet = Sheet(t("score_title"), filters, [figure])
            return pdf_file(sheet, "waterfall", f"waterfall-{row['at'].date()}", speech)
        if name != "waterfall.csv":
            raise Refused(Refusal("request.not_found"))
        steps = found.steps
        heads = ("column", "value", "here", "best", "against", "reason")
        night = row["at"].date()
        return _file(name, night, heads, [[getattr(step, head) for head in heads] for step in steps])

    return on_duty(request, act)


risk_handlers: Final = [home, some, as_file, one, one_file]
