"""Small groups of people are not told: at no door, by no measure of those who leave. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from whiteslip.portfolio.model import Row

# A group of fewer is not told: its figures would be about people.
SMALLEST_GROUP: Final = 10


def veiled(rows: Sequence[Row], count: str, within: Sequence[str] = ("segment",)) -> list[Row]:
    """Rows with the figures of small groups taken away, as None; what is left tells no difference.

    A group of 1 to 9 is hidden; where exactly one is hidden within a total, the next smallest is too,
    or it could be had by subtraction. Zero tells nothing about anybody and stays.
    Source: complementary suppression; Hundepool et al. (2012), Statistical Disclosure Control, chapter 4.
    """
    hidden = set[int]()
    for key in {tuple(row[name] for name in within) for row in rows}:
        own = [n for n, row in enumerate(rows) if tuple(row[name] for name in within) == key]
        small = [n for n in own if 0 < rows[n][count] < SMALLEST_GROUP]
        others = sorted(
            (n for n in own if rows[n][count] >= SMALLEST_GROUP), key=lambda n: (rows[n][count], n)
        )
        hidden.update(small + (others[:1] if len(small) == 1 else []))
    return [
        {name: None if isinstance(value, int | float) else value for name, value in row.items()}
        if n in hidden
        else row
        for n, row in enumerate(rows)
    ]
