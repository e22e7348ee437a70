"""What a stress run is told: how many futures, what happens in them, and what the facility agreed.

All of it is assumption, none of it a fact about a person. Rates are fractions of one, money is minor units.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from whiteslip.base import Refusal
from whiteslip.funding.model import Deal
from whiteslip.portfolio.model import BUCKETS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Singles = NDArray[np.float32]
STATES: Final = len(BUCKETS)
BAD: Final = STATES - 1
# The fewest days past due of each bucket, and of the one after the last.
FIRST_DAY: Final = (0, 0, 1, 30, 60, 90, 120)
# Months on book from which an age group begins; who is older leaves at another rate.
AGES: Final = (0, 3, 6, 12, 24)
DAYS_OF_YEAR: Final = 365


class Shock(Struct, frozen=True):
    """Something that makes many leave at once: how often a year, the hazard of its first day, half-life."""

    name: str
    a_year: float
    hazard: float
    half_life_days: float
    delays_payments: bool = False


SHOCKS: Final = (
    Shock("rumour", 0.2, 0.004, 5),
    Shock("rate_change", 0.5, 0.001, 14),
    Shock("outage", 1.0, 0.0005, 2, delays_payments=True),
)


class Assumptions(Struct, frozen=True, forbid_unknown_fields=True):
    """How the futures are drawn.

    ``correlation``: of one line's fortune with everybody's (Basel III CRE31.14: 4 % for qualifying
    revolving retail). ``persistence``: of that common fortune from month to month. ``downturn``: its
    mean, in standard deviations. ``contagion``: how many more leave, on average, because one did; below
    one. ``spreading_days``: half-life of that. ``pays_off``: share of leavers who pay all at once.
    ``delayed``: share of payments that a payment shock holds up, for ``delay_days`` days.
    """

    correlation: float = 0.04
    persistence: float = 0.9
    downturn: float = 0.0
    contagion: float = 0.3
    spreading_days: float = 3.0
    pays_off: float = 0.3
    shocks: tuple[Shock, ...] = SHOCKS
    shocks_times: float = 1.0
    delayed: float = 0.4
    delay_days: int = 5
    prepayment_times: float = 1.0
    ccf: float = 0.1
    risk_weight: float = 0.75
    servicing: float = 0.01


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked: exits times ``exits``; a share ``leave`` goes in ``within_days`` from ``after_days``."""

    months: int = 24
    scenarios: int = 1_000
    seed: int = 1
    exits: float = 1.0
    leave: float = 0.0
    within_days: int = 7
    after_days: int = 30
    cash_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """A facility as a run sees it. ``pledged``: share of the book; ``excess``: of what is eligible.

    ``lost`` of ``ever_pledged``: net, since the deal began, as its schedule of cumulative loss counts.
    """

    deal: Deal
    debt: float
    reserve: float
    pledged: float
    excess: float
    amortising: bool = False
    lost: float = 0.0
    ever_pledged: float = 0.0

    def weights(self) -> Floats:
        """How much of each bucket is young enough to be eligible; days within a bucket are even."""
        below = self.deal.eligibility.days_past_due_below
        found = np.zeros(STATES)
        for bucket in range(1, STATES):
            first, after = FIRST_DAY[bucket], FIRST_DAY[bucket + 1]
            if bucket == 1:
                found[bucket] = 1.0 if below > 0 else 0.0
            else:
                found[bucket] = min(1.0, max(0.0, (below - first) / (after - first)))
        return found


@dataclass(frozen=True, slots=True)
class Start:
    """The book on a day, as groups of lines that are alike.

    ``lines`` and ``owed`` by segment, age group and bucket; ``left_lines`` and ``left_owed`` of who
    already left, by segment and bucket; ``limit`` is the mean of a line, by segment. ``chain``: a
    month's probabilities by segment; ``hazard``: of leaving on a day, by age group; ``payment`` and
    ``prepayment`` a month, ``earning`` a year, on what is owed. ``why`` the day asked for is not served.
    """

    day: date
    currency: str
    segments: tuple[str, ...]
    lines: Ints
    owed: Floats
    left_lines: Ints
    left_owed: Floats
    limit: Floats
    chain: Floats
    hazard: Floats
    payment: float
    prepayment: float
    earning: float
    terms: Terms | None = None
    why: Refusal | None = None

    @property
    def book(self) -> float:
        """What is owed in all."""
        return float(self.owed.sum() + self.left_owed.sum())


@dataclass(slots=True)
class Paths:
    """What some scenarios came to, a row each: by day, and the first day of each event (-1: never)."""

    cash: Singles
    headroom: Singles
    open_lines: Singles
    book: Singles
    freed: Singles
    exits: Singles
    defaults: Singles
    events: dict[str, NDArray[np.int32]] = field(default_factory=dict[str, NDArray[np.int32]])
