"""Figures about the whole book, from a snapshot of the lake."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from litestar import Response
from litestar.params import FromPath, FromQuery
from msgspec import Struct

from whiteslip import portfolio
from whiteslip.base import Refusal
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.portfolio import MEASURES, Measure, Result
from whiteslip.web.api.access import get
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses


class MeasureShape(Struct):
    """A measure that can be asked for."""

    measure: str
    title: str
    formula: str
    source: str

    @classmethod
    def of(cls, found: Measure) -> MeasureShape:
        """Shape a measure."""
        return cls(found.name, found.title, found.formula, found.source)


class FigureShape(Struct):
    """A measure's rows. ``stale``: ``day``, the day of the snapshot, stands in for ``as_of``; ``why`` is
    the code of what keeps that day from being served.
    """

    measure: str
    title: str
    formula: str
    source: str
    as_of: date
    day: date
    stale: bool
    segment: str
    columns: list[str]
    rows: list[list[Any]]
    why: str | None

    @classmethod
    def of(cls, found: Result) -> FigureShape:
        """Shape a result."""
        return cls(
            measure=found.measure,
            title=found.title,
            formula=found.formula,
            source=found.source,
            as_of=found.as_of,
            day=found.day,
            stale=found.stale,
            segment=found.segment,
            columns=list(found.columns),
            rows=[list(row) for row in found.rows],
            why=found.why and found.why.code,
        )


@get("/portfolio", summary="List the measures", responses=problem_responses(401, 403))
def list_measures() -> list[MeasureShape]:
    """All measures with their formulas and sources."""
    return [MeasureShape.of(measure) for measure in MEASURES.values()]


@get(
    "/portfolio/{measure:str}",
    summary="A measure of the portfolio",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def show_measure(
    request: WebRequest,
    measure: FromPath[str],
    as_of: FromQuery[date | None] = None,
    segment: FromQuery[str] = "none",
    format: FromQuery[Literal["json", "csv"]] = "json",  # noqa: A002 - the parameter's public name
) -> FigureShape | Response[str]:
    """Of the day ``as_of``, by default the one sealed last, or of the newest whole snapshot before it.

    Of those who leave, groups of fewer than ten are null.
    """
    ports = ports_of(request, Ports)
    if ports.lake is None:
        raise Refused(Refusal("lake.off"))
    if as_of is None:
        with ports.database.reading() as tx:
            as_of = last_sealed_day(tx)
    found = portfolio.told(
        granted(portfolio.compute(ports.lake, measure, as_of, segment, engine=ports.lake_engine))
    )
    if format == "csv":
        headers = {"Content-Disposition": f'attachment; filename="{found.measure}-{found.day}.csv"'}
        return Response(found.as_csv(), media_type="text/csv", headers=headers)
    return FigureShape.of(found)


handlers: list[Any] = [list_measures, show_measure]
