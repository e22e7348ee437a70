"""What a stress run comes to: fans, what matters most, and who has to act by when. Pure.

Nobody named here handles exits, and nothing here is an answer to a customer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from whiteslip.base import Refusal
from whiteslip.funding.rules import NOTICE_DAYS
from whiteslip.treasury.cash import NEVER
from whiteslip.treasury.scenario import Assumptions, Paths, Question, Singles, Start

LEVELS: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
# What happens in fewer futures than this is not rung for.
ALARM: Final = 0.05
_POINTS: Final = 120
FANS: Final = ("cash", "headroom", "open_lines", "book", "freed")
# Event -> who acts, and how many days ahead they have to begin.
DUTIES: Final[Mapping[str, tuple[str, int]]] = {
    "cash_short": ("treasury", 30),
    "deficient": ("treasury", 10),
    "reserve": ("treasury", 10),
    "minimum_use": ("treasury", 10),
    "amortising": ("funding", NOTICE_DAYS),
    "revolving_ends": ("funding", NOTICE_DAYS),
    "unpaid_at_maturity": ("treasury", NOTICE_DAYS),
    "pool": ("funding", 30),
    "excess_spread_3m": ("funding", 30),
    "delinquency_3m": ("risk", 60),
    "annualised_loss_3m": ("risk", 60),
    "cumulative_loss": ("risk", 60),
    "payment_rate": ("servicing", 30),
}
# What is changed, alone, to see how much depends on it: assumption or question, low and high.
_SWINGS: Final = (
    ("exits", 0.5, 2.0),
    ("leave", 0.0, 0.1),
    ("downturn", -1.0, 2.0),
    ("contagion", 0.0, 0.6),
    ("shocks_times", 0.0, 3.0),
    ("prepayment_times", 0.5, 2.0),
    ("delayed", 0.0, 0.8),
    ("pays_off", 0.0, 0.8),
)


class Fan(Struct, frozen=True):
    """Quantiles of a figure over all futures, by day: a row for each of ``LEVELS``."""

    name: str
    days: tuple[date, ...]
    rows: tuple[tuple[int, ...], ...]


class Event(Struct, frozen=True):
    """Something that fails in ``share`` of the futures. ``first_on``: when it has in 5 % of them.

    ``who`` has to act by ``act_by``; ``half_on`` is the median day among futures where it happens.
    """

    name: str
    who: str
    share: float
    first_on: date
    half_on: date
    act_by: date


class Swing(Struct, frozen=True):
    """What the bad figure (one future in twenty is worse) comes to where one assumption changes alone.

    ``at_base`` is what it comes to where none changes, on the same dice.
    """

    name: str
    low: float
    high: float
    at_low: int
    at_high: int
    at_base: int


class Finding(Struct, frozen=True):
    """The answer to a question. ``worst_minor``: the lowest ``measured`` in one future in twenty.

    ``why``: where ``day`` stands in for the day asked for, why that one is not served.
    """

    day: date
    currency: str
    question: Question
    lines: int
    book_minor: int
    measured: str
    worst_minor: int
    usual_minor: int
    left: int
    defaulted_minor: int
    freed_minor: int
    fans: tuple[Fan, ...]
    events: tuple[Event, ...]
    swings: tuple[Swing, ...] = ()
    why: Refusal | None = None


def measured(start: Start) -> str:
    """The figure that tells: the facility's headroom, or cash where nobody lends."""
    return "headroom" if start.terms else "cash"


def _lowest(paths: Paths, name: str, level: float) -> int:
    lowest: Singles = getattr(paths, name).min(axis=1)
    return round(float(np.quantile(lowest, level)))


def finding(start: Start, asked: Question, paths: Paths) -> Finding:
    """What the futures come to."""
    name = measured(start)
    fans = [each for each in FANS if start.terms or each != "headroom"]
    return Finding(
        day=start.day,
        currency=start.currency,
        question=asked,
        lines=int(start.lines.sum() + start.left_lines.sum()),
        book_minor=round(start.book),
        measured=name,
        worst_minor=_lowest(paths, name, LEVELS[0]),
        usual_minor=_lowest(paths, name, 0.5),
        left=round(float(np.median(paths.exits.sum(axis=1)))),
        defaulted_minor=round(float(np.median(paths.defaults.sum(axis=1)))),
        freed_minor=round(float(np.median(paths.freed[:, -1]))),
        fans=tuple(_fan(each, getattr(paths, each), start.day) for each in fans),
        events=tuple(_events(start, paths)),
        why=start.why,
    )


def _fan(name: str, figure: Singles, day: date) -> Fan:
    """Every day of a short run, evenly chosen ones of a long one; the last is always there."""
    last = figure.shape[1] - 1
    count = min(_POINTS, last + 1)
    chosen = sorted({round(last * step / max(1, count - 1)) for step in range(count)})
    rows = np.quantile(figure[:, chosen], LEVELS, axis=0)
    days = tuple(day + timedelta(days=at + 1) for at in chosen)
    return Fan(name, days, tuple(tuple(round(float(value)) for value in row) for row in rows))


def _events(start: Start, paths: Paths) -> Iterator[Event]:
    found: list[Event] = []
    for name, (who, ahead) in DUTIES.items():
        firsts = paths.events.get(name)
        if firsts is None:
            continue
        seen = np.sort(firsts[firsts != NEVER])
        share = len(seen) / len(firsts)
        if share < ALARM:
            continue
        early = int(seen[max(0, int(np.ceil(ALARM * len(firsts))) - 1)])
        first_on = start.day + timedelta(days=early + 1)
        act_by = max(start.day + timedelta(days=1), first_on - timedelta(days=ahead))
        half_on = start.day + timedelta(days=int(np.median(seen)) + 1)
        found.append(Event(name, who, round(share, 4), first_on, half_on, act_by))
    yield from sorted(found, key=lambda each: (each.act_by, each.first_on))


def swings(
    start: Start,
    given: Assumptions,
    asked: Question,
    run: Callable[[Start, Assumptions, Question], Paths],
    told: Callable[[int], None] = lambda _done: None,
) -> list[Swing]:
    """A tornado: each assumption low and high alone, on the same dice; the widest first."""
    name, found = measured(start), list[Swing]()
    base = _lowest(run(start, given, asked), name, LEVELS[0])
    told(1)
    for number, (changed, low, high) in enumerate(_SWINGS):
        ends: list[int] = []
        for value in (low, high):
            if changed in Question.__struct_fields__:
                paths = run(start, given, msgspec.structs.replace(asked, **{changed: value}))
            else:
                paths = run(start, msgspec.structs.replace(given, **{changed: value}), asked)
            ends.append(_lowest(paths, name, LEVELS[0]))
            told(1 + 2 * number + len(ends))
        found.append(Swing(changed, low, high, ends[0], ends[1], base))
    return sorted(found, key=lambda each: -abs(each.at_high - each.at_low))


SWING_RUNS: Final = 1 + 2 * len(_SWINGS)
