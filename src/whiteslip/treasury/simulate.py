"""Many futures of a book: defaults, prepayment, exits, shocks, cash, base, covenants, capacity. Pure.

Lines are drawn in groups that are alike, exactly as if one by one: a count of a million lines costs no
more than that of a thousand. Exits, cash, base and capacity go by day, debt moves once a month and
is spread over its days. Scenarios come in blocks with a seed each, so that a run is the same on any
number of processes.
"""

from __future__ import annotations

import itertools
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from multiprocessing import resource_tracker
from typing import Any, Final

import numpy as np

from whiteslip.base import add_months
from whiteslip.treasury import credit, leaving
from whiteslip.treasury.cash import (
    NEVER,
    Covenants,
    Flows,
    Till,
    eligible_of,
    funding_cost,
    is_over,
    live,
)
from whiteslip.treasury.scenario import (
    AGES,
    BAD,
    STATES,
    Assumptions,
    Floats,
    Ints,
    Paths,
    Question,
    Singles,
    Start,
)

BLOCK: Final = 100
# Where nobody says how much cash there is: a share of the book.
CASH_SHARE: Final = 0.05
_YEAR: Final = 12
_CURRENT: Final = 1


def cash_of(start: Start, asked: Question) -> float:
    """The cash a run begins with, in minor units."""
    return start.book * CASH_SHARE if asked.cash_minor is None else float(asked.cash_minor)


def days_of(start: date, months: int) -> list[int]:
    """The number of days of each month of a run."""
    ends = [add_months(start, month, start.day) for month in range(months + 1)]
    return [(later - earlier).days for earlier, later in itertools.pairwise(ends)]


@dataclass(slots=True)
class _Book:
    """Lines and balances by scenario; as in ``Start``, with scenarios first."""

    lines: Ints
    owed: Floats
    left_lines: Ints
    left_owed: Floats

    @classmethod
    def of(cls, start: Start, scenarios: int) -> _Book:
        def many(part: Any) -> Any:
            return np.repeat(part[None], scenarios, axis=0)

        return cls(many(start.lines), many(start.owed), many(start.left_lines), many(start.left_owed))


def block(start: Start, given: Assumptions, asked: Question, seed: Sequence[int], scenarios: int) -> Paths:
    """One block of scenarios."""
    dice = np.random.default_rng(np.random.SeedSequence(list(seed)))
    lengths = days_of(start.day, asked.months)
    book, till = _Book.of(start, scenarios), Till.open(scenarios, cash_of(start, asked), start.terms)
    mood = leaving.Mood.calm(given, asked, scenarios)
    covenants = Covenants(start.terms, scenarios) if start.terms else None
    fortunes = credit.fortunes(dice, scenarios, asked.months, given.persistence, given.downturn)
    limits = credit.thresholds(_revolving(start))
    kept = _empty(scenarios, sum(lengths), asked.months)
    day, freed = 0, np.zeros(scenarios)
    for month, length in enumerate(lengths):
        before = (book.owed.sum(axis=(1, 2)), book.left_owed.sum(axis=1))
        open_by_age = book.lines.sum(axis=(1, 3))
        # What was seen before includes those who left because others did.
        own = _hazards(start, month) * (1.0 - given.contagion) * asked.exits
        gone = _exits(dice, mood, open_by_age, own, day, length)
        took, paid_off = _go(dice, book, gone.sum(axis=1), given)
        matrix = credit.conditional(limits, fortunes[:, month], given.correlation)
        flows, defaulted = _month(dice, start, given, book, matrix)
        kept.defaults[:, month] = defaulted
        after = (book.owed.sum(axis=(1, 2)), book.left_owed.sum(axis=1))
        went = gone.sum(axis=2)
        still = open_by_age.sum(axis=1)[:, None] - went.cumsum(axis=1)
        # The part of a month's leavers that is gone by a day, and of its purchases that fall on it.
        by_now = went.cumsum(axis=1) / np.maximum(1, went.sum(axis=1, keepdims=True))
        on_day = still / np.maximum(1, still.sum(axis=1, keepdims=True))
        room = _room(start, before[0], open_by_age)
        for step in range(length):
            part, moved_by = (step + 1) / length, by_now[:, step]
            stays, left = _stand(before, after, took, paid_off, part, moved_by)
            paid = paid_off * (moved_by - (by_now[:, step - 1] if step else 0.0))
            due = flows.collected / length + paid
            received = till.receive(due, mood.delayed[:, step], given.delayed)
            today = start.day + timedelta(days=day + 1)
            over = is_over(start.terms, today)
            costs = flows.costs / length + funding_cost(till, start.terms, over)
            net = received + flows.earned / length - flows.bought * on_day[:, step] - costs
            base = live(till, start.terms, (stays, left), net, received, today, day)
            if covenants and not over:
                covenants.lose(till, defaulted / length, flows.bought * on_day[:, step], today, day)
                covenants.daily(till, eligible_of(covenants.terms, stays, left), day)
            freed += went[:, step] * room * given.ccf * given.risk_weight
            kept.cash[:, day], kept.headroom[:, day] = till.cash, base - till.debt
            kept.open_lines[:, day], kept.exits[:, day] = still[:, step], went[:, step]
            kept.book[:, day] = stays.sum(axis=1) + left.sum(axis=1)
            kept.freed[:, day] = freed
            day += 1
        if covenants and not is_over(start.terms, start.day + timedelta(days=day)):
            flows.collected += paid_off
            covenants.monthly(till, before[0] + before[1], after[0] + after[1], defaulted, flows, day - 1)
    kept.events = till.events
    return kept


