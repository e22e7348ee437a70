"""How people leave, at the desk: charts with their tables, the monthly reports; the URL is the state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlencode

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
from whiteslip.insight.registry import MEASURES
from whiteslip.insight.words import Words
from whiteslip.portfolio import MEASURES as OF_BOOK
from whiteslip.portfolio import Result
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.console.figures import Figure, Option
from whiteslip.web.console.files import text_file
from whiteslip.web.console.insight.charts import CHARTS, proposal_cases, row_case, walked
from whiteslip.web.console.paper import WHOLE, Sheet, pdf_file
from whiteslip.web.console.policies.handlers import POLICIES
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import FromForm, see_other
from whiteslip.web.kit.i18n import Speech, Texts
from whiteslip.web.kit.pages import language_of, page, speech_of
from whiteslip.web.kit.problems import Refused, granted
from whiteslip.web.kit.sentences import sentence

INSIGHT: Final = f"{HOME}/insight"
_TABLES: Final = ("complaints", "rejoins", "drivers", "offers")
_SHOWN_ROWS: Final = 60
FUNNEL: Final = "funnel"
Day = FromQuery[date | None]
Segment = Annotated[str, QueryParameter(name="segment")]


def _window(duty: Duty, since: date | None, until: date | None, segment: str) -> Window:
    zone = duty.ports.pack.timezone
    last = until or local_day(duty.now, zone)
    return Window.of(since, last, segment, zone)


def _computed(duty: Duty, name: str, window: Window) -> Result:
    return granted(insight.compute(duty.tx, duty.ports.lake, name, window, duty.ports.lake_engine))


@get("/insight", sync_to_thread=True)
def home(
    request: WebRequest, since: Day = None, until: Day = None, segment: Segment = "none"
) -> Response[Any]:
    """The page of a window: the year up to today unless another is asked for."""

    def act(duty: Duty) -> Response[Any]:
        words, window = Words(language_of(request)), _window(duty, since, until, segment)
        results, missing = _all(duty, window, speech_of(request))
        sheet = _sheet(results, window, words, speech_of(request))
        return page(
            request,
            "console/insight/page.html",
            sheet=sheet,
            charts=[each for each in sheet.figures if each.option],
            tables=[each for each in sheet.figures if not each.option],
            paper=_address(WHOLE, "pdf", window),
            empty=[
                words.measure(name)
                for name in (*CHARTS, *_TABLES)
                if name in results and not results[name].rows
            ],
            stale=_stale(results, request),
            missing=[(words.measure(name), why) for name, why in missing.items()],
            head=_head(results, words),
            simulated=any(row["segment"] == SIMULATED for row in results[FUNNEL].records()),
            reasons=[(reason.value, words.code(reason)) for reason in Reason],
            months=[f"{month:%Y-%m}" for month in store.months(duty.tx)],
            window=window,
            segments=SEGMENTS,
            **duty.shown(),
        )

    return on_duty(request, act)


def _all(duty: Duty, window: Window, speech: Speech) -> tuple[dict[str, Result], dict[str, str]]:
    """Every measure of a window, and of those that cannot be told why not."""
    results, missing = dict[str, Result](), dict[str, str]()
    for name in NAMES:
        try:
            results[name] = _computed(duty, name, window)
        except Refused as refused:
            # Only survival needs a snapshot; what is wrong with the window is wrong with all.
            if name != SURVIVAL:
                raise
            missing[name] = sentence(refused.refusal, speech)
    return results, missing


def _address(name: str, kind: str, window: Window) -> str:
    """Where a file with the page's filters is."""
    asked = {"since": window.since, "until": window.until, "segment": window.segment}
    return f"{INSIGHT}/figures/{name}.{kind}?{urlencode(asked)}"


