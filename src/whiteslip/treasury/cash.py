"""Money day by day: collections, purchases, a facility's base and covenants. Pure; scenarios in rows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from whiteslip.base.money import BASIS_POINTS
from whiteslip.funding import covenants, rules
from whiteslip.funding.eligibility import is_matured
from whiteslip.funding.model import Deal, Phase
from whiteslip.treasury.scenario import DAYS_OF_YEAR, FIRST_DAY, STATES, Floats, Terms

_QUARTERS: Final = 4
_MONTHS: Final = 3
NEVER: Final = -1


@dataclass(slots=True)
class Flows:
    """What a month moves, by scenario: paid evenly over its days, but for who pays off on leaving."""

    collected: Floats
    bought: Floats
    earned: Floats
    costs: Floats


@dataclass(slots=True)
class Till:
    """Cash, debt and what is wrong, by scenario. ``deficient``: for how many days in a row.

    ``held_up`` are payments that a shock delays; they come once it is over.
    """

    cash: Floats
    debt: Floats
    held_up: Floats
    deficient: NDArray[np.int32]
    amortising: NDArray[np.bool_]
    events: dict[str, NDArray[np.int32]] = field(default_factory=dict[str, NDArray[np.int32]])

    @classmethod
    def open(cls, scenarios: int, cash: float, terms: Terms | None) -> Till:
        """At the start."""
        return cls(
            cash=np.full(scenarios, cash),
            debt=np.full(scenarios, terms.debt if terms else 0.0),
            held_up=np.zeros(scenarios),
            deficient=np.zeros(scenarios, np.int32),
            amortising=np.full(scenarios, bool(terms and terms.amortising)),
        )

    def note(self, name: str, happened: NDArray[np.bool_], day: int) -> None:
        """The first day of something, in each scenario."""
        known = self.events.setdefault(name, np.full(len(happened), NEVER, np.int32))
        known[happened & (known == NEVER)] = day

    def receive(self, due: Floats, delayed: NDArray[np.bool_], share: float) -> Floats:
        """What is paid of what is due today: a part is held up while a shock lasts, half a day's after."""
        held = np.where(delayed, due * share, 0.0)
        late = np.where(delayed, 0.0, self.held_up * 0.5)
        self.held_up += held - late
        return due - held + late


def eligible_of(terms: Terms, stays: Floats, left: Floats) -> Floats:
    """What the deal lends against, on balances by bucket (last axis).

    ``left``: of who leaves. A deal may not want it.
    """
    weights = terms.weights()
    eligible = stays @ weights
    if terms.deal.eligibility.closed_account_eligible:
        eligible = eligible + left @ weights
    return eligible * terms.pledged


def base_of(terms: Terms, stays: Floats, left: Floats, amortising: NDArray[np.bool_]) -> Floats:
    """The borrowing base, as ``funding.rules.base_of`` makes it in the phase of each future."""
    counted = eligible_of(terms, stays, left) * (1.0 - terms.excess)
    rate = (terms.deal.advance.bps if terms.deal.advance else BASIS_POINTS) / BASIS_POINTS
    held_back, over = np.zeros(len(counted)), terms.deal.overcollateralisation
    if over:
        target = np.where(amortising, over.amortising_bps, over.revolving_bps)
        held_back = over.yield_supplement_minor + over.initial_pool_minor * target / BASIS_POINTS
    return np.minimum(terms.deal.commitment_minor, np.maximum(0.0, counted * rate - held_back))


def turn(till: Till, deal: Deal, today: date, day: int) -> None:
    """A facility revolves until the agreed day and amortises from the next, as the nightly rules say."""
    due = rules.phase(deal, today, None) is not Phase.REVOLVING
    till.note("revolving_ends", ~till.amortising & due, day)
    till.amortising |= due


def is_over(terms: Terms | None, today: date) -> bool:
    """Whether the last day of a facility has come."""
    return terms is not None and is_matured(terms.deal, today)


def live(
    till: Till,
    terms: Terms | None,
    balances: tuple[Floats, Floats],
    net: Floats,
    principal: Floats,
    today: date,
    day: int,
) -> Floats:
    """A day of the till, with the facility in the part of its life that the day is in; returns the base."""
    nothing = np.zeros(len(till.cash))
    if terms is None:
        settle(till, None, nothing, net, principal, day)
        return nothing
    turn(till, terms.deal, today, day)
    if is_over(terms, today):
        repay(till, net, day)
        return nothing
    base = base_of(terms, *balances, till.amortising)
    settle(till, terms, base, net, principal, day)
    return base


def repay(till: Till, net: Floats, day: int) -> None:
    """A day's money from the last day of a facility on: all that is drawn is due, and nothing is lent."""
    till.cash += net
    down = np.minimum(till.debt, np.maximum(0.0, till.cash))
    till.cash -= down
    till.debt -= down
    till.note("unpaid_at_maturity", till.debt > 0.5, day)
    till.note("cash_short", till.cash < 0.0, day)


