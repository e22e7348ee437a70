"""What the terms of a pack cost, all in, against the cap of its law. Pure and exact."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any


def too_dear(terms: Mapping[str, Any], cap_bps: int) -> list[str]:
    """The products that cost more than ``cap_bps`` a year with interest and fees, in words."""
    return [
        f"{product['instalments']} instalments"
        for product in terms["products"]
        if worth(product, cap_bps) > 1
    ]


def worth(product: Mapping[str, Any], yearly_bps: int) -> Fraction:
    """What one unit bought under ``product`` is paid back with, discounted monthly at a yearly rate."""
    count, month = product["instalments"], Fraction(yearly_bps, 120_000)
    total = Fraction(0)
    for number in range(1, count + 1):
        left = Fraction(count - number + 1, count)
        interest = left * Fraction(product["apr_bps"], 120_000)
        paid = Fraction(1, count) + Fraction(product["monthly_fee_bps"], 10_000) + interest
        total += paid / (1 + month) ** number
    return total
