"""Make people: synthetic persons with valid check digits, and their ways with money."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from whiteslip.base import new_id
from whiteslip.identity import Person
from whiteslip.world.model import Habit, Leaving, Resident, Setting

_SURNAMES: Final = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN: Final = "安宁明远嘉文思齐清和知行子衿若水云舒望舒怀瑾一诺景行书言语冰春晓"
_AREAS: Final = ("110101", "310101", "440106", "510104", "330106", "420106")
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
_HABITS: Final = {
    Habit.EARLY: 15,
    Habit.ON_TIME: 55,
    Habit.LATE: 15,
    Habit.STRUGGLING: 9,
    Habit.STOPS: 6,
}
_LEAVINGS: Final = {
    Leaving.PORTAL: 82,
    Leaving.UNANSWERED: 6,
    Leaving.DOUBTED: 6,
    Leaving.REGRETS: 6,
}
_LEAVERS_PERCENT: Final = 25
# The chance to buy on a day: four to sixteen purchases a year.
_PACE_BPS: Final = (100, 450)
_PAYS_AFTER: Final = {
    Habit.EARLY: (1, 5),
    Habit.ON_TIME: (6, 15),
    Habit.LATE: (17, 45),
    Habit.STRUGGLING: (10, 70),
    Habit.STOPS: (5, 20),
}


def person(dice: Random, number: int) -> Person:
    """A person who does not exist, on a mail domain and phone range that reach nobody."""
    born = date(1965, 1, 1) + timedelta(days=dice.randrange(14_000))
    digits = f"{dice.choice(_AREAS)}{born:%Y%m%d}{dice.randrange(1000):03d}"
    check = _CHECKS[sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=True)) % 11]
    given = "".join(dice.choice(_GIVEN) for _ in range(dice.choice((1, 2))))
    return Person(
        full_name=dice.choice(_SURNAMES) + given,
        id_number=digits + check,
        phone=f"+86139{number:08d}",
        email=f"customer-{number}@example.com",
    )


def resident(dice: Random, setting: Setting, opened_at: datetime) -> Resident:
    """Somebody's ways, drawn from the dice."""
    habit = dice.choices(list(_HABITS), list(_HABITS.values()))[0]
    leaves = dice.randrange(100) < _LEAVERS_PERCENT
    span = max(1, setting.nights)
    return Resident(
        customer=new_id(opened_at),
        line=new_id(opened_at),
        statement_day=dice.randint(1, 28),
        limit_minor=dice.choice((200_000, 500_000, 800_000, 1_200_000, 2_000_000)),
        habit=habit,
        pace_bps=dice.randint(*_PACE_BPS),
        refunds_bps=dice.choice((0, 0, 200, 800)),
        pays_after_days=dice.randint(*_PAYS_AFTER[habit]),
        gives_up_on=setting.start + timedelta(days=dice.randrange(span)),
        leaves_on=setting.start + timedelta(days=dice.randrange(span)) if leaves else None,
        leaving=dice.choices(list(_LEAVINGS), list(_LEAVINGS.values()))[0],
    )
