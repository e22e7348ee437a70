"""What the watch catches in worlds with people who go bad, against a plain nightly score.

``python -m benchmarks.run watch``. Each world is seeded anew: people live as lively as people do,
one in ten of those added busts out, cashes out at a ring's shop, is taken over or slowly becomes
insolvent, all through the same acts as the doors. The monitors were tuned on seeds 1 and 101 to
106; :data:`SEEDS` were never looked at before the table was final.

The watch is what production runs: its alerts are read from its own table. The nightly score sees
the same journal once a day, as utilisation, payments, shortfalls and returns, with its threshold
set so that it wakes as many good lines. An alarm asks for more than watching and counts once a
line; on a planted line it is right from the day it turned, before that it is false. Lines that were
not planted and yet ran 30 days late are in neither count. *In time* is before the first due day
that is not paid in full. Money saved is what a planted line draws after its first alarm, of all it
draws after it turned, as if somebody acted on every alarm at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import mean, median
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from benchmarks.bench import Bench
from whiteslip import day, world
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.notices import DemoPhone
from whiteslip.store import Database, Tx
from whiteslip.watch import Act, store
from whiteslip.watch.acts import events_of
from whiteslip.watch.memory import Memory, learn
from whiteslip.watch.model import Event
from whiteslip.world.lively import Turn

SEEDS: Final = (2_101, 2_102, 2_103, 2_104, 2_105)
CUSTOMERS, PLANTED, NIGHTS = 50, 20, 240
START: Final = date(2025, 1, 1)
_ZONE: Final = ZoneInfo("Asia/Shanghai")
_ALL: Final = 1_000_000
_LATE_DAYS: Final = 30


@dataclass(slots=True)
class Lived:
    """A world that was lived: its events by line, alerts, who turned, and what was not paid when due."""

    turned: Mapping[UUID, tuple[str, date]]
    events: dict[UUID, list[Event]] = field(default_factory=dict[UUID, list[Event]])
    alarms: dict[UUID, list[datetime]] = field(default_factory=dict[UUID, list[datetime]])
    missed: dict[UUID, list[date]] = field(default_factory=dict[UUID, list[date]])
    late: set[UUID] = field(default_factory=set[UUID])

    def is_bad(self, line: UUID, at: datetime) -> bool:
        """Whether a line has turned."""
        return line in self.turned and at.astimezone(_ZONE).date() >= self.turned[line][1]

    def drawn(self, line: UUID, after: datetime) -> int:
        """What is drawn after an instant."""
        return sum(
            e.amount_minor for e in self.events[line] if e.kind == "purchase.authorised" and e.at > after
        )


@dataclass(slots=True)
class Heard:
    """First alarms: of lines that are good, or were then, and of lines that have turned."""

    false: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    right: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])

    @classmethod
    def of(cls, lived: Lived, alarms: Mapping[UUID, Sequence[datetime]]) -> Heard:
        """Sort alarms out."""
        heard = cls()
        for line, instants in alarms.items():
            for at in instants:
                if lived.is_bad(line, at):
                    heard.right.setdefault(line, at)
                elif line in lived.turned or line not in lived.late:
                    heard.false.setdefault(line, at)
        return heard


def live(url: str, seed: int) -> Lived:
    """Let a world live. Raises RuntimeError when its books do not agree."""
    database = Database(url, 4, durable=False)
    ports = day.Ports(Office(Tables.load(), "Benchmark"), Vault(bytes(32)), DemoPhone(database))
    result = world.run(database, ports, world.Setting(CUSTOMERS, NIGHTS, seed, START, planted=PLANTED))
    if isinstance(result, Refusal) or result.violations or not result.balanced:
        raise RuntimeError(f"the world of seed {seed} does not hold: {result}")
    lived = Lived(result.turned)
    with database.transaction() as tx:
        known = store.page_of_lines(tx, UUID(int=0), _ALL)
        lived.events = {each.line: [] for each in known}
        for line, event in events_of(tx, known, store.lock_cursor(tx)):
            lived.events[line].append(event)
        for alert in reversed(store.alerts(tx, count=_ALL)):
            if alert.act is not Act.WATCH:
                lived.alarms.setdefault(alert.line, []).append(alert.happened_at)
        _unpaid(tx, lived, result.last_day)
    database.close()
    return lived


def _unpaid(tx: Tx, lived: Lived, until: date) -> None:
    """Which due days were not paid in full, and which lines still owed it 30 days later."""
    paid: defaultdict[tuple[UUID, int], list[tuple[date, int]]] = defaultdict(list)
    for row in tx.conn.execute("SELECT plan, no, counts_from, amount_minor FROM billing.v_settlement"):
        paid[row["plan"], row["no"]].append((row["counts_from"], row["amount_minor"]))
    for row in tx.conn.execute("SELECT line, plan, no, due_on, minor FROM billing.v_asked ORDER BY due_on"):
        for days in (0, _LATE_DAYS):
            by = row["due_on"] + timedelta(days=days)
            if by <= until and sum(m for on, m in paid[row["plan"], row["no"]] if on <= by) < row["minor"]:
                if days:
                    lived.late.add(row["line"])
                else:
                    lived.missed.setdefault(row["line"], []).append(by)


def nightly(lived: Lived) -> dict[UUID, list[float]]:
    """The plain score of each line at the end of each day."""
    found: dict[UUID, list[float]] = {}
    for line, events in lived.events.items():
        memory, at, scores = Memory(), 0, list[float]()
        for night in range(NIGHTS):
            end = _end_of(night)
            while at < len(events) and events[at].at <= end:
                learn(memory, events[at])
                at += 1
            scores.append(score(memory))
        found[line] = scores
    return found


def score(memory: Memory) -> float:
    """A plain behaviour score, as a nightly batch would have it: a log odds of going bad."""
    ratio = 1.0 if memory.paid_ratio is None else min(memory.paid_ratio, 1.0)
    return -4.0 + 3.0 * memory.utilisation + 1.2 * memory.short_streak + memory.returned + 1.5 * (1.0 - ratio)


def _end_of(night: int) -> datetime:
    return datetime.combine(START + timedelta(days=night), time.max, _ZONE)


def as_many(lived: Lived, wanted: int) -> Heard:
    """The nightly score at the lowest threshold at which it wakes no more good lines than wanted."""
    scores = nightly(lived)

    def heard(threshold: float) -> Heard:
        over = {
            line: [_end_of(night) for night, value in enumerate(values) if value > threshold]
            for line, values in scores.items()
        }
        return Heard.of(lived, over)

    levels = sorted({value for values in scores.values() for value in values})
    low, high = 0, len(levels) - 1
    while low < high:
        middle = (low + high) // 2
        if len(heard(levels[middle]).false) <= wanted:
            high = middle
        else:
            low = middle + 1
    return heard(levels[low])


def figures(lived: Lived, heard: Heard, kind: str | None = None) -> dict[str, float]:
    """Recall, in time, precision, median lead and money saved of one side, of all kinds or one."""
    bad = {line: turn for line, turn in lived.turned.items() if kind in (None, turn[0])}
    drawn = saved = in_time = 0
    leads: list[int] = []
    for line, (_, turned_on) in bad.items():
        drawn += lived.drawn(line, datetime.combine(turned_on, time(), _ZONE))
        if line not in heard.right:
            continue
        at = heard.right[line]
        saved += lived.drawn(line, at)
        missed = next((due for due in lived.missed.get(line, ()) if due >= turned_on), None)
        lead = (missed - at.astimezone(_ZONE).date()).days if missed else None
        in_time += lead is None or lead > 0
        leads += [] if lead is None else [lead]
    hits = sum(line in heard.right for line in bad)
    return {
        "recall": hits / len(bad),
        "in time": in_time / len(bad),
        "precision": hits / max(1, hits + len(heard.false)),
        "lead, days": median(leads) if leads else 0.0,
        "money saved": saved / max(1, drawn),
    }


def watching(bench: Bench) -> None:
    """Let ``rounds`` worlds live and print both sides: mean over worlds, and spread."""
    worlds: list[tuple[Lived, Heard, Heard]] = []
    for seed in SEEDS[: bench.rounds]:
        lived = live(bench.whiteslip(f"watch{seed}"), seed)
        ours = Heard.of(lived, lived.alarms)
        worlds.append((lived, ours, as_many(lived, len(ours.false))))
    lines = len(worlds[0][0].events)
    false = [len(ours.false) for _, ours, _ in worlds]
    print(
        f"watch: {len(worlds)} worlds of {lines} lines over {NIGHTS} nights, {PLANTED} planted in each; "
        f"good lines alarmed {_spread(false, '.0f')} a world\n"
        f"  {'mean (lowest to highest)':26}{'watch':22}nightly score"
    )
    for name in figures(worlds[0][0], worlds[0][1]):
        _print(name, worlds, lambda lived, heard, name=name: figures(lived, heard)[name])
    for kind in Turn:
        for name in ("in time", "money saved"):
            title = f"{kind.value.replace('_', ' ')}, {name}"
            _print(title, worlds, lambda lived, heard, n=name, k=kind: figures(lived, heard, k.value)[n])


def _print(
    title: str, worlds: Sequence[tuple[Lived, Heard, Heard]], figure: Callable[[Lived, Heard], float]
) -> None:
    sides = ([figure(lived, pair[side]) for lived, *pair in worlds] for side in (0, 1))
    form = ".0f" if "days" in title else ".2f"
    print(f"  {title:26}" + "".join(f"{_spread(values, form):22}" for values in sides).rstrip(), flush=True)


def _spread(values: Sequence[float], form: str) -> str:
    return f"{mean(values):{form}} ({min(values):{form}} to {max(values):{form}})"
