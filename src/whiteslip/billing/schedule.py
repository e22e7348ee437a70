"""How a purchase becomes instalments. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from whiteslip.base import Money, Rate, Rounding, add_months
from whiteslip.base.money import BASIS_POINTS, divide
from whiteslip.billing.model import Instalment
from whiteslip.lines.model import Product

MONTHS: Final = 12


def next_statement(after: date, statement_day: int) -> date:
    """The first statement day strictly after ``after`` (``statement_day`` is 1 to 28)."""
    this_month = after.replace(day=statement_day)
    return this_month if this_month > after else add_months(this_month, 1)


def monthly_interest(balance_minor: int, apr_bps: int) -> int:
    """A twelfth of the yearly rate on the balance, rounded half up (30/360)."""
    return divide(balance_minor * apr_bps, BASIS_POINTS * MONTHS, Rounding.HALF_UP)


def level_payment(principal_minor: int, apr_bps: int, instalments: int) -> int:
    """The smallest equal payment that repays principal and interest in ``instalments`` months.

    Found by bisection on whole minor units with the same rounding as the schedule, so that no
    floating-point annuity factor enters and the last payment is the only one that differs.
    """

    def repays(payment: int) -> bool:
        balance = principal_minor
        for _ in range(instalments):
            balance += monthly_interest(balance, apr_bps) - payment
        return balance <= 0

    low = divide(principal_minor, instalments, Rounding.UP)
    high = low + monthly_interest(principal_minor, apr_bps) + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if repays(middle) else (middle + 1, high)
    return low


def make_schedule(
    principal: Money, product: Product, captured_on: date, statement_day: int, due_days: int
) -> list[Instalment]:
    """The instalments of a purchase captured on ``captured_on``.

    Instalment k is billed on the k-th statement day after the capture and is due ``due_days``
    later. Instalments are equal; the last one takes the rounding.
    """
    count = product.instalments
    first = next_statement(captured_on, statement_day)
    if product.apr_bps:
        sums = _declining(principal.minor, product.apr_bps, count)
    else:
        fee = Rate(product.monthly_fee_bps).of(principal, Rounding.HALF_UP).minor
        sums = [(part.minor, 0, fee) for part in principal.split([1] * count)]
    rows: list[Instalment] = []
    for index, (principal_minor, interest_minor, fee_minor) in enumerate(sums):
        bill_on = add_months(first, index)
        due_on = bill_on + timedelta(days=due_days)
        rows.append(Instalment(index + 1, bill_on, due_on, principal_minor, interest_minor, fee_minor))
    return rows


def _declining(principal_minor: int, apr_bps: int, count: int) -> list[tuple[int, int, int]]:
    payment = level_payment(principal_minor, apr_bps, count)
    balance, sums = principal_minor, list[tuple[int, int, int]]()
    for number in range(1, count + 1):
        interest = monthly_interest(balance, apr_bps)
        part = balance if number == count else min(balance, max(0, payment - interest))
        sums.append((part, interest, 0))
        balance -= part
    return sums
