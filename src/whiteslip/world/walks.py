"""How the world's people pass the pages of leaving: which way and how long, by lot, and marked as such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from whiteslip import insight, lines
from whiteslip.base import Refusal
from whiteslip.insight import Journey, Step
from whiteslip.store import Tx
from whiteslip.world.model import Leaving

# Usual seconds on a screen, and tenths of that in which it is passed. Ours: nobody was watched for it.
_SECONDS: Final[Mapping[Step, int]] = {Step.CHOOSE: 25, Step.IDENTITY: 70, Step.CHECK: 40, Step.CODE: 60}
_TENTHS: Final = (4, 6, 8, 9, 10, 11, 13, 16, 25, 40)
_THROUGH: Final = (Step.CHOOSE, Step.IDENTITY, Step.CHECK, Step.DONE)
_WAYS: Final[Mapping[Leaving, tuple[Journey, Sequence[Step]]]] = {
    Leaving.PORTAL: (Journey.LEAVE, _THROUGH),
    Leaving.REGRETS: (Journey.LEAVE, _THROUGH),
    Leaving.DOUBTED: (Journey.LEAVE, (Step.CHOOSE, Step.IDENTITY, Step.FROZEN)),
    Leaving.UNANSWERED: (Journey.OUTSIDE, (Step.CODE,)),
}
# Of 10,000 days of a customer, those on which they look at the way out and go away; and how far they get.
_LOOKS_BPS: Final = 8
_LOOKS: Final = ((Step.CHOOSE,), (Step.CHOOSE,), (Step.CHOOSE, Step.IDENTITY), _THROUGH[:3])


@dataclass(frozen=True, slots=True)
class Walks:
    """Dice of their own, so that what people do does not depend on how long they look at a page."""

    dice: Random

    @classmethod
    def beside(cls, dice: Random) -> Walks:
        """As repeatable as ``dice``, which stay where they are."""
        own = Random()  # noqa: S311 (repeatable on purpose)
        own.setstate(dice.getstate())
        return cls(own)

    def looks(self) -> bool:
        """Whether somebody looks at the way out today, without taking it."""
        return self.dice.randrange(10_000) < _LOOKS_BPS

    def look(self, tx: Tx, line: UUID, now: datetime) -> None:
        """Somebody looks, and goes away."""
        self._walk(tx, line, Journey.LEAVE, self.dice.choice(_LOOKS), now)

    def leave(self, tx: Tx, line: UUID, how: Leaving, now: datetime) -> None:
        """Somebody leaves, and arrives there at ``now``."""
        self._walk(tx, line, *_WAYS[how], now)

    def _walk(self, tx: Tx, line: UUID, journey: Journey, steps: Sequence[Step], now: datetime) -> None:
        found = lines.get_line(tx, line)
        if isinstance(found, Refusal):
            return
        took = [_SECONDS[step] * self.dice.choice(_TENTHS) // 10 for step in steps[:-1]]
        at = now - timedelta(seconds=sum(took))
        for step, seconds in zip(steps, [*took, 0], strict=True):
            insight.see(tx, journey, step, f"world:{line}:{now.isoformat()}", found.pack, at, simulated=True)
            at += timedelta(seconds=seconds)
