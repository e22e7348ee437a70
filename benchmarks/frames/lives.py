"""How long lines live, what leaving gives back, and the book as groups that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from benchmarks.frames.panel import c
from whiteslip.portfolio.model import BUCKETS

_CAUSES: Final = ("by_customer", "by_us", "defaulted")


def _months(until: str) -> pl.Expr:
    """Whole months from opening until a day."""
    end, begin = c(until).dt, c.opened_on.dt
    months = (end.year() - begin.year()) * 12 + end.month().cast(pl.Int32) - begin.month().cast(pl.Int32)
    return (months - (end.day() < begin.day()).cast(pl.Int32)).cast(pl.Int64)


def survival(panel: pl.LazyFrame, points: Sequence[date]) -> pl.LazyFrame:
    """Kaplan-Meier of lines that end in any way, Aalen-Johansen for each cause."""
    lives = panel.group_by("line_id").agg(
        c.opened_on.min(), c.closed_on.min(), c.exit_kind.max(), bad_on=c.on_day.filter(c.dpd > 90).min()
    )
    bad = c.bad_on.is_not_null() & (c.bad_on <= c.closed_on).fill_null(True)
    closed = ~bad & c.closed_on.is_not_null()
    lives = lives.with_columns(
        defaulted=bad,
        by_customer=closed & c.exit_kind.is_in(["close", "withdraw"]).fill_null(False),
        by_us=closed & c.exit_kind.is_in(["termination", "inactivity"]).fill_null(False),
        end_on=pl.when(bad).then(c.bad_on).otherwise(c.closed_on.fill_null(points[-1])),
    )
    ended = lives.group_by(month=_months("end_on")).agg(
        ended=pl.len().cast(pl.Int64), **{cause: c(cause).sum().cast(pl.Int64) for cause in _CAUSES}
    )
    ended = ended.sort("month").with_columns(at_risk=c.ended.cum_sum(reverse=True))
    ended = ended.with_columns(
        survival=(1 - pl.sum_horizontal(_CAUSES) / c.at_risk).cum_prod(),
    )
    alive = c.survival.shift(1, fill_value=1.0)
    return ended.with_columns(
        **{f"cif_{cause}": (alive * c(cause) / c.at_risk).cum_sum() for cause in _CAUSES}
    )


def freed(panel: pl.LazyFrame) -> pl.LazyFrame:
    """Capacity that lines gave back when their drawing stopped for good."""
    drew = panel.filter(~c.stopped).group_by("line_id").agg(drew_at=c.point.max())
    gone = (
        panel.filter(c.stopped & ~c.stopped_before & (c.point > 0))
        .join(drew, on="line_id", how="left")
        .filter((c.drew_at < c.point).fill_null(True))
        .with_columns(undrawn=(c.limit_minor - c.owed).clip(lower_bound=0))
        .with_columns(exposure=(c.undrawn * 1_000 + 5_000) // 10_000)
        .with_columns(weighted=(c.exposure * 7_500 + 5_000) // 10_000)
    )
    return gone.group_by("on_day").agg(
        lines=pl.len(),
        limit_minor=c.limit_minor.sum(),
        undrawn_minor=c.undrawn.sum(),
        exposure_minor=c.exposure.sum(),
        weighted_minor=c.weighted.sum(),
    )


def cohorts(panel: pl.LazyFrame) -> pl.LazyFrame:
    """Lines that are not closed by bucket, months since opening, and whether they leave."""
    last = panel.filter(c.point == c.point.max(), (c.closed_on > c.on_day).fill_null(True))
    found = last.group_by("bucket", months_on_book=_months("on_day"), leaving=c.leaving.cast(pl.Int64)).agg(
        lines=pl.len(), limit_minor=c.limit_minor.sum(), owed_minor=c.owed.sum()
    )
    return found.with_columns(bucket=c.bucket.replace_strict(dict(enumerate(BUCKETS))))
