"""The snapshot in one shape: every line at monthly points, rebuilt from what happened.

An event is filed under the first point that sees it; running sums over points then tell how things
stood, so history needs one snapshot and not one a month.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from whiteslip.base.calendar import months_before
from whiteslip.lake import Snapshot
from whiteslip.portfolio.engine import Engine
from whiteslip.portfolio.model import BUCKETS, Expression, Parameters, ibis

MOST_POINTS: Final = 61
# Cases that came to nothing, or have not begun: the line is not leaving.
_NO_EXIT: Final = ("lapsed", "cancelled", "rejected_not_holder", "notice")
# Settlements that are losses: given up, and handed to a buyer. The price is the house's, not the line's.
_LOST: Final = ("waiver", "sold")
# Bands of limits: the most of one in minor units, and its name; above the last it is "above_2m".
LIMIT_BANDS: Final = ((100_000, "to_100k"), (500_000, "to_500k"), (2_000_000, "to_2m"))


@dataclass(frozen=True, slots=True)
class Book:
    """A snapshot as tables, and the panel.

    ``panel``: line, currency, segment, point, on_day, opened_on, closed_on, cause, leaving, stopped (to
    draw: it leaves, or is locked), undrawn, owed, past due, dpd, bucket, helped (a hardship plan is
    observed), forborne (helped, and owes), distressed (forborne at a loss of value), what was written off or
    sold since the point before, and its values there. ``sale``: what was sold, and its price. ``disputed``:
    lines of which something is disputed on the day. ``score``: what the behaviour model said of lines on the
    day and a month before. ``sale`` and ``score`` are None where the snapshot is of a version that knew none.
    """

    engine: Engine
    parameters: Parameters
    points: Sequence[date]
    line: Expression
    plan: Expression
    instalment: Expression
    settlement: Expression
    score: Expression | None
    sale: Expression | None
    disputed: Expression
    panel: Expression

    @property
    def last(self) -> int:
        """The number of the last point, the day itself."""
        return len(self.points) - 1


def points_until(day: date, first: date) -> list[date]:
    """``day`` and the days whole months before it, back to the last one before ``first``."""
    found = [day]
    while found[-1] >= first and len(found) < MOST_POINTS:
        found.append(months_before(day, len(found)))
    return found[::-1]


def load(engine: Engine, snapshot: Snapshot, segment: str, parameters: Parameters) -> Book:
    """Bring a snapshot into the engine and build the panel."""
    line, plan, instalment, settlement, leaving, hardship = (
        engine.table(snapshot.path(name))
        for name in ("line", "plan", "instalment", "settlement", "exit", "hardship")
    )
    # What was taken over from elsewhere has days before its line was opened here.
    firsts = engine.rows(
        ibis.union(line.select("opened_on"), plan.select("opened_on")).aggregate(first=ibis._.opened_on.min())
    )
    points = points_until(snapshot.day, firsts[0]["first"] or snapshot.day)
    line = line.mutate(segment=segment_of(line, segment))
    exits = (
        leaving.filter(~leaving.state.isin(_NO_EXIT), leaving.stopped_on.notnull())
        .group_by("line_id")
        .aggregate(stopped_on=ibis._.stopped_on.min(), exit_kind=ibis._.kind.max())
    )
    held = engine.hold("settled", lambda: settled(instalment, settlement))
    score, sale, lock = (
        engine.table(snapshot.path(name)) if name in snapshot.tables else None
        for name in ("score", "sale", "lock")
    )
    disputed = line.filter(ibis.literal(False)).select("line_id")
    if "dispute" in snapshot.tables:
        known = engine.table(snapshot.path("dispute"))
        disputed = known.filter((known.settled_on > ibis.literal(snapshot.day)).fill_null(True))
        disputed = disputed.select("line_id").distinct()
    book = Book(engine, parameters, points, line, plan, instalment, held, score, sale, disputed, None)
    return replace(book, panel=engine.hold("panel", lambda: _panel(book, exits, hardship, lock)))


def segment_of(line: Expression, segment: str) -> Expression:
    """A line's segment: its pack, month of opening or band of limit; "all" where none is asked for."""
    match segment:
        case "pack":
            return line.pack
        case "opened":
            return (line.opened_on.year() * 100 + line.opened_on.month()).cast("string")
        case "limit":
            cases = [(line.limit_minor <= most, ibis.literal(name)) for most, name in LIMIT_BANDS]
            return ibis.cases(*cases, else_=ibis.literal("above_2m"))
        case _:
            return ibis.literal("all")


def settled(instalment: Expression, settlement: Expression) -> Expression:
    """Settlements with what their instalment says of them."""
    known = instalment.select("plan_id", "no", "opened_on", "due_on", "statement_on", "charged_on")
    return settlement.join(known, ["plan_id", "no"])