def _stand(
    before: tuple[Floats, Floats],
    after: tuple[Floats, Floats],
    took: Floats,
    paid_off: Floats,
    part: float,
    by_now: Floats,
) -> tuple[Floats, Floats]:
    """Balances by bucket within a month, of who stays and of who left: leavers go on their day, the
    rest moves evenly.
    """
    came = took.copy()
    came[:, _CURRENT] -= paid_off
    gone = by_now[:, None]
    stays = before[0] - took * gone + (after[0] - before[0] + took) * part
    left = before[1] + came * gone + (after[1] - before[1] - came) * part
    return stays, left


def _room(start: Start, owed: Floats, open_by_age: Ints) -> Floats:
    """What a line could still draw, on average, by scenario."""
    lines = start.lines.sum(axis=(1, 2))
    limit = float((start.limit * lines).sum()) / max(1, int(lines.sum()))
    return np.maximum(0.0, limit - owed.sum(axis=1) / np.maximum(1, open_by_age.sum(axis=1)))


def _empty(scenarios: int, days: int, months: int) -> Paths:
    def daily() -> Singles:
        return np.zeros((scenarios, days), np.float32)

    defaults = np.zeros((scenarios, months), np.float32)
    return Paths(daily(), daily(), daily(), daily(), daily(), daily(), defaults)


def _revolving(start: Start) -> Floats:
    """The chain, but lines that owe nothing buy again: as many as paid off, so that the book stands."""
    chain = start.chain.copy()
    lines = start.lines.sum(axis=1)
    for segment in range(len(start.segments)):
        idle, busy = lines[segment, 0], lines[segment, _CURRENT]
        back = min(1.0, busy * chain[segment, _CURRENT, 0] / idle) if idle else 0.0
        chain[segment, 0] = 0.0
        chain[segment, 0, 0], chain[segment, 0, _CURRENT] = 1.0 - back, back
    return chain


def _hazards(start: Start, month: int) -> Floats:
    """Each age group's own hazard, once it is ``month`` months older."""
    ages = [sum(first <= begin + month for first in AGES) - 1 for begin in AGES]
    return start.hazard[ages]


def _exits(
    dice: np.random.Generator, mood: leaving.Mood, open_by_age: Ints, own: Floats, day: int, length: int
) -> Ints:
    """Who leaves on each day of a month: scenario, day, age group."""
    found = np.zeros((len(open_by_age), length, open_by_age.shape[1]), np.int64)
    still = open_by_age.copy()
    for step in range(length):
        mood.wake(dice, day + step)
        mood.delayed[:, step] = mood.delayed_until > day + step
        found[:, step] = leaving.leave(dice, still, own, mood.hazard(day + step))
        mood.spread(found[:, step].sum(axis=1).astype(np.float64), still.sum(axis=1).astype(np.float64))
        still -= found[:, step]
    return found


def _go(dice: np.random.Generator, book: _Book, gone: Ints, given: Assumptions) -> tuple[Floats, Floats]:
    """Leavers go over to who left, with what they owe. Returns what they owed and what they paid off."""
    scenarios, segments, ages, _ = book.lines.shape
    took = np.zeros((scenarios, STATES))
    paid = np.zeros(scenarios)
    for age in range(ages):
        held = book.lines[:, :, age].reshape(scenarios, -1)
        went = leaving.split(dice, held, gone[:, age]).reshape(scenarios, segments, STATES)
        mean = book.owed[:, :, age] / np.maximum(1, book.lines[:, :, age])
        owed = went * mean
        book.lines[:, :, age] -= went
        book.owed[:, :, age] -= owed
        took += owed.sum(axis=1)
        at_once = owed[..., _CURRENT] * given.pays_off
        owed[..., _CURRENT] -= at_once
        paid += at_once.sum(axis=1)
        book.left_lines += went
        book.left_owed += owed
    return took, paid


