"""How a pool did over months, covenants with their headroom, and when one would break. Pure; integers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from whiteslip.base import add_months
from whiteslip.base.money import BASIS_POINTS, Rounding, divide
from whiteslip.funding.model import Base, Covenant, Deal, Performance, Phase, Position, Test, Verdict
from whiteslip.funding.rules import share

MONTHS: Final = 3
_QUARTERS: Final = 4
TREND_NIGHTS: Final = 30
_ENOUGH: Final = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """What a night adds to the history of a pool. ``charged_off_minor``: of that night alone.

    ``recovered_minor``: principal that came in on instalments as late as a charge-off.
    """

    day: date
    pool_minor: int
    delinquent_minor: int
    charged_off_minor: int
    collected_minor: int
    yield_minor: int
    recovered_minor: int = 0


def figures(
    deal: Deal,
    proof: Sequence[Verdict],
    collected_minor: int,
    yield_minor: int,
    day: date,
    recovered_minor: int = 0,
) -> Figures:
    """The figures of one night. What is charged off counts once, on the night it gets so old."""
    performing = delinquent = charged_off = 0
    for each in proof:
        found = each.receivable
        if found.days_past_due == deal.eligibility.charged_off_from_days:
            charged_off += found.principal_minor
        if found.days_past_due >= deal.eligibility.charged_off_from_days:
            continue
        performing += found.principal_minor
        if found.days_past_due >= deal.triggers.delinquent_from_days:
            delinquent += found.principal_minor
    return Figures(day, performing, delinquent, charged_off, collected_minor, yield_minor, recovered_minor)


def performance(
    deal: Deal, history: Sequence[Figures], proof: Sequence[Verdict], pledged_minor: int = 0
) -> Performance:
    """Three-month figures from the nights of a pool, the newest last; None before there are three months.

    Months count once they are over: half a month's payments are no month's rate. Delinquency is the
    mean of the ratios at the months' ends; loss and excess spread are those of three months times four
    over the mean pool; the payment rate is the newest month's. Losses are rounded up, income down.
    The cumulative net loss is all that was charged off less all that was recovered, over ``pledged_minor``,
    all principal that was ever pledged; it is told from the first night where the deal has a schedule of it.
    """
    ends, months = _by_month(history)
    loss = _vintage_loss(deal, proof, history[-1].day) if history else None
    lost_in_all, age = _cumulative_loss(deal, history, pledged_minor)
    if len(ends) < MONTHS or not all(night.pool_minor for night in ends):
        return Performance(vintage_loss_bps=loss, cumulative_loss_bps=lost_in_all, age_months=age)
    late = [_bps(night.delinquent_minor, night.pool_minor, Rounding.UP) for night in ends]
    mean_pool = divide(sum(night.pool_minor for night in ends), MONTHS, Rounding.UP)
    lost = sum(night.charged_off_minor for nights in months for night in nights)
    earned = sum(night.yield_minor for nights in months for night in nights)
    paid = sum(night.collected_minor for night in months[-1])
    annual = _bps(lost * _QUARTERS, mean_pool, Rounding.UP)
    return Performance(
        delinquency_3m_bps=divide(sum(late), MONTHS, Rounding.UP),
        annualised_loss_3m_bps=annual,
        excess_spread_3m_bps=_bps(earned * _QUARTERS, mean_pool, Rounding.DOWN)
        - annual
        - deal.funding_cost_bps,
        payment_rate_bps=_bps(paid, ends[-2].pool_minor, Rounding.DOWN),
        vintage_loss_bps=loss,
        cumulative_loss_bps=lost_in_all,
        age_months=age,
    )


def _cumulative_loss(
    deal: Deal, history: Sequence[Figures], pledged_minor: int
) -> tuple[int | None, int | None]:
    """What was lost so far in basis points, and how many whole months the deal is old."""
    if not deal.triggers.cumulative_loss or not history or not pledged_minor:
        return None, None
    return _bps(max(0, net_loss(history)), pledged_minor, Rounding.UP), age_on(deal, history[-1].day)


def net_loss(history: Sequence[Figures]) -> int:
    """All that was charged off over some nights less all that was recovered."""
    return sum(night.charged_off_minor - night.recovered_minor for night in history)


def age_on(deal: Deal, day: date) -> int:
    """How many whole months a deal is old."""
    begun = deal.begins_on
    months = _month(day) - _month(begun)
    return months - (day < add_months(begun, months))


def loss_limit(deal: Deal, age_months: int) -> int:
    """How much may be lost at an age by the schedule; after its last step that one."""
    steps = deal.triggers.cumulative_loss
    return next((each for each in steps if age_months < each.until_months), steps[-1]).at_most_bps


def _bps(part: int, whole: int, rounding: Rounding) -> int:
    return divide(part * BASIS_POINTS, whole, rounding)


def _by_month(history: Sequence[Figures]) -> tuple[list[Figures], list[list[Figures]]]:
    found: dict[int, list[Figures]] = defaultdict(list)
    if not history:
        return [], []
    tomorrow = history[-1].day + timedelta(days=1)
    for night in history:
        if _month(night.day) < _month(tomorrow):
            found[_month(night.day)].append(night)
    months = [found[month] for month in sorted(found)][-MONTHS:]
    return [nights[-1] for nights in months], months


def _vintage_loss(deal: Deal, proof: Sequence[Verdict], day: date) -> int | None:
    """Charged-off principal over what was lent, in the latest vintages that are seasoned."""
    if deal.advance is None or deal.advance.seasoned_months is None:
        return None
    lent: dict[int, int] = defaultdict(int)
    lost: dict[int, int] = defaultdict(int)
    newest = _month(day) - deal.advance.seasoned_months
    for each in proof:
        found = each.receivable
        month = _month(found.opened_on)
        if month <= newest:
            lent[month] += found.original_minor
            if found.days_past_due >= deal.eligibility.charged_off_from_days:
                lost[month] += found.principal_minor
    latest = sorted(lent)[-deal.advance.vintages :]
    whole = sum(lent[month] for month in latest)
    if len(latest) < deal.advance.vintages or not whole:
        return None
    return _bps(sum(lost[month] for month in latest), whole, Rounding.UP)


def _month(day: date) -> int:
    return day.year * 12 + day.month


def tests(deal: Deal, base: Base, position: Position, found: Performance) -> list[Covenant]:
    """Every covenant of a deal. Headroom is what is left before the limit, negative beyond it.

    Once it has matured one is left: that nothing is owed any more.
    """
    if base.phase is Phase.MATURED:
        owed = base.debt_minor
        return [Covenant(Test.MATURITY, "minor", owed, 0, -owed)]
    limits = deal.triggers
    result = [_least(Test.BORROWING_BASE, "minor", base.base_minor, base.debt_minor)]
    if deal.reserve_bps:
        needed = share(base.debt_minor, deal.reserve_bps, Rounding.UP)
        result.append(_least(Test.RESERVE, "minor", position.reserve_minor, needed))
    if deal.minimum_use_minor is not None:
        result.append(_least(Test.MINIMUM_USE, "minor", base.debt_minor, deal.minimum_use_minor))
    if limits.pool_at_least_minor is not None:
        result.append(_least(Test.POOL, "minor", base.eligible_minor, limits.pool_at_least_minor))
    most = [
        (Test.DELINQUENCY, found.delinquency_3m_bps, limits.delinquency_3m_at_most_bps),
        (Test.ANNUALISED_LOSS, found.annualised_loss_3m_bps, limits.annualised_loss_3m_at_most_bps),
    ]
    if limits.cumulative_loss and found.age_months is not None:
        allowed = loss_limit(deal, found.age_months)
        most.append((Test.CUMULATIVE_LOSS, found.cumulative_loss_bps, allowed))
    least = (
        (Test.EXCESS_SPREAD, found.excess_spread_3m_bps, limits.excess_spread_3m_at_least_bps),
        (Test.PAYMENT_RATE, found.payment_rate_bps, limits.payment_rate_at_least_bps),
    )
    for test, actual, limit in most:
        if limit is not None:
            result.append(Covenant(test, "bps", actual, limit, None if actual is None else limit - actual))
    result += [_least(test, "bps", actual, limit) for test, actual, limit in least if limit is not None]
    return result


def _least(test: Test, unit: str, actual: int | None, limit: int) -> Covenant:
    return Covenant(test, unit, actual, limit, None if actual is None else actual - limit)


def days_to_breach(headrooms: Sequence[tuple[date, int]]) -> int | None:
    """Days until headroom is gone if it goes on as the last nights: a straight line, least squares.

    None where it does not shrink, is gone already or fewer than five nights are known. Rounded down:
    sooner rather than later.
    """
    seen = headrooms[-TREND_NIGHTS:]
    if len(seen) < _ENOUGH or seen[-1][1] < 0:
        return None
    xs = [(day - seen[0][0]).days for day, _ in seen]
    ys = [headroom for _, headroom in seen]
    count = len(seen)
    spread = count * sum(x * x for x in xs) - sum(xs) ** 2
    slope = count * sum(x * y for x, y in zip(xs, ys, strict=True)) - sum(xs) * sum(ys)
    if slope >= 0:
        return None
    return divide(ys[-1] * spread, -slope, Rounding.DOWN)


def with_trend(
    found: Sequence[Covenant], before: Sequence[tuple[date, Mapping[str, int]]], day: date
) -> list[Covenant]:
    """Covenants with the days until each would break, from the headroom of earlier nights."""
    result: list[Covenant] = []
    for covenant in found:
        line = [(night, known[covenant.test]) for night, known in before if covenant.test in known]
        if covenant.headroom is not None:
            line.append((day, covenant.headroom))
        days = days_to_breach(line)
        result.append(
            Covenant(covenant.test, covenant.unit, covenant.actual, covenant.limit, covenant.headroom, days)
        )
    return result