def point_of(day: Expression, points: Sequence[date]) -> Expression:
    """The number of the first point that sees ``day``; one beyond the last if none does."""
    cases = [(day <= ibis.literal(at), ibis.literal(n, "int64")) for n, at in enumerate(points)]
    return ibis.cases(*cases, else_=ibis.literal(len(points), "int64"))


def day_of(point: Expression, points: Sequence[date]) -> Expression:
    """The day of a point."""
    cases = [(point == n, ibis.literal(at)) for n, at in enumerate(points)]
    return ibis.cases(*cases, else_=ibis.literal(points[-1]))


def bucket_of(owed: Expression, dpd: Expression) -> Expression:
    """The bucket's place in ``BUCKETS``: 0 owes nothing, 1 is current, 5 is 90 days and more."""
    return ibis.cases((owed <= 0, 0), (dpd >= 90, 5), (dpd >= 60, 4), (dpd >= 30, 3), (dpd >= 1, 2), else_=1)


def bucket_name(number: Expression) -> Expression:
    """The name of a bucket's place."""
    return ibis.cases(*[(number == n, ibis.literal(name)) for n, name in enumerate(BUCKETS)], else_="none")


def total(column: Expression) -> Expression:
    """A sum in minor units, zero for nothing."""
    return column.sum().cast("int64").fill_null(0)


def share(part: Expression, whole: Expression) -> Expression:
    """A fraction; null where there is nothing to divide by."""
    return part.cast("float64") / whole.cast("float64").nullif(0.0)


def _owed_changes(book: Book) -> Expression:
    """(line, point, minor): every change of what is owed, as billing.v_movement tells it."""
    i, s = book.instalment, book.settlement
    principal = i.select("line_id", day=i.opened_on, minor=i.principal_minor)
    billed = i.filter(i.charged_on.notnull())
    price = billed.select("line_id", day=billed.charged_on, minor=billed.interest_minor + billed.fee_minor)
    counted = s.filter((s.component == "principal") | s.charged_on.notnull())
    from_day = ibis.greatest(
        counted.counts_from, (counted.component == "principal").ifelse(counted.opened_on, counted.charged_on)
    )
    taken = counted.select("line_id", day=from_day, minor=-counted.amount_minor)
    moved = ibis.union(ibis.union(principal, price), taken)
    moved = moved.select("line_id", "minor", point=point_of(moved.day, book.points))
    return moved.group_by("line_id", "point").aggregate(owed_change=total(moved.minor))


def _past_due(book: Book) -> Expression:
    """(line, point, due_on, past_due_minor): the oldest unpaid due day at each point, and how much."""
    i, s, day = book.instalment, book.settlement, ibis.interval(days=1)
    asked = i.filter(i.statement_on.notnull())
    asked = asked.select(
        "line_id", "plan_id", "no", "due_on",
        day=(asked.due_on + day).cast("date"),
        minor=asked.principal_minor + asked.interest_minor + asked.fee_minor,
    )  # fmt: skip
    paid = s.filter(s.statement_on.notnull())
    paid = paid.select(
        "line_id", "plan_id", "no", "due_on",
        day=ibis.greatest(paid.counts_from, (paid.due_on + day).cast("date")),
        minor=-paid.amount_minor,
    )  # fmt: skip
    moved = ibis.union(asked, paid)
    moved = moved.mutate(point=point_of(moved.day, book.points))
    keys = ["line_id", "plan_id", "no", "due_on"]
    moved = moved.group_by(*keys, "point").aggregate(minor=total(moved.minor))
    moved = moved.filter(moved.minor != 0)
    over = ibis.window(group_by=["plan_id", "no"], order_by="point")
    running = ibis.cumulative_window(group_by=["plan_id", "no"], order_by="point")
    stood = moved.select(
        *keys,
        unpaid=moved.minor.sum().over(running).cast("int64"),
        begins=moved.point,
        ends=moved.point.lead().over(over).fill_null(len(book.points)),
    )
    stood = stood.filter(stood.unpaid > 0)
    point = _points(book)
    joined = stood.join(point, [point.point >= stood.begins, point.point < stood.ends])
    return joined.group_by("line_id", "point").aggregate(
        oldest_due_on=joined.due_on.min(), past_due_minor=total(joined.unpaid)
    )


def _points(book: Book) -> Expression:
    made = ibis.range(len(book.points)).unnest().name("point").as_table()
    made = made.select(point=made.point.cast("int64"))
    return made.mutate(on_day=day_of(made.point, book.points))


def _written_off(book: Book) -> Expression:
    """(line, point, written_off_minor): what was owed and was written off or sold, gross of the price."""
    s = book.settlement
    given = s.filter(s.kind.isin(_LOST))
    given = given.select("line_id", "amount_minor", point=point_of(given.on_day, book.points))
    return given.group_by("line_id", "point").aggregate(written_off_minor=total(given.amount_minor))


