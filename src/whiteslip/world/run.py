"""Run a world: settle people, let them live, seal every night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from whiteslip import day, identity, ledger, lines, packs
from whiteslip.base import Refusal, end_of_day
from whiteslip.day import Ports, every_violation
from whiteslip.exits import store as exits_store
from whiteslip.lines import Customer
from whiteslip.lines.acts import open_house
from whiteslip.lines.model import Agreement, NewLine
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.world import population
from whiteslip.world.applying import Applying
from whiteslip.world.life import Life
from whiteslip.world.model import Resident, Result, Setting
from whiteslip.world.planted import Planted


def settle(database: Database, ports: Ports, setting: Setting, dice: Random) -> list[Resident]:
    """Register everybody with a line each, on the morning of the first day."""
    pack = packs.load(setting.pack)
    now = datetime.combine(setting.start, time(8), ZoneInfo(pack.timezone))
    agreement = Agreement.of(pack)
    people = [population.resident(dice, setting, now) for _ in range(setting.customers)]
    with database.transaction() as tx:
        open_house(tx, agreement.currency)
        customers = [
            Customer(r.customer, None, "zh-CN" if n % 4 else "en", now) for n, r in enumerate(people)
        ]
        lines.open_customers(tx, customers, now)
        persons = [(r.customer, population.person(dice, n)) for n, r in enumerate(people)]
        identity.enrol_many(tx, ports.vault, persons, "world", now)
        opened = [NewLine(r.line, r.customer, r.limit_minor, r.statement_day, setting.start) for r in people]
        lines.open_lines(tx, agreement, opened, "world", now)
    return people


def run(
    database: Database,
    ports: Ports,
    setting: Setting,
    tell: Callable[[int], None] | None = None,
) -> Result | Refusal:
    """Let the world live for ``setting.nights`` nights, sealing each.

    Every night checks the invariants; at the end all of them are checked over all rows. The
    installation's clock is left at the end of the last night. ``tell`` is given the nights done.
    """
    pack = packs.load(setting.pack)
    dice = Random(setting.seed)  # noqa: S311 (repeatable on purpose)
    people = settle(database, ports, setting, dice)
    life = Life(database, ports, people, dice, pack.timezone, pack.days("exit.clearing_days"))
    applying = Applying.of(database, ports, setting, pack)
    planted = Planted.of(database, ports, setting, pack)
    today = setting.start
    for night in range(setting.nights):
        today = setting.start + timedelta(days=night)
        life.live(today)
        applying.live(today)
        planted.live(today)
        end = end_of_day(today, pack.timezone)
        planted.watch(end)
        sealed = day.seal(database, ports, today, pack.timezone, end, with_letters=True)
        if isinstance(sealed, Refusal):
            return sealed
        if tell:
            tell(night + 1)
    with database.transaction() as tx:
        StoredClock(tx).set(end_of_day(today, pack.timezone) + timedelta(hours=10))
        return Result(
            customers=setting.customers,
            nights=setting.nights,
            seed=setting.seed,
            last_day=today,
            done=life.done + applying.done + planted.done,
            exits={state.value: count for state, count in sorted(exits_store.counts(tx).items())},
            violations=tuple(every_violation(tx)),
            balanced=ledger.is_balanced(ledger.trial_balance(tx)),
            turned={p.line: (p.turn.value, p.turns_on) for p in planted.people if p.turn},
        )
