"""What the watch catches, against a plain nightly score with as many false alarms, in one run.

``python -m benchmarks.watch [LINES] [SEED]``. Histories of lines are drawn from a seed: most live
quietly, with sprees now and then and late payments; some are planted: bust-outs, cash-out rings,
take-overs and slow insolvencies. Both sides see the same events: the watch through its own memory,
features and table as they ship, event by event; the nightly score once a day, from utilisation,
payments, shortfalls and returns, with its threshold set so that it raises no more false alarms.

An alarm is an alert that asks for more than watching, once per line; on a planted line it is right
from the first bad day on. Lead time is in days before the first due day that is not paid in full.
Money saved is the share, of what is drawn after a line turned, that is drawn after the first alarm.
These are drawn histories, not a real book: they say how the two compare on what was planted, and
nothing of how often it happens.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from typing import Final

from whiteslip.decisions import Tables, evaluate
from whiteslip.watch import features
from whiteslip.watch.memory import Memory, learn
from whiteslip.watch.model import Event

DAYS: Final = 300
LATEST: Final = 255
EARLIEST: Final = 150
CYCLE: Final = 30
DUE: Final = 20
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
CATEGORIES: Final = ("food", "clothes", "books", "travel", "home", "health", "toys", "games")
PLANTED: Final = ("bust_out", "cash_out", "take_over", "insolvency")


@dataclass(slots=True)
class Life:
    """A line and what happens on it. ``turns_on`` is the first bad day of a planted one."""

    kind: str
    limit: int
    turns_on: int
    dice: Random
    events: list[tuple[float, str, int, str, str]] = field(
        default_factory=list[tuple[float, str, int, str, str]]
    )
    owed: int = 0
    missed_on: int | None = None
    demanded: int = 0
    paid: int = 0
    due_on: int = -1

    @property
    def is_bad(self) -> bool:
        """Whether it was planted."""
        return self.kind != "quiet"

    def put(self, day: float, kind: str, amount: int = 0, category: str = "", shop: str = "") -> None:
        """Something happens, ``day`` with its fraction."""
        self.events.append((day, kind, amount, category, shop))

    def buy(self, day: float, amount: int, category: str, shop: str) -> None:
        """A purchase, as far as the limit lets it."""
        amount = min(amount, self.limit - self.owed)
        if amount >= 500:
            self.owed += amount
            self.put(day, "purchase.authorised", amount, category, shop)


def live(life: Life) -> None:
    """All days of a line."""
    dice = life.dice
    pace, usual = dice.uniform(0.05, 0.35), dice.uniform(3_000, 15_000)
    likes, shops = dice.sample(CATEGORIES, 3), [f"shop-{dice.randrange(200)}" for _ in range(5)]
    offset = dice.randrange(CYCLE)
    life.put(0.0, "line.opened", life.limit)
    for day in range(1, DAYS):
        turned = life.is_bad and day >= life.turns_on
        if not turned and dice.random() < 0.0008:
            life.put(day + 0.3, "identity.contact_changed")
        if not (turned and life.kind != "insolvency"):
            faster = 1.0 + (day - life.turns_on) / 40 if turned else 1.0
            times = (1 if dice.random() < pace * faster else 0) + (
                dice.randint(2, 4) if dice.random() < 0.006 else 0
            )
            for _ in range(times):
                hour = dice.uniform(0.0, 0.2) if dice.random() < 0.03 else dice.uniform(0.35, 0.95)
                amount = int(usual * dice.lognormvariate(0.0, 0.7) * faster)
                amount = amount // 10_000 * 10_000 if amount > 20_000 and dice.random() < 0.15 else amount
                shop = dice.choice(shops) if dice.random() < 0.7 else f"shop-{dice.randrange(200)}"
                life.buy(
                    day + hour,
                    amount,
                    dice.choice(likes) if dice.random() < 0.9 else dice.choice(CATEGORIES),
                    shop,
                )
        if turned:
            BAD[life.kind](life, day)
        _bank(life, day, offset, turned)
    life.events.sort(key=lambda each: each[0])


def _bank(life: Life, day: int, offset: int, turned: bool) -> None:
    """Bills each cycle, a third of the balance; payments before they are due, mostly."""
    dice = life.dice
    if day % CYCLE == offset and life.owed > 0:
        life.demanded, life.paid, life.due_on = max(1_000, life.owed // 3), 0, day + DUE
        life.put(day + 0.99, "bill.issued", life.demanded)
    if life.due_on - dice.randint(1, 9) == day or day == life.due_on:
        rest = life.demanded - life.paid
        if rest <= 0:
            return
        share = 1.0
        if turned and life.kind != "insolvency":
            share = 0.0
        elif turned:
            share = max(0.0, 1.0 - (day - life.turns_on) / 90) if dice.random() < 0.8 else 0.0
        elif dice.random() < 0.02:
            share = 0.0
        amount = min(int(rest * share), life.owed)
        if amount > 0:
            life.owed -= amount
            life.paid += amount
            life.put(day + 0.5, "payment.received", amount)
            if dice.random() < (0.25 if turned else 0.003):
                life.owed += amount
                life.paid -= amount
                life.put(day + 0.97, "payment.returned", amount)
        if day == life.due_on and life.paid < life.demanded and turned and life.missed_on is None:
            life.missed_on = day


def _bust_out(life: Life, day: int) -> None:
    if day < life.turns_on + 3:
        for _ in range(life.dice.randint(2, 4)):
            amount = int(life.limit * life.dice.uniform(0.08, 0.2))
            life.buy(
                day + life.dice.uniform(0.4, 0.95), amount, "jewellery", f"shop-{life.dice.randrange(200)}"
            )


def _cash_out(life: Life, day: int) -> None:
    if day < life.turns_on + 24 and life.dice.random() < 0.45:
        amount = max(10_000, int(life.limit * life.dice.uniform(0.05, 0.15)) // 10_000 * 10_000)
        life.buy(day + life.dice.uniform(0.4, 0.95), amount, "services", "ring")


def _take_over(life: Life, day: int) -> None:
    if day == life.turns_on:
        life.put(day + 0.1, "identity.contact_changed")
    elif day < life.turns_on + 4:
        for _ in range(life.dice.randint(1, 4)):
            amount = int(life.limit * life.dice.uniform(0.04, 0.15))
            life.buy(
                day + life.dice.uniform(0.0, 0.5), amount, "electronics", f"shop-{life.dice.randrange(200)}"
            )


def _insolvency(_life: Life, _day: int) -> None:
    """Its purchases and payments change by themselves."""


BAD: Final[dict[str, Callable[[Life, int], None]]] = {
    "bust_out": _bust_out,
    "cash_out": _cash_out,
    "take_over": _take_over,
    "insolvency": _insolvency,
}


def events_of(life: Life) -> Iterator[tuple[int, Event]]:
    """What the journal would say, with its day."""
    owed = 0
    for seq, (day, kind, amount, category, shop) in enumerate(life.events, 1):
        if kind == "purchase.authorised" or kind == "payment.returned":
            owed += amount
        elif kind == "payment.received":
            owed -= amount
        night = kind == "purchase.authorised" and day % 1.0 < 5 / 24
        yield int(day), Event(seq, START + timedelta(days=day), kind, amount, owed, category, shop, night)


@dataclass(slots=True)
class Heard:
    """What each side said of a line: day and what was saved by the first strong alarm."""

    watch: tuple[int, str] | None = None
    strong: float | None = None
    looked: bool = False
    scores: list[float] = field(default_factory=list[float])


def run(life: Life, tables: Tables) -> Heard:
    """Both sides, over all events of a line."""
    memory, heard, today = Memory(), Heard(), 0
    for day, event in events_of(life):
        while today < day:
            heard.scores.append(score(memory))
            today += 1
        learn(memory, event)
        if event.kind not in {"purchase.authorised", "bill.issued", "payment.returned"}:
            continue
        outcome = evaluate(tables, "watch-monitor", features.facts(memory))
        if outcome["act"] != "none" and (not life.is_bad or day >= life.turns_on):
            if outcome["act"] == "watch":
                heard.looked = True
            elif heard.watch is None:
                heard.watch = (day, str(outcome["rule"]))
                heard.strong = (event.at - START) / timedelta(days=1)
    while today < DAYS:
        heard.scores.append(score(memory))
        today += 1
    return heard


def score(memory: Memory) -> float:
    """A plain behaviour score, as a nightly batch would have it: a log odds of going bad."""
    ratio = 1.0 if memory.paid_ratio is None else min(memory.paid_ratio, 1.0)
    return -4.0 + 3.0 * memory.utilisation + 1.2 * memory.short_streak + memory.returned + 1.5 * (1.0 - ratio)


def after(life: Life, day: float) -> int:
    """What is drawn after an instant."""
    return sum(e[2] for e in life.events if e[1] == "purchase.authorised" and e[0] > day)


def first_night(heard: Heard, life: Life, threshold: float) -> int | None:
    """The first night whose score is above a threshold; of a planted line, since it turned."""
    since = life.turns_on if life.is_bad else 0
    return next((day for day in range(since, DAYS) if heard.scores[day] > threshold), None)


def report(name: str, lives: Sequence[Life], days: Sequence[int | None], saved: Sequence[int]) -> list[str]:
    """Recall, precision, lead and money of one side."""
    bad = [place for place, life in enumerate(lives) if life.is_bad]
    hits = [place for place in bad if days[place] is not None]
    wrong = sum(day is not None for place, day in enumerate(days) if not lives[place].is_bad)
    drawn = sum(after(lives[place], lives[place].turns_on) for place in bad)
    precision = len(hits) / max(1, len(hits) + wrong)
    recall, share = len(hits) / len(bad), sum(saved) / drawn
    lines = [f"{name}: recall {recall:.2f}, precision {precision:.2f}, false {wrong}, saved {share:.2f}"]
    for kind in PLANTED:
        own = [place for place in bad if lives[place].kind == kind]
        caught = [place for place in own if days[place] is not None]
        leads = [
            missed - day
            for place in caught
            if (missed := lives[place].missed_on) is not None and (day := days[place]) is not None
        ]
        lead = f"{median(leads):.0f}" if leads else "none"
        money = sum(saved[place] for place in own) / max(
            1, sum(after(lives[p], lives[p].turns_on) for p in own)
        )
        lines.append(
            f"  {kind}: recall {len(caught) / len(own):.2f}, median lead {lead} days, saved {money:.2f}"
        )
    return lines


def main(count: int = 600, seed: int = 20261125) -> None:
    """Draw, run both, print."""
    dice = Random(seed)
    lives: list[Life] = []
    for place in range(count):
        kind = PLANTED[place % 4] if place < count // 10 else "quiet"
        limit = dice.choice((200_000, 500_000, 800_000, 1_200_000))
        life = Life(kind, limit, dice.randint(EARLIEST, LATEST), Random(dice.random()))
        live(life)
        lives.append(life)
    tables = Tables.load()
    heard = [run(life, tables) for life in lives]
    days = [each.watch[0] if each.watch else None for each in heard]
    wrong = sum(day is not None for day, life in zip(days, lives, strict=True) if not life.is_bad)
    peaks = sorted(
        (max(h.scores) for h, life in zip(heard, lives, strict=True) if not life.is_bad), reverse=True
    )
    threshold = peaks[wrong] if wrong < len(peaks) else -math.inf
    nightly = [first_night(h, life, threshold) for h, life in zip(heard, lives, strict=True)]
    saved = [
        after(life, h.strong) if life.is_bad and h.strong is not None else 0
        for h, life in zip(heard, lives, strict=True)
    ]
    saved_nightly = [
        after(life, day + 1) if life.is_bad and day is not None else 0
        for day, life in zip(nightly, lives, strict=True)
    ]
    events = sum(len(life.events) for life in lives)
    print(f"{count} lines, {DAYS} days, {events} events, seed {seed}; planted {count // 10}")
    print("\n".join(report("watch", lives, days, saved)))
    print("\n".join(report("nightly score", lives, nightly, saved_nightly)))
    rules = sorted(
        {each.watch[1] for each, life in zip(heard, lives, strict=True) if each.watch and not life.is_bad}
    )
    looked = sum(each.looked for each, life in zip(heard, lives, strict=True) if not life.is_bad)
    print(f"quiet lines that the watch only asked to be watched: {looked}")
    print("rules that raised false alarms: " + (", ".join(rules) or "none"))


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:3]))
