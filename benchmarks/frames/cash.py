"""How money comes back: defaults, prepayment, payment rate, dilution, excess spread, concentration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from benchmarks.frames.panel import Frames, c, point_of
from benchmarks.frames.quality import sum_where

_PAID: Final = ("payment", "credit", "return")
_NOT_EARNED: Final = ("carried", "unearned", "unpriced")
_BANDS: Final = ((100_000, "1"), (500_000, "2"), (2_000_000, "3"))


def flows(panel: pl.LazyFrame, i: pl.LazyFrame, s: pl.LazyFrame, points: Sequence[date]) -> pl.LazyFrame:
    """What happened between two points: the base of four measures."""
    paid, price, uncharged = c.kind.is_in(_PAID), c.component != "principal", c.charged_on.is_null()
    early = paid & ~price & (c.statement_on.is_null() | (c.counts_from < c.statement_on))
    soon = uncharged & c.kind.is_in((*_PAID, "sold"))
    never = ~uncharged & c.kind.is_in(_NOT_EARNED)
    minor = c.amount_minor
    moved = [
        s.group_by(point=point_of(c.counts_from, points)).agg(
            collected=minor.filter(paid).sum(),
            prepaid=minor.filter(early).sum(),
            refunded=minor.filter(c.kind == "refund").sum(),
        ),
        s.filter(price, soon | never)
        .group_by(point=point_of(pl.max_horizontal("counts_from", "charged_on"), points))
        .agg(otherwise=pl.when(uncharged).then(minor).otherwise(-minor).sum()),
        i.filter(c.statement_on.is_not_null())
        .group_by(point=point_of(c.statement_on, points))
        .agg(scheduled=c.principal_minor.sum()),
        i.filter(c.charged_on.is_not_null())
        .group_by(point=point_of(c.charged_on, points))
        .agg(charged=(c.interest_minor + c.fee_minor).sum()),
    ]
    stood = panel.filter(c.point > 0).group_by("point", "on_day")
    found = stood.agg(opening=c.owed_before.sum(), written_off=c.lost.sum())
    for more in moved:
        found = found.join(more, on="point", how="left")
    return found.drop("point").fill_null(0).with_columns(charged=c.charged + c.otherwise)


def cdr(panel: pl.LazyFrame) -> pl.LazyFrame:
    """What performed a month before, and what of it defaulted."""
    well = c.dpd_before <= 90
    return (
        panel.filter(c.point > 0)
        .group_by("on_day")
        .agg(
            performing_before_minor=sum_where("owed_before", well),
            defaulted_minor=sum_where("owed_before", well & (c.dpd > 90)),
        )
    )


def _of(flows: pl.LazyFrame, *names: str) -> pl.LazyFrame:
    return flows.select("on_day", **{f"{name}_minor": c(name) for name in names})


def prepayment(flows: pl.LazyFrame) -> pl.LazyFrame:
    """Principal that was paid before it was billed."""
    return _of(flows, "opening", "scheduled", "prepaid")


def payment_rate(flows: pl.LazyFrame) -> pl.LazyFrame:
    """What was collected."""
    return _of(flows, "opening", "collected")


def dilution(flows: pl.LazyFrame) -> pl.LazyFrame:
    """What was given back."""
    return _of(flows, "refunded")


def excess_spread(flows: pl.LazyFrame) -> pl.LazyFrame:
    """What was charged, and what was written off or sold."""
    return _of(flows, "charged", "written_off")


def concentration(lake: Frames) -> pl.LazyFrame:
    """Open principal by whom and what it is owed for: how many, and how unevenly."""
    moved = pl.concat(
        [
            lake["instalment"].select("plan_id", minor=c.principal_minor),
            lake["settlement"].filter(c.component == "principal").select("plan_id", minor=-c.amount_minor),
        ]
    )
    band = pl.lit("4")
    for most, name in reversed(_BANDS):
        band = pl.when(c.limit_minor <= most).then(pl.lit(name)).otherwise(band)
    line = lake["line"].select(
        "line_id",
        "pack",
        obligor="customer_id",
        opened=c.opened_on.dt.strftime("%Y%m"),
        limit=band,
    )
    plan = lake["plan"].select(
        "plan_id", "line_id", merchant="merchant_id", category=c.category.fill_null("")
    )
    left = moved.group_by("plan_id").agg(c.minor.sum()).filter(c.minor != 0)
    open_ = left.join(plan, on="plan_id").join(line, on="line_id")
    parts = [
        open_.group_by(part=c(name))
        .agg(c.minor.sum())
        .filter(c.minor > 0)
        .select(
            by=pl.lit(name),
            groups=pl.len(),
            open_minor=c.minor.sum(),
            hhi=(c.minor / c.minor.sum()).pow(2).sum(),
        )
        for name in ("merchant", "category", "obligor", "pack", "opened", "limit")
    ]
    return pl.concat(parts)
