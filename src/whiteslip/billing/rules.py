"""What is owed, in which order it is settled, and what a debt is called. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from whiteslip.base import Rounding
from whiteslip.base.money import BASIS_POINTS, divide
from whiteslip.billing.model import Bucket, Component, Debt, OpenItem, Part, Quote, RiskClass

# Within one due day the cheapest to forgive comes first and principal last.
SETTLEMENT_ORDER: Final = (Component.FEE, Component.INTEREST, Component.PRINCIPAL)
YEAR_DAYS: Final = 360
# Days past due above which a debt is non-performing: substandard or worse (order 2023/1).
NON_PERFORMING_AFTER: Final = 90

_BUCKETS: Final = (
    (90, Bucket.DPD_90_PLUS),
    (60, Bucket.DPD_60_89),
    (30, Bucket.DPD_30_59),
    (1, Bucket.DPD_1_29),
)
# 商业银行金融资产风险分类办法 (order 2023/1): overdue at all, > 90, > 270, > 360 days.
_CLASSES: Final = (
    (360, RiskClass.LOSS),
    (270, RiskClass.DOUBTFUL),
    (NON_PERFORMING_AFTER, RiskClass.SUBSTANDARD),
    (0, RiskClass.SPECIAL_MENTION),
)
# IFRS 9 5.5.11 and B5.5.37: rebuttable presumptions at > 30 and > 90 days.
_STAGE_2_AFTER, _STAGE_3_AFTER = 30, 90


def bucket(debt: Debt | None) -> Bucket:
    """The delinquency bucket of a debt."""
    if debt is None or debt.owed_minor == 0:
        return Bucket.NONE
    return next((name for days, name in _BUCKETS if debt.days_past_due >= days), Bucket.CURRENT)


def risk_class(days_past_due: int) -> RiskClass:
    """The five-level class at ``days_past_due``."""
    return next((name for days, name in _CLASSES if days_past_due > days), RiskClass.NORMAL)


def ifrs_stage(days_past_due: int) -> int:
    """The IFRS 9 stage (1, 2 or 3) by days past due alone."""
    return 1 + (days_past_due > _STAGE_2_AFTER) + (days_past_due > _STAGE_3_AFTER)


def debt_on(
    day: date, past_due_since: date | None, past_due_minor: int, billed_minor: int, unbilled_minor: int
) -> Debt:
    """A debt with its days past due: days since the oldest unpaid due day."""
    days = (day - past_due_since).days if past_due_since else 0
    return Debt(past_due_since, past_due_minor, billed_minor, unbilled_minor, days)


def _accrued(item: OpenItem, item_before: date, on: date) -> int:
    """Interest of the running month up to ``on``, by days of a 30-day month, at most all of it."""
    days = min(30, max(0, (on - item_before).days))
    return divide(item.interest_minor * days, 30, Rounding.HALF_UP)


def accruing(items: Sequence[OpenItem], on: date) -> list[tuple[OpenItem, int]]:
    """The next unbilled instalment of each plan with the interest it has earned by ``on``.

    The month runs from 30 days before its statement; later instalments have earned nothing.
    """
    first: dict[object, OpenItem] = {}
    for item in sorted(items, key=lambda each: each.bill_on):
        if not item.billed and item.plan not in first:
            first[item.plan] = item
    return [
        (item, _accrued(item, date.fromordinal(item.bill_on.toordinal() - 30), on))
        for item in first.values()
        if item.interest_minor
    ]


def payoff_quote(items: Sequence[OpenItem], credit_minor: int, good_through: date) -> Quote:
    """What settles everything if paid by ``good_through``.

    Principal billed or not, billed interest and fees, interest accrued to that day, less the
    customer's credit. Interest and fees of months that have not begun are not asked for.
    """
    daily = divide(
        sum(item.principal_minor * item.apr_bps for item in items), BASIS_POINTS * YEAR_DAYS, Rounding.HALF_UP
    )
    return Quote(
        good_through=good_through,
        principal_minor=sum(item.principal_minor for item in items),
        interest_minor=sum(item.interest_minor for item in items if item.billed),
        fee_minor=sum(item.fee_minor for item in items if item.billed),
        accrued_minor=sum(minor for _, minor in accruing(items, good_through)),
        credit_minor=credit_minor,
        per_day_minor=daily,
    )


def allocate(amount_minor: int, items: Sequence[OpenItem], value_on: date) -> list[Part]:
    """Spread a payment: billed instalments by due day, each fee, interest, principal; what is
    left prepays unbilled principal, soonest first; what is left then is the customer's credit.

    A payment that reaches the payoff quote settles accrued interest as well. The parts sum to
    the amount.
    """
    parts, left = list[Part](), amount_minor

    def take(item: OpenItem, component: Component, at_most: int) -> None:
        nonlocal left
        part = min(left, at_most)
        if part:
            parts.append(Part(component, part, item.plan, item.no))
            left -= part

    ordered = sorted(items, key=lambda item: (item.due_on, item.plan, item.no))
    for item in ordered:
        if item.billed:
            for component in SETTLEMENT_ORDER:
                take(item, component, item.of(component))
    if left and left >= payoff_quote([i for i in ordered if not i.billed], 0, value_on).total_minor:
        for item, accrued in accruing(ordered, value_on):
            take(item, Component.INTEREST, accrued)
    for item in ordered:
        if not item.billed:
            take(item, Component.PRINCIPAL, item.principal_minor)
    if left:
        parts.append(Part("credit", left))
    return parts


def allocate_refund(amount_minor: int, items: Sequence[OpenItem], purchase: object) -> list[Part]:
    """The refund waterfall: the same purchase from its last instalment back, then what other
    purchases have billed, oldest first, then the customer's credit. Only principal is refunded.
    """
    parts, left = list[Part](), amount_minor
    own = sorted((i for i in items if i.purchase == purchase), key=lambda i: (i.due_on, i.no), reverse=True)
    others = sorted((i for i in items if i.purchase != purchase and i.billed), key=lambda i: (i.due_on, i.no))
    for item in [*own, *others]:
        part = min(left, item.principal_minor)
        if part:
            parts.append(Part(Component.PRINCIPAL, part, item.plan, item.no))
            left -= part
    if left:
        parts.append(Part("credit", left))
    return parts


def by_component(parts: Iterable[Part]) -> dict[str, int]:
    """Sums of parts by component: what the ledger moves."""
    sums: dict[str, int] = {}
    for part in parts:
        sums[part.component] = sums.get(part.component, 0) + part.amount_minor
    return sums


def unearned(items: Sequence[OpenItem]) -> list[Part]:
    """Interest and fees of unbilled instalments whose principal is settled: given up by rule."""
    return [
        Part(component, minor, item.plan, item.no)
        for item in items
        if not item.billed and item.principal_minor == 0
        for component, minor in ((Component.INTEREST, item.interest_minor), (Component.FEE, item.fee_minor))
        if minor
    ]
