"""People who apply in the world: some are offered what they wished for, some less, some nothing.

They have dice of their own, so that the days of everybody else stay as they are. Those who accept keep
their line unused.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from whiteslip import applications
from whiteslip.applications import Asked, Lender, rules
from whiteslip.applications.model import Application, Channel, Source, State
from whiteslip.applications.scorecard import shipped
from whiteslip.base import Refusal
from whiteslip.day import Ports
from whiteslip.packs import Pack
from whiteslip.store import Database
from whiteslip.world import population
from whiteslip.world.model import Setting

# One applicant for so many who have a line from the start.
_FOR_EACH: Final = 8
_ACCEPTS, _WANTS_A_PERSON, _SHOWS_INCOME = 85, 50, 40
_INCOME_UNITS: Final = (3_000, 25_000)


@dataclass(slots=True)
class Applying:
    """Who applies on which day, and what came of it."""

    database: Database
    lender: Lender
    dice: Random
    timezone: str
    coming: dict[date, list[int]]
    done: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def of(cls, database: Database, ports: Ports, setting: Setting, pack: Pack) -> Applying:
        """The applicants of a world, spread over its days."""
        dice = Random(f"applications {setting.seed}")  # noqa: S311 (repeatable on purpose)
        coming: defaultdict[date, list[int]] = defaultdict(list)
        for number in range(setting.customers // _FOR_EACH):
            day = setting.start + timedelta(days=dice.randrange(max(1, setting.nights)))
            coming[day].append(setting.customers + number)
        office = ports.office
        lender = Lender(office.tables, ports.vault, office.issuer_name, pack, shipped(), office.agency)
        return cls(database, lender, dice, pack.timezone, dict(coming))

    def live(self, day: date) -> None:
        """Those who come on a day apply, and answer an offer at once."""
        now = datetime.combine(day, time(14), ZoneInfo(self.timezone))
        for number in self.coming.pop(day, []):
            self._apply(number, now)

    def _apply(self, number: int, now: datetime) -> None:
        person, asked = population.person(self.dice, number), self._asked()
        consent = rules.consent("zh-CN")[1]
        accepts, wants_a_person = self._happens(_ACCEPTS), self._happens(_WANTS_A_PERSON)
        with self.database.transaction() as tx:
            draft = applications.apply(
                tx, self.lender, person, asked, Channel.WORLD, "zh-CN", consent, "world", now
            )
            if isinstance(draft, Refusal):
                return
            made = applications.prove(tx, self.lender, draft.id, "world", now)
            self.done["applications"] += 1
            if not isinstance(made, Application):
                return
            if made.state is State.OFFERED and accepts:
                applications.accept(tx, self.lender, made.id, "customer", now)
                self.done["accepted"] += 1
            elif made.state is State.DECLINED and wants_a_person:
                view = "我的收入最近提高了。"
                applications.request_review(tx, self.lender, made.id, view, "customer", now)

    def _asked(self) -> Asked:
        income = self.dice.randint(*_INCOME_UNITS) * 100
        service = income * self.dice.choice((0, 5, 12, 20, 30, 45, 60)) // 100
        sources = {"net_income_minor": Source.IMPORTED} if self._happens(_SHOWS_INCOME) else {}
        return Asked(
            net_income_minor=income,
            debt_service_minor=service,
            lenders_elsewhere=self.dice.choice((0, 0, 1, 1, 2, 3, 5)),
            wanted_minor=self.dice.choice(rules.wishes(self.lender.pack)),
            past_due_elsewhere=self.dice.choice((None, 0, 0, 0, 1, 2)),
            sources=sources,
        )

    def _happens(self, percent: int) -> bool:
        return self.dice.randrange(100) < percent
