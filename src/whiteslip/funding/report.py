"""What a funder is told of a night: CSV and PDF. The proof itself is a file of its own."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Final

import typst

from whiteslip import notices
from whiteslip.base.money import MINOR_DIGITS
from whiteslip.base.spreadsheet import csv_text
from whiteslip.funding.acts import History, Statement
from whiteslip.funding.model import Phase

_HERE: Final = Path(__file__).parent
_FONTS: Final = Path(notices.__file__).parent / "fonts"
_COLUMNS: Final = ("section", "item", "unit", "value", "limit", "headroom", "days_to_breach")

Line = tuple[str, str, str, int | None, int | None, int | None, int | None]


def lines(told: Statement) -> list[Line]:
    """Every figure of a night, one a line; amounts in minor units, rates in basis points."""
    base, how = told.base, told.performance
    found: list[Line] = []

    def add(section: str, item: str, value: int | None, unit: str = "minor") -> None:
        found.append((section, item, unit, value, None, None, None))

    owed = base.debt_minor if base.phase is Phase.MATURED else 0
    add(
        "term",
        "days left of the revolving period",
        max(0, (told.deal.revolving_until - told.day).days),
        "days",
    )
    add("term", "days to final maturity", max(0, (told.deal.ends_on - told.day).days), "days")
    add("term", "unpaid at final maturity", owed)
    add("base", "pool", base.pool_minor)
    for rule, minor in base.ineligible:
        add("ineligible", rule, minor)
    add("base", "eligible", base.eligible_minor)
    for number, minor in base.excesses:
        limit = told.deal.concentrations[number - 1]
        beyond = f" above {limit.above_days} days" if limit.above_days is not None else ""
        if limit.from_pd_bps is not None:
            beyond = f" from {limit.from_pd_bps} bps or unknown"
        add("excess", f"{limit.by}{beyond} over {limit.at_most_bps} bps", minor)
    add("base", "excess concentration", base.excess_minor)
    add("base", "advance rate", base.advance_bps, "bps")
    add("base", "kept back by overcollateralisation", base.held_back_minor)
    add("base", "cash", base.cash_minor)
    add("base", "borrowing base", base.base_minor)
    add("base", "drawn", base.debt_minor)
    add("base", "available", base.available_minor)
    add("performance", "delinquency, 3 months", how.delinquency_3m_bps, "bps")
    add("performance", "annualised loss, 3 months", how.annualised_loss_3m_bps, "bps")
    if told.deal.triggers.cumulative_loss:
        add("performance", "net loss since the deal began", how.cumulative_loss_bps, "bps")
    add("performance", "excess spread, 3 months", how.excess_spread_3m_bps, "bps")
    add("performance", "payment rate", how.payment_rate_bps, "bps")
    add("performance", "loss of seasoned vintages", how.vintage_loss_bps, "bps")
    for each in told.covenants:
        found.append(
            (
                "covenant",
                each.test,
                each.unit,
                each.actual,
                each.limit,
                each.headroom,
                each.days_to_breach,
            )
        )
    return found


def as_csv(told: Statement) -> str:
    """The figures as CSV (RFC 4180), one a line, behind what names the night."""
    head = (told.deal.name, told.day, told.deal.currency, told.version, told.sha256)
    heads = ("facility", "day", "currency", "deal_version", "proof_sha256", *_COLUMNS)
    return csv_text(heads, ((*head, *line) for line in lines(told)))


def headroom_csv(nights: History) -> str:
    """Covenants night by night as CSV: amounts in minor units, rates in basis points."""
    return csv_text(
        ("day", "covenant", "unit", "actual", "limit", "headroom"),
        (
            (day, each.test, each.unit, each.actual, each.limit, each.headroom)
            for day, found in nights
            for each in found
        ),
    )


def as_pdf(told: Statement) -> bytes:
    """The figures on paper; the same night gives the same bytes."""
    currency = told.deal.currency
    rows = [
        [section, item, *(_shown(value, unit, currency) for value in (value, limit, headroom)), _days(days)]
        for section, item, unit, value, limit, headroom, days in lines(told)
    ]
    data = {
        "title": told.deal.title,
        "name": told.deal.name,
        "day": told.day.isoformat(),
        "revolving_until": told.deal.revolving_until.isoformat(),
        "ends_on": told.deal.ends_on.isoformat(),
        "unpaid": told.base.phase is Phase.MATURED and told.base.debt_minor > 0,
        "currency": currency,
        "version": told.version,
        "phase": told.base.phase,
        "receivables": told.receivables,
        "sha256": told.sha256,
        "rows": rows,
    }
    return typst.compile(
        str(_HERE / "report.typ"),
        format="pdf",
        font_paths=[str(_FONTS)],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data)},
    )


def _shown(value: int | None, unit: str, currency: str) -> str:
    if value is None:
        return ""
    if unit == "days":
        return _days(value)
    if unit == "bps":
        return f"{Decimal(value).scaleb(-2):,.2f} %"
    digits = MINOR_DIGITS[currency]
    return f"{Decimal(value).scaleb(-digits):,.{digits}f}"


def _days(days: int | None) -> str:
    return "" if days is None else str(days)
