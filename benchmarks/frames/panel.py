"""Lines at monthly points, from what was scheduled, billed and settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

_NO_EXIT: Final = ("lapsed", "cancelled", "rejected_not_holder", "notice")
_LOST: Final = ("waiver", "sold")

Frames = dict[str, pl.LazyFrame]
c = pl.col


def held(frame: pl.LazyFrame) -> pl.LazyFrame:
    """A frame that is computed once, for all who build on it."""
    return frame.collect(engine="streaming").lazy()


def point_of(day: pl.Expr, points: Sequence[date]) -> pl.Expr:
    """The number of the first point that sees ``day``."""
    return pl.sum_horizontal([(day > at).cast(pl.Int8) for at in points]).cast(pl.Int64)


def settled(lake: Frames) -> pl.LazyFrame:
    """Settlements with what their instalment says of them."""
    known = lake["instalment"].select("plan_id", "no", "opened_on", "due_on", "statement_on", "charged_on")
    return lake["settlement"].join(known, on=["plan_id", "no"])


def panel_of(lake: Frames, s: pl.LazyFrame, points: Sequence[date]) -> pl.LazyFrame:
    """Every line at every point since it was opened, with its values at the point before."""
    i = lake["instalment"].select(
        "line_id", "plan_id", "no", "opened_on", "due_on", "statement_on", "charged_on",
        principal=c.principal_minor, price=c.interest_minor + c.fee_minor,
    )  # fmt: skip
    days = pl.LazyFrame({"point": range(len(points)), "on_day": points})
    at = ["line_id", "point"]
    rows = _lines(lake).join(days, how="cross").filter(c.opened_on <= c.on_day)
    for more in (
        _owed(i, s, points),
        _late(i, s, points),
        _lost(s, points),
        _locked(lake["lock"], days),
        _forborne(lake["hardship"], days),
    ):
        rows = rows.join(more, on=at, how="left")
    return _with_before(_named(rows.sort(at)))


def _lines(lake: Frames) -> pl.LazyFrame:
    """Lines with the day an exit stopped them. One taken over is as old as its oldest debt."""
    exits = (
        lake["exit"]
        .filter(~c.state.is_in(_NO_EXIT), c.stopped_on.is_not_null())
        .group_by("line_id")
        .agg(stopped_on=c.stopped_on.min(), exit_kind=c.kind.max())
    )
    first = lake["plan"].group_by("line_id").agg(first_on=c.opened_on.min())
    return (
        lake["line"]
        .select("line_id", "opened_on", "closed_on", "limit_minor")
        .join(first, on="line_id", how="left")
        .with_columns(opened_on=pl.min_horizontal("opened_on", "first_on"))
        .drop("first_on")
        .join(exits, on="line_id", how="left")
    )


def _owed(i: pl.LazyFrame, s: pl.LazyFrame, points: Sequence[date]) -> pl.LazyFrame:
    """(line, point, owed): how much more is owed than at the point before."""
    is_principal = c.component == "principal"
    from_day = pl.when(is_principal).then(c.opened_on).otherwise(c.charged_on)
    moved = pl.concat(
        [
            i.select("line_id", day=c.opened_on, minor=c.principal),
            i.filter(c.charged_on.is_not_null()).select("line_id", day=c.charged_on, minor=c.price),
            s.filter(is_principal | c.charged_on.is_not_null()).select(
                "line_id", day=pl.max_horizontal("counts_from", from_day), minor=-c.amount_minor
            ),
        ]
    )
    return moved.group_by("line_id", point=point_of(c.day, points)).agg(owed=c.minor.sum())


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
    moved = moved.group_by(*key, point=point_of(c.day, points)).agg(c.minor.sum()).filter(c.minor != 0)
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


def _lost(s: pl.LazyFrame, points: Sequence[date]) -> pl.LazyFrame:
    """(line, point, lost): what was written off or sold since the point before."""
    lost = s.filter(c.kind.is_in(_LOST)).group_by("line_id", point=point_of(c.on_day, points))
    return lost.agg(lost=c.amount_minor.sum())


def _locked(lock: pl.LazyFrame, days: pl.LazyFrame) -> pl.LazyFrame:
    """(line, point, locked): where a lock on drawing stands."""
    stood = lock.join(days, how="cross").filter(
        c.set_on <= c.on_day, (c.lifted_on > c.on_day).fill_null(True)
    )
    return stood.select("line_id", point=c.point, locked=True).unique()


def _forborne(hardship: pl.LazyFrame, days: pl.LazyFrame) -> pl.LazyFrame:
    """(line, point, agreed_on, frozen_days): the newest hardship plan whose observation is not over."""
    stood = hardship.join(days, how="cross").filter(
        c.agreed_on <= c.on_day, (c.ended_on > c.on_day).fill_null(True)
    )
    newest = stood.sort("agreed_on", "plan_id").group_by("line_id", "point").last()
    return newest.select("line_id", "point", "agreed_on", "frozen_days")


def _named(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with what is owed, how late, whether drawing is stopped, and what could be drawn."""
    since = pl.max_horizontal("since", pl.coalesce("agreed_on", "since"))
    frozen = pl.when(c.owed > 0).then(c.frozen_days.fill_null(0)).otherwise(0)
    rows = rows.with_columns(
        owed=c.owed.fill_null(0).cum_sum().over("line_id"),
        lost=c.lost.fill_null(0),
        leaving=(c.stopped_on <= c.on_day).fill_null(False) | (c.closed_on <= c.on_day).fill_null(False),
    )
    rows = rows.with_columns(
        dpd=pl.when(c.since.is_null()).then(0).otherwise((c.on_day - since).dt.total_days()) + frozen,
        forborne=c.agreed_on.is_not_null() & (c.owed > 0),
        stopped=c.leaving | c.locked.is_not_null(),
    )
    rows = rows.drop("since", "agreed_on", "frozen_days", "locked", "stopped_on")
    room = (c.limit_minor - c.owed).clip(lower_bound=0)
    return rows.with_columns(bucket=_bucket(), undrawn=pl.when(c.stopped).then(0).otherwise(room))


def _bucket() -> pl.Expr:
    late = pl.when(c.owed <= 0).then(0)
    for least, number in ((90, 5), (60, 4), (30, 3), (1, 2)):
        late = late.when(c.dpd >= least).then(number)
    return late.otherwise(1)


def _with_before(rows: pl.LazyFrame) -> pl.LazyFrame:
    nothing = {"owed": 0, "dpd": 0, "bucket": 0, "undrawn": 0, "stopped": False, "forborne": False}
    return rows.with_columns(
        c.point.shift().over("line_id").is_not_null().alias("known_before"),
        *(
            c(name).shift().over("line_id").fill_null(zero).alias(f"{name}_before")
            for name, zero in nothing.items()
        ),
    )
