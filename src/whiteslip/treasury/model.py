"""What leaving freed, what could be done with it, and a plan that two people agree on.

Amounts named ``minor`` are minor units, ``bps`` hundredths of a percent, ``ppm`` millionths.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from whiteslip.base import Refusal
from whiteslip.portfolio.veil import SMALLEST_GROUP

# Fewer lines than this are told of, and planned for, only together with others.
LEAST: Final = SMALLEST_GROUP
OTHER: Final = "other"


class Freed(Struct, frozen=True):
    """What the lines of a segment gave back when their drawing stopped."""

    segment: str
    lines: int
    limit_minor: int
    undrawn_minor: int
    exposure_minor: int
    weighted_minor: int


class Segment(Struct, frozen=True):
    """Lines of a segment that could be asked: free to draw, nothing past due or disputed, no hardship plan.

    ``limit_minor`` and ``owed_minor`` are of all lines of the segment that are not closed.
    ``pd_ppm``: probability of default within twelve months. ``yield_bps``: yearly, on what is owed.
    """

    name: str
    lines: int
    limit_minor: int
    owed_minor: int
    pd_ppm: int
    yield_bps: int


class Appetite(Struct, frozen=True, forbid_unknown_fields=True):
    """How much risk may be taken, and what an offer is. Assumptions; set your own.

    ``step_minor``: by how much one offer would raise a limit. ``take_up_bps``: how many of those who
    are asked consent. ``campaign_minor``: what it costs to ask in a segment at all; ``least_offers``:
    fewer than so many are not worth it. ``reuse_bps``: how much of what was freed may be used again.
    ``funding_minor``: money that could be lent. ``share_at_most_bps``: of all limits, in one segment.
    """

    step_minor: int
    funding_minor: int
    loss_at_most_minor: int
    pd_at_most_ppm: int = 50_000
    share_at_most_bps: int = 6_000
    take_up_bps: int = 2_000
    least_offers: int = LEAST
    campaign_minor: int = 0
    reuse_bps: int = 10_000
    lgd_bps: int = 6_000
    ccf_bps: int = 1_000
    risk_weight_bps: int = 7_500
    funding_cost_bps: int = 500


class Basis(Struct, frozen=True):
    """What a plan starts from: groups of lines on a day, and never one line.

    ``why``: where ``day`` stands in for the day asked for, why that one is not served.
    """

    day: date
    currency: str
    by: str
    months: int
    freed: tuple[Freed, ...]
    segments: tuple[Segment, ...]
    why: Refusal | None = None


class Price(Struct, frozen=True):
    """A limit of a plan: how much of it is used, and what a little more of it would bring a year.

    ``name`` is ``limit``, ``weighted``, ``funding``, ``loss`` or ``pd``; ``share`` and ``demand`` are
    of ``segment``. ``per`` is the little more: minor units, offers for ``demand``, millionths for ``pd``.
    """

    name: str
    segment: str
    used: int
    bound: int
    per: int
    worth_minor: int


class Allocation(Struct, frozen=True):
    """Offers by segment, and what they bring a year: margin less expected loss and cost of asking."""

    offers: tuple[tuple[str, int], ...]
    worth_minor: int


class Answer(Struct, frozen=True):
    """The best allocation, two simple ones beside it, and what each limit is worth."""

    best: Allocation
    greedy: Allocation
    proportional: Allocation
    prices: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A proposal: how many offers may be made in each segment. It changes no limit.

    Who approves it is not who proposed it. An offer under it is an increase of ``lines``, which takes
    effect by its customer's consent alone.
    """

    id: UUID
    basis: Basis
    appetite: Appetite
    answer: Answer
    proposed_by: str
    proposed_at: datetime
    outcome: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
