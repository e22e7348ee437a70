"""Which segments get freed capacity: a mixed-integer programme, two simple rules beside it. Pure.

What an offer uses and brings is whole minor units, so that a plan can be checked without rounding;
only the solver calculates in floating point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from whiteslip.base.later import Later
from whiteslip.base.money import BASIS_POINTS, Rounding, divide
from whiteslip.treasury.model import LEAST, Allocation, Answer, Appetite, Basis, Price, Segment

highspy: Any = Later("highspy")
_MILLION: Final = 1_000_000
# The little more that a price is told for: an amount of 1,000.00, a tenth of a percentage point, an offer.
_LITTLE_MINOR: Final = 100_000
_LITTLE_PPM: Final = 1_000


@dataclass(frozen=True, slots=True)
class Row:
    """A limit: the sum of ``uses`` x offers is at most ``bound``."""

    name: str
    segment: str
    uses: tuple[int, ...]
    bound: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What one offer in each segment brings, which limits it counts against, and what asking costs."""

    names: tuple[str, ...]
    brings: tuple[int, ...]
    rows: tuple[Row, ...]
    most: tuple[int, ...]
    least: int
    campaign_minor: int

    def worth(self, offers: Sequence[int]) -> int:
        """What offers bring a year, less the cost of asking."""
        asked = sum(1 for count in offers if count)
        return sum(map(_times, self.brings, offers)) - asked * self.campaign_minor

    def broken(self, offers: Sequence[int]) -> list[str]:
        """Limits that offers break, exactly."""
        found = [row.name for row in self.rows if sum(map(_times, row.uses, offers)) > row.bound]
        if any(0 < count < self.least for count in offers):
            found.append("least")
        return found

    def allocation(self, offers: Sequence[int]) -> Allocation:
        """Offers with their worth."""
        return Allocation(tuple(zip(self.names, offers, strict=True)), self.worth(offers))


def _times(one: int, other: int) -> int:
    return one * other


def _part(minor: int, bps: int) -> int:
    return divide(minor * bps, BASIS_POINTS, Rounding.HALF_UP)


@dataclass(frozen=True, slots=True)
class _Offer:
    drawn: int
    weighted: int
    loss: int
    brings: int


def _offer(segment: Segment, given: Appetite) -> _Offer:
    """One offer, if it is used as the segment uses its limits. Uses are rounded up, what it brings down.

    exposure = drawn + conversion factor x undrawn; loss = exposure x PD x LGD; brings = drawn x
    (yield - cost of funding) - loss.
    """
    drawn = divide(given.step_minor * segment.owed_minor, max(1, segment.limit_minor), Rounding.UP)
    drawn = min(drawn, given.step_minor)
    exposure = drawn + _part(given.step_minor - drawn, given.ccf_bps)
    weighted = divide(exposure * given.risk_weight_bps, BASIS_POINTS, Rounding.UP)
    loss = divide(exposure * segment.pd_ppm * given.lgd_bps, _MILLION * BASIS_POINTS, Rounding.UP)
    earned = divide(drawn * (segment.yield_bps - given.funding_cost_bps), BASIS_POINTS, Rounding.DOWN)
    return _Offer(drawn, weighted, loss, earned - loss)


