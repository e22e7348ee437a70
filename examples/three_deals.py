"""What three facilities would lend against the same fourteen receivables, by their published numbers.

    python examples/three_deals.py

The figures of each deal that public texts give are in the files that ship; what they leave open is stated
below and is ours. What it prints is in ``three_deals.txt``; each line of it is made by the rules of every
night, and the arithmetic may be followed with a pencil. Amounts are US dollars.
"""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from whiteslip.funding import deals, rules
from whiteslip.funding.model import Base, Deal, Phase, Position, Receivable

DAY: Final = date(2026, 3, 31)
FACILITY: Final = UUID(int=1)
# What no public text gives: begin and end, days to cure, the reference rate, and when a debt counts as lost.
STATED: Final = {
    "begins_on": "2026-01-01",
    "revolving_until": "2027-12-31",
    "ends_on": "2028-12-31",
    "cure_days": "2",
    "funding_cost_bps": "566",
    "reference_bps": "430",
    "commitment_minor": "10000000",
    "reserve_bps": "25",
    "eligibility.days_past_due_below": "15",
    "eligibility.charged_off_from_days": "90",
    "advance.seasoned_months": "3",
    "overcollateralisation.initial_pool_minor": "1200000000",
    "triggers.delinquency_3m_at_most_bps": "1000",
    "triggers.annualised_loss_3m_at_most_bps": "1500",
    "triggers.excess_spread_3m_at_least_bps": "0",
}
# Principal in dollars, and what is special about it; all else is a purchase in four, not late.
POOL: Final[tuple[tuple[int, dict[str, Any]], ...]] = (
    (1_200, {}),
    (800, {}),
    (2_500, {"days_past_due": 9}),
    (3_000, {"days_past_due": 22}),
    (1_750, {"days_past_due": 41}),
    (900, {"days_past_due": 120}),
    (640, {"disputed": True}),
    (4_000, {"instalments": 12, "rate_bps": 1_500, "term_days": 380}),
    (5_500, {"instalments": 6, "rate_bps": 1_999, "term_days": 200}),
    (1_000, {"jurisdiction": "uk"}),
    (700, {"forbearances": 1}),
    (450, {"account_open": False}),
    (300, {"kind": "residual"}),
    (9_999_999, {"jurisdiction": "uk", "instalments": 24, "rate_bps": 1_799, "term_days": 745}),
)


def receivable(number: int, dollars: int, facts: dict[str, Any]) -> Receivable:
    """One of the pool, of an obligor and a shop of its own."""
    made: dict[str, Any] = {
        "plan": UUID(int=number), "obligor": UUID(int=100 + number), "merchant": f"shop {number}",
        "category": "", "jurisdiction": "us", "currency": "USD", "kind": "purchase", "cash": False,
        "instalments": 4, "rate_bps": 0, "opened_on": date(2026, 3, 1), "term_days": 42,
        "original_minor": dollars * 100, "principal_minor": dollars * 100, "days_past_due": 0,
        "charged_off": False, "forbearances": 0, "disputed": False, "estate": False, "legal_hold": False,
        "withdrawn": False, "credit_minor": 0, "pd_bps": None, "account_open": True, "pledged_to": FACILITY,
    }  # fmt: skip
    return Receivable(**made | facts)


def stated(name: str) -> Deal:
    """An example with what it leaves open."""
    text = deals.example(name)
    asked = {key: value for key, value in STATED.items() if f'{key.split(".")[-1]} = "required"' in text}
    return deals.read(text, asked)


def show(title: str, base: Base) -> None:
    """A base from the pool to what may be drawn."""
    print(f"\n  {title}")
    rows = [("pool", base.pool_minor), *((f"less {rule}", -minor) for rule, minor in base.ineligible)]
    rows += [("eligible", base.eligible_minor)]
    lent = rules.share(base.eligible_minor - base.excess_minor, base.advance_bps)
    rows += [(f"advance {base.advance_bps / 100:g} %", lent)]
    if base.held_back_minor:
        rows += [("less held back", -base.held_back_minor)]
    rows += [("base, at most the commitment", base.base_minor), ("less drawn", -base.debt_minor)]
    rows += [("available", base.available_minor)]
    for label, minor in rows:
        print(f"    {label:<32} {Decimal(minor).scaleb(-2):>18,.2f}")


def main() -> None:
    """Three deals, each in the states that its published numbers tell apart."""
    pool = [receivable(number, dollars, facts) for number, (dollars, facts) in enumerate(POOL, 1)]
    for name, states in (
        ("sezzle-2019", [("revolving", Phase.REVOLVING, None)]),
        (
            "sezzle-2024",
            [
                ("the latest seasoned vintages lost 3.00 %", Phase.REVOLVING, 300),
                ("they lost 2.99 %", Phase.REVOLVING, 299),
            ],
        ),
        ("affrm-2024-b", [("revolving", Phase.REVOLVING, None), ("amortising", Phase.AMORTISING, None)]),
    ):
        deal = stated(name)
        print(f"\n{deal.title}")
        for key in deals.required(tomllib.loads(deals.example(name))):
            print(f"  ours: {key} = {STATED[key]}")
        proof = rules.prove(deal, FACILITY, pool, DAY)
        for title, phase, loss in states:
            show(title, rules.base_of(deal, proof, Position(debt_minor=500_000), phase, loss))
        kept_out = ", ".join(f"{each.receivable.plan.int} {each.rule}" for each in proof if each.rule)
        print(f"\n  kept out, by number of the receivable: {kept_out}")


if __name__ == "__main__":
    main()
