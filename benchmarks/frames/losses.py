"""Expected credit losses, how they moved, and what they cover."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from benchmarks.frames.panel import c
from benchmarks.frames.quality import sum_where
from whiteslip.portfolio import markov

_LGD: Final = 6_000
_CCF: Final = 1_000
_BPS: Final = 10_000
_MILLION: Final = 1_000_000
_LIFE: Final = 36
_YEAR: Final = 12


def by_line(
    panel: pl.LazyFrame, score: pl.LazyFrame, owing: pl.LazyFrame, points: Sequence[date]
) -> pl.LazyFrame:
    """The panel's last point with stages and expected losses, then and now. ``owing``: what lines owe at."""
    moves = panel.filter(c.owed_before > 0).group_by("bucket_before", "bucket").agg(lines=pl.len())
    counted = list(moves.collect().iter_rows())
    rates = markov.term_structure(counted, _LIFE, {})
    last = panel.filter(c.point == len(points) - 1).join(owing, on="line_id", how="left")
    last = last.with_columns(c.rate_bps.fill_null(0), few=c.bucket.is_in(markov.few(counted)))
    looking = score.filter(c.horizon_months.is_not_null())
    for name, day in (("pd", points[-1]), ("pd_before", points[-2])):
        said = looking.filter(c.on_day == day)
        said = said.select("line_id", c.pd_ppm.alias(name), c.horizon_months.alias(f"{name}_months"))
        last = last.join(said, on="line_id", how="left")
    last = last.with_columns(
        stage=_stage(c.dpd, c.forborne), stage_before=_stage(c.dpd_before, c.forborne_before)
    )
    rate = _rate(c.stage, c.bucket, "pd", rates)
    rate_before = _rate(c.stage_before, c.bucket_before, "pd_before", rates)
    last = last.with_columns(
        rate=rate,
        rate_before=rate_before,
        spare=_divided(c.undrawn * _CCF, _BPS),
        spare_before=_divided(c.undrawn_before * _CCF, _BPS),
        drawn=c.owed.clip(lower_bound=0),
        drawn_before=c.owed_before.clip(lower_bound=0),
    )
    return last.with_columns(
        drawn_ecl=_divided(c.drawn * c.rate, _MILLION),
        spare_ecl=_divided(c.spare * c.rate, _MILLION),
        drawn_ecl_before=_divided(c.drawn_before * c.rate_before, _MILLION),
        spare_ecl_before=_divided(c.spare_before * c.rate_before, _MILLION),
        at_rate_before=_divided(c.drawn * c.rate_before, _MILLION)
        + _divided(c.spare * c.rate_before, _MILLION),
    )


