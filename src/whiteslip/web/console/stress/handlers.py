"""Futures of the book on one page: what if, fans, who acts by when. The URL is the state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import lru_cache, partial
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from msgspec import Meta

from whiteslip import lake, treasury
from whiteslip.base import Money, Refusal
from whiteslip.funding import store as funding_store
from whiteslip.lake import Lake
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.treasury import Finding, Question, stress, words
from whiteslip.treasury.findings import LEVELS, Fan
from whiteslip.treasury.scenario import Assumptions, Start, Terms
from whiteslip.web.console.currencies import currencies
from whiteslip.web.console.duty import HOME, Duty, on_duty
from whiteslip.web.console.figures import Figure
from whiteslip.web.console.files import csv_file
from whiteslip.web.console.paper import WHOLE, Sheet, pdf_file
from whiteslip.web.console.stress.charts import MONEY, fan, tornado
from whiteslip.web.kit.cookies import WebRequest
from whiteslip.web.kit.forms import Errors, Form
from whiteslip.web.kit.i18n import Speech, Texts
from whiteslip.web.kit.pages import page, speech_of
from whiteslip.web.kit.problems import Refused, granted
from whiteslip.web.kit.sentences import sentence

FUTURES: Final = 200
_PERCENT: Final = 100
_TORNADO: Final = 20
AT: Final = f"{HOME}/stress"
# What is asked most: nothing else of the question changes.
PRESETS: Final[dict[str, dict[str, float]]] = {
    "if_usual": {"exits": 1.0, "leave": 0.0, "downturn": 0.0},
    "if_double": {"exits": 2.0},
    "if_ten": {"leave": 10.0, "within_days": 7},
    "if_downturn": {"downturn": 2.0},
}
# How a tornado's assumption is typed on the form; what is not here is no question.
_TYPED: Final = {"exits": 1, "leave": _PERCENT, "downturn": 1}
_SEGMENT: Final = "limit"
_SHOWN_ROWS: Final = 60
MONTHS: Final = (6, 12, 24)
CASH: Final = "cash"
COLUMNS: Final = tuple(f"p{round(level * _PERCENT):02d}" for level in LEVELS)


class WhatIf(msgspec.Struct):
    """What somebody asks. ``leave`` in per cent of all lines."""

    exits: Annotated[float, Meta(ge=0, le=20)] = 1.0
    leave: Annotated[float, Meta(ge=0, le=99)] = 0.0
    within_days: Annotated[int, Meta(ge=1, le=365)] = 7
    downturn: Annotated[float, Meta(ge=-4, le=4)] = 0.0
    months: int = 12
    seed: Annotated[int, Meta(ge=0, le=2**31)] = 1
    facility: str = ""
    currency: str = ""
    tornado: bool = False

    def question(self) -> Question:
        """The question behind it."""
        return Question(
            months=self.months,
            scenarios=FUTURES,
            seed=self.seed,
            exits=self.exits,
            leave=self.leave / _PERCENT,
            within_days=self.within_days,
        )


def where(typed: WhatIf, **changed: object) -> str:
    """The page's address with a question changed; what is as usual is left out."""
    usual = msgspec.structs.asdict(WhatIf())
    asked = msgspec.structs.asdict(typed) | changed
    said = {name: _plain(value) for name, value in asked.items() if value != usual[name]}
    return f"{AT}?{urlencode(said)}" if said else AT


