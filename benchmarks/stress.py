"""A million lines, a thousand futures, two years, against drawing each line alone."""

from __future__ import annotations

import os
import resource
import time
from datetime import date
from typing import Final

import numpy as np

from benchmarks.bench import Measure
from whiteslip.funding.model import Advance, Deal, Eligibility, Triggers
from whiteslip.treasury import credit, simulate
from whiteslip.treasury.scenario import AGES, STATES, Assumptions, Question, Start, Terms

LINES: Final = 1_000_000
FUTURES: Final = 1_000
MONTHS: Final = 24
SEGMENTS: Final = ("to_100k", "to_500k", "to_2m", "above_2m")
CHAIN: Final = np.array(
    [
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.12, 0.865, 0.015, 0.0, 0.0, 0.0],
        [0.05, 0.68, 0.07, 0.20, 0.0, 0.0],
        [0.02, 0.10, 0.03, 0.15, 0.70, 0.0],
        [0.01, 0.04, 0.02, 0.03, 0.10, 0.80],
        [0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    ]
)
_ALONE_LINES: Final = 100_000
_ALONE_FUTURES: Final = 5


def _book() -> Start:
    shape = (len(SEGMENTS), len(AGES), STATES)
    lines = np.zeros(shape, np.int64)
    lines[:] = np.array([0.30, 0.62, 0.05, 0.016, 0.01, 0.004]) * LINES / (len(SEGMENTS) * len(AGES))
    each = np.array([0.0, 30_000.0, 40_000.0, 45_000.0, 45_000.0, 50_000.0])
    owed = (lines * each).astype(np.float64)
    first, last = date(2026, 1, 31), date(2030, 1, 31)
    deal = Deal(
        "warehouse", "A warehouse", "CNY", 10**12, ("a benchmark",), first, last, last, 2, 600,
        Eligibility(30, 90), Triggers(delinquency_3m_at_most_bps=1_000), advance=Advance(8_500),
    )  # fmt: skip
    return Start(
        first, "CNY", SEGMENTS, lines, owed, np.zeros((4, STATES), np.int64), np.zeros((4, STATES)),
        np.array([1e5, 3e5, 1e6, 3e6]), np.repeat(CHAIN[None], 4, axis=0), np.full(len(AGES), 0.0005),
        0.35, 0.05, 0.18, Terms(deal, 1.2e10, 0.0, 0.8, 0.02),
    )  # fmt: skip


def stressing() -> Measure:
    """Line-months a second, of the whole run with cash, base, covenants and capacity by day."""
    processes = os.cpu_count() or 1
    began = time.perf_counter()
    asked = Question(months=MONTHS, scenarios=FUTURES)
    paths = simulate.run(_book(), Assumptions(), asked, processes)
    took = time.perf_counter() - began
    assert paths.cash.shape[0] == FUTURES
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    began = time.perf_counter()
    _alone()
    alone = _ALONE_LINES * _ALONE_FUTURES / (time.perf_counter() - began)
    notes = {
        "seconds": round(took, 1),
        "processes": processes,
        "peak MiB of the parent, and of the largest child": [round(peak / 1024) for peak in peaks],
    }
    return Measure(
        name=f"stress {LINES:,} lines x {FUTURES:,} futures x {MONTHS} months",
        unit="line-months/s",
        yardstick="each line alone: one month's bucket, nothing else, numpy",
        yardstick_unit="line-months/s",
        ours=[LINES * FUTURES * MONTHS / took],
        theirs=[alone],
        notes=notes,
    )


def _alone() -> None:
    """One month of each line's bucket, drawn for itself."""
    dice = np.random.default_rng(1)
    state = np.full(_ALONE_LINES, 1)
    limits = credit.thresholds(CHAIN)
    for fortune in dice.standard_normal(_ALONE_FUTURES):
        matrix = credit.conditional(limits, np.array([fortune]), 0.04)[0]
        (dice.random((_ALONE_LINES, 1)) > matrix.cumsum(axis=1)[state]).sum(axis=1)
