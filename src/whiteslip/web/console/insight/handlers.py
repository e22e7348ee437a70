"""How people leave, at the desk: charts with their tables, the monthly reports; the URL is the state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter

from whiteslip import insight
from whiteslip.base import Refusal, local_day
from whiteslip.exits.model import Reason
from whiteslip.insight import NAMES, Window, store
from whiteslip.insight.acts import SURVIVAL
from whiteslip.insight.feedback import FRICTION
from whiteslip.insight.model import SEGMENTS, SIMULATED, YEARS, Report
from whiteslip.insight.paper import as_pdf
from whiteslip.insight.words import Words
from whiteslip.portfolio import Result
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.console.insight.charts import CHARTS, walked
from whiteslip.web.console.policies.handlers import POLICIES
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import FromForm, see_other
from whiteslip.web.kit.pages import language_of, page, speech_of
from whiteslip.web.kit.problems import Refused, sentence

INSIGHT: Final = f"{HOME}/insight"
_TABLES: Final = ("complaints", "rejoins", "drivers", "offers", "qini")
_SHOWN_ROWS: Final = 60
Day = FromQuery[date | None]
Segment = Annotated[str, QueryParameter(name="segment")]


def _window(duty: Duty, since: date | None, until: date | None, segment: str) -> Window:
    zone = duty.ports.pack.timezone
    last = until or local_day(duty.now, zone)
    return Window.of(since, last, segment, zone)


def _computed(duty: Duty, name: str, window: Window) -> Result:
    found = insight.compute(duty.tx, duty.ports.lake, name, window, duty.ports.lake_engine)
    if isinstance(found, Refusal):
        raise Refused(found)
    return found


@get("/insight", sync_to_thread=True)
def home(
    request: WebRequest, since: Day = None, until: Day = None, segment: Segment = "none"
) -> Response[Any]:
    """The page of a window: the year up to today unless another is asked for."""

    def act(duty: Duty) -> Response[Any]:
        words, window = Words(language_of(request)), _window(duty, since, until, segment)
        results, missing = dict[str, Result](), dict[str, str]()
        for name in NAMES:
            try:
                results[name] = _computed(duty, name, window)
            except Refused as refused:
                # Only survival needs a snapshot; what is wrong with the window is wrong with all.
                if name != SURVIVAL:
                    raise
                missing[name] = sentence(refused.refusal, speech_of(request))
        told = {name: _told(found, words) for name, found in results.items()}
        return page(
            request,
            "console/insight/page.html",
            charts=[
                told[name] | {"option": draw(results[name], words)}
                for name, draw in CHARTS.items()
                if name in results and results[name].rows
            ],
            tables=[told[name] for name in _TABLES if results[name].rows],
            empty=[
                words.measure(name)
                for name in (*CHARTS, *_TABLES)
                if name in results and not results[name].rows
            ],
            stale=_stale(results, request),
            missing=[(words.measure(name), why) for name, why in missing.items()],
            head=_head(results, words),
            simulated=any(row["segment"] == SIMULATED for row in results["funnel"].records()),
            reasons=[(reason.value, words.code(reason)) for reason in Reason],
            months=[f"{month:%Y-%m}" for month in store.months(duty.tx)],
            window=window,
            segments=SEGMENTS,
            **duty.shown(),
        )

    return on_duty(request, act)


def _stale(results: dict[str, Result], request: WebRequest) -> list[tuple[str, date, str]]:
    """Of measures that are told of another day than was asked for: which, of which, and why."""
    words, speech = Words(language_of(request)), speech_of(request)
    return [
        (words.measure(name), found.day, sentence(found.why, speech))
        for name, found in results.items()
        if found.why
    ]


def _head(results: dict[str, Result], words: Words) -> list[tuple[str, str, str]]:
    """What everybody asks first: a figure, what it is, and its tone."""
    worst = max(walked(results["funnel"]), key=lambda row: row["drop_low"], default=None)
    found: list[tuple[str, str, str]] = []
    exits = [row["exits"] for row in results["reasons"].records() if row["exits"]]
    found.append((f"{sum(exits):,}" if exits else "–", words.column("exits"), "plain"))
    if worst:
        tone = "bad" if worst["drop_low"] > FRICTION else "good"
        group = "" if worst["segment"] == "all" else f" ({words.code(worst['segment'])})"
        label = f"{words.column('went_away')}: {words.code(worst['screen'])}{group}"
        found.append((words.cell("drop", worst["drop"]), label, tone))
    for row in results["complaints"].records():
        if row["topic"] == "any" and row["segment"] == "all":
            found.append(
                (words.cell("per_thousand", row["per_thousand"]), words.measure("complaints"), "plain")
            )
    return found


def _told(result: Result, words: Words) -> dict[str, Any]:
    """A measure's formula and the latest of its rows, in words and figures."""
    alone = {row.get("segment") for row in result.records()} == {"all"}
    columns = [name for name in result.columns if not (alone and name == "segment")]
    rows = [[words.cell(name, row[name]) for name in columns] for row in result.records()[-_SHOWN_ROWS:]]
    return {
        "key": result.measure,
        "title": words.measure(result.measure),
        "formula": result.formula,
        "source": result.source,
        "formula_in": "en",
        "source_in": "en",
        "columns": [
            (words.column(name), "money" if _is_figure(result, name) else "text") for name in columns
        ],
        "rows": rows,
        "left_out": max(0, len(result.rows) - _SHOWN_ROWS),
    }