def _plain(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _changed(typed: WhatIf, name: str, value: float) -> str:
    return where(typed, **{name: value * _TYPED[name]}) if name in _TYPED else ""


@lru_cache(maxsize=8)
def _start(place: Lake, day: date, engine: str, currency: str) -> Start | Refusal:
    """The book of a snapshot in a currency, which never changes."""
    return treasury.start(place, day, _SEGMENT, currency, engine)


@lru_cache(maxsize=64)
def _answer(
    place: Lake,
    day: date,
    engine: str,
    currency: str,
    terms: Terms | None,
    given: Assumptions,
    asked: Question,
    swings: int,
) -> Finding | Refusal:
    """The same question of the same book has the same answer; it is kept for as long as the process runs."""
    book = _start(place, day, engine, currency)
    if isinstance(book, Refusal):
        return book
    return stress.answer(replace(book, terms=terms), given, asked, swings)


def _asked(request: WebRequest) -> tuple[Form, WhatIf | Errors]:
    """The question in the URL; a form that was never sent asks the usual."""
    form = Form({name: [value] for name, value in request.query_params.items()})
    typed = form.read(WhatIf)
    if isinstance(typed, Errors):
        return form, typed
    refused = stress.check(typed.question())
    if isinstance(refused, Refusal):
        return form, Errors().add(str(refused.facts["field"]), "invalid")
    if typed.months not in MONTHS:
        return form, Errors().add("months", "not_an_option")
    return form, typed


def _found(duty: Duty, typed: WhatIf) -> Finding:
    """The answer on the book of the day sealed last, or of the newest day before. Raises Refused."""
    place = duty.ports.lake
    if place is None:
        raise Refused(Refusal("lake.off"))
    snapshot = granted(lake.newest(place, last_sealed_day(duty.tx)))
    engine = duty.ports.lake_engine
    currency = typed.currency or next(iter(currencies(duty)), "")
    book = _start(place, snapshot.day, engine, currency)
    if not isinstance(book, Refusal) and typed.facility:
        book = treasury.with_facility(duty.tx, book, typed.facility)
    if isinstance(book, Refusal):
        raise Refused(book)
    given = Assumptions(downturn=typed.downturn)
    swings = _TORNADO if typed.tornado else 0
    asked = typed.question()
    found = granted(_answer(place, snapshot.day, engine, currency, book.terms, given, asked, swings))
    return msgspec.structs.replace(found, why=snapshot.instead_of)


@get("/stress", sync_to_thread=True)
def show(request: WebRequest) -> Response[Any]:
    """The page. A question that cannot be asked comes back with what is wrong."""

    def act(duty: Duty) -> Response[Any]:
        speech = speech_of(request)
        form, typed = _asked(request)
        facilities = [each.deal.name for each in funding_store.facilities(duty.tx)]
        known = WhatIf() if isinstance(typed, Errors) else typed
        presets = [(name, where(known, **changes)) for name, changes in PRESETS.items()]
        shown: dict[str, Any] = {"facilities": facilities, "months": MONTHS, "form": form, "presets": presets}
        shown |= {"currencies": currencies(duty)} | duty.shown()
        if isinstance(typed, Errors):
            return page(
                request, "console/stress/page.html", errors=typed, asked=WhatIf(), found=None, **shown
            )
        try:
            found = _found(duty, typed)
        except Refused as refused:
            why = sentence(refused.refusal, speech)
            return page(request, "console/stress/page.html", why=why, asked=typed, found=None, **shown)
        sheet = _sheet(found, typed, speech)
        return page(
            request,
            "console/stress/page.html",
            asked=typed,
            found=found,
            sheet=sheet,
            flat=bool(found.swings) and all(each.at_low == each.at_high for each in found.swings),
            paper=_file_of(typed, f"{WHOLE}.pdf"),
            day=found.day,
            instead_of=found.why and sentence(found.why, speech),
            duties=words.duties(found.events, speech.lang, speech.day, speech.share),
            **shown,
        )

    return on_duty(request, act)


def _file_of(typed: WhatIf, name: str) -> str:
    """Where a file with the answer to a question is."""
    query = where(typed).partition("?")[2]
    return f"{AT}/{name}?{query}" if query else f"{AT}/{name}"


def _sheet(found: Finding, typed: WhatIf, speech: Speech) -> Sheet:
    """The answer in figures, with the question before them."""
    t = Texts("console/stress", speech)
    figures = [_chart(each, found, speech, t, typed) for each in found.fans]
    if found.swings:
        figures.insert(0, _tornado(found, speech, t, typed))
    heads = [(t(key), value) for key, value in _heads(found, speech)]
    return Sheet(t("stress_title"), _filters(found, typed, speech, t), figures, heads)


def _filters(found: Finding, typed: WhatIf, speech: Speech, t: Texts) -> list[tuple[str, str]]:
    return [
        (t("exits"), f"{typed.exits:g} {t('times')}"),
        (t("leave"), f"{typed.leave:g} %, {typed.within_days} {t('days')}"),
        (t("downturn"), f"{typed.downturn:g} σ"),
        (t("horizon"), t("months", n=typed.months)),
        (t("facility"), typed.facility or t("no_facility")),
        (t("currency"), found.currency),
        (t("seed"), str(typed.seed)),
        (t("book_of"), speech.day(found.day)),
    ]


def usual(duty: Duty, speech: Speech) -> Figure | None:
    """Cash ahead where nothing is asked; None without a book to start from."""
    typed = WhatIf()
    try:
        found = _found(duty, typed)
    except Refused:
        # Without a snapshot the stress page says what to do.
        return None
    cash = next(each for each in found.fans if each.name == CASH)
    return _chart(cash, found, speech, Texts("console/stress", speech), typed)


def _heads(found: Finding, speech: Speech) -> list[tuple[str, str]]:
    def money(minor: int) -> str:
        return speech.money(Money(minor, found.currency))

    return [
        (f"head_{found.measured}", money(found.worst_minor)),
        ("head_left", speech.number(found.left)),
        ("head_defaulted", money(found.defaulted_minor)),
        ("head_freed", money(found.freed_minor)),
    ]


def _chart(each: Fan, found: Finding, speech: Speech, t: Texts, typed: WhatIf) -> Figure:
    """A fan with its table: evenly chosen days, the last one always."""
    step = max(1, len(each.days) // _SHOWN_ROWS)
    places = sorted({*range(0, len(each.days), step), len(each.days) - 1})

    def cell(value: int) -> str:
        return speech.figure(Money(value, found.currency)) if each.name in MONEY else speech.number(value)

    return Figure(
        each.name,
        t(f"chart_{each.name}", count=found.question.scenarios, currency=found.currency),
        [(t("column_day"), "text"), *((t(name), "money") for name in COLUMNS)],
        [[speech.short_day(each.days[at]), *(cell(row[at]) for row in each.rows)] for at in places],
        _file_of(typed, f"{each.name}.csv"),
        t("formula_" + each.name),
        t("source_fan"),
        fan(each, found.currency, t),
        left_out=len(each.days) - len(places),
    )


def _tornado(found: Finding, speech: Speech, t: Texts, typed: WhatIf) -> Figure:
    def money(minor: int) -> str:
        return speech.figure(Money(minor, found.currency))

    rows = [
        [t("swing_" + each.name), f"{each.low:g}", f"{each.high:g}", money(each.at_low), money(each.at_high)]
        for each in found.swings
    ]
    columns = [("column_swing", "text"), ("column_low", "number"), ("column_high", "number"),
               ("at_low", "money"), ("at_high", "money")]  # fmt: skip
    return Figure(
        "tornado",
        t("chart_tornado", measured=t(f"head_{found.measured}")),
        [(t(name), kind) for name, kind in columns],
        rows,
        _file_of(typed, "tornado.csv"),
        t("formula_tornado"),
        t("source_tornado"),
        tornado(found, t, partial(_changed, typed)),
        [_changed(typed, each.name, each.high) for each in found.swings],
    )


@get("/stress/{name:str}", sync_to_thread=True)
def as_file(request: WebRequest, name: FromPath[str]) -> Response[Any]:
    """A chart's figures as CSV, a chart or the page as PDF."""

    def act(duty: Duty) -> Response[Any]:
        typed = _asked(request)[1]
        wanted, _, kind = name.rpartition(".")
        if isinstance(typed, Errors):
            raise Refused(Refusal("stress.question_invalid", {"field": typed.found[0].name}))
        found = _found(duty, typed)
        file = f"stress-{wanted}-{found.day.isoformat()}"
        if kind == "pdf":
            speech = speech_of(request)
            return pdf_file(_sheet(found, typed, speech), wanted, file, speech)
        if wanted == "tornado":
            heads = ["assumption", "low", "high", "at_low_minor", "at_high_minor"]
            rows = [[s.name, s.low, s.high, s.at_low, s.at_high] for s in found.swings]
            return csv_file(f"{file}.csv", heads, rows)
        if each := next((each for each in found.fans if each.name == wanted), None):
            days = ([day, *(row[at] for row in each.rows)] for at, day in enumerate(each.days))
            return csv_file(f"{file}.csv", ["on_day", *COLUMNS], days)
        raise Refused(Refusal("portfolio.measure_unknown", {"measure": wanted, "known": "tornado"}))

    return on_duty(request, act)


stress_handlers: Final[list[Callable[..., Any] | Any]] = [show, as_file]
