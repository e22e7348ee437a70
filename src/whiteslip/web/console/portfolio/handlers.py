"""The whole book on one page: charts with their tables, each figure as CSV; the URL is the state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from whiteslip import portfolio
from whiteslip.base import Money, Refusal
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.portfolio import MEASURES, Result
from whiteslip.portfolio.model import SEGMENTS
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.console.figures import Figure, Option
from whiteslip.web.console.files import text_file
from whiteslip.web.console.groups import called
from whiteslip.web.console.paper import WHOLE, Sheet, pdf_file
from whiteslip.web.console.portfolio import beside
from whiteslip.web.console.portfolio.charts import CHARTS, last_month, row_case
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.i18n import Speech, Texts
from whiteslip.web.kit.pages import page, speech_of
from whiteslip.web.kit.problems import Refused, granted
from whiteslip.web.kit.sentences import sentence

_TABLES: Final = (
    "cdr",
    "prepayment",
    "payment_rate",
    "dilution",
    "excess_spread",
    "concentration",
    "ecl",
    "coverage",
)
_SHOWN_ROWS: Final = 60
# Columns that hold codes, and the texts that say them.
_CODED: Final = {
    "from_bucket": "bucket",
    "to_bucket": "bucket",
    "asset_class": "class",
    "cause": "cause",
    "by": "by",
}
Segment = Annotated[str, QueryParameter(name="segment")]


def _found(duty: Duty, as_of: date | None, segment: str) -> Mapping[str, Result]:
    """The figures of ``as_of``, by default the day that was sealed last, or of the newest day before."""
    place = duty.ports.lake
    if place is None:
        raise Refused(Refusal("lake.off"))
    asked = as_of or last_sealed_day(duty.tx)
    found = granted(portfolio.compute_all(place, asked, segment, engine=duty.ports.lake_engine))
    return {result.measure: portfolio.told(result) for result in found}


def _sources(ecl: Result) -> dict[str, int]:
    """How many lines have their probability of default from where."""
    names = ("lines_by_score", "lines_by_roll_rates", "lines_pooled", "lines_horizon_unknown")
    return {name.removeprefix("lines_"): sum(row[name] for row in ecl.records()) for name in names}


@get("/portfolio", sync_to_thread=True)
def home(
    request: WebRequest, as_of: FromQuery[date | None] = None, segment: Segment = "none"
) -> Response[Any]:
    """The page. Without a snapshot it says so and what to do."""

    def act(duty: Duty) -> Response[Any]:
        speech = speech_of(request)
        t = Texts("console/portfolio", speech)
        try:
            figures = _found(duty, as_of, segment)
        except Refused as refused:
            return page(
                request,
                "console/portfolio/page.html",
                why=sentence(refused.refusal, speech),
                has_figures=False,
                beside=beside.tiles(duty, speech, t),
                **duty.shown(),
            )
        why = figures["npl"].why
        sheet = _sheet(figures, as_of, segment, speech, t, beside.figures(duty, speech))
        return page(
            request,
            "console/portfolio/page.html",
            sheet=sheet,
            charts=[each for each in sheet.figures if each.option],
            tables=[each for each in sheet.figures if not each.option],
            few_left=not figures["survival"].rows,
            sources=_sources(figures["ecl"]),
            head=[each | {"group": _group_of(each["of"], segment, speech, t)} for each in _head(figures)],
            day=figures["npl"].day,
            paper=_address(WHOLE, "pdf", as_of, segment),
            instead_of=why and sentence(why, speech),
            as_of=as_of,
            segment=segment,
            segments=SEGMENTS,
            has_figures=True,
            beside=beside.tiles(duty, speech, t),
            **duty.shown(),
        )

    return on_duty(request, act)


def _address(name: str, kind: str, as_of: date | None, segment: str) -> str:
    """Where a file with the page's filters is."""
    asked = {"segment": segment} | ({"as_of": as_of.isoformat()} if as_of else {})
    return f"{HOME}/portfolio/{name}.{kind}?{urlencode(asked)}"


def _sheet(
    figures: Mapping[str, Result],
    as_of: date | None,
    segment: str,
    speech: Speech,
    t: Texts,
    more: Sequence[Figure] = (),
) -> Sheet:
    """All that the page says in figures: its charts in order, what stands beside them, then its tables."""

    def told(key: str, title: str, measure: str, option: Option | None = None) -> Figure:
        csv = _address(measure, "csv", as_of, segment)
        return _told(key, title, figures[measure], option, csv, speech, t)

    drawn = _drawn(figures["npl"])
    of = f" · {_group_of(drawn, segment, speech, t)}" if len(_head(figures)) > 1 else ""
    charts = [
        told(key, t(f"chart_{key}") + of, measure, draw(alone, t))
        for key, measure, draw in CHARTS
        if (alone := of_group(figures[measure], *drawn)).rows
    ]
    tables = [told(name, t(f"table_{name}"), name) for name in _TABLES]
    filters = [(t("as_of"), speech.day(figures["npl"].day)), (t("group_by"), t(f"segment_{segment}"))]
    heads = [
        (f"{t(label)} · {_group_of(each['of'], segment, speech, t)}", said)
        for each in _head(figures)
        for label, said in (
            ("head_ratio", "–" if each["ratio"] is None else speech.share(each["ratio"])),
            ("head_exits", "–" if each["exits"] is None else speech.share(each["exits"])),
            ("head_npl", speech.money(each["npl"])),
            ("head_book", speech.money(each["book"])),
        )
    ]
    return Sheet(t("portfolio_title"), filters, [*charts, *more, *tables], heads)


