"""Who leaves, day by day: a self-exciting process with shocks. Pure.

An exit is never slowed here or anywhere: this counts how many may leave, so that treasury is ready.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from whiteslip.treasury.scenario import DAYS_OF_YEAR, Assumptions, Floats, Ints, Question


@dataclass(slots=True)
class Mood:
    """What makes people leave today, by scenario: what others did, and each shock as far as it lasts."""

    given: Assumptions
    asked: Question
    spreading: Floats
    shocks: list[Floats] = field(default_factory=list[Floats])
    delayed_until: Floats = field(default_factory=lambda: np.zeros(0))
    # By scenario and day of the month: whether payments are held up.
    delayed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 31), np.bool_))

    @classmethod
    def calm(cls, given: Assumptions, asked: Question, scenarios: int) -> Mood:
        """Before anything happened."""
        none = [np.zeros(scenarios) for _ in given.shocks]
        held_up = np.zeros((scenarios, 31), np.bool_)
        return cls(given, asked, np.zeros(scenarios), none, np.full(scenarios, -1.0), held_up)

    def wake(self, dice: np.random.Generator, day: int) -> None:
        """Shocks arrive as in a Poisson process; one that is under way starts anew."""
        for place, shock in enumerate(self.given.shocks):
            left = self.shocks[place]
            left *= 0.5 ** (1.0 / shock.half_life_days)
            a_day = shock.a_year * self.given.shocks_times / DAYS_OF_YEAR
            struck = dice.random(len(left)) < 1.0 - math.exp(-a_day)
            left[struck] = shock.hazard
            if shock.delays_payments:
                self.delayed_until[struck] = day + self.given.delay_days

    def hazard(self, day: int) -> Floats:
        """The hazard that all share today, beside each age group's own."""
        found = self.spreading.copy()
        for left in self.shocks:
            found += left
        first = self.asked.after_days
        if self.asked.leave and first <= day < first + self.asked.within_days:
            found += -math.log(1.0 - self.asked.leave) / self.asked.within_days
        return found

    def spread(self, gone: Floats, open_lines: Floats) -> None:
        """Who left today makes others leave, most of them soon: an exponential kernel.

        The kernel's days add up to ``contagion``, so each exit has that many children on average.
        Source: Hawkes (1971), Spectra of some self-exciting and mutually exciting point processes.
        """
        keeps = 0.5 ** (1.0 / self.given.spreading_days)
        share = gone / np.maximum(1.0, open_lines)
        self.spreading = keeps * self.spreading + self.given.contagion * (1.0 - keeps) * share


def leave(dice: np.random.Generator, open_lines: Ints, own: Floats, shared: Floats) -> Ints:
    """Who leaves today by age group: binomial, each line with probability 1 - exp(-hazard)."""
    return dice.binomial(open_lines, 1.0 - np.exp(-(own[None, :] + shared[:, None])))


def split(dice: np.random.Generator, held: Ints, gone: Ints) -> Ints:
    """Which groups of an age the leavers were of: without replacement, since no group leaves faster.

    ``held``: scenario, group; ``gone``: scenario.
    """
    found, left, rest = np.zeros_like(held), gone.copy(), held.sum(axis=1)
    for place in range(held.shape[1]):
        own = held[:, place]
        rest = rest - own
        found[:, place] = dice.hypergeometric(own, rest, left)
        left = left - found[:, place]
    return found
