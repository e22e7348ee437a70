"""Money is exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.base import Money, Rate, Rounding

amounts = st.integers(-(10**12), 10**12)


@given(amounts, st.lists(st.integers(0, 1000), min_size=1, max_size=36).filter(any))
def test_a_split_conserves_the_total_and_gives_nothing_to_weight_zero(minor: int, weights: list[int]):
    parts = Money(minor, "CNY").split(weights)
    assert Money.total(parts, "CNY") == Money(minor, "CNY")
    assert all(not part for part, weight in zip(parts, weights, strict=True) if weight == 0)


def test_equal_instalments_leave_the_rounding_to_the_last():
    assert [part.minor for part in Money(10_000, "CNY").split([1, 1, 1])] == [3333, 3333, 3334]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [(Rounding.HALF_EVEN, 2), (Rounding.HALF_UP, 3), (Rounding.DOWN, 2), (Rounding.UP, 3)],
)
def test_a_product_of_money_and_rate_rounds_as_named(rounding: Rounding, expected: int):
    assert Rate(50).of(Money(500, "CNY"), rounding).minor == expected


@given(amounts, st.integers(0, 100_000))
def test_rounding_is_symmetric_around_zero(minor: int, bps: int):
    for rounding in Rounding:
        assert Rate(bps).of(Money(-minor, "EUR"), rounding) == -Rate(bps).of(Money(minor, "EUR"), rounding)


def test_currencies_do_not_mix():
    with pytest.raises(ValueError, match="cannot mix CNY and EUR"):
        Money.total([Money(1, "EUR")], "CNY")


def test_a_float_is_not_money():
    with pytest.raises(TypeError, match="whole minor units"):
        Money(1.5, "CNY")  # type: ignore[arg-type]


def test_money_reads_as_people_write_it():
    assert str(Money(-123_456_789, "CNY")) == "CNY -1,234,567.89"
    assert str(Money(1500, "JPY")) == "JPY 1,500"