def _is_figure(result: Result, name: str) -> bool:
    return all(isinstance(row[name], int | float | None) for row in result.records())


@get("/insight/figures/{name:str}", sync_to_thread=True)
def as_csv(
    request: WebRequest,
    name: FromPath[str],
    since: Day = None,
    until: Day = None,
    segment: Segment = "none",
) -> Response[Any]:
    """One measure as CSV, with the page's filters in its name."""
    measure = name.removesuffix(".csv")

    def act(duty: Duty) -> Response[Any]:
        window = _window(duty, since, until, segment)
        result = _computed(duty, measure, window)
        file = f"{measure}-{window.since}-{window.until}-{segment}.csv"
        return Response(
            result.as_csv(),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{file}"'},
        )

    return on_duty(request, act)


def _month(text: str) -> date:
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Refused(Refusal("insight.not_found")) from None
    if found.year not in YEARS:
        raise Refused(Refusal("insight.not_found"))
    return found


def _report(duty: Duty, text: str) -> tuple[Report, str]:
    found = store.report(duty.tx, _month(text))
    if found is None:
        raise Refused(Refusal("insight.not_found"))
    return found[0], found[2]


@get("/insight/reports/{month:str}", sync_to_thread=True)
def report(request: WebRequest, month: FromPath[str]) -> Response[Any]:
    """A month's report: what it proposes, and with one click a draft of it. With ``.pdf``: on paper."""

    def act(duty: Duty) -> Response[Any]:
        told, sha256 = _report(duty, month.removesuffix(".pdf"))
        lang = language_of(request)
        if month.endswith(".pdf"):
            headers = {"Content-Disposition": f'inline; filename="insight-{month}"'}
            return Response(as_pdf(told, sha256, lang), media_type="application/pdf", headers=headers)
        return _report_page(duty, month, told)

    return on_duty(request, act)


def _report_page(duty: Duty, month: str, told: Report, refusal: Refusal | None = None) -> Response[Any]:
    words, drafts = Words(language_of(duty.request)), store.drafts(duty.tx, told.month)
    return page(
        duty.request,
        "console/insight/report.html",
        month=month,
        until=insight.month_of(told.month, duty.ports.pack.timezone).until,
        since=told.month,
        proposals=[(no, each, words.say(each), drafts.get(no)) for no, each in enumerate(told.proposals, 1)],
        refusal=refusal,
        **duty.shown(),
    )


@post("/insight/reports/{month:str}", sync_to_thread=True)
def draft(request: WebRequest, month: FromPath[str], form: FromForm) -> Response[Any]:
    """Make the draft of a proposal and lead to it: there it is backtested already."""

    def act(duty: Duty) -> Response[Any]:
        told, _ = _report(duty, month)
        number = form.value("no")
        if form.switching or not number.isdecimal():
            return _report_page(duty, month, told)
        tables = duty.ports.office.tables
        done = insight.draft_proposal(duty.tx, tables, told.month, int(number), duty.actor, duty.now)
        if isinstance(done, Refusal):
            return _report_page(duty, month, told, done)
        return see_other(request, f"{POLICIES}/{done.name}/{done.version}")

    return on_duty(request, act, chooses=True)


insight_handlers: Final[list[Callable[..., Any] | Any]] = [home, as_csv, report, draft]
