"""Figures about the whole book at a terminal."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter, validators

from whiteslip import portfolio
from whiteslip.app.commands_lake import AsOf, Csv, last_sealed, print_rows, say_stale, the_lake
from whiteslip.app.commands_setup import Json
from whiteslip.app.settings import load
from whiteslip.app.terminal import CommandError, Exit, answer, in_words, say, table
from whiteslip.base import Refusal
from whiteslip.portfolio import MEASURES, Parameters
from whiteslip.portfolio.engine import EngineError
from whiteslip.portfolio.model import BUCKETS, Result

Given = Annotated[
    list[str] | None,
    Parameter(
        name="--pd-ppm",
        help="BUCKET=YEAR,LIFE: probability of default within 12 months and ever, in millionths; repeatable.",
    ),
]
_MILLION = 1_000_000
Months = Annotated[
    int,
    Parameter(
        validator=validators.Number(gte=1),
        help="How many months ahead a behaviour model looks that does not say so itself.",
    ),
]
Segment = Annotated[str, Parameter(help="none, pack, opened (month) or limit (band).")]


def show(*, json: Json = False) -> None:
    """List the measures with their formulas and sources."""
    rows = [[m.name, m.title, m.formula, m.source] for m in MEASURES.values()]
    columns = ("measure", "title", "formula", "source")
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    answer(records, json, lambda: table(columns, rows, wrapped=columns[1:]))


def measure(
    name: str,
    /,
    *,
    as_of: AsOf = None,
    segment: Segment = "none",
    lgd_bps: int = Parameters().lgd_bps,
    ccf_bps: int = Parameters().ccf_bps,
    lifetime_months: int = Parameters().lifetime_months,
    funding_bps: int = 0,
    servicing_bps: int = 0,
    risk_weight_bps: int = Parameters().risk_weight_bps,
    score_months: Months | None = None,
    pd_ppm: Given = None,
    csv: Csv = False,
    json: Json = False,
) -> None:
    """Compute measure NAME on the newest whole snapshot, or the one of --as-of. Few who left are not told."""
    rates = dict(_rates(each) for each in pd_ppm or ())
    given = Parameters(
        lgd_bps, ccf_bps, lifetime_months, funding_bps, servicing_bps, risk_weight_bps, score_months, rates
    )
    engine = load(os.environ).text("lake_engine")
    try:
        found = portfolio.compute(the_lake(), name, as_of or last_sealed(), segment, given, engine)
    except EngineError as error:
        raise CommandError(str(error), Exit.UNHEALTHY) from None
    if isinstance(found, Refusal):
        missing = found.code in ("portfolio.measure_unknown", "lake.empty")
        raise CommandError(
            in_words(found), Exit.NOT_FOUND if missing else Exit.USAGE, hint="whiteslip portfolio show"
        )
    _say_unknown_horizon(found)
    found = portfolio.told(found)
    say_stale(found.day, found.why)
    if csv and not json:
        sys.stdout.write(found.as_csv())
        return
    answer(asdict(found), json, lambda: print_rows(found.columns, found.rows, as_csv=False))


def _say_unknown_horizon(found: Result) -> None:
    """Say how many lines fell back on roll rates because their model does not say how far it looks ahead."""
    lines = sum(row.get("lines_horizon_unknown", 0) for row in found.records())
    if lines:
        many = f"{lines} line has a score" if lines == 1 else f"{lines} lines have scores"
        say(
            f"{many} whose model does not say how far it looks ahead: no probability within a time, so the"
            " book's roll rates stand in. --score-months states it, horizon_months in a recipe fits it"
        )


def _rates(stated: str) -> tuple[str, tuple[int, int]]:
    """A bucket and its two probabilities, or the end of the command."""
    bucket, _, rates = stated.partition("=")
    year, _, life = rates.partition(",")
    if bucket in BUCKETS and year.isdecimal() and life.isdecimal() and int(year) <= int(life) <= _MILLION:
        return bucket, (int(year), int(life))
    raise CommandError(
        f"--pd-ppm takes BUCKET=YEAR,LIFE with YEAR at most LIFE and LIFE at most {_MILLION}, not {stated!r};"
        f" buckets are {', '.join(BUCKETS)}",
        Exit.USAGE,
    )


def register(app: App) -> None:
    """Add these commands."""
    figures = App(name="portfolio", help="Figures about the whole book, from a snapshot of the lake.")
    figures.command(show)
    figures.command(measure)
    app.command(figures)