def _drawn(npl: Result) -> tuple[str, str]:
    """Of several groups the one that charts draw, its currency and name: that with the largest book.

    Tables and files have all of them.
    """
    rows = last_month(npl.records())
    largest = max(rows, key=lambda row: row["book_minor"], default={"currency": "", "segment": ""})
    return largest["currency"], largest["segment"]


def _group_of(group: tuple[str, str], segment: str, speech: Speech, t: Texts) -> str:
    """What a group is called; without a grouping there are several by currency alone."""
    currency, name = group
    return currency if segment == "none" else called(name, currency, speech, t)


def of_group(result: Result, currency: str, name: str) -> Result:
    """A measure's rows of one group."""
    places = result.columns.index("currency"), result.columns.index("segment")
    rows = [row for row in result.rows if (row[places[0]], row[places[1]]) == (currency, name)]
    return replace(result, rows=rows)


def _head(figures: Mapping[str, Result]) -> list[dict[str, Any]]:
    """The figures that everybody asks for first, by currency: the ratio, what exits did to it, the book."""
    exits = {
        (row["currency"], row["segment"]): row["contribution"]
        for row in last_month(figures["npl_change"].records())
        if row["cause"] == "6_exits"
    }
    return [
        {
            "of": (row["currency"], row["segment"]),
            "book": Money(row["book_minor"], row["currency"]),
            "npl": Money(row["npl_minor"], row["currency"]),
            "ratio": row["npl_ratio"],
            "exits": exits.get((row["currency"], row["segment"])),
        }
        for row in last_month(figures["npl"].records())
    ]


def _told(
    key: str, title: str, result: Result, option: Option | None, csv: str, speech: Speech, t: Texts
) -> Figure:
    """A measure's formula and the latest of its rows, in words and figures."""
    formula, source = MEASURES[result.measure].said(speech.lang)
    alone = {row["segment"] for row in result.records()} == {"all"}
    columns = [name for name in result.columns if name != "currency" and not (alone and name == "segment")]
    rows = [
        [
            called(row[name], row["currency"], speech, t)
            if name == "segment"
            else _said(name, row[name], row["currency"], speech, t)
            for name in columns
        ]
        for row in result.records()[-_SHOWN_ROWS:]
    ]
    newest = max((row.get("on_day", result.day) for row in result.records()), default=result.day)
    return Figure(
        key,
        title,
        [
            (t("column_" + name.removesuffix("_minor")), "money" if _is_figure(result, name) else "text")
            for name in columns
        ],
        rows,
        csv,
        formula,
        source,
        option,
        [row_case(result.measure, row, newest) for row in result.records()[-_SHOWN_ROWS:]],
        max(0, len(result.rows) - _SHOWN_ROWS),
    )


def _is_figure(result: Result, name: str) -> bool:
    return all(isinstance(row[name], int | float | None) for row in result.records())


def _said(name: str, value: Any, currency: str, speech: Speech, t: Texts) -> str:
    match value:
        case None:
            return "–"
        case date():
            return speech.short_day(value)
        case int() if name.endswith("_minor"):
            return speech.figure(Money(value, currency))
        case int():
            return str(value)
        case float() if name in ("hhi", "coverage", "effective_number"):
            return f"{value:.3f}"
        case float():
            return speech.share(value)
        case _:
            return t(f"{_CODED[name]}_{value}") if name in _CODED else str(value)


@get("/portfolio/{name:str}", sync_to_thread=True)
def as_file(
    request: WebRequest, name: FromPath[str], as_of: FromQuery[date | None] = None, segment: Segment = "none"
) -> Response[Any]:
    """One measure as CSV, one chart or the page as PDF."""
    measure, _, kind = name.rpartition(".")
    if kind != "pdf" and (measure not in MEASURES or kind != "csv"):
        raise Refused(
            Refusal("portfolio.measure_unknown", {"measure": measure, "known": ", ".join(MEASURES)})
        )

    def act(duty: Duty) -> Response[Any]:
        found = _found(duty, as_of, segment)
        if kind == "pdf":
            speech = speech_of(request)
            more = beside.figures(duty, speech) if measure == WHOLE else ()
            sheet = _sheet(found, as_of, segment, speech, Texts("console/portfolio", speech), more)
            return pdf_file(sheet, measure, f"portfolio-{measure}-{found['npl'].day.isoformat()}", speech)
        result = found[measure]
        return text_file(f"{measure}-{result.day.isoformat()}.csv", result.as_csv())

    return on_duty(request, act)


portfolio_handlers: Final[list[Callable[..., Any] | Any]] = [home, as_file]
