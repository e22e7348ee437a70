"""From the lake and a facility's night to a stress run. Reads only; keeps nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Final

import msgspec
import numpy as np

from whiteslip import funding
from whiteslip.base import Refusal
from whiteslip.base.money import BASIS_POINTS
from whiteslip.funding.model import Advance, Phase
from whiteslip.lake import Lake
from whiteslip.portfolio import Parameters
from whiteslip.portfolio.model import BUCKETS
from whiteslip.store import Tx
from whiteslip.treasury import findings, reading, simulate
from whiteslip.treasury.findings import Finding
from whiteslip.treasury.reading import Row
from whiteslip.treasury.scenario import AGES, STATES, Assumptions, Floats, Paths, Question, Start, Terms

_MEASURES: Final = (
    "cohorts", "roll_rates", "survival", "payment_rate", "prepayment", "excess_spread",
)  # fmt: skip
_DAYS_OF_MONTH: Final = 365 / 12
# The whole book's rate of leaving counts in each age group like so many months lived.
_CREDIBILITY: Final = 100
_MOST: Final = {"months": 60, "scenarios": 100_000, "within_days": 365, "after_days": 1_800}


def check(asked: Question) -> Question | Refusal:
    """Whether a question can be answered. Refusal: ``stress.question_invalid`` with the field."""
    for name, most in _MOST.items():
        if not 1 <= getattr(asked, name) + (name == "after_days") <= most:
            return Refusal("stress.question_invalid", {"field": name})
    if not 0.0 <= asked.exits <= 20.0:
        return Refusal("stress.question_invalid", {"field": "exits"})
    if not 0.0 <= asked.leave < 1.0:
        return Refusal("stress.question_invalid", {"field": "leave"})
    if asked.seed < 0:
        return Refusal("stress.question_invalid", {"field": "seed"})
    return asked


def start(
    place: Lake,
    as_of: date | None = None,
    by: str = "limit",
    currency: str | None = None,
    engine: str = "",
) -> Start | Refusal:
    """The book of the newest snapshot as groups of lines.

    Refusals: those of ``portfolio.compute_all``, ``capacity.currency_needed``.
    """
    found = reading.figures(place, _MEASURES, as_of, by, Parameters(), engine)
    if isinstance(found, Refusal):
        return found
    chosen = reading.currency_of(found["cohorts"].records(), currency)
    if isinstance(chosen, Refusal):
        return chosen
    own = {name: [row for row in each.records() if row["currency"] == chosen] for name, each in found.items()}
    segments = sorted({row["segment"] for row in own["cohorts"]})
    chains = reading.roll_counts(own["roll_rates"])
    made = Start(
        day=found["cohorts"].day,
        currency=chosen,
        segments=tuple(segments),
        lines=np.zeros((len(segments), len(AGES), STATES), np.int64),
        owed=np.zeros((len(segments), len(AGES), STATES)),
        left_lines=np.zeros((len(segments), STATES), np.int64),
        left_owed=np.zeros((len(segments), STATES)),
        limit=np.array([_mean_limit(own["cohorts"], segment) for segment in segments]),
        chain=np.stack([chains(segment) for segment in segments]),
        hazard=_hazards(own["survival"]),
        payment=reading.rate(own["payment_rate"], "collected_minor"),
        prepayment=reading.rate(own["prepayment"], "prepaid_minor"),
        earning=reading.yield_bps(own["excess_spread"], None) / BASIS_POINTS,
        why=found["cohorts"].why,
    )
    for row in own["cohorts"]:
        at, bucket = segments.index(row["segment"]), BUCKETS.index(row["bucket"])
        age = sum(first <= row["months_on_book"] for first in AGES) - 1
        if row["leaving"]:
            made.left_lines[at, bucket] += row["lines"]
            made.left_owed[at, bucket] += max(0, row["owed_minor"])
        else:
            made.lines[at, max(0, age), bucket] += row["lines"]
            made.owed[at, max(0, age), bucket] += max(0, row["owed_minor"])
    return made


def _mean_limit(rows: list[Row], segment: str) -> float:
    own = [row for row in rows if row["segment"] == segment and not row["leaving"]]
    return sum(row["limit_minor"] for row in own) / max(1, sum(row["lines"] for row in own))


def _hazards(rows: list[Row]) -> Floats:
    """Of leaving on a day, by age: who closed or was closed, over the months that lines lived."""

    def seen(first: int, after: float) -> tuple[int, int]:
        chosen = [row for row in rows if first <= row["month"] < after]
        ended = sum(row["by_customer"] + row["by_us"] for row in chosen)
        return ended, sum(row["at_risk"] for row in chosen)

    ended, lived = seen(0, math.inf)
    whole = ended / lived if lived else 0.0
    found: list[float] = []
    for first, after in zip(AGES, (*AGES[1:], math.inf), strict=True):
        own, months = seen(first, after)
        rate = (own + _CREDIBILITY * whole) / (months + _CREDIBILITY)
        found.append(-math.log(1.0 - min(0.99, rate)) / _DAYS_OF_MONTH)
    return np.array(found)


def with_facility(tx: Tx, book: Start, facility: str) -> Start | Refusal:
    """The book with a facility as its newest night left it; it holds the same share of each bucket.

    Refusals: ``funding.not_found``, ``funding.no_night``, ``stress.currency_differs``.
    """
    found = funding.find(tx, facility)
    if isinstance(found, Refusal):
        return found
    told = funding.statement(tx, facility)
    if isinstance(told, Refusal):
        return told
    base, deal = told.base, told.deal
    if deal.currency != book.currency:
        return Refusal("stress.currency_differs", {"currency": deal.currency})
    if deal.advance:
        deal = msgspec.structs.replace(deal, advance=Advance(bps=base.advance_bps))
    made = Terms(
        deal=deal,
        debt=float(base.debt_minor),
        reserve=float(told.position.reserve_minor),
        pledged=1.0,
        excess=base.excess_minor / max(1, base.eligible_minor),
        amortising=base.phase is not Phase.REVOLVING,
        lost=float(told.lost_minor),
        ever_pledged=float(told.pledged_minor),
    )
    balances = book.owed.sum(axis=(0, 1)) + book.left_owed.sum(axis=0)
    young = float(balances @ made.weights())
    return replace(book, terms=replace(made, pledged=base.eligible_minor / young if young else 0.0))


def answer(
    book: Start,
    given: Assumptions,
    asked: Question,
    tornado: int = 0,
    processes: int = 1,
    told: Callable[[int], None] = lambda _done: None,
) -> Finding | Refusal:
    """Run a question; with ``tornado``, so many futures more for each end of each assumption.

    ``told`` hears how many futures are done of :func:`work`. Refusal: ``stress.question_invalid``.
    """
    refused = check(asked)
    if isinstance(refused, Refusal):
        return refused
    found = findings.finding(book, asked, simulate.run(book, given, asked, processes, told))
    if not tornado:
        return found
    small = msgspec.structs.replace(asked, scenarios=tornado)
    run: partial[Paths] = partial(simulate.run, processes=processes)
    swings = findings.swings(
        book, given, small, run, lambda done: told(asked.scenarios + done * small.scenarios)
    )
    return msgspec.structs.replace(found, swings=tuple(swings))


def work(asked: Question, tornado: int) -> int:
    """How many futures :func:`answer` draws."""
    return asked.scenarios + findings.SWING_RUNS * tornado
