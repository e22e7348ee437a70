"""People whose days are told apart by hour, shop and trade, and those among them who go bad. Pure.

Most stay as they are: sprees, holidays, a new address with new furniture, a shop they always go to,
a bill paid weeks late. Those planted live like them until they turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Final
from uuid import UUID

from whiteslip.base import new_id
from whiteslip.world.model import Setting

_TRADES: Final = (
    "food", "clothes", "books", "travel", "home", "health", "toys", "games", "electronics", "jewellery",
    "services",
)  # fmt: skip
_LIMITS: Final = (200_000, 500_000, 800_000, 1_200_000)
_SHOPS: Final = 200
# A ring's shops; each ring has up to five people.
_RING_OF: Final = 5
_ROUND: Final = 10_000
_LEAST: Final = 500
# People turn in this part of the world's nights, so that each has a past and an end.
_EARLIEST, _LATEST = 0.5, 0.85


class Turn(StrEnum):
    """How somebody goes bad.

    ``BUST_OUT`` fills the line within days and never pays again; ``CASH_OUT`` does so over weeks at
    the shop of a ring, for cash; ``TAKE_OVER`` is somebody else who buys; ``INSOLVENCY`` is slow: more
    is bought on credit, less and less is paid, payments come back.
    """

    BUST_OUT = "bust_out"
    CASH_OUT = "cash_out"
    TAKE_OVER = "take_over"
    INSOLVENCY = "insolvency"


@dataclass(frozen=True, slots=True)
class Wish:
    """Something somebody wants to buy, at an hour of the day."""

    hour: int
    shop: str
    trade: str
    amount_minor: int


@dataclass(slots=True)
class Lively:
    """A customer and their days. ``turn`` is None for those who stay good.

    ``pays_on`` is when they mean to pay what is billed; ``moved_on`` when they last moved house.
    """

    customer: UUID
    line: UUID
    statement_day: int
    limit_minor: int
    dice: Random
    turn: Turn | None
    turns_on: date
    pace: float
    usual_minor: float
    trades: tuple[str, ...]
    shops: tuple[str, ...]
    ring: str
    lasts_days: int
    is_seen: bool
    tops_up: bool
    pays_on: date | None = None
    moved_on: date | None = None

    def has_turned(self, day: date) -> bool:
        """Whether they have gone bad."""
        return self.turn is not None and day >= self.turns_on

    def happens(self, chance: float) -> bool:
        """By their own dice."""
        return self.dice.random() < chance


def settlers(setting: Setting, opened_at: datetime) -> list[Lively]:
    """Those of a world: of ten one goes bad, of those a quarter in each way."""
    dice = Random(f"planted {setting.seed}")  # noqa: S311 (repeatable on purpose)
    turns: list[Turn | None] = [list(Turn)[n % len(Turn)] for n in range(setting.planted)]
    turns += [None] * (9 * setting.planted)
    rings = 1 + setting.planted // len(Turn) // _RING_OF
    return [_settler(Random(dice.random()), turn, setting, rings, opened_at) for turn in turns]  # noqa: S311


def _settler(dice: Random, turn: Turn | None, setting: Setting, rings: int, opened_at: datetime) -> Lively:
    first, last = (round(setting.nights * share) for share in (_EARLIEST, _LATEST))
    return Lively(
        customer=new_id(opened_at),
        line=new_id(opened_at),
        statement_day=dice.randint(1, 28),
        limit_minor=dice.choice(_LIMITS),
        dice=dice,
        turn=turn,
        turns_on=setting.start + timedelta(days=dice.randint(first, max(first, last))),
        pace=dice.uniform(0.05, 0.35),
        usual_minor=dice.uniform(3_000, 15_000),
        trades=tuple(dice.sample(_TRADES, 3)),
        shops=tuple(_any_shop(dice) for _ in range(5)),
        ring=f"ring-{dice.randrange(rings)}",
        lasts_days=dice.randint(2, 8),
        # One in four who take over somebody's line changes no contact.
        is_seen=dice.random() < 0.75,
        # One in twenty tops up the same card in whole hundreds and means no harm.
        tops_up=dice.random() < 0.05,
    )


def _any_shop(dice: Random) -> str:
    return f"shop-{dice.randrange(_SHOPS)}"


def wishes(person: Lively, day: date) -> list[Wish]:
    """What somebody wants to buy on a day, by the hour."""
    found = [wish for wish in _wishes(person, day) if wish.amount_minor >= _LEAST]
    return sorted(found, key=lambda wish: wish.hour)


def changes_contact(person: Lively, day: date) -> bool:
    """Whether their phone is another from the first hour of a day on."""
    if person.has_turned(day):
        return person.turn is Turn.TAKE_OVER and person.is_seen and day == person.turns_on
    if not person.happens(0.0008):
        return False
    # Some have moved house, and will buy what a new home wants.
    person.moved_on = day if person.happens(0.3) else None
    return True


def _wishes(person: Lively, day: date) -> Iterator[Wish]:
    since = (day - person.turns_on).days
    match person.turn if person.has_turned(day) else None:
        case None:
            yield from _usual(person, 1.0)
            yield from _seldom(person, day)
        case Turn.INSOLVENCY:
            yield from _usual(person, 1.0 + since / 40)
        case Turn.BUST_OUT if since <= person.lasts_days:
            for _ in range(person.dice.randint(1, 3)):
                yield Wish(
                    person.dice.randint(9, 22), _any_shop(person.dice), "jewellery", _part(person, 8, 20)
                )
        case Turn.CASH_OUT if since < 24 and person.happens(0.45):
            amount = _part(person, 5, 15)
            whole = max(_ROUND, amount // _ROUND * _ROUND) if person.happens(0.8) else amount
            yield Wish(person.dice.randint(9, 22), person.ring, "services", whole)
        case Turn.TAKE_OVER if 0 < since < 4 or (since == 0 and not person.is_seen):
            for _ in range(person.dice.randint(1, 4)):
                yield Wish(
                    person.dice.randint(0, 12), _any_shop(person.dice), "electronics", _part(person, 4, 15)
                )
        case _:
            return


def _usual(person: Lively, faster: float) -> Iterator[Wish]:
    """A day like others, or a spree."""
    dice = person.dice
    times = int(person.happens(person.pace * faster)) + (dice.randint(2, 4) if person.happens(0.006) else 0)
    for _ in range(times):
        hour = dice.randint(0, 4) if person.happens(0.03) else dice.randint(8, 22)
        amount = int(person.usual_minor * dice.lognormvariate(0.0, 0.7) * faster)
        if person.tops_up or (amount > 2 * _ROUND and person.happens(0.15)):
            amount = max(_ROUND, amount // _ROUND * _ROUND)
        shop = dice.choice(person.shops) if person.happens(0.7) else _any_shop(dice)
        trade = dice.choice(person.trades) if person.happens(0.9) else dice.choice(_TRADES)
        yield Wish(hour, person.shops[0] if person.tops_up else shop, trade, amount)


def _seldom(person: Lively, day: date) -> Iterator[Wish]:
    """What is large and no harm: a journey, a machine; furniture in the weeks after moving house."""
    if person.happens(0.002):
        for _ in range(person.dice.randint(1, 2)):
            trade = person.dice.choice(("travel", "home"))
            yield Wish(person.dice.randint(9, 22), _any_shop(person.dice), trade, _part(person, 15, 40))
    if person.moved_on and (day - person.moved_on).days < 14 and person.happens(0.25):
        yield Wish(person.dice.randint(9, 20), _any_shop(person.dice), "home", _part(person, 5, 15))


def _part(person: Lively, least: int, most: int) -> int:
    """So many hundredths of the limit."""
    return person.limit_minor * person.dice.randint(least, most) // 100


def means_to_pay_on(person: Lively, day: date) -> date | None:
    """On a statement's day: when the bill will be paid, before it is due or, seldom, weeks after."""
    if person.has_turned(day) and person.turn is not Turn.INSOLVENCY:
        return None
    return day + timedelta(
        days=person.dice.randint(24, 50) if person.happens(0.02) else person.dice.randint(6, 19)
    )


def share_paid(person: Lively, day: date) -> float:
    """Which part of what is billed somebody pays on the day on which they meant to."""
    if not person.has_turned(day):
        return 1.0
    if person.turn is not Turn.INSOLVENCY or person.happens(0.2):
        return 0.0
    return max(0.0, 1.0 - (day - person.turns_on).days / 90)


def comes_back(person: Lively, day: date) -> bool:
    """Whether the bank takes a payment back."""
    return person.happens(0.25 if person.has_turned(day) else 0.003)
