"""What a measure is, what it may be told, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias

from whiteslip.base import Refusal
from whiteslip.base.later import Later
from whiteslip.base.spreadsheet import csv_text

# Ibis makes its classes at run time, which no type checker follows, and takes seconds to import.
ibis: Any = Later("ibis")
Expression: TypeAlias = Any
Row: TypeAlias = dict[str, Any]

SEGMENTS: Final = ("none", "pack", "opened", "limit")
# Delinquency buckets in order; "none" owes nothing.
BUCKETS: Final = ("none", "current", "dpd_1_29", "dpd_30_59", "dpd_60_89", "dpd_90_plus")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Assumptions. They are yours to set: nothing public gives them for your book.

    ``lgd_bps``: loss given default. ``ccf_bps``: share of the undrawn that is drawn before default
    (10 % is Basel III's factor for commitments that can be cancelled at any time).
    ``risk_weight_bps``: of an exposure (75 % is Basel III's for retail). ``lifetime_months``:
    horizon of lifetime loss. ``funding_bps``, ``servicing_bps``: yearly, taken off the yield.
    ``score_months``: how far a behaviour model looks ahead that does not say so itself; without it such a
    model's scores are no probabilities of default, and none of them is used.
    ``pd_ppm``: bucket to (12-month, lifetime) probability of default in millionths; it goes before
    scores, and what neither has comes from the book's own roll rates.
    """

    lgd_bps: int = 6_000
    ccf_bps: int = 1_000
    lifetime_months: int = 36
    funding_bps: int = 0
    servicing_bps: int = 0
    risk_weight_bps: int = 7_500
    score_months: int | None = None
    pd_ppm: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])


@dataclass(frozen=True, slots=True)
class Measure:
    """A named figure: ``express`` makes its Ibis expression, ``finish`` may work on its few rows.

    ``tell`` is there where rows are about those who leave: what a door may say of them.
    """

    name: str
    title: str
    formula: str
    source: str
    formula_zh: str
    source_zh: str
    express: Callable[[Any], Expression]
    finish: Callable[[Sequence[Row]], Sequence[Row]] | None = None
    tell: Callable[[Sequence[Row]], Sequence[Row]] | None = None

    def said(self, lang: str) -> tuple[str, str]:
        """Formula and source in a language."""
        return (self.formula_zh, self.source_zh) if lang == "zh-CN" else (self.formula, self.source)


@dataclass(frozen=True, slots=True)
class Result:
    """A measure's figures. ``stale`` when ``day``, the day of the snapshot, is not the one that was
    asked for, and ``why`` that one is not served.

    Columns that end in ``_minor`` are minor units of the row's currency, shares and rates are
    fractions of one, ``_on`` are days.
    """

    measure: str
    title: str
    formula: str
    source: str
    as_of: date
    day: date
    stale: bool
    segment: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    why: Refusal | None = None

    def records(self) -> list[Row]:
        """Rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def as_csv(self) -> str:
        """Rows as CSV with a header."""
        return csv_text(self.columns, self.rows)
