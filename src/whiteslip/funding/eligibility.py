"""Which receivables a deal lends against: named rules, each with its parameters in the deal file. Pure.

What a rule asks must be in the books. What they do not hold (age, residence, staff, bankruptcy, delivery,
an announced refund) has no rule; docs/explanation/funding.md says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from whiteslip.funding.model import Deal, Eligibility, Receivable, Rule


def is_matured(deal: Deal, day: date) -> bool:
    """Whether all that is drawn is due: from the last day on, nothing is lent against anything."""
    return day >= deal.ends_on


def ineligible(deal: Deal, facility: UUID, found: Receivable, day: date) -> Rule | None:
    """The first rule that keeps a receivable out, None where it is eligible."""
    return next(against(deal, facility, found, day), None)


def against(deal: Deal, facility: UUID, found: Receivable, day: date) -> Iterator[Rule]:
    """Every rule that keeps a receivable out, in the order of ``Rule``."""
    rules = deal.eligibility
    ends_on = found.opened_on + timedelta(days=found.term_days)
    tests = (
        (Rule.MATURED, is_matured(deal, day)),
        (Rule.CURRENCY, found.currency != deal.currency),
        (Rule.PLEDGED_ELSEWHERE, found.pledged_to not in (None, facility)),
        (Rule.DISPUTED, found.disputed),
        (Rule.PAID, found.principal_minor <= 0),
        (Rule.CHARGED_OFF, found.charged_off or found.days_past_due >= rules.charged_off_from_days),
        (Rule.PAST_DUE, found.days_past_due >= rules.days_past_due_below),
        (Rule.ESTATE, found.estate),
        (Rule.LEGAL_HOLD, found.legal_hold),
        (Rule.WITHDRAWN, found.withdrawn),
        (Rule.FORBORNE, found.forbearances > rules.forbearances_at_most),
        *_of_product(rules, found),
        (Rule.TERM, _outside(found.term_days, None, rules.term_days_at_most)),
        (
            Rule.REMAINING_TERM,
            _outside((ends_on - day).days, rules.remaining_days_at_least, rules.remaining_days_at_most),
        ),
        (Rule.TOO_SMALL, _outside(found.principal_minor, rules.balance_from_minor, None)),
        (Rule.TOO_LARGE, _outside(found.principal_minor, None, rules.balance_to_minor)),
        (Rule.UNSEASONED, found.opened_on > day - timedelta(days=rules.seasoned_days_at_least)),
        (Rule.SET_OFF, _outside(found.credit_minor, None, rules.set_off_at_most_minor)),
        (Rule.ACCOUNT_CLOSED, not (found.account_open or rules.closed_account_eligible)),
    )
    return (rule for rule, applies in tests if applies)


def _of_product(rules: Eligibility, found: Receivable) -> Iterator[tuple[Rule, bool]]:
    """What was sold, under whose law and at which price."""
    yield Rule.KIND, found.kind not in rules.kinds
    yield Rule.JURISDICTION, bool(rules.jurisdictions) and found.jurisdiction not in rules.jurisdictions
    yield Rule.CASH, found.cash and not rules.cash_eligible
    yield Rule.CATEGORY, found.category in rules.categories_excluded
    yield Rule.INSTALMENTS, _outside(found.instalments, rules.instalments_at_least, rules.instalments_at_most)
    yield Rule.RATE, _outside(found.rate_bps, rules.rate_at_least_bps, rules.rate_at_most_bps)


def _outside(value: int, least: int | None, most: int | None) -> bool:
    return (least is not None and value < least) or (most is not None and value > most)
