"""From receivables to a borrowing base. Pure; integers; what the funder bears is rounded against us."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from whiteslip.base.money import BASIS_POINTS, Rounding, divide
from whiteslip.funding.eligibility import ineligible, is_matured
from whiteslip.funding.model import (
    Base,
    Bucket,
    Concentration,
    Deal,
    Phase,
    Position,
    Receivable,
    Verdict,
)

_ALL: Final = "all"
# So long before the last day treasury is told of it: the lead that a stress run gives the funding desk too.
NOTICE_DAYS: Final = 45


def share(minor: int, bps: int, rounding: Rounding = Rounding.DOWN) -> int:
    """A share of an amount, rounded down unless said otherwise."""
    return divide(minor * bps, BASIS_POINTS, rounding)


def phase(deal: Deal, day: date, amortising_since: date | None) -> Phase:
    """Revolving until the agreed day, or until something ended it early; matured on the last day."""
    if is_matured(deal, day):
        return Phase.MATURED
    early = amortising_since is not None and amortising_since <= day
    return Phase.AMORTISING if early or day > deal.revolving_until else Phase.REVOLVING


def warned_on(deal: Deal) -> date:
    """The day from which treasury is told that all that is drawn falls due."""
    return deal.ends_on - timedelta(days=NOTICE_DAYS)


def prove(deal: Deal, facility: UUID, pool: Iterable[Receivable], day: date) -> list[Verdict]:
    """What each receivable adds to the base, in the order of their ids.

    Limits are taken in the order of the deal, each as a share of all that is eligible, rounded
    down. What one limit took is not there for the next, so nothing is taken twice. Of a bucket that
    is too full the newest receivables are taken first.
    """
    found = sorted(pool, key=lambda each: each.plan.bytes)
    rules = {each.plan: ineligible(deal, facility, each, day) for each in found}
    good = [each for each in found if rules[each.plan] is None]
    left = {each.plan: each.principal_minor for each in good}
    total = sum(left.values())
    taken: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
    for number, limit in enumerate(deal.concentrations, 1):
        for members in _buckets(limit, good):
            excess = sum(left[each.plan] for each in members) - share(total, limit.at_most_bps)
            for each in sorted(members, key=lambda one: (one.opened_on, one.plan.bytes), reverse=True):
                if excess <= 0:
                    break
                amount = min(excess, left[each.plan])
                if amount:
                    left[each.plan] -= amount
                    excess -= amount
                    taken[each.plan].append((number, amount))
    return [Verdict(each, rules[each.plan], tuple(taken[each.plan])) for each in found]


def _buckets(limit: Concentration, good: Sequence[Receivable]) -> list[list[Receivable]]:
    found: dict[str, list[Receivable]] = defaultdict(list)
    for each in good:
        name = _bucket(limit, each)
        if name is not None:
            found[name].append(each)
    return list(found.values())


def _bucket(limit: Concentration, found: Receivable) -> str | None:
    """The bucket of a limit that a receivable is in; None where it is in none."""
    match limit.by:
        case Bucket.OBLIGOR:
            return str(found.obligor)
        case Bucket.MERCHANT:
            return found.merchant
        case Bucket.CATEGORY:
            return found.category
        case Bucket.JURISDICTION:
            return found.jurisdiction
        case Bucket.VINTAGE:
            return f"{found.opened_on:%Y-%m}"
        case Bucket.TERM:
            return _ALL if found.term_days > (limit.above_days or 0) else None
        case Bucket.SCORE:
            bad = found.pd_bps is None or found.pd_bps >= (limit.from_pd_bps or 0)
            return _ALL if bad else None


def advance_bps(deal: Deal, vintage_loss_bps: int | None) -> int:
    """The advance rate: the first step whose loss is not reached; a loss nobody knows reaches all."""
    if deal.advance is None:
        return BASIS_POINTS
    if vintage_loss_bps is not None:
        for step in deal.advance.steps:
            if vintage_loss_bps < step.vintage_loss_below_bps:
                return step.advance_bps
    return deal.advance.bps


def base_of(
    deal: Deal, proof: Sequence[Verdict], position: Position, current: Phase, vintage_loss_bps: int | None
) -> Base:
    """BB = advance x (eligible - excess) + cash, or eligible - excess less the target, + cash.

    The advance is rounded down, the target up. It is never above the commitment.
    """
    good = [each for each in proof if each.rule is None]
    eligible = sum(each.receivable.principal_minor for each in good)
    counted = sum(each.counted_minor for each in good)
    rate, over = advance_bps(deal, vintage_loss_bps), deal.overcollateralisation
    held_back = 0
    if over:
        target = over.revolving_bps if current is Phase.REVOLVING else over.amortising_bps
        held_back = over.yield_supplement_minor + share(over.initial_pool_minor, target, Rounding.UP)
    lent = max(0, share(counted, rate) - held_back)
    return Base(
        phase=current,
        pool_minor=sum(each.receivable.principal_minor for each in proof),
        eligible_minor=eligible,
        excess_minor=eligible - counted,
        held_back_minor=held_back,
        advance_bps=rate,
        cash_minor=position.cash_minor,
        base_minor=min(deal.commitment_minor, lent + position.cash_minor),
        debt_minor=position.debt_minor,
        ineligible=_by_rule(proof),
        excesses=_by_limit(proof),
    )


def _by_rule(proof: Sequence[Verdict]) -> tuple[tuple[str, int], ...]:
    sums: dict[str, int] = defaultdict(int)
    for each in proof:
        if each.rule:
            sums[each.rule] += each.receivable.principal_minor
    return tuple(sorted(sums.items()))


def _by_limit(proof: Sequence[Verdict]) -> tuple[tuple[int, int], ...]:
    sums: dict[int, int] = defaultdict(int)
    for each in proof:
        for number, amount in each.excess:
            sums[number] += amount
    return tuple(sorted(sums.items()))
