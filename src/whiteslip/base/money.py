"""Exact money: integers in minor units, and rates that name their rounding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# Minor digits per ISO 4217. A currency that is not listed is refused: guessing two digits
# would be wrong for yen and dinar.
MINOR_DIGITS: Final[dict[str, int]] = {
    "CNY": 2,
    "EUR": 2,
    "GBP": 2,
    "USD": 2,
    "TWD": 2,
    "JPY": 0,
}

BASIS_POINTS: Final = 10_000


class Rounding(StrEnum):
    """How a product of money and a rate becomes whole minor units."""

    HALF_EVEN = "half_even"
    HALF_UP = "half_up"
    DOWN = "down"
    UP = "up"


def divide(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Divide integers, rounding as named. ``DOWN`` and ``UP`` are towards and away from zero."""
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    sign = -1 if numerator < 0 else 1
    whole, rest = divmod(abs(numerator), denominator)
    doubled = rest * 2
    match rounding:
        case Rounding.DOWN:
            up = False
        case Rounding.UP:
            up = rest > 0
        case Rounding.HALF_UP:
            up = doubled >= denominator
        case Rounding.HALF_EVEN:
            up = doubled > denominator or (doubled == denominator and whole % 2 == 1)
    return sign * (whole + (1 if up else 0))


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount: ``minor`` units (cents, fen) of ``currency`` (ISO 4217)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"money takes whole minor units, not {type(self.minor).__name__}")
        if self.currency not in MINOR_DIGITS:
            raise ValueError(f"unknown currency {self.currency!r}; known: {', '.join(MINOR_DIGITS)}")

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, in a currency."""
        return cls(0, currency)

    @classmethod
    def total(cls, parts: Iterable[Money], currency: str) -> Money:
        """The sum of ``parts``; zero of ``currency`` when there are none."""
        result = cls(0, currency)
        for part in parts:
            result = result + part
        return result

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __mul__(self, factor: int) -> Money:
        if type(factor) is not int:
            raise TypeError("multiply money by a whole number; for a rate use Rate.of")
        return Money(self.minor * factor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __gt__(self, other: Money) -> bool:
        return other < self

    def __ge__(self, other: Money) -> bool:
        return other <= self

    def __bool__(self) -> bool:
        return self.minor != 0

    def split(self, weights: Sequence[int]) -> list[Money]:
        """Divide by ``weights`` so that the parts sum exactly to the whole.

        Each part is rounded down towards zero and the minor units left over go to the **last**
        part with weight: the customer sees equal instalments and one that takes the rounding.
        """
        if not weights or any(weight < 0 for weight in weights) or sum(weights) == 0:
            raise ValueError("weights must be non-negative and not all zero")
        total = sum(weights)
        parts = [divide(self.minor * weight, total, Rounding.DOWN) for weight in weights]
        last = max(index for index, weight in enumerate(weights) if weight)
        parts[last] += self.minor - sum(parts)
        return [Money(part, self.currency) for part in parts]

    def __str__(self) -> str:
        digits = MINOR_DIGITS[self.currency]
        sign = "-" if self.minor < 0 else ""
        if not digits:
            return f"{self.currency} {sign}{abs(self.minor):,}"
        whole, rest = divmod(abs(self.minor), 10**digits)
        return f"{self.currency} {sign}{whole:,}.{rest:0{digits}d}"


@dataclass(frozen=True, slots=True)
class Rate:
    """A proportion in basis points (1 bp = 0.01 %)."""

    bps: int

    def of(self, money: Money, rounding: Rounding) -> Money:
        """``money`` times this rate, rounded as named."""
        return Money(divide(money.minor * self.bps, BASIS_POINTS, rounding), money.currency)
