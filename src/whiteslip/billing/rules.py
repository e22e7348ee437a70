"""What is owed, in which order it is settled, and what a debt is called. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from whiteslip.base import Refusal, add_months
from whiteslip.billing.earning import accrued, settled
from whiteslip.billing.model import (
    DIRECT_DEBIT,
    Bucket,
    Component,
    Debt,
    Forborne,
    OpenItem,
    Part,
    Payment,
    Quote,
    RiskClass,
)
from whiteslip.lines.model import Terms
from whiteslip.packs import Pack

# Within one due day the cheapest to forgive comes first and principal last.
SETTLEMENT_ORDER: Final = (Component.FEE, Component.INTEREST, Component.PRINCIPAL)
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
_NONE: Final[Mapping[UUID, int]] = MappingProxyType({})


def bucket(debt: Debt | None) -> Bucket:
    """The delinquency bucket of a debt."""
    if debt is None or debt.owed_minor == 0:
        return Bucket.SETTLED if debt and debt.settled else Bucket.NONE
    if debt.charged_off:
        return Bucket.CHARGED_OFF
    return next((name for days, name in _BUCKETS if debt.days_past_due >= days), Bucket.CURRENT)


def risk_class(days_past_due: int) -> RiskClass:
    """The five-level class at ``days_past_due``."""
    return next((name for days, name in _CLASSES if days_past_due > days), RiskClass.NORMAL)


def ifrs_stage(days_past_due: int) -> int:
    """The IFRS 9 stage (1, 2 or 3) by days past due alone."""
    return 1 + (days_past_due > _STAGE_2_AFTER) + (days_past_due > _STAGE_3_AFTER)


def built_in(pack: Pack) -> list[str]:
    """Where a pack calls a debt otherwise than the classes and stages here, in words. They are built in:
    every table and report has them, whatever the pack of a line.
    """
    said = {
        "debt.watch_days": (pack.days("debt.watch_days"), _CLASSES[3][0] + 1),
        "debt.substandard_after_days": (pack.days("debt.substandard_after_days"), _CLASSES[2][0]),
        "debt.doubtful_after_days": (pack.days("debt.doubtful_after_days"), _CLASSES[1][0]),
        "debt.loss_after_days": (pack.days("debt.loss_after_days"), _CLASSES[0][0]),
        "debt.stage_two_after_days": (pack.days("debt.stage_two_after_days"), _STAGE_2_AFTER),
    }
    return [
        f"{pack.name}: {key} is {has}, and classes and stages are built for {built}"
        for key, (has, built) in said.items()
        if has != built
    ]


def debt_on(
    day: date,
    past_due_since: date | None,
    past_due_minor: int,
    billed_minor: int,
    unbilled_minor: int,
    forborne: Forborne | None = None,
) -> Debt:
    """A debt with its days past due: days since the oldest unpaid due day.

    Of a restructured debt they stand still at what they were when that was agreed, and go on from
    there with each day that something is late again.
    """
    days = 0
    if past_due_since:
        days = (day - max(past_due_since, forborne.agreed_on if forborne else past_due_since)).days
    days += forborne.frozen_days if forborne else 0
    return Debt(past_due_since, past_due_minor, billed_minor, unbilled_minor, days, forborne)


def class_of(debt: Debt) -> RiskClass:
    """The five-level class of a debt; restructured, it is special mention at least (order 2023/1), and
    charged off, it is a loss.
    """
    if debt.charged_off and debt.owed_minor:
        return RiskClass.LOSS
    least = RiskClass.SPECIAL_MENTION if debt.forborne and debt.owed_minor else RiskClass.NORMAL
    classes = list(RiskClass)
    return max(least, risk_class(debt.days_past_due), key=classes.index)


def stage_of(debt: Debt) -> int:
    """The IFRS 9 stage of a debt; restructured, its risk has risen significantly: stage 2 at least.

    Restructured in distress it is credit-impaired: IFRS 9 appendix A counts a concession for the borrower's
    difficulty, and EBA/GL/2026/05 counts as default one that loses more than 1 % of present value, until a
    year of probation is over.
    """
    if (debt.charged_off and debt.owed_minor) or debt.is_distressed:
        return 3
    return max(ifrs_stage(debt.days_past_due), 2 if debt.forborne and debt.owed_minor else 1)


def return_fault(
    payment: Payment, on: date, free_days: int, last_months: int, unauthorised: bool
) -> Refusal | None:
    """Why a direct debit can no longer come back on a day. Its payer may take it back for ``free_days``
    without giving a reason and for ``last_months`` where they never authorised it, both counted from the
    day of the debit (SEPA Core rulebook: eight weeks, thirteen months); no months are no limit (the Direct
    Debit Guarantee). What came otherwise has no such days.

    Refusals: ``payment.return_too_late``, ``payment.return_needs_ground``.
    """
    if payment.method != DIRECT_DEBIT:
        return None
    last = add_months(payment.value_on, last_months)
    if last_months and on > last:
        return Refusal("payment.return_too_late", {"until": last.isoformat()})
    free = payment.value_on + timedelta(days=free_days)
    if on > free and not unauthorised:
        return Refusal("payment.return_needs_ground", {"free_until": free.isoformat()})
    return None


def payoff_quote(items: Sequence[OpenItem], credit_minor: int, good_through: date) -> Quote:
    """What settles everything if paid by ``good_through``.

    All principal, charged interest and fees, what running months have earned by that day, less
    the customer's credit. Days and months after it are not asked for.
    """
    accrued_minor = _sum(accrued(items, good_through))
    return Quote(
        good_through=good_through,
        principal_minor=sum(item.principal_minor for item in items),
        interest_minor=sum(item.interest_minor for item in items if item.charged),
        fee_minor=sum(item.fee_minor for item in items if item.charged),
        accrued_minor=accrued_minor,
        credit_minor=credit_minor,
        per_day_minor=_sum(accrued(items, good_through + timedelta(days=1))) - accrued_minor,
    )


def next_late_fee_on(
    items: Iterable[OpenItem], terms: Terms, earlier: Mapping[UUID, Terms], today: date
) -> date | None:
    """The first day from ``today`` on whose night may charge a late fee, if nothing is paid by then; rather
    too soon than too late. ``earlier``: the terms of plans that are on earlier ones.
    """
    agreed = [(item, earlier.get(item.plan, terms)) for item in items if item.kind == "purchase"]
    days = [
        item.due_on + timedelta(days=of_plan.late_fee_grace_days)
        for item, of_plan in agreed
        if of_plan.late_fee_minor and item.total_minor
    ]
    return min((day for day in days if day >= today), default=None)


def _sum(parts: Iterable[Part]) -> int:
    return sum(part.amount_minor for part in parts)


def allocate(amount_minor: int, items: Sequence[OpenItem], value_on: date) -> list[Part]:
    """Spread a payment: what is charged by due day, each fee, interest, principal; what is left
    pays what running months have earned by ``value_on``, then prepays principal, soonest first;
    what is left then is the customer's credit. The parts sum to the amount.

    Earned before principal: so prepaying never leaves an earned amount without a debt to ask it with.
    """
    parts, left = list[Part](), amount_minor

    def take(part: Part) -> None:
        nonlocal left
        minor = min(left, part.amount_minor)
        if minor:
            parts.append(replace(part, amount_minor=minor))
            left -= minor

    ordered = sorted(items, key=_by_due_day)
    for item in ordered:
        if item.charged:
            for component in SETTLEMENT_ORDER:
                take(Part(component, item.of(component), item.plan, item.no))
    if left:
        for part in accrued(ordered, value_on):
            take(part)
    for item in ordered:
        if not item.charged:
            take(Part(Component.PRINCIPAL, item.principal_minor, item.plan, item.no))
    if left:
        parts.append(Part("credit", left))
    return parts


def _by_due_day(item: OpenItem) -> tuple[date, int, int]:
    return item.due_on, item.plan.int, item.no


def owed_parts(items: Sequence[OpenItem]) -> list[Part]:
    """Everything that is owed on the ledger now, part by part."""
    return [
        Part(component, item.of(component), item.plan, item.no)
        for item in items
        for component in SETTLEMENT_ORDER
        if item.of(component) and (item.charged or component is Component.PRINCIPAL)
    ]


def late_fee(terms_minor: int, unpaid_minor: int) -> int:
    """The late fee on ``unpaid_minor`` of one due day: as agreed, but never more than what is late.

    A floor under harm from trifles; Regulation Z, 12 CFR 1026.52(b)(2)(i), caps it similarly.
    """
    return min(terms_minor, unpaid_minor)


def spared(
    amount_minor: int,
    items: Sequence[OpenItem],
    value_on: date,
    grace_days: int,
    earlier: Mapping[UUID, int] = _NONE,
) -> list[Part]:
    """Late fees that a payment undoes: those charged at the end of ``value_on`` or after it, where
    the payment, had it been booked on its value date, would have settled what was late.

    Banks send their files the morning after; the payer is not charged for that. ``earlier``: the days of
    grace of plans that are on earlier terms.
    """
    doubtful = [i for i in items if i.kind == "late_fee" and i.fee_minor and i.opened_on >= value_on]
    if not doubtful:
        return []
    without = [item for item in items if item not in doubtful]
    after = settled(without, allocate(amount_minor, without, value_on))
    still_late = {
        item.due_on + timedelta(days=earlier.get(item.plan, grace_days))
        for item in after
        if item.billed and item.total_minor
    }
    return [
        Part(Component.FEE, item.fee_minor, item.plan, item.no)
        for item in doubtful
        if item.opened_on not in still_late
    ]


def allocate_refund(
    amount_minor: int, items: Sequence[OpenItem], purchase: object, carried_minor: int = 0
) -> list[Part]:
    """The refund waterfall: the same purchase from its last instalment back, then up to ``carried_minor``
    that hardship plans took over of it, likewise, then what others have billed, oldest first, then the
    customer's credit. Only principal is refunded.
    """
    own = sorted((i for i in items if i.purchase == purchase), key=_by_due_day, reverse=True)
    plan = sorted((i for i in items if i.kind == "hardship"), key=_by_due_day, reverse=True)
    others = sorted((i for i in items if i.purchase != purchase and i.billed), key=_by_due_day)
    parts = _principal(amount_minor, own)
    parts += _principal(min(carried_minor, amount_minor - _sum(parts)), plan)
    parts += _principal(amount_minor - _sum(parts), settled(others, parts))
    left = amount_minor - _sum(parts)
    return [*parts, Part("credit", left)] if left else parts


def oldest_first(
    amount_minor: int, items: Sequence[OpenItem], purchase: object, carried_minor: int = 0
) -> list[Part]:
    """Up to ``amount_minor`` of a purchase's open principal, what falls due first first; then as much of what
    hardship plans took over of it, at most ``carried_minor``.
    """
    parts = _principal(amount_minor, sorted((i for i in items if i.purchase == purchase), key=_by_due_day))
    plan = sorted((i for i in items if i.kind == "hardship"), key=_by_due_day)
    return parts + _principal(min(carried_minor, amount_minor - _sum(parts)), plan)


def _principal(amount_minor: int, items: Iterable[OpenItem]) -> list[Part]:
    """Up to ``amount_minor`` of the open principal of items, in their order."""
    parts, left = list[Part](), amount_minor
    for item in items:
        minor = min(left, item.principal_minor)
        if minor > 0:
            parts.append(Part(Component.PRINCIPAL, minor, item.plan, item.no))
            left -= minor
    return parts


def by_component(parts: Iterable[Part]) -> dict[str, int]:
    """Sums of parts by component: what the ledger moves."""
    sums: dict[str, int] = {}
    for part in parts:
        sums[part.component] = sums.get(part.component, 0) + part.amount_minor
    return sums