def problem(basis: Basis, given: Appetite) -> Problem:
    """The programme of a basis and an appetite. A segment with fewer than ``LEAST`` lines gets nothing."""
    segments = [each for each in basis.segments if each.lines >= LEAST]
    offers = [_offer(each, given) for each in segments]
    whole = sum(each.limit_minor for each in basis.segments)
    limit = sum(each.undrawn_minor for each in basis.freed)
    weighted = sum(each.weighted_minor for each in basis.freed)
    step = given.step_minor
    ones = range(len(segments))
    demand = [_part(each.lines, given.take_up_bps) for each in segments]
    room = [max(0, _part(whole, given.share_at_most_bps) - each.limit_minor) for each in segments]
    rows = [
        Row("limit", "", tuple(step for _ in ones), _part(limit, given.reuse_bps)),
        Row("weighted", "", tuple(each.weighted for each in offers), _part(weighted, given.reuse_bps)),
        Row("funding", "", tuple(each.drawn for each in offers), given.funding_minor),
        Row("loss", "", tuple(each.loss for each in offers), given.loss_at_most_minor),
        Row("pd", "", tuple(each.pd_ppm - given.pd_at_most_ppm for each in segments), 0),
    ]
    for place, each in enumerate(segments):
        only = tuple(int(other == place) for other in ones)
        # All of the book in one segment is no limit.
        if given.share_at_most_bps < BASIS_POINTS:
            rows.append(Row("share", each.name, tuple(step * one for one in only), room[place]))
        rows.append(Row("demand", each.name, only, demand[place]))
    return Problem(
        names=tuple(each.name for each in segments),
        brings=tuple(each.brings for each in offers),
        rows=tuple(rows),
        most=tuple(demand),
        least=max(1, given.least_offers),
        campaign_minor=given.campaign_minor,
    )


def solve(asked: Problem) -> Answer:
    """How many offers each segment gets, and what they bring a year, beside two simple rules.

    Formula: maximise sum of offers x net margin - cost of asking in each segment chosen, within every limit,
    whole offers, none or at least so many; net margin = drawn x (yield - cost of funding) - exposure x PD x
    LGD, rounded against us; drawn = step x owed / limits of the segment.
    Source: mixed-integer programme, solved by HiGHS (Huangfu and Hall 2018).
    公式：在各项上限之内，最大化 Σ 邀请数 × 净收益 − 每个入选客群的询问成本；邀请数为整数，为零或不少于下限；
    净收益 = 用款 ×（收益率 − 资金成本）− 敞口 × PD × LGD，取整从严；用款 = 提额 × 客群欠款 ÷ 客群额度。
    来源：混合整数规划，由 HiGHS 求解（Huangfu、Hall，2018）。
    """
    best = _best(asked)
    rivals = [_greedy(asked), _proportional(asked)]
    # The solver's tolerance must not cost the optimum what a simple rule finds.
    best = max([best, *rivals], key=asked.worth)
    return Answer(
        best=asked.allocation(best),
        greedy=asked.allocation(rivals[0]),
        proportional=asked.allocation(rivals[1]),
        prices=tuple(prices(asked, best)),
    )


def _solver(asked: Problem, opened: Sequence[bool] | None) -> Any:
    """The programme in HiGHS: with ``opened`` the choice of segments is fixed and offers are divisible."""
    # The wrapper prints a banner on stdout while it registers callbacks, which we do not use.
    solver: Any = type("Quiet", (highspy.Highs,), {"enableCallbacks": _no_callbacks})()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("mip_rel_gap", 0.0)
    size, endless = len(asked.names), highspy.kHighsInf
    for place in range(size):
        most = float(asked.most[place])
        if opened is not None:
            # Bounded by the limits alone, so that each bears its own price.
            most = endless if opened[place] else 0.0
        solver.addVar(0.0, most)
        solver.changeColCost(place, float(asked.brings[place]))
    for row in asked.rows:
        _add(solver, -endless, row.bound, row.uses)
    if opened is None:
        for place in range(size):
            solver.addVar(0.0, 1.0)
            solver.changeColCost(size + place, -float(asked.campaign_minor))
            for column in (place, size + place):
                solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
            uses = [0] * (2 * size)
            uses[place], uses[size + place] = 1, -asked.most[place]
            _add(solver, -endless, 0, uses)
            uses[size + place] = -asked.least
            _add(solver, 0, endless, uses)
    solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
    solver.run()
    return solver


def _no_callbacks(solver: Any) -> None:
    solver.setOptionValue("output_flag", False)