def _move(dice: np.random.Generator, lines: Ints, owed: Floats, matrix: Floats) -> tuple[Ints, Floats]:
    """Counts move at random, and each takes its group's mean balance along."""
    mean = owed / np.maximum(1, lines)
    moves = credit.moved(dice, lines, matrix)
    return moves, moves * mean[..., None]


def _month(
    dice: np.random.Generator, start: Start, given: Assumptions, book: _Book, matrix: Floats
) -> tuple[Flows, Floats]:
    """Debt moves; who is current pays and, if the line is open, buys again. Returns flows and defaults."""
    owed_before = book.owed.sum(axis=(1, 2, 3)) + book.left_owed.sum(axis=(1, 2))
    current = book.lines[..., _CURRENT].sum(axis=2)
    usual = (book.owed[..., _CURRENT].sum(axis=2) / np.maximum(1, current))[..., None]
    shape = (*book.lines.shape, STATES)
    flat = (len(book.lines), -1, STATES)
    moves, money = _move(
        dice, book.lines.reshape(flat), book.owed.reshape(flat), np.repeat(matrix, shape[2], axis=1)
    )
    moves, money = moves.reshape(shape), money.reshape(shape)
    # Who left and owes nothing is through: no line of theirs buys again.
    left_matrix = matrix.copy()
    left_matrix[:, :, 0] = np.eye(STATES)[0]
    left_moves, left_money = _move(dice, book.left_lines, book.left_owed, left_matrix)
    cleared = money[..., 1:, 0].sum(axis=(1, 2, 3)) + left_money[..., 1:, 0].sum(axis=(1, 2))
    defaulted = money[..., :BAD, BAD].sum(axis=(1, 2, 3)) + left_money[..., :BAD, BAD].sum(axis=(1, 2))
    book.lines, book.owed = moves.sum(axis=-2), money.sum(axis=-2)
    book.left_lines, book.left_owed = left_moves.sum(axis=-2), left_money.sum(axis=-2)
    book.owed[..., 0] = 0.0
    book.left_owed[..., 0] = 0.0
    # Who pays early more than is usual does not buy more for it.
    rate = min(1.0, start.payment + start.prepayment * (given.prepayment_times - 1.0))
    open_paid = book.owed[..., _CURRENT].sum(axis=(1, 2))
    left_paid = book.left_owed[..., _CURRENT].sum(axis=1) * rate
    again, fresh = open_paid * start.payment, moves[..., 0, _CURRENT] * usual
    open_paid = open_paid * rate
    book.owed[..., _CURRENT] = book.owed[..., _CURRENT] * (1.0 - rate + start.payment) + fresh
    book.left_owed[..., _CURRENT] *= 1.0 - rate
    return (
        Flows(
            collected=cleared + open_paid + left_paid,
            bought=again + fresh.sum(axis=(1, 2)),
            earned=owed_before * (start.earning / _YEAR),
            costs=owed_before * (given.servicing / _YEAR),
        ),
        defaulted,
    )


def run(
    start: Start,
    given: Assumptions,
    asked: Question,
    processes: int = 1,
    told: Callable[[int], None] = lambda _done: None,
) -> Paths:
    """All scenarios: the same for a seed on any number of processes. ``told`` hears how many are done."""
    sizes = [min(BLOCK, asked.scenarios - first) for first in range(0, asked.scenarios, BLOCK)]
    jobs = [(start, given, asked, (asked.seed, number), size) for number, size in enumerate(sizes)]
    found: list[Paths] = []
    for paths in _done(jobs, processes):
        found.append(paths)
        told(sum(sizes[: len(found)]))
    return _joined(found)


def _done(jobs: Sequence[Any], processes: int) -> Iterator[Paths]:
    if processes == 1 or len(jobs) == 1:
        yield from (block(*job) for job in jobs)
        return
    # A fresh interpreter each: nothing of this one, no connection above all, is shared.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        # Ctrl-C at a terminal reaches every process; this one says so, and the others end with the pool. The
        # tracker would let the signal through again if it were started on the way.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
        try:
            done = pool.map(block, *zip(*jobs, strict=True))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield from done


def _joined(found: Sequence[Paths]) -> Paths:
    names = [each.name for each in fields(Paths) if each.name != "events"]
    joined = replace(found[0], events={})
    for name in names:
        setattr(joined, name, np.concatenate([getattr(paths, name) for paths in found]))
    for name in sorted({name for paths in found for name in paths.events}):
        never = [np.full(len(paths.cash), NEVER, np.int32) for paths in found]
        joined.events[name] = np.concatenate(
            [paths.events.get(name, none) for paths, none in zip(found, never, strict=True)]
        )
    return joined