def settle(till: Till, terms: Terms | None, base: Floats, net: Floats, principal: Floats, day: int) -> None:
    """A day's money: draw what is missing, pay down what the base does not bear, note what fails."""
    till.cash += net
    if terms is None:
        till.note("cash_short", till.cash < 0.0, day)
        return
    room = np.where(till.amortising, 0.0, np.maximum(0.0, base - till.debt))
    drawn = np.clip(-till.cash, 0.0, room)
    till.cash += drawn
    till.debt += drawn
    owed = np.where(till.amortising, np.minimum(till.debt, principal * terms.pledged), 0.0)
    down = np.maximum(owed, np.minimum(np.maximum(0.0, till.debt - base), np.maximum(0.0, till.cash)))
    till.cash -= down
    till.debt -= down
    short = till.debt - base > 0.5
    till.deficient = np.where(short, till.deficient + 1, 0).astype(np.int32)
    till.note("deficient", short, day)
    uncured = till.deficient > terms.deal.cure_days
    till.amortising |= uncured
    till.note("amortising", uncured, day)
    till.note("cash_short", till.cash < 0.0, day)


class Covenants:
    """The tests of a deal on a run's days and months. Three-month figures need three months of the run."""

    def __init__(self, terms: Terms, scenarios: int) -> None:
        self.terms = terms
        self.lost_in_all = np.full(scenarios, terms.lost)
        self.ever_pledged = np.full(scenarios, terms.ever_pledged)
        self.late: deque[Floats] = deque(maxlen=_MONTHS)
        self.lost: deque[Floats] = deque(maxlen=_MONTHS)
        self.earned: deque[Floats] = deque(maxlen=_MONTHS)
        self.pools: deque[Floats] = deque(maxlen=_MONTHS)

    def daily(self, till: Till, eligible: Floats, day: int) -> None:
        """What is tested on every day."""
        deal, limits = self.terms.deal, self.terms.deal.triggers
        till.note("reserve", self.terms.reserve < till.debt * deal.reserve_bps / BASIS_POINTS, day)
        if limits.pool_at_least_minor is not None:
            self._break(till, "pool", eligible < limits.pool_at_least_minor, day)
        if deal.minimum_use_minor is not None:
            till.note("minimum_use", till.debt < deal.minimum_use_minor, day)

    def lose(self, till: Till, defaulted: Floats, bought: Floats, today: date, day: int) -> None:
        """What was lost since the deal began, of all ever pledged: on every day, as every night does.

        A day's defaults are charged off at once, nothing is recovered, and purchases are pledged while it
        revolves.
        """
        deal = self.terms.deal
        self.lost_in_all += defaulted * self.terms.pledged
        self.ever_pledged += np.where(till.amortising, 0.0, bought * self.terms.pledged)
        if deal.triggers.cumulative_loss:
            allowed = covenants.loss_limit(deal, covenants.age_on(deal, today))
            broken = self.lost_in_all * BASIS_POINTS > allowed * self.ever_pledged
            self._break(till, "cumulative_loss", broken, day)

    def monthly(
        self, till: Till, opening: Floats, owed: Floats, defaulted: Floats, flows: Flows, day: int
    ) -> None:
        """What is tested at the end of a month; ``opening`` and ``owed`` then by bucket, of all lines."""
        deal, limits = self.terms.deal, self.terms.deal.triggers
        late_from = limits.delinquent_from_days
        before, pool = (np.maximum(1.0, each[:, : STATES - 1].sum(axis=1)) for each in (opening, owed))
        late = (
            sum(owed[:, bucket] for bucket in range(2, STATES - 1) if FIRST_DAY[bucket + 1] > late_from)
            / pool
        )
        for kept, figure in (
            (self.late, late), (self.lost, defaulted), (self.earned, flows.earned), (self.pools, pool),
        ):  # fmt: skip
            kept.append(np.asarray(figure, dtype=np.float64))
        if limits.payment_rate_at_least_bps is not None:
            rate = flows.collected / before * BASIS_POINTS
            self._break(till, "payment_rate", rate < limits.payment_rate_at_least_bps, day)
        if len(self.pools) < _MONTHS:
            return
        mean_pool = np.mean(self.pools, axis=0)
        loss = np.sum(self.lost, axis=0) * _QUARTERS / mean_pool * BASIS_POINTS
        spread = np.sum(self.earned, axis=0) * _QUARTERS / mean_pool * BASIS_POINTS
        spread -= loss + deal.funding_cost_bps
        if limits.delinquency_3m_at_most_bps is not None:
            delinquency = np.mean(self.late, axis=0) * BASIS_POINTS
            self._break(till, "delinquency_3m", delinquency > limits.delinquency_3m_at_most_bps, day)
        if limits.annualised_loss_3m_at_most_bps is not None:
            self._break(till, "annualised_loss_3m", loss > limits.annualised_loss_3m_at_most_bps, day)
        if limits.excess_spread_3m_at_least_bps is not None:
            self._break(till, "excess_spread_3m", spread < limits.excess_spread_3m_at_least_bps, day)

    @staticmethod
    def _break(till: Till, name: str, broken: NDArray[np.bool_], day: int) -> None:
        """A pool that does badly ends the revolving phase at once."""
        till.note(name, broken, day)
        till.amortising |= broken


def funding_cost(till: Till, terms: Terms | None, over: bool = False) -> Floats:
    """What the funder asks for a day: interest on what is drawn, a fee on what is not, until ``over``."""
    if terms is None:
        return np.zeros_like(till.debt)
    committed = 0 if over else terms.deal.commitment_minor
    unused = np.maximum(0.0, committed - till.debt)
    year = till.debt * terms.deal.funding_cost_bps + unused * terms.deal.unused_fee_bps
    return year / (BASIS_POINTS * DAYS_OF_YEAR)
