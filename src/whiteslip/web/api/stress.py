"""What a run on the book would do to money. Reads a snapshot, keeps nothing, and slows no exit."""

from __future__ import annotations

from datetime import date
from typing import Any

from litestar.params import FromQuery

from whiteslip import treasury
from whiteslip.base import Refusal
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.treasury import Finding, Question, stress
from whiteslip.treasury.scenario import Assumptions, Start
from whiteslip.web.api.access import get, read
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import Refused, granted, problem_responses

# What a request may ask of a server that others use too; more is for the terminal.
MOST_FUTURES = 500


def _book(
    request: WebRequest, facility: str | None, as_of: date | None, by: str, currency: str | None
) -> Start:
    ports = ports_of(request, Ports)
    if ports.lake is None:
        raise Refused(Refusal("lake.off"))
    asked = as_of or read(request, lambda tx, _: last_sealed_day(tx))
    book = granted(treasury.start(ports.lake, asked, by, currency, ports.lake_engine))
    if facility is None:
        return book
    return granted(read(request, lambda tx, _: treasury.with_facility(tx, book, facility)))


@get("/stress", summary="Futures of the book", responses=problem_responses(401, 403, 404, 409, 422))
def show(
    request: WebRequest,
    facility: FromQuery[str | None] = None,
    exits: FromQuery[float] = 1.0,
    leave: FromQuery[float] = 0.0,
    within_days: FromQuery[int] = 7,
    after_days: FromQuery[int] = 30,
    months: FromQuery[int] = 12,
    scenarios: FromQuery[int] = 200,
    seed: FromQuery[int] = 1,
    downturn: FromQuery[float] = 0.0,
    cash_minor: FromQuery[int | None] = None,
    as_of: FromQuery[date | None] = None,
    segment: FromQuery[str] = "limit",
    currency: FromQuery[str | None] = None,
) -> Finding:
    """Fans by day, and who has to act by when. ``leave`` is the share of lines that go within days.

    ``why``: why ``day`` stands in for the one asked for, by default the one sealed last.
    """
    if scenarios > MOST_FUTURES:
        raise Refused(Refusal("stress.question_invalid", {"field": "scenarios"}))
    book = _book(request, facility, as_of, segment, currency)
    asked = Question(months, scenarios, seed, exits, leave, within_days, after_days, cash_minor)
    return granted(stress.answer(book, Assumptions(downturn=downturn), asked))


handlers: list[Any] = [show]
