"""What leaving gives back, and the book as groups of lines that are alike."""

from __future__ import annotations

from collections.abc import Sequence

from whiteslip.portfolio.book import Book, bucket_name, total
from whiteslip.portfolio.losses import divided
from whiteslip.portfolio.model import Expression, Row, ibis
from whiteslip.portfolio.veil import veiled

GROUP = ("currency", "segment")
_BPS = 10_000


def freed(book: Book) -> Expression:
    """Capacity that lines gave back when their drawing stopped, month by month.

    Formula: undrawn = limit - owed at the first point that sees the stop, at least 0; exposure =
    undrawn x conversion factor; weighted = exposure x risk weight, both rounded half up per line. A stop is
    an exit, a closing or a lock on all drawing, whoever set it; one that was lifted gave nothing back.
    Source: Basel III CRE20.94 (10 % for what can be cancelled at any time), CRE20.65 (75 % retail).
    公式：未用额度 = 额度 − 首次看到停用时的欠款，不小于 0；敞口 = 未用额度 × 转换系数；加权 = 敞口 × 风险权
    重，逐笔四舍五入。
    来源：巴塞尔协议三 CRE20.94（可随时取消的承诺 10%）、CRE20.65（零售 75%）。
    """
    p, given = book.panel, book.parameters
    drew = p.filter(~p.stopped).group_by("line_id").aggregate(drew_at=ibis._.point.max())
    p = p.filter(p.stopped & ~p.stopped_before & (p.point > 0)).left_join(drew, "line_id")
    p = p.filter((p.drew_at < p.point).fill_null(True))
    p = p.mutate(gone=ibis.greatest(p.limit_minor - p.owed_minor, 0).cast("int64"))
    p = p.mutate(exposure=divided(p.gone * given.ccf_bps, _BPS))
    p = p.mutate(weighted=divided(p.exposure * given.risk_weight_bps, _BPS))
    return p.group_by(*GROUP, "point", "on_day").aggregate(
        lines=p.count().cast("int64"),
        limit_minor=total(p.limit_minor),
        undrawn_minor=total(p.gone),
        exposure_minor=total(p.exposure),
        weighted_minor=total(p.weighted),
    )


def cohorts(book: Book) -> Expression:
    """Lines that are not closed, in groups that are alike: bucket, months since opening, leaving.

    Formula: sums over the lines of a group on the day; months are whole ones lived since opening. Of its
    lines, may_be_asked are those that could be asked whether they want a higher limit: nothing stops
    their drawing, nothing is past due or disputed, and no hardship plan is agreed or observed.
    Source: grouping alone; what is exchangeable may be simulated as a group.
    公式：当天各组额度的合计；月数为开立以来的整月数。其中 may_be_asked 是可以询问是否提额的额度：支用未停、
    没有逾期、没有争议，也没有进行中或观察中的困难帮助方案。
    来源：只是分组；可互换的额度可以合并模拟。
    """
    p = book.panel.filter(book.panel.point == book.last)
    p = p.filter((p.closed_on > p.on_day).fill_null(True))
    months = (p.on_day.year() - p.opened_on.year()) * 12 + p.on_day.month() - p.opened_on.month()
    p = p.left_join(book.disputed.mutate(disputed=True), "line_id").drop("line_id_right")
    asked = ~p.stopped & ~p.helped & (p.dpd <= 0) & p.disputed.isnull()
    p = p.mutate(
        may_be_asked=asked.cast("int64"),
        bucket_is=bucket_name(p.bucket),
        months_on_book=(months - (p.on_day.day() < p.opened_on.day()).cast("int64")).cast("int64"),
        is_leaving=p.leaving.cast("int64"),
    )
    found = p.group_by(*GROUP, "bucket_is", "months_on_book", "is_leaving").aggregate(
        lines=p.count().cast("int64"),
        limit_minor=total(p.limit_minor),
        owed_minor=total(p.owed_minor),
        undrawn_minor=total(p.undrawn_minor),
        may_be_asked=total(p.may_be_asked),
    )
    return found.rename(bucket="bucket_is", leaving="is_leaving")


def tell_freed(rows: Sequence[Row]) -> list[Row]:
    """Months of a group in which fewer than ten stopped are hidden, and the group they would follow from."""
    return veiled(rows, "lines", ("currency", "on_day"))


def tell_cohorts(rows: Sequence[Row]) -> list[Row]:
    """Groups of fewer than ten are hidden, and the one that they would follow from. How many may be asked is
    for plans alone: with the lines of its group it would tell of the few who may not.
    """
    told = veiled(rows, "lines", ("currency", "segment"))
    return [row | {"may_be_asked": None} for row in told]
