"""Terms in words: what a product costs, and two terms side by side. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from whiteslip.notices.facts import ProductFact, TermsFact
from whiteslip.notices.words import fill, money, texts


def terms_table(
    before: TermsFact | Mapping[str, Any], after: TermsFact | Mapping[str, Any], currency: str, language: str
) -> list[list[str]]:
    """Two terms side by side in words, with a head: the letter that tells of new ones, and pages, have it."""
    said, both = texts(language)["labels"], [msgspec.convert(each, TermsFact) for each in (before, after)]
    counts = sorted({each.instalments for terms in both for each in terms.products})
    columns: list[list[str]] = []
    for terms in both:
        prices = {each.instalments: product(each, language)[1] for each in terms.products}
        days = (terms.due_days, terms.late_fee_grace_days)
        due, grace = (fill(said["term_days"], {"n": str(each)}) for each in days)
        cash_back = f"{Decimal(terms.reward_bps).scaleb(-2).normalize():f}%"
        own = [due, money(terms.late_fee_minor, currency, language), grace, cash_back]
        columns.append(own + [prices[n] if n in prices else said["term_none"] for n in counts])
    names = [said[f"term_{name}"] for name in ("due", "late_fee", "grace", "reward")]
    names += [said["term_once"] if n == 1 else fill(said["term_product"], {"n": str(n)}) for n in counts]
    return [said["terms_table"], *(list(row) for row in zip(names, *columns, strict=True))]


def product(product: ProductFact, language: str) -> list[str]:
    """How many instalments, and what they cost: a fee or interest, or nothing."""
    labels = texts(language)["labels"]
    text = "cost_fee" if product.monthly_fee_bps else "cost_apr" if product.apr_bps else "cost_none"
    rate = Decimal(product.monthly_fee_bps or product.apr_bps).scaleb(-2).normalize()
    return [str(product.instalments), fill(labels[text], {"rate": f"{rate:f}"})]
