"""The sample portfolio: people who do not exist, made from a seed.

Names come from the cycle of sixty (甲子 to 癸亥) behind the word for "sample". ID numbers have
valid check digits and birth days before 1910, so no living person carries one. Phone numbers are
from the range that Ofcom reserves for drama (+44 7700 900000 to 900999), e-mail addresses from
example.com (RFC 2606).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Final

from stdnum.cn import ric

CUSTOMERS: Final = 60
MONTHS: Final = ("2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "2025-06")
SEED: Final = 20250630
PATH: Final = Path(__file__).with_name("samples") / "portfolio.csv"

_STEMS: Final = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES: Final = "子丑寅卯辰巳午未申酉戌亥"
_STEM_SOUNDS: Final = ("Jia", "Yi", "Bing", "Ding", "Wu", "Ji", "Geng", "Xin", "Ren", "Gui")
_BRANCH_SOUNDS: Final = ("Zi", "Chou", "Yin", "Mao", "Chen", "Si", "Wu", "Wei", "Shen", "You", "Xu", "Hai")
_AREAS: Final = ("110101", "310101", "510104")

# What a customer of each habit pays of the balance before, and how many months late they say they are.
_Habit = Callable[[Random, int], tuple[int, int]]


def _pays_all(_dice: Random, balance: int) -> tuple[int, int]:
    return balance, -1 if balance else -2


def _revolves(dice: Random, balance: int) -> tuple[int, int]:
    return balance * dice.randint(4, 12) // 100, 0


def _overpays(dice: Random, balance: int) -> tuple[int, int]:
    return balance + dice.choice((0, 0, 5_000, 20_000)), -1


def _forgets(dice: Random, balance: int) -> tuple[int, int]:
    late = dice.randint(0, 2)
    return (0, late) if late else (balance * 3 // 10, 0)


def _stops(_dice: Random, _balance: int) -> tuple[int, int]:
    return 0, 2


_HABITS: Final[tuple[tuple[_Habit, int], ...]] = (
    (_pays_all, 40),
    (_revolves, 30),
    (_overpays, 10),
    (_forgets, 12),
    (_stops, 8),
)


def _person(dice: Random, number: int) -> list[str]:
    """Name, ID number, phone, e-mail and language."""
    stem, branch = number % len(_STEMS), number % len(_BRANCHES)
    language = "en" if number % 5 == 0 else "zh-CN"
    chinese = f"样本{_STEMS[stem]}{_BRANCHES[branch]}"
    name = f"Sample {_STEM_SOUNDS[stem]}-{_BRANCH_SOUNDS[branch]}" if language == "en" else chinese
    born = date(1900, 1, 1) + timedelta(days=dice.randrange(3_650))
    digits = f"{dice.choice(_AREAS)}{born:%Y%m%d}{dice.randrange(1_000):03d}"
    id_number = digits + ric.calc_check_digit(digits + "0")
    return [name, id_number, f"+447700900{number:03d}", f"sample-{number}@example.com", language]


def _yuan(minor: int) -> str:
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def _months(dice: Random, habit: _Habit, limit: int) -> list[str]:
    """Balance, payment and status of each month."""
    balance, cells = dice.randrange(limit), list[str]()
    for _ in MONTHS:
        paid, status = habit(dice, max(0, balance))
        room = limit - max(0, balance - paid)
        bought = dice.choice((0, 1, 1)) * dice.randrange(max(1, room // 3))
        given_back = min(bought, dice.choice((0,) * 9 + (1,)) * dice.randrange(50_000))
        refund_only = dice.choice((0,) * 19 + (1,)) * dice.randrange(30_000)
        balance = balance - paid + bought - given_back - refund_only
        cells += [_yuan(balance), _yuan(paid), str(status)]
    return cells


def header() -> list[str]:
    """The sample's columns."""
    names = ["customer", "full_name", "id_number", "phone", "email", "language", "opened_on", "limit"]
    for month in MONTHS:
        names += [f"{what}_{month}" for what in ("balance", "paid", "status")]
    return [*names, "defaulted"]


def make(customers: int = CUSTOMERS, seed: int = SEED) -> str:
    """The sample as CSV text; the same seed gives the same text."""
    dice = Random(seed)  # noqa: S311
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header())
    for number in range(customers):
        habit = dice.choices([h for h, _ in _HABITS], [weight for _, weight in _HABITS])[0]
        limit = dice.choice((200_000, 500_000, 800_000, 1_200_000, 2_000_000))
        opened_on = date(2022, 1, 1) + timedelta(days=dice.randrange(1_000))
        months = _months(dice, habit, limit)
        cells = [f"S-{number:04d}", *_person(dice, number), opened_on.isoformat(), _yuan(limit)]
        writer.writerow([*cells, *months, int(habit is _stops)])
    return out.getvalue()