def _divided(number: pl.Expr, by: int) -> pl.Expr:
    """Half up, of what is not negative."""
    return (number + by // 2) // by


def _stage(dpd: pl.Expr, forborne: pl.Expr) -> pl.Expr:
    return pl.when(dpd > 90).then(3).when((dpd > 30) | forborne).then(2).otherwise(1)


def _rate(stage: pl.Expr, bucket: pl.Expr, pd: str, rates: list[tuple[int, int]]) -> pl.Expr:
    """Loss in millionths: by the score, or by the bucket's roll rates where there is none."""
    found = pl.when(stage == 3).then(pl.lit(_MILLION))
    for number, horizon, months in ((1, 0, _YEAR), (2, 1, _LIFE)):
        of_bucket = bucket.replace_strict(
            {n: pair[horizon] for n, pair in enumerate(rates)}, return_dtype=pl.Int64
        )
        alive = (1.0 - c(pd).cast(pl.Float64) / _MILLION).pow(float(months) / c(f"{pd}_months"))
        within = ((1.0 - alive) * _MILLION).round().cast(pl.Int64)
        said = pl.when(c(f"{pd}_months") == months).then(c(pd)).otherwise(within)
        found = found.when(stage == number).then(_discounted(pl.coalesce(said, of_bucket), months))
    return _divided(found * _LGD, _BPS)


def _discounted(pd_ppm: pl.Expr, months: int) -> pl.Expr:
    """Defaults by a constant hazard, each worth what it is today at the line's yearly rate."""
    worth = 1.0 / (c.rate_bps / (_YEAR * _BPS) + 1.0)
    alive = (1.0 - pd_ppm.cast(pl.Float64) / _MILLION).pow(1.0 / months)
    kept = alive * worth
    found = (1.0 - alive) * worth * (1.0 - kept.pow(months)) / (1.0 - kept)
    return pl.when(c.rate_bps == 0).then(pd_ppm).otherwise((found * _MILLION).round().cast(pl.Int64))


def rates_of(plan: pl.LazyFrame, instalment: pl.LazyFrame, settlement: pl.LazyFrame) -> pl.LazyFrame:
    """(line_id, rate_bps): the yearly rate of what a line owes, weighted by what is left of each plan."""
    paid = settlement.filter(c.component == "principal").select("plan_id", minor=-c.amount_minor)
    moved = pl.concat([instalment.select("plan_id", minor=c.principal_minor), paid])
    left = moved.group_by("plan_id").agg(c.minor.sum()).filter(c.minor > 0)
    owed = left.join(plan.select("plan_id", "line_id", "rate_bps"), on="plan_id")
    sums = owed.group_by("line_id").agg(weight=(c.minor * c.rate_bps).sum(), left=c.minor.sum())
    return sums.select("line_id", rate_bps=c.weight // c.left)


def ecl(losses: pl.LazyFrame) -> pl.LazyFrame:
    """Expected credit loss by stage."""
    return (
        losses.filter((c.owed > 0) | (c.undrawn > 0))
        .group_by("stage")
        .agg(
            lines=pl.len(),
            lines_by_score=((c.stage < 3) & c.pd.is_not_null()).sum(),
            lines_by_roll_rates=((c.stage < 3) & c.pd.is_null()).sum(),
            lines_pooled=((c.stage < 3) & c.pd.is_null() & c.few).sum(),
            drawn_minor=c.owed.sum(),
            undrawn_minor=c.undrawn.sum(),
            drawn_ecl_minor=c.drawn_ecl.sum(),
            undrawn_ecl_minor=c.spare_ecl.sum(),
            ecl_minor=(c.drawn_ecl + c.spare_ecl).sum(),
        )
    )


def ecl_movement(losses: pl.LazyFrame) -> pl.LazyFrame:
    """How the allowance moved in the last month."""
    known = c.known_before
    steps = losses.select(
        "stage",
        "at_rate_before",
        known=known,
        opening=pl.when(known).then(c.drawn_ecl_before + c.spare_ecl_before).otherwise(0),
        closing=c.drawn_ecl + c.spare_ecl,
        released=pl.when(known & c.stopped & ~c.stopped_before).then(-c.spare_ecl_before).otherwise(0),
        written=pl.when(known)
        .then(-pl.min_horizontal("lost", "drawn_ecl_before").clip(lower_bound=0))
        .otherwise(0),
        moves=known & (c.stage != c.stage_before),
        stays=known & (c.stage == c.stage_before),
    ).with_columns(rest=c.closing - c.opening - c.released - c.written)
    by_rate = c.closing - c.at_rate_before
    return steps.select(
        opening_minor=c.opening.sum(),
        new_lines_minor=sum_where("closing", ~c.known),
        released_at_draw_stop_minor=c.released.sum(),
        written_off_minor=c.written.sum(),
        to_stage_1_minor=sum_where("rest", c.moves & (c.stage == 1)),
        to_stage_2_minor=sum_where("rest", c.moves & (c.stage == 2)),
        to_stage_3_minor=sum_where("rest", c.moves & (c.stage == 3)),
        pd_changed_minor=by_rate.filter(c.stays).sum(),
        remeasured_minor=(c.rest - by_rate).filter(c.stays).sum(),
        closing_minor=c.closing.sum(),
    )


def coverage(losses: pl.LazyFrame) -> pl.LazyFrame:
    """The allowance, and the bad loans that it covers."""
    sums = losses.select(
        allowance_minor=(c.drawn_ecl + c.spare_ecl).sum(), npl_minor=sum_where("owed", c.dpd > 90)
    )
    return sums.with_columns(coverage=c.allowance_minor / c.npl_minor)
