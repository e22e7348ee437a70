"""Deals and receivables for tests: a small deal, and pools in a line of code."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from whiteslip.funding import deals
from whiteslip.funding.model import Deal, Receivable

DAY = date(2026, 3, 31)
STATED = {
    "begins_on": "2026-01-01",
    "revolving_until": "2027-12-31",
    "ends_on": "2028-12-31",
    "cure_days": "2",
    "funding_cost_bps": "1200",
    "reference_bps": "450",
    "eligibility.charged_off_from_days": "90",
    "triggers.delinquency_3m_at_most_bps": "1000",
}
DEAL = """
name = "{name}"
title = "A warehouse"
currency = "CNY"
commitment_minor = 100_000_000
sources = ["a test"]
begins_on = 2026-01-01
revolving_until = 2026-12-31
ends_on = 2027-12-31
cure_days = 2
funding_cost_bps = 600
[eligibility]
days_past_due_below = 30
charged_off_from_days = 90
[advance]
bps = 8_500
[triggers]
"""


def deal(text: str = "", name: str = "warehouse", **changed: Any) -> Deal:
    """The small deal with more TOML after it, and fields changed."""
    return msgspec.structs.replace(deals.read(DEAL.format(name=name) + text), **changed)


def receivable(number: int, minor: int, **facts: Any) -> Receivable:
    """A sound receivable of its own obligor and shop."""
    made: dict[str, Any] = {
        "plan": UUID(int=number),
        "obligor": UUID(int=1_000 + number),
        "merchant": f"shop {number}",
        "category": "clothes",
        "jurisdiction": "us",
        "currency": "USD",
        "kind": "purchase",
        "cash": False,
        "instalments": 4,
        "rate_bps": 0,
        "opened_on": date(2026, 3, 1),
        "term_days": 42,
        "original_minor": minor,
        "principal_minor": minor,
        "days_past_due": 0,
        "charged_off": False,
        "forbearances": 0,
        "disputed": False,
        "estate": False,
        "legal_hold": False,
        "withdrawn": False,
        "credit_minor": 0,
        "pd_bps": 100,
        "account_open": True,
        "pledged_to": None,
    }
    return Receivable(**made | facts)