def _add(solver: Any, low: float, high: float, uses: Sequence[int]) -> None:
    """A row, scaled so that its largest coefficient is one."""
    scale = max((abs(use) for use in uses), default=0) or 1
    places = np.array([place for place, use in enumerate(uses) if use], np.int32)
    values = np.array([use / scale for use in uses if use], np.float64)
    solver.addRow(low / scale, high / scale, len(places), places, values)


def _best(asked: Problem) -> list[int]:
    if not asked.names:
        return []
    solver = _solver(asked, None)
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"the programme has no optimum: {solver.getModelStatus()}")
    found = [round(value) for value in solver.getSolution().col_value[: len(asked.names)]]
    # A tolerance of the solver may break a limit by a hair; the limit wins.
    for place in sorted(range(len(found)), key=lambda at: asked.brings[at]):
        while found[place] and asked.broken(found):
            found[place] = 0 if found[place] <= asked.least else found[place] - 1
    return found


def _greedy(asked: Problem) -> list[int]:
    """Segments by what an offer brings per weighted exposure, each filled as far as it goes."""
    weighted = next(row.uses for row in asked.rows if row.name == "weighted") if asked.names else ()
    order = sorted(range(len(asked.names)), key=lambda at: -asked.brings[at] / max(1, weighted[at]))
    offers = [0] * len(asked.names)
    for place in order:
        if asked.brings[place] <= 0:
            break
        kept = list(offers)
        offers[place] = _fitting(asked, partial(_with, kept, place))
        if asked.worth(offers) < asked.worth(kept):
            offers = kept
    return offers


def _with(offers: Sequence[int], place: int, count: int) -> list[int]:
    return [count if at == place else was for at, was in enumerate(offers)]


def _fitting(asked: Problem, of: Callable[[int], list[int]]) -> int:
    """The largest count whose offers break no limit; limits are convex, so halving finds it."""
    low, high = 0, max(asked.most, default=0)
    while low < high:
        middle = (low + high + 1) // 2
        if set(asked.broken(of(middle))) - {"least"}:
            high = middle - 1
        else:
            low = middle
    return 0 if asked.broken(of(low)) else low


def _proportional(asked: Problem) -> list[int]:
    """The same share of those who would consent in every segment that pays, as large as limits allow."""
    whole = max(asked.most, default=0)

    def of(count: int) -> list[int]:
        shares = [
            most * count // max(1, whole) if brings > 0 else 0
            for most, brings in zip(asked.most, asked.brings, strict=True)
        ]
        return [each if each >= asked.least else 0 for each in shares]

    return of(_fitting(asked, of))


def prices(asked: Problem, best: Sequence[int]) -> list[Price]:
    """How much of each limit is used, and what a little more of it would bring a year.

    Formula: used = sum of offers x what one uses; worth = dual value of the limit in the linear programme,
    with the choice of segments fixed, as if offers could be divided, x the little more.
    Source: duality of linear programmes (Dantzig 1963); dual values of HiGHS.
    公式：已用 = Σ 邀请数 × 单笔占用；影子价格 = 选定客群后线性规划中该上限的对偶值（假设邀请可分）× 放宽量。
    来源：线性规划对偶（Dantzig，1963）；HiGHS 的对偶值。
    """
    if not asked.names:
        return []
    solver = _solver(asked, [count > 0 for count in best])
    duals = solver.getSolution().row_dual
    found: list[Price] = []
    for row, dual in zip(asked.rows, duals, strict=False):
        scale = max(map(abs, row.uses), default=0) or 1
        per, change = _LITTLE_MINOR, float(_LITTLE_MINOR)
        if row.name == "demand":
            per, change = 1, 1.0
        elif row.name == "pd":
            per, change = _LITTLE_PPM, float(_LITTLE_PPM * sum(best))
        worth = round(max(0.0, dual) * change / scale)
        used = sum(map(_times, row.uses, best))
        found.append(Price(row.name, row.segment, used, row.bound, per, worth))
    return found
