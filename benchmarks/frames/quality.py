"""How good the book is: non-performing loans, days past due, migration, vintages, classes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from benchmarks.frames.panel import c, point_of
from whiteslip.portfolio.model import BUCKETS


def sum_where(minor: str, where: pl.Expr) -> pl.Expr:
    """A sum of the rows for which it holds."""
    return c(minor).filter(where).sum()


def npl(panel: pl.LazyFrame) -> pl.LazyFrame:
    """Non-performing loans, and those that became so."""
    return panel.group_by("on_day").agg(
        lines=(c.owed > 0).sum(),
        book_minor=c.owed.sum(),
        npl_minor=sum_where("owed", c.dpd > 90),
        new_npl_minor=sum_where("owed", (c.dpd > 90) & (c.dpd_before <= 90)),
    )


def npl_change(panel: pl.LazyFrame) -> pl.LazyFrame:
    """Changes of the bad loans and of the book, by cause."""
    moved = panel.filter(c.point > 0).select(
        "on_day",
        "leaving",
        n0=pl.when(c.dpd_before > 90).then(c.owed_before).otherwise(0),
        n1=pl.when(c.dpd > 90).then(c.owed).otherwise(0),
        lost=pl.min_horizontal("lost", "owed_before").clip(lower_bound=0),
        grown=c.owed - c.owed_before,
    )
    was, stays = c.n0 > 0, c.grown + c.lost
    sums = moved.group_by("on_day").agg(
        new_bad=sum_where("n1", c.n0 == 0),
        cured=(c.lost - c.n0).filter(was & (c.n1 == 0)).sum(),
        stays_bad=(c.n1 - c.n0 + c.lost).filter(was & (c.n1 > 0)).sum(),
        lost_bad=sum_where("lost", was),
        lost=c.lost.sum(),
        growth=stays.filter(~c.leaving).sum(),
        exits=stays.filter(c.leaving).sum(),
    )
    zero = pl.lit(0, pl.Int64)
    causes = {
        "1_new_bad": (c.new_bad, zero),
        "2_cured": (c.cured, zero),
        "3_stays_bad": (c.stays_bad, zero),
        "4_written_off": (-c.lost_bad, -c.lost),
        "5_book_growth": (zero, c.growth),
        "6_exits": (zero, c.exits),
    }
    return pl.concat(
        sums.select("on_day", cause=pl.lit(cause), npl_change_minor=bad, book_change_minor=book)
        for cause, (bad, book) in causes.items()
    )


def dpd(panel: pl.LazyFrame) -> pl.LazyFrame:
    """Balances 30, 60 and 90 days past due and more."""
    least = {"dpd_30_minor": 3, "dpd_60_minor": 4, "dpd_90_minor": 5}
    return panel.group_by("on_day").agg(
        **{name: sum_where("owed", c.bucket >= bucket) for name, bucket in least.items()}
    )


def roll_rates(panel: pl.LazyFrame) -> pl.LazyFrame:
    """Where each bucket was a month later."""
    name = dict(enumerate(BUCKETS))
    return (
        panel.filter(c.owed_before > 0)
        .group_by("on_day", "bucket_before", "bucket")
        .agg(lines=pl.len(), opening_minor=c.owed_before.sum(), closing_minor=c.owed.sum())
        .with_columns(
            from_bucket=c.bucket_before.replace_strict(name), to_bucket=c.bucket.replace_strict(name)
        )
        .drop("bucket_before", "bucket")
    )


def vintages(
    panel: pl.LazyFrame, plan: pl.LazyFrame, sale: pl.LazyFrame, points: Sequence[date]
) -> pl.LazyFrame:
    """By month of opening: bought, late, defaulted and lost so far."""
    bought = plan.filter(c.kind == "purchase").group_by("line_id", point=point_of(c.opened_on, points))
    bad = c.dpd > 90
    first = bad & (bad.cast(pl.Int64).cum_sum().over("line_id") == 1)
    told = panel.with_columns(new_default=pl.when(first).then(c.owed).otherwise(0))
    told = told.join(bought.agg(bought=c.principal_minor.sum()), on=["line_id", "point"], how="left")
    got = sale.group_by("line_id", point=point_of(c.on_day, points)).agg(got=c.price_minor.sum())
    told = told.join(got, on=["line_id", "point"], how="left")
    opened = c.opened_on.dt.year().cast(pl.Int64) * 100 + c.opened_on.dt.month()
    sums = told.group_by("on_day", opened=opened).agg(
        lines=pl.len(),
        bought=c.bought.sum(),
        owed_minor=c.owed.sum(),
        dpd_90_minor=sum_where("owed", c.bucket >= 5),
        new_default=c.new_default.sum(),
        lost=(c.lost - c.got.fill_null(0)).sum(),
    )
    so_far = {"originated_minor": "bought", "defaulted_minor": "new_default", "net_loss_minor": "lost"}
    return (
        sums.sort("opened", "on_day")
        .with_columns(**{name: c(of).cum_sum().over("opened") for name, of in so_far.items()})
        .drop("bought", "new_default", "lost")
    )


def classes(panel: pl.LazyFrame) -> pl.LazyFrame:
    """Five-level classes on the day."""
    name = pl.when(c.dpd > 360).then(pl.lit("5_loss")).when(c.dpd > 270).then(pl.lit("4_doubtful"))
    name = name.when(c.dpd > 90).then(pl.lit("3_substandard"))
    name = name.when((c.dpd > 0) | c.forborne).then(pl.lit("2_special_mention"))
    last = panel.filter(c.point == c.point.max(), c.owed > 0)
    return last.group_by(asset_class=name.otherwise(pl.lit("1_normal"))).agg(
        lines=pl.len(), balance_minor=c.owed.sum()
    )