def _forborne(book: Book, hardship: Expression) -> Expression:
    """(line, point, agreed_on, frozen_days, distressed): the newest hardship plan whose observation is not
    over.
    """
    point = _points(book)
    if "distressed" not in hardship.columns:
        hardship = hardship.mutate(distressed=ibis.literal(False))
    stood = hardship.join(
        point,
        [hardship.agreed_on <= point.on_day, (hardship.ended_on > point.on_day).fill_null(True)],
    )
    newest = ibis.window(
        group_by=["line_id", "point"], order_by=[stood.agreed_on.desc(), stood.plan_id.desc()]
    )
    stood = stood.mutate(place=ibis.row_number().over(newest))
    return stood.filter(stood.place == 0).select(
        "line_id",
        "point",
        "distressed",
        forborne_on=stood.agreed_on,
        frozen_days=stood.frozen_days.cast("int64"),
    )


def _with_locks(rows: Expression, book: Book, lock: Expression | None) -> Expression:
    """Rows with ``locked``: whether a lock on all drawing stands at the end of the point's day."""
    if lock is None:
        return rows.mutate(locked=ibis.literal(False))
    point = _points(book)
    stood = lock.join(point, [lock.set_on <= point.on_day, (lock.lifted_on > point.on_day).fill_null(True)])
    stood = stood.group_by("line_id", "point").aggregate(locks=ibis._.count())
    rows = rows.left_join(stood, ["line_id", "point"]).drop("line_id_right", "point_right")
    return rows.mutate(locked=rows.locks.notnull()).drop("locks")


def _dpd(rows: Expression) -> Expression:
    """Days past due as billing.rules.debt_on counts: of a restructured debt they stand still, then go on."""
    late_from = ibis.greatest(rows.oldest_due_on, rows.forborne_on.fill_null(rows.oldest_due_on))
    late = rows.oldest_due_on.notnull().ifelse(rows.on_day.delta(late_from, unit="day").cast("int64"), 0)
    return late + (rows.owed_minor > 0).ifelse(rows.frozen_days.fill_null(0), 0)


def _panel(book: Book, exits: Expression, hardship: Expression, lock: Expression | None) -> Expression:
    line = book.line.select("line_id", "currency", "segment", "opened_on", "closed_on", "limit_minor")
    # A line taken over is as old as its oldest debt.
    bought = book.plan.group_by("line_id").aggregate(first_on=book.plan.opened_on.min())
    line = line.left_join(bought, "line_id").drop("line_id_right")
    line = line.mutate(opened_on=ibis.least(line.opened_on, line.first_on.fill_null(line.opened_on)))
    line = line.left_join(exits, "line_id").drop("line_id_right", "first_on")
    rows = line.cross_join(_points(book))
    rows = rows.filter(rows.opened_on <= rows.on_day)
    for more in (_owed_changes(book), _past_due(book), _written_off(book), _forborne(book, hardship)):
        rows = rows.left_join(more, ["line_id", "point"]).drop("line_id_right", "point_right")
    rows = _with_locks(rows, book, lock)
    running = ibis.cumulative_window(group_by="line_id", order_by="point")
    rows = rows.mutate(
        owed_minor=rows.owed_change.fill_null(0).sum().over(running).cast("int64"),
        past_due_minor=rows.past_due_minor.fill_null(0),
        written_off_minor=rows.written_off_minor.fill_null(0),
        leaving=(rows.stopped_on <= rows.on_day).fill_null(False)
        | (rows.closed_on <= rows.on_day).fill_null(False),
    ).drop("owed_change")
    rows = rows.mutate(
        dpd=_dpd(rows).cast("int64"),
        helped=rows.forborne_on.notnull(),
        forborne=rows.forborne_on.notnull() & (rows.owed_minor > 0),
        distressed=rows.distressed.fill_null(False) & (rows.owed_minor > 0),
    ).drop("oldest_due_on", "forborne_on", "frozen_days")
    stopped: Expression = rows.leaving | rows.locked
    room = ibis.greatest(rows.limit_minor - rows.owed_minor, 0)
    rows = rows.mutate(
        bucket=bucket_of(rows.owed_minor, rows.dpd).cast("int64"),
        stopped=stopped,
        undrawn_minor=stopped.ifelse(0, room).cast("int64"),
    ).drop("locked")
    before = ibis.window(group_by="line_id", order_by="point")
    return rows.mutate(
        known_before=rows.point.lag().over(before).notnull(),
        owed_before=rows.owed_minor.lag().over(before).fill_null(0),
        dpd_before=rows.dpd.lag().over(before).fill_null(0),
        forborne_before=rows.forborne.lag().over(before).fill_null(False),
        distressed_before=rows.distressed.lag().over(before).fill_null(False),
        bucket_before=rows.bucket.lag().over(before).fill_null(0),
        undrawn_before=rows.undrawn_minor.lag().over(before).fill_null(0),
        stopped_before=rows.stopped.lag().over(before).fill_null(False),
    )
