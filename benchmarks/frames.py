"""The yardstick in Polars: nine measures of the night from the same Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from whiteslip.portfolio import markov
from whiteslip.portfolio.model import BUCKETS

MEASURES: Final = (
    "npl", "dpd", "roll_rates", "vintages", "classes", "cdr", "payment_rate", "ecl", "coverage",
)  # fmt: skip
_NO_EXIT: Final = ("lapsed", "cancelled", "rejected_not_holder", "notice")
_LGD, _CCF, _BPS, _MILLION = 6_000, 1_000, 10_000, 1_000_000

Frames = dict[str, pl.LazyFrame]
c = pl.col


class Work:
    """A snapshot's folder with its panel, made once."""

    def __init__(self, folder: Path, points: Sequence[date]) -> None:
        self.points = points
        self.lake = {path.stem: pl.scan_parquet(path) for path in folder.glob("*.parquet")}
        self.panel = _panel(self.lake, points).collect().lazy()

    def measure(self, names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """The named measures, as rows."""
        panel, lake, points = self.panel, self.lake, self.points
        losses = _losses(panel, lake["score"], points).collect().lazy()
        made = {
            "npl": _npl(panel),
            "dpd": _dpd(panel),
            "roll_rates": _roll_rates(panel),
            "classes": _classes(panel),
            "cdr": _cdr(panel),
            "vintages": _vintages(panel, lake, points),
            "payment_rate": _payment_rate(panel, lake, points),
            "ecl": _ecl(losses),
            "coverage": _coverage(losses),
        }
        rows = pl.collect_all([made[name] for name in names])
        return {name: frame.to_dicts() for name, frame in zip(names, rows, strict=True)}


def _point(day: pl.Expr, points: Sequence[date]) -> pl.Expr:
    """The number of the first point that sees ``day``."""
    return pl.sum_horizontal([(day > at).cast(pl.Int8) for at in points]).cast(pl.Int64)


def _panel(lake: Frames, points: Sequence[date]) -> pl.LazyFrame:
    i = lake["instalment"].select(
        "line_id", "plan_id", "no", "opened_on", "due_on", "statement_on", "charged_on",
        principal=c.principal_minor, price=c.interest_minor + c.fee_minor,
    )  # fmt: skip
    s = lake["settlement"].join(i.drop("line_id"), on=["plan_id", "no"])
    is_principal = c.component == "principal"
    owed = pl.concat(
        [
            i.select("line_id", day=c.opened_on, minor=c.principal),
            i.filter(c.charged_on.is_not_null()).select("line_id", day=c.charged_on, minor=c.price),
            s.filter(is_principal | c.charged_on.is_not_null()).select(
                "line_id",
                day=pl.max_horizontal(
                    "counts_from", pl.when(is_principal).then(c.opened_on).otherwise(c.charged_on)
                ),
                minor=-c.amount_minor,
            ),
        ]
    )
    owed = owed.group_by("line_id", point=_point(c.day, points)).agg(owed=c.minor.sum())
    waived = s.filter(c.kind == "waiver").group_by("line_id", point=_point(c.on_day, points))
    exits = (
        lake["exit"]
        .filter(~c.state.is_in(_NO_EXIT), c.stopped_on.is_not_null())
        .group_by("line_id")
        .agg(stopped_on=c.stopped_on.min())
    )
    days = pl.LazyFrame({"point": range(len(points)), "on_day": points})
    lines = lake["line"].select("line_id", "opened_on", "closed_on", "limit_minor")
    at = ["line_id", "point"]
    rows = (
        lines.join(exits, on="line_id", how="left")
        .join(days, how="cross")
        .filter(c.opened_on <= c.on_day)
        .join(owed, on=at, how="left")
        .join(_late(i, s, points), on=at, how="left")
        .join(waived.agg(waived=c.amount_minor.sum()), on=at, how="left")
        .join(_locked(lake["lock"], days), on=at, how="left")
        .sort(at)
        .with_columns(
            owed=c.owed.fill_null(0).cum_sum().over("line_id"),
            dpd=(c.on_day - c.since).dt.total_days().fill_null(0),
            waived=c.waived.fill_null(0),
            leaving=(c.stopped_on <= c.on_day).fill_null(False) | (c.closed_on <= c.on_day).fill_null(False),
        )
        .with_columns(bucket=_bucket())
        .with_columns(
            undrawn=pl.when(c.leaving | c.locked.is_not_null())
            .then(0)
            .otherwise((c.limit_minor - c.owed).clip(lower_bound=0))
        )
    )
    return rows.with_columns(
        owed_before=c.owed.shift().over("line_id").fill_null(0),
        dpd_before=c.dpd.shift().over("line_id").fill_null(0),
        bucket_before=c.bucket.shift().over("line_id").fill_null(0),
    )


def _late(i: pl.LazyFrame, s: pl.LazyFrame, points: Sequence[date]) -> pl.LazyFrame:
    """(line, point, since): the oldest unpaid due day at each point."""
    key, after = ["line_id", "plan_id", "no", "due_on"], c.due_on + pl.duration(days=1)
    moved = pl.concat(
        [
            i.filter(c.statement_on.is_not_null()).select(*key, day=after, minor=c.principal + c.price),
            s.filter(c.statement_on.is_not_null()).select(
                *key, day=pl.max_horizontal("counts_from", after), minor=-c.amount_minor
            ),
        ]
    )
    moved = moved.group_by(*key, point=_point(c.day, points)).agg(c.minor.sum()).filter(c.minor != 0)
    stood = moved.sort("plan_id", "no", "point").with_columns(
        unpaid=c.minor.cum_sum().over("plan_id", "no"),
        ends=c.point.shift(-1).over("plan_id", "no").fill_null(len(points)),
    )
    return (
        stood.filter(c.unpaid > 0)
        .select("line_id", "due_on", point=pl.int_ranges("point", "ends"))
        .explode("point")
        .group_by("line_id", "point")
        .agg(since=c.due_on.min())
    )


def _locked(lock: pl.LazyFrame, days: pl.LazyFrame) -> pl.LazyFrame:
    """(line, point, locked): where a lock on drawing stands."""
    stood = lock.join(days, how="cross").filter(
        c.set_on <= c.on_day, (c.lifted_on > c.on_day).fill_null(True)
    )
    return stood.select("line_id", point=c.point, locked=True).unique()


def _bucket() -> pl.Expr:
    late = pl.when(c.owed <= 0).then(0)
    for least, number in ((90, 5), (60, 4), (30, 3), (1, 2)):
        late = late.when(c.dpd >= least).then(number)
    return late.otherwise(1)


def _sum(minor: str, where: pl.Expr) -> pl.Expr:
    return c(minor).filter(where).sum()


def _npl(panel: pl.LazyFrame) -> pl.LazyFrame:
    return panel.group_by("on_day").agg(
        lines=(c.owed > 0).sum(),
        book_minor=c.owed.sum(),
        npl_minor=_sum("owed", c.dpd > 90),
        new_npl_minor=_sum("owed", (c.dpd > 90) & (c.dpd_before <= 90)),
    )


def _dpd(panel: pl.LazyFrame) -> pl.LazyFrame:
    return panel.group_by("on_day").agg(
        **{
            f"dpd_{days}_minor": _sum("owed", c.bucket >= least)
            for days, least in ((30, 3), (60, 4), (90, 5))
        }
    )


def _roll_rates(panel: pl.LazyFrame) -> pl.LazyFrame:
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


def _classes(panel: pl.LazyFrame) -> pl.LazyFrame:
    name = pl.when(c.dpd > 360).then(pl.lit("5_loss")).when(c.dpd > 270).then(pl.lit("4_doubtful"))
    name = name.when(c.dpd > 90).then(pl.lit("3_substandard"))
    name = name.when(c.dpd > 0).then(pl.lit("2_special_mention")).otherwise(pl.lit("1_normal"))
    last = panel.filter(c.point == c.point.max(), c.owed > 0)
    return last.group_by(asset_class=name).agg(lines=pl.len(), balance_minor=c.owed.sum())


def _cdr(panel: pl.LazyFrame) -> pl.LazyFrame:
    well = c.dpd_before <= 90
    return (
        panel.filter(c.point > 0)
        .group_by("on_day")
        .agg(
            performing_before_minor=_sum("owed_before", well),
            defaulted_minor=_sum("owed_before", well & (c.dpd > 90)),
        )
    )


def _payment_rate(panel: pl.LazyFrame, lake: Frames, points: Sequence[date]) -> pl.LazyFrame:
    paid = lake["settlement"].filter(c.kind.is_in(["payment", "credit", "return"]))
    paid = paid.group_by(point=_point(c.counts_from, points)).agg(collected_minor=c.amount_minor.sum())
    stood = panel.filter(c.point > 0).group_by("point", "on_day").agg(opening_minor=c.owed_before.sum())
    return stood.join(paid, on="point", how="left").with_columns(c.collected_minor.fill_null(0)).drop("point")


def _vintages(panel: pl.LazyFrame, lake: Frames, points: Sequence[date]) -> pl.LazyFrame:
    bought = lake["plan"].filter(c.kind == "purchase").group_by("line_id", point=_point(c.opened_on, points))
    bad = c.dpd > 90
    first = bad & (bad.cast(pl.Int64).cum_sum().over("line_id") == 1)
    told = panel.join(bought.agg(bought=c.principal_minor.sum()), on=["line_id", "point"], how="left")
    told = told.sort("line_id", "point").with_columns(new_default=pl.when(first).then(c.owed).otherwise(0))
    opened = c.opened_on.dt.year().cast(pl.Int64) * 100 + c.opened_on.dt.month()
    sums = told.group_by("on_day", opened=opened).agg(
        lines=pl.len(),
        bought=c.bought.sum(),
        owed_minor=c.owed.sum(),
        dpd_90_minor=_sum("owed", c.bucket >= 5),
        new_default=c.new_default.sum(),
        lost=c.waived.sum(),
    )
    so_far = {"originated_minor": "bought", "defaulted_minor": "new_default", "net_loss_minor": "lost"}
    return (
        sums.sort("opened", "on_day")
        .with_columns(**{name: c(of).cum_sum().over("opened") for name, of in so_far.items()})
        .drop("bought", "new_default", "lost")
    )


def _losses(panel: pl.LazyFrame, score: pl.LazyFrame, points: Sequence[date]) -> pl.LazyFrame:
    moves = panel.filter(c.owed_before > 0).group_by("bucket_before", "bucket").agg(lines=pl.len()).collect()
    rates = markov.term_structure(list(moves.iter_rows()), 36, {})
    ppm = [[(rate * _LGD + _BPS // 2) // _BPS for rate in pair] for pair in zip(*rates, strict=True)]
    stage = pl.when(c.dpd > 90).then(3).when(c.dpd > 30).then(2).otherwise(1)
    rate = pl.when(c.stage == 3).then((_MILLION * _LGD + _BPS // 2) // _BPS)
    for number, horizon in ((2, ppm[1]), (1, ppm[0])):
        of_bucket = c.bucket.replace_strict(dict(enumerate(horizon)))
        alive = (1.0 - c.pd_ppm.cast(pl.Float64) / _MILLION).pow(1.0 if number == 1 else 3.0)
        said = ((1.0 - alive) * _MILLION).round().cast(pl.Int64)
        rate = rate.when(c.stage == number).then(pl.coalesce((said * _LGD + _BPS // 2) // _BPS, of_bucket))
    said = score.filter(c.on_day == points[-1]).select("line_id", "pd_ppm")
    now = panel.filter(c.point == len(points) - 1).join(said, on="line_id", how="left")
    now = now.with_columns(stage=stage).with_columns(ppm=rate.cast(pl.Int64))
    spare = (c.undrawn * _CCF + _BPS // 2) // _BPS
    return now.with_columns(
        drawn_ecl=(c.owed.clip(lower_bound=0) * c.ppm + _MILLION // 2) // _MILLION,
        undrawn_ecl=(spare * c.ppm + _MILLION // 2) // _MILLION,
    )


def _ecl(losses: pl.LazyFrame) -> pl.LazyFrame:
    return (
        losses.filter((c.owed > 0) | (c.undrawn > 0))
        .group_by("stage")
        .agg(
            lines=pl.len(),
            lines_by_score=((c.stage < 3) & c.pd_ppm.is_not_null()).sum(),
            lines_by_roll_rates=((c.stage < 3) & c.pd_ppm.is_null()).sum(),
            drawn_minor=c.owed.sum(),
            undrawn_minor=c.undrawn.sum(),
            drawn_ecl_minor=c.drawn_ecl.sum(),
            undrawn_ecl_minor=c.undrawn_ecl.sum(),
            ecl_minor=(c.drawn_ecl + c.undrawn_ecl).sum(),
        )
    )


def _coverage(losses: pl.LazyFrame) -> pl.LazyFrame:
    return losses.select(
        allowance_minor=(c.drawn_ecl + c.undrawn_ecl).sum(), npl_minor=_sum("owed", c.dpd > 90)
    )
