"""How long lines live, and what ends them."""

from __future__ import annotations

from collections.abc import Sequence

from whiteslip.billing.rules import NON_PERFORMING_AFTER
from whiteslip.portfolio.book import Book, total
from whiteslip.portfolio.model import Expression, Row, ibis
from whiteslip.portfolio.veil import SMALLEST_GROUP

GROUP = ("currency", "segment")
_BY_CUSTOMER = ("close", "withdraw")
_BY_US = ("termination", "inactivity")


def survival(book: Book) -> Expression:
    """Survival of lines with competing risks, by whole months since opening.

    Formula: S(t) = product of 1 - d(t)/n(t) (Kaplan-Meier, any end); for each cause k the cumulative
    incidence is the sum of S(t-1) x d_k(t)/n(t) (Aalen-Johansen), so S and the three add up to one.
    Ends: closed by the customer, closed by us, first more than 90 days past due. A line of an estate
    and one that lives on are censored.
    Source: Kaplan and Meier (1958); Aalen and Johansen (1978).
    公式：S(t) = 各期 1 − d(t)/n(t) 的连乘（Kaplan-Meier，任何结束）；每种原因 k 的累计发生率为
    S(t−1) × dₖ(t)/n(t) 之和（Aalen-Johansen），因此 S 与三者合计为一。结束指：客户关闭、我方关闭、首次逾期超
    过90天。遗产额度和仍存续的额度作删失处理。
    来源：Kaplan 与 Meier（1958）；Aalen 与 Johansen（1978）。
    """
    p = book.panel
    bad_on = (p.dpd > NON_PERFORMING_AFTER).ifelse(p.on_day, ibis.null("date"))
    lives = p.group_by(*GROUP, "line_id").aggregate(
        opened_on=p.opened_on.min(),
        closed_on=p.closed_on.min(),
        exit_kind=p.exit_kind.max(),
        bad_on=bad_on.min(),
    )
    bad_first = (lives.bad_on <= lives.closed_on).fill_null(True) & lives.bad_on.notnull()
    closed = lives.closed_on.notnull()
    lives = lives.mutate(
        cause=ibis.cases(
            (bad_first, "defaulted"),
            (closed & lives.exit_kind.isin(_BY_CUSTOMER).fill_null(False), "by_customer"),
            (closed & lives.exit_kind.isin(_BY_US).fill_null(False), "by_us"),
            else_="censored",
        ),
        end_on=bad_first.ifelse(lives.bad_on, lives.closed_on.fill_null(ibis.literal(book.points[-1]))),
    )
    months = (
        (lives.end_on.year() - lives.opened_on.year()) * 12 + lives.end_on.month() - lives.opened_on.month()
    )
    # A month that has not been lived to its day is not lived.
    lives = lives.mutate(
        month=(months - (lives.end_on.day() < lives.opened_on.day()).cast("int64")).cast("int64")
    )
    return lives.group_by(*GROUP, "month").aggregate(
        ended=lives.count().cast("int64"),
        by_customer=total((lives.cause == "by_customer").cast("int64")),
        by_us=total((lives.cause == "by_us").cast("int64")),
        defaulted=total((lives.cause == "defaulted").cast("int64")),
    )


def estimate(rows: Sequence[Row]) -> list[Row]:
    """The estimators from counts by month: ends of each cause and lines that left at all."""
    found = list[Row]()
    for key in sorted({(row["currency"], row["segment"]) for row in rows}):
        own = sorted((r for r in rows if (r["currency"], r["segment"]) == key), key=lambda r: r["month"])
        at_risk, alive = sum(row["ended"] for row in own), 1.0
        reached = {"by_customer": 0.0, "by_us": 0.0, "defaulted": 0.0}
        for row in own:
            for cause in reached:
                reached[cause] += alive * row[cause] / at_risk
            alive *= 1 - sum(row[cause] for cause in reached) / at_risk
            found.append(
                row
                | {"at_risk": at_risk, "survival": alive}
                | {f"cif_{cause}": value for cause, value in reached.items()}
            )
            at_risk -= row["ended"]
    order = ("currency", "segment", "month", "at_risk", "ended")
    return [{name: row[name] for name in (*order, *(n for n in row if n not in order))} for row in found]


def tell(rows: Sequence[Row]) -> list[Row]:
    """Up to the month at which fewer than ten lines are left."""
    return [row for row in rows if row["at_risk"] >= SMALLEST_GROUP]
