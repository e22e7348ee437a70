"""Futures of the book at a terminal."""

from __future__ import annotations

import os
from typing import Annotated

from cyclopts import App, Parameter

from whiteslip import treasury
from whiteslip.app.commands_capacity import Currency
from whiteslip.app.commands_lake import AsOf, Csv, last_sealed, say_stale, the_lake
from whiteslip.app.commands_portfolio import Segment
from whiteslip.app.commands_setup import Json
from whiteslip.app.settings import load
from whiteslip.app.terminal import (
    CommandError,
    Exit,
    answer,
    csv_rows,
    data,
    in_words,
    pairs,
    progress,
    refuse,
    table,
)
from whiteslip.app.wiring import opened
from whiteslip.base import Refusal
from whiteslip.treasury import stress, words
from whiteslip.treasury.findings import LEVELS, Finding
from whiteslip.treasury.scenario import Assumptions, Question, Start

_PERCENT = 100


def run(
    *,
    facility: Annotated[str | None, Parameter(help="Whose base and covenants are watched.")] = None,
    exits: Annotated[float, Parameter(help="How many times as many leave as before.")] = 1.0,
    leave_percent: Annotated[float, Parameter(help="This many of a hundred lines leave at once.")] = 0.0,
    within_days: int = 7,
    after_days: int = 30,
    months: int = 24,
    scenarios: int = 1_000,
    seed: int = 1,
    cash_minor: Annotated[int | None, Parameter(help="Cash at the start; 5 % of the book if absent.")] = None,
    downturn: Annotated[float, Parameter(help="Mean fortune, in standard deviations below normal.")] = 0.0,
    tornado: Annotated[int, Parameter(help="Futures for each end of each assumption; 0 for none.")] = 0,
    processes: Annotated[int, Parameter(help="0 for as many as there are cores.")] = 0,
    as_of: AsOf = None,
    segment: Segment = "limit",
    currency: Currency = None,
    csv: Csv = False,
    json: Json = False,
) -> None:
    """Draw many futures of the book: who has to act by when, and what matters most.

    --exits 2 asks what happens if exits double, --leave-percent 10 if one in ten leaves in a week. No
    exit is slowed by the answer: it goes to treasury.
    """
    book = _book(facility, as_of, segment, currency)
    given = Assumptions(downturn=downturn)
    asked = Question(
        months, scenarios, seed, exits, leave_percent / _PERCENT, within_days, after_days, cash_minor
    )
    with progress("futures", stress.work(asked, tornado)) as told:
        found = stress.answer(book, given, asked, tornado, processes or os.cpu_count() or 1, told)
    if isinstance(found, Refusal):
        raise CommandError(in_words(found), Exit.USAGE, hint="whiteslip stress run --help")
    if csv and not json:
        _print_csv(found)
        return
    answer(found, json, lambda: _print(found))


def _book(facility: str | None, as_of: AsOf, segment: str, currency: str | None) -> Start:
    settings = load(os.environ)
    book = treasury.start(the_lake(), as_of or last_sealed(), segment, currency, settings.text("lake_engine"))
    if isinstance(book, Refusal):
        refuse(book)
    say_stale(book.day, book.why)
    if facility is None:
        return book
    with opened(settings) as platform, platform.database.transaction() as tx:
        lent = treasury.with_facility(tx, book, facility)
    if isinstance(lent, Refusal):
        refuse(lent)
    return lent


def _print(found: Finding) -> None:
    asked = found.question
    pairs(
        {
            "day": found.day,
            "lines": found.lines,
            "book_minor": found.book_minor,
            "futures": f"{asked.scenarios} of {asked.months} months, seed {asked.seed}",
            "left (median)": found.left,
            "defaulted_minor (median)": found.defaulted_minor,
            "freed_minor (median, weighted)": found.freed_minor,
            f"lowest {found.measured} (median)": found.usual_minor,
            f"lowest {found.measured} (one future in twenty is worse)": found.worst_minor,
        }
    )
    data("")
    for sentence in words.duties(found.events, "en", str, lambda share: f"{share:.1%}"):
        data(sentence)
    if found.swings:
        data("")
        columns = ["assumption", "low", "high", f"{found.measured} at low", f"{found.measured} at high"]
        table(columns, [[s.name, s.low, s.high, s.at_low, s.at_high] for s in found.swings])
    data("")
    data("No exit is slowed by this: a forecast goes to treasury, and nobody who handles exits sees it.")


def _print_csv(found: Finding) -> None:
    heads = ["figure", "on_day", *(f"p{round(level * _PERCENT):02d}" for level in LEVELS)]
    csv_rows(
        heads,
        (
            [fan.name, day, *(row[place] for row in fan.rows)]
            for fan in found.fans
            for place, day in enumerate(fan.days)
        ),
    )


def register(app: App) -> None:
    """Add this command."""
    group = App(name="stress", help="What a run on the book would do to money. It slows no exit.")
    group.command(run)
    app.command(group)