def _sheet(results: Mapping[str, Result], window: Window, words: Words, speech: Speech) -> Sheet:
    """All that the page says in figures, or one of them: charts in order, then tables."""
    heads = _head(results, words) if len(results) > 1 else []
    t = Texts("console/insight", speech)
    drawn = {name: CHARTS[name] for name in CHARTS if name in results and results[name].rows}
    figures = [
        _told(results[name], window, words, draw(results[name], words)) for name, draw in drawn.items()
    ]
    figures += [
        _told(results[name], window, words) for name in _TABLES if name in results and results[name].rows
    ]
    filters = [
        (t("since"), speech.day(window.since)),
        (t("until"), speech.day(window.until)),
        (t("group_by"), t(f"segment_{window.segment}")),
    ]
    return Sheet(t("insight_title"), filters, figures, [(label, said) for said, label, _ in heads])


def funnel(duty: Duty, speech: Speech) -> Figure | None:
    """Where people of the last year got stuck; None before anybody walked."""
    window = _window(duty, None, None, "none")
    found = insight.compute(duty.tx, None, FUNNEL, window)
    if isinstance(found, Refusal) or not walked(found):
        return None
    words = Words(speech.lang)
    return _told(found, window, words, CHARTS[FUNNEL](found, words))


def _stale(results: dict[str, Result], request: WebRequest) -> list[tuple[str, date, str]]:
    """Of measures that are told of another day than was asked for: which, of which, and why."""
    words, speech = Words(language_of(request)), speech_of(request)
    return [
        (words.measure(name), found.day, sentence(found.why, speech))
        for name, found in results.items()
        if found.why
    ]


def _head(results: Mapping[str, Result], words: Words) -> list[tuple[str, str, str]]:
    """What everybody asks first: a figure, what it is, and its tone."""
    worst = max(walked(results[FUNNEL]), key=lambda row: row["drop_low"], default=None)
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


def _told(result: Result, window: Window, words: Words, option: Option | None = None) -> Figure:
    """A measure's formula and the latest of its rows, in words and figures."""
    known = OF_BOOK if result.measure == SURVIVAL else MEASURES
    formula, source = known[result.measure].said(words.lang)
    alone = {row.get("segment") for row in result.records()} == {"all"}
    columns = [name for name in result.columns if not (alone and name == "segment")]
    rows = [[words.cell(name, row[name]) for name in columns] for row in result.records()[-_SHOWN_ROWS:]]
    return Figure(
        result.measure,
        words.measure(result.measure),
        [(words.column(name), "money" if _is_figure(result, name) else "text") for name in columns],
        rows,
        _address(result.measure, "csv", window),
        formula,
        source,
        option,
        [row_case(result.measure, row) for row in result.records()[-_SHOWN_ROWS:]],
        max(0, len(result.rows) - _SHOWN_ROWS),
    )


def _is_figure(result: Result, name: str) -> bool:
    return all(isinstance(row[name], int | float | None) for row in result.records())


@get("/insight/figures/{name:str}", sync_to_thread=True)
def as_file(
    request: WebRequest,
    name: FromPath[str],
    since: Day = None,
    until: Day = None,
    segment: Segment = "none",
) -> Response[Any]:
    """One measure as CSV or PDF, or the page as PDF, with the page's filters in its name."""
    measure, _, kind = name.rpartition(".")

    def act(duty: Duty) -> Response[Any]:
        window = _window(duty, since, until, segment)
        file = f"{measure}-{window.since}-{window.until}-{segment}"
        if kind == "pdf":
            speech = speech_of(request)
            whole = measure == WHOLE
            found = _all(duty, window, speech)[0] if whole else {measure: _computed(duty, measure, window)}
            sheet = _sheet(found, window, Words(speech.lang), speech)
            return pdf_file(sheet, measure, f"insight-{file}", speech)
        return text_file(f"{file}.csv", _computed(duty, name.removesuffix(".csv"), window).as_csv())

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
    window = insight.month_of(told.month, duty.ports.pack.timezone)
    return page(
        duty.request,
        "console/insight/report.html",
        month=month,
        until=window.until,
        since=told.month,
        proposals=[
            (no, each, words.say(each), drafts.get(no), proposal_cases(each, window))
            for no, each in enumerate(told.proposals, 1)
        ],
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


insight_handlers: Final[list[Callable[..., Any] | Any]] = [home, as_file, report, draft]
