"""What is remembered of a line: decayed sums, changed by one event in constant time. Pure.

A sum with half-life h is S(t) = S(t0) * 2 ** (-(t - t0) / h) + x. It needs no history, so a memory is
a fold over the journal. Tables inside are bounded: the smallest entry makes room for a new one.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from whiteslip.watch.model import Event

HOUR: Final = 3_600.0
DAY: Final = 24 * HOUR
MONTH: Final = 30 * DAY
_HALF_YEAR: Final = 180 * DAY
_SIXTY_DAYS: Final = 60 * DAY
_MOST_CATEGORIES: Final = 16
_MOST_SHOPS: Final = 12
_SIZES: Final = 16
_NOTHING: Final = 1e-6
# A robust mean: an observation pulls it by three deviations at the most (Huber 1964).
_CLIP: Final = 3.0
_SLOWEST: Final = 0.02
_NORMAL: Final = 1.2533  # of a normal variable, deviation / mean absolute deviation
_LEAST_SPREAD: Final = 0.25
_WARM: Final = 6
# What rounding takes off a payment is not a shortfall.
_MINIMUM: Final = 1.02


class Usual(msgspec.Struct):
    """What a figure usually is, on a logarithmic scale; ``z`` is how unusual the last one was."""

    mean: float = 0.0
    spread: float = 0.0
    count: int = 0
    z: float = 0.0

    def learn(self, figure: float) -> None:
        """Say how unusual a figure is, then learn from it."""
        seen = math.log1p(figure)
        spread = max(self.spread * _NORMAL, _LEAST_SPREAD)
        self.z = (seen - self.mean) / spread if self.count >= _WARM else 0.0
        pull = seen - self.mean
        if self.count >= _WARM:
            pull = max(-_CLIP * spread, min(_CLIP * spread, pull))
        weight = max(1.0 / (self.count + 1), _SLOWEST)
        self.mean += weight * pull
        if self.count:
            self.spread += weight * (abs(pull) - self.spread)
        self.count += 1

    @property
    def usual(self) -> float:
        """The figure that is usual, on its own scale."""
        return math.expm1(self.mean)


class Share(msgspec.Struct):
    """A sum that forgets in 30 days beside one that forgets in 180: lately, and usually."""

    lately: float = 0.0
    usually: float = 0.0

    def fade(self, lately: float, usually: float) -> None:
        """Forget."""
        self.lately = _faded(self.lately, lately)
        self.usually = _faded(self.usually, usually)

    def add(self, amount: float) -> None:
        """Learn."""
        self.lately += amount
        self.usually += amount


class Cycle(msgspec.Struct):
    """A bill and what was paid since."""

    demanded_minor: int
    balance_minor: int
    paid_minor: int = 0


class Memory(msgspec.Struct):
    """All that is remembered of a line as of ``at``, seconds since 1970. Amounts are minor units."""

    opened_at: float = 0.0
    at: float = 0.0
    seq: int = 0
    limit_minor: int = 0
    owed_minor: int = 0
    contact_changed_at: float | None = None
    hour_count: float = 0.0
    day_count: float = 0.0
    day_sum: float = 0.0
    day_new_sum: float = 0.0
    month_sum: float = 0.0
    hourly: Usual = msgspec.field(default_factory=Usual)
    daily: Usual = msgspec.field(default_factory=Usual)
    monthly: Usual = msgspec.field(default_factory=Usual)
    bought: Share = msgspec.field(default_factory=Share)
    spent: Share = msgspec.field(default_factory=Share)
    nightly: Share = msgspec.field(default_factory=Share)
    round_sums: Share = msgspec.field(default_factory=Share)
    categories: dict[str, Share] = msgspec.field(default_factory=dict[str, Share])
    sizes: dict[str, Share] = msgspec.field(default_factory=dict[str, Share])
    shops: dict[str, Share] = msgspec.field(default_factory=dict[str, Share])
    used: float = 0.0
    returned: float = 0.0
    cycle: Cycle | None = None
    paid_ratio: float | None = None
    minimum_streak: int = 0
    short_streak: int = 0

    @property
    def utilisation(self) -> float:
        """Owed of the highest limit; that of a memory that has seen none is what is owed."""
        return self.owed_minor / max(self.limit_minor, 1) if self.limit_minor else float(self.owed_minor > 0)


def learn(memory: Memory, event: Event) -> None:
    """Change a memory by one event. What is of no kind known here changes nothing."""
    change = _CHANGES.get(event.kind)
    if change is None or event.seq <= memory.seq:
        return
    _pass_time(memory, event.at.timestamp())
    change(memory, event)
    memory.seq = event.seq


def forget_until(memory: Memory, at: float) -> None:
    """Let time pass to an instant at which nothing happens."""
    _pass_time(memory, at)


KINDS: Final = frozenset({
    "line.opened", "line.limit_changed", "identity.contact_changed", "purchase.authorised",
    "purchase.released", "purchase.expired", "purchase.refunded", "bill.issued", "payment.received",
    "payment.returned",
})  # fmt: skip


def _faded(value: float, by: float) -> float:
    value *= by
    return value if value > _NOTHING else 0.0


def _pass_time(memory: Memory, at: float) -> None:
    past = max(0.0, at - memory.at) if memory.at else 0.0
    memory.at = max(at, memory.at)
    if past == 0.0:
        return
    month, long = 2.0 ** (-past / MONTH), 2.0 ** (-past / _HALF_YEAR)
    memory.hour_count = _faded(memory.hour_count, 2.0 ** (-past / HOUR))
    day = 2.0 ** (-past / DAY)
    memory.day_count = _faded(memory.day_count, day)
    memory.day_sum = _faded(memory.day_sum, day)
    memory.day_new_sum = _faded(memory.day_new_sum, day)
    memory.month_sum = _faded(memory.month_sum, month)
    memory.returned = _faded(memory.returned, 2.0 ** (-past / _SIXTY_DAYS))
    # What was used lately is a mean over time: it moves towards what was used since the last event.
    memory.used = memory.utilisation + (memory.used - memory.utilisation) * month
    for share in (memory.bought, memory.spent, memory.nightly, memory.round_sums):
        share.fade(month, long)
    for shares in (memory.categories, memory.sizes, memory.shops):
        for share in shares.values():
            share.fade(month, long)


def _into(shares: dict[str, Share], key: str, amount: float, most: int) -> None:
    if key not in shares and len(shares) >= most:
        # The key decides between equals, or the fold would depend on the order of a dictionary.
        least = min(shares, key=lambda each: (shares[each].usually, each))
        del shares[least]
    shares.setdefault(key, Share()).add(amount)


def _bought(memory: Memory, event: Event) -> None:
    amount = event.amount_minor
    memory.hour_count += 1.0
    memory.day_count += 1.0
    memory.day_sum += amount
    # A shop that made room for others counts as new again: what matters is who is bought from now.
    memory.day_new_sum += amount * (event.shop not in memory.shops)
    memory.month_sum += amount
    memory.hourly.learn(memory.hour_count)
    memory.daily.learn(memory.day_sum)
    memory.monthly.learn(memory.month_sum)
    memory.bought.add(1.0)
    memory.spent.add(amount)
    memory.nightly.add(float(event.is_night))
    memory.round_sums.add(float(amount % 10_000 == 0))
    _into(memory.categories, event.category or "other", amount, _MOST_CATEGORIES)
    _into(memory.sizes, str(min(amount.bit_length() // 2, _SIZES - 1)), 1.0, _SIZES)
    _into(memory.shops, event.shop, amount, _MOST_SHOPS)
    memory.owed_minor += amount


def _let_go(memory: Memory, event: Event) -> None:
    memory.owed_minor = max(0, memory.owed_minor - event.amount_minor)


def _paid(memory: Memory, event: Event) -> None:
    _let_go(memory, event)
    if memory.cycle:
        memory.cycle.paid_minor += event.amount_minor


def _returned(memory: Memory, event: Event) -> None:
    memory.owed_minor += event.amount_minor
    memory.returned += 1.0
    if memory.cycle:
        memory.cycle.paid_minor = max(0, memory.cycle.paid_minor - event.amount_minor)


def _billed(memory: Memory, event: Event) -> None:
    """A new bill ends the cycle before, and says what is owed; holds beside it are recent purchases."""
    before = memory.cycle
    if before and before.demanded_minor > 0:
        memory.paid_ratio = before.paid_minor / max(before.balance_minor, before.demanded_minor)
        short = before.paid_minor < before.demanded_minor
        least = before.paid_minor <= before.demanded_minor * _MINIMUM < before.balance_minor
        memory.short_streak = memory.short_streak + 1 if short else 0
        memory.minimum_streak = memory.minimum_streak + 1 if least else 0
    memory.cycle = Cycle(event.amount_minor, event.balance_minor)
    balance = max(0, event.balance_minor)
    memory.owed_minor = min(max(memory.owed_minor, balance), balance + round(memory.month_sum))


def _opened(memory: Memory, event: Event) -> None:
    memory.opened_at = memory.at
    memory.limit_minor = event.amount_minor


def _limit(memory: Memory, event: Event) -> None:
    """Who lowers the limit uses no more than before, so the highest there was counts."""
    memory.limit_minor = max(memory.limit_minor, event.amount_minor)


def _contact(memory: Memory, _event: Event) -> None:
    memory.contact_changed_at = memory.at


_CHANGES: Final = {
    "line.opened": _opened,
    "line.limit_changed": _limit,
    "identity.contact_changed": _contact,
    "purchase.authorised": _bought,
    "purchase.released": _let_go,
    "purchase.expired": _let_go,
    "purchase.refunded": _let_go,
    "bill.issued": _billed,
    "payment.received": _paid,
    "payment.returned": _returned,
}
