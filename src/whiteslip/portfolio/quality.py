"""How good the book is: non-performing loans, days past due, classes, migration, vintages."""

from __future__ import annotations

from whiteslip.billing.rules import NON_PERFORMING_AFTER
from whiteslip.portfolio.book import Book, bucket_name, point_of, share, total
from whiteslip.portfolio.model import Expression, ibis

GROUP = ("currency", "segment")
_YEAR = 12
_OF_VINTAGES = (
    "opened",
    "months_on_book",
    "on_day",
    "lines",
    "originated_minor",
    "owed_minor",
    "dpd_30_minor",
    "dpd_60_minor",
    "dpd_90_minor",
    "defaulted_lines",
    "defaulted_minor",
    "net_loss_minor",
)


def _is_bad(dpd: Expression) -> Expression:
    return dpd > NON_PERFORMING_AFTER


def npl(book: Book) -> Expression:
    """Non-performing loans.

    Formula: npl_ratio = npl / book; formation_rate = new npl in the month / performing a month ago;
    constant_ratio = npl / the book twelve months ago, which no exit since can move, or of the first month
    with a book where it is younger.
    Source: order 2023/1 (China): substandard, doubtful and loss, more than 90 days past due.
    公式：不良率 = 不良余额 / 总余额；生成率 = 当月新增不良 / 一个月前的正常余额；固定分母比率 = 不良余额 / 十
    二个月前的总余额（此后的离开改变不了它；不满一年时用首个有余额的月份）。
    来源：《商业银行金融资产风险分类办法》（2023年第1号令）：次级、可疑、损失，即逾期超过90天。
    """
    p = book.panel
    bad, bad_before = _is_bad(p.dpd), _is_bad(p.dpd_before)
    sums = p.group_by(*GROUP, "point", "on_day").aggregate(
        lines=(p.owed_minor > 0).cast("int64").sum().cast("int64"),
        book_minor=total(p.owed_minor),
        npl_minor=total(bad.ifelse(p.owed_minor, 0)),
        new_npl_minor=total((bad & ~bad_before).ifelse(p.owed_minor, 0)),
        performing_before_minor=total(bad_before.ifelse(0, p.owed_before)),
    )
    year = ibis.window(group_by=list(GROUP), order_by="point", preceding=_YEAR, following=0)
    owing = (sums.book_minor > 0).ifelse(sums.point, ibis.literal(None, "int64"))
    sums = sums.mutate(base=owing.min().over(year))
    then = sums.select(*GROUP, base=sums.point, base_minor=sums.book_minor)
    sums = sums.left_join(then, [*GROUP, "base"]).drop("currency_right", "segment_right", "base_right")
    found = sums.mutate(
        npl_ratio=share(sums.npl_minor, sums.book_minor),
        formation_rate=share(sums.new_npl_minor, sums.performing_before_minor),
        constant_ratio=share(sums.npl_minor, sums.base_minor),
    )
    return found.drop("base", "base_minor")


def npl_change(book: Book) -> Expression:
    """Why the NPL ratio changed, month by month, exactly.

    Formula: r1 - r0 = sum over causes of (dN - r0 x dB) / B1, with N the npl, B the book. Causes:
    new bad, cured and changes of what stays bad move N; written off or sold, gross of the price, moves
    both; growth of those who stay and run-off of those who leave (the denominator effect of exits) move B.
    Source: algebra of N1/B1 - N0/B0 = dN/B1 - (N0/B0) dB/B1; no cause depends on an order.
    公式：r1 − r0 = 各原因的 (dN − r0 × dB) / B1 之和，N 为不良，B 为总余额。新增不良、转好和不良余额自身的
    变化影响 N；核销或出售（按账面，不扣价款）两者都影响；留下客户的增长与离开客户的还清（离开的分母效应）影
    响 B。
    来源：N1/B1 − N0/B0 = dN/B1 − (N0/B0) dB/B1 的恒等变形；各原因与次序无关。
    """
    p = book.panel
    zero = ibis.literal(0, "int64")
    n0 = _is_bad(p.dpd_before).ifelse(p.owed_before, zero)
    n1 = _is_bad(p.dpd).ifelse(p.owed_minor, zero)
    lost = ibis.greatest(ibis.least(p.written_off_minor, p.owed_before), zero)
    lost_bad = (n0 > 0).ifelse(lost, zero)
    sums = p.group_by(*GROUP, "point", "on_day").aggregate(
        b0=total(p.owed_before),
        b1=total(p.owed_minor),
        n0=total(n0),
        n1=total(n1),
        lost=total(lost),
        lost_bad=total(lost_bad),
        new_bad=total((n0 == 0).ifelse(n1, zero)),
        cured=total(((n0 > 0) & (n1 == 0)).ifelse(lost_bad - n0, zero)),
        stays_bad=total(((n0 > 0) & (n1 > 0)).ifelse(n1 - n0 + lost_bad, zero)),
        growth=total(p.leaving.ifelse(zero, p.owed_minor - p.owed_before + lost)),
        exits=total(p.leaving.ifelse(p.owed_minor - p.owed_before + lost, zero)),
    )
    parts = {
        "1_new_bad": (sums.new_bad, zero),
        "2_cured": (sums.cured, zero),
        "3_stays_bad": (sums.stays_bad, zero),
        "4_written_off": (-sums.lost_bad, -sums.lost),
        "5_book_growth": (zero, sums.growth),
        "6_exits": (zero, sums.exits),
    }
    rows = [
        sums.select(
            *GROUP, "point", "on_day", "b0", "b1", "n0", "n1", cause=ibis.literal(cause), dn=dn, db=db
        )
        for cause, (dn, db) in parts.items()
    ]
    found = ibis.union(*rows)
    ratio_before = share(found.n0, found.b0).fill_null(0.0)
    found = found.filter(found.point > 0)
    return found.select(
        *GROUP, "point", "on_day", "cause",
        npl_change_minor=found.dn,
        book_change_minor=found.db,
        contribution=share(found.dn, found.b1) - ratio_before * share(found.db, found.b1),
        ratio_before=ratio_before,
        ratio_after=share(found.n1, found.b1),
    )  # fmt: skip


def dpd(book: Book) -> Expression:
    """Days past due: 30 and more, 60 and more, 90 and more.

    Formula: balance of lines at least so many days past due / book.
    Source: days past due count from the oldest unpaid due day (CRR Art. 178).
    公式：逾期不少于相应天数的额度余额 / 总余额。
    来源：逾期天数从最早未还的到期日算起（CRR 第178条）。
    """
    p = book.panel
    sums = p.group_by(*GROUP, "point", "on_day").aggregate(
        lines=(p.owed_minor > 0).cast("int64").sum().cast("int64"),
        book_minor=total(p.owed_minor),
        lines_30=(p.bucket >= 3).cast("int64").sum().cast("int64"),
        lines_60=(p.bucket >= 4).cast("int64").sum().cast("int64"),
        lines_90=(p.bucket >= 5).cast("int64").sum().cast("int64"),
        dpd_30_minor=total((p.bucket >= 3).ifelse(p.owed_minor, 0)),
        dpd_60_minor=total((p.bucket >= 4).ifelse(p.owed_minor, 0)),
        dpd_90_minor=total((p.bucket >= 5).ifelse(p.owed_minor, 0)),
    )
    return sums.mutate(
        dpd_30_share=share(sums.dpd_30_minor, sums.book_minor),
        dpd_60_share=share(sums.dpd_60_minor, sums.book_minor),
        dpd_90_share=share(sums.dpd_90_minor, sums.book_minor),
    )


def classes(book: Book) -> Expression:
    """Five-level classes on the day.

    Formula: balance by class; any day past due is at least special mention, more than 90 substandard,
    more than 270 doubtful, more than 360 loss; under a hardship plan it is at least special mention.
    Source: order 2023/1 (China), Measures for the Risk Classification of Financial Assets.
    公式：按分类的余额；有任何逾期至少为关注，超过90天次级，超过270天可疑，超过360天损失；在还款安排中的至少
    为关注。
    来源：《商业银行金融资产风险分类办法》（2023年第1号令）。
    """
    p = book.panel.filter(book.panel.point == book.last, book.panel.owed_minor > 0)
    name = ibis.cases(
        (p.dpd > 360, "5_loss"),
        (p.dpd > 270, "4_doubtful"),
        (p.dpd > NON_PERFORMING_AFTER, "3_substandard"),
        ((p.dpd > 0) | p.forborne, "2_special_mention"),
        else_="1_normal",
    )
    p = p.mutate(asset_class=name)
    sums = p.group_by(*GROUP, "asset_class").aggregate(
        lines=p.count().cast("int64"), balance_minor=total(p.owed_minor)
    )
    whole = ibis.window(group_by=list(GROUP))
    return sums.mutate(share=share(sums.balance_minor, sums.balance_minor.sum().over(whole)))


def transitions(book: Book) -> Expression:
    """Lines that owed something a month before, by bucket then and now, at each point."""
    return book.engine.hold("transitions", lambda: _transitions(book))


def _transitions(book: Book) -> Expression:
    p = book.panel.filter(book.panel.owed_before > 0)
    return p.group_by(*GROUP, "point", "on_day", "bucket_before", "bucket").aggregate(
        lines=p.count().cast("int64"),
        opening_minor=total(p.owed_before),
        closing_minor=total(p.owed_minor),
    )


def roll_rates(book: Book) -> Expression:
    """Roll rates: where each bucket was a month later.

    Formula: rate(i to j) = balance now in j that was in i / balance then in i; lines_share and
    opening_share are the same by count and by opening balance, and sum to one for each i.
    Source: the roll-rate matrix of card and instalment lending; growth shows as rates above one.
    公式：迁徙率（i 到 j）= 当时在 i、现在在 j 的余额 / 当时 i 的余额；户数占比与期初占比分别按户数和期初余额
    计算，每个 i 合计为一。
    来源：信用卡与分期业务常用的迁徙率矩阵；余额增长时比率会大于一。
    """
    found = transitions(book)
    whole = ibis.window(group_by=[*GROUP, "point", "bucket_before"])
    opening = found.opening_minor.sum().over(whole)
    return found.select(
        *GROUP, "point", "on_day",
        from_bucket=bucket_name(found.bucket_before),
        to_bucket=bucket_name(found.bucket),
        lines=found.lines,
        opening_minor=found.opening_minor,
        closing_minor=found.closing_minor,
        lines_share=share(found.lines, found.lines.sum().over(whole)),
        opening_share=share(found.opening_minor, opening),
        rate=share(found.closing_minor, opening),
    )  # fmt: skip


def vintages(book: Book) -> Expression:
    """Vintages by month of opening.

    Formula: by months on book, over what these lines had bought until then: balance 30/60/90+ days past
    due; default_rate, the balance at first being more than 90 days past due, added up; net_loss_rate,
    what was written off or sold less what buyers paid for it, added up.
    Source: cumulative default by months on book / originated sum, the standard static-pool table.
    公式：按账龄月数，除以该批额度截至当时的累计消费：逾期30/60/90天以上的余额；违约率为首次逾期超过90天时余
    额的累计；净损失率为核销或出售的金额减去出售价款后的累计。
    来源：按账龄的累计违约 / 发放总额，即通行的静态池表。
    """
    p = book.panel
    running = ibis.cumulative_window(group_by="line_id", order_by="point")
    bad = _is_bad(p.dpd).cast("int64")
    p = p.mutate(bad=bad, bad_so_far=bad.sum().over(running))
    month = p.opened_on.year() * 12 + p.opened_on.month() - 1
    first_bad = (p.bad == 1) & (p.bad_so_far == 1)
    p = p.mutate(
        opened_month=month.cast("int64"),
        months_on_book=(p.on_day.year() * 12 + p.on_day.month() - 1 - month).cast("int64"),
        new_default=first_bad.ifelse(p.owed_minor, 0),
        new_default_line=first_bad.cast("int64"),
    )
    p = p.left_join(_bought(book), ["line_id", "point"])
    if book.sale is not None:
        got = book.sale.select("line_id", "price_minor", point=point_of(book.sale.on_day, book.points))
        got = got.group_by("line_id", "point").aggregate(price=total(got.price_minor))
        p = p.drop("line_id_right", "point_right").left_join(got, ["line_id", "point"])
        p = p.mutate(written_off_minor=p.written_off_minor - p.price.fill_null(0))
    sums = p.group_by(*GROUP, "opened_month", "months_on_book", "on_day").aggregate(
        lines=p.count().cast("int64"),
        bought=total(p.bought_minor),
        owed_minor=total(p.owed_minor),
        dpd_30_minor=total((p.bucket >= 3).ifelse(p.owed_minor, 0)),
        dpd_60_minor=total((p.bucket >= 4).ifelse(p.owed_minor, 0)),
        dpd_90_minor=total((p.bucket >= 5).ifelse(p.owed_minor, 0)),
        new_default=total(p.new_default),
        new_default_line=total(p.new_default_line),
        lost=total(p.written_off_minor),
    )
    so_far = ibis.cumulative_window(group_by=[*GROUP, "opened_month"], order_by="on_day")
    sums = sums.mutate(
        originated_minor=sums.bought.sum().over(so_far).cast("int64"),
        defaulted_lines=sums.new_default_line.sum().over(so_far).cast("int64"),
        defaulted_minor=sums.new_default.sum().over(so_far).cast("int64"),
        net_loss_minor=sums.lost.sum().over(so_far).cast("int64"),
    )
    opened = (sums.opened_month - sums.opened_month % 12).cast("float64") / 12
    sums = sums.mutate(opened=(opened.round().cast("int64") * 100 + sums.opened_month % 12 + 1).cast("int64"))
    return sums.select(
        *GROUP,
        *_OF_VINTAGES,
        dpd_30_rate=share(sums.dpd_30_minor, sums.originated_minor),
        dpd_60_rate=share(sums.dpd_60_minor, sums.originated_minor),
        dpd_90_rate=share(sums.dpd_90_minor, sums.originated_minor),
        default_rate=share(sums.defaulted_minor, sums.originated_minor),
        net_loss_rate=share(sums.net_loss_minor, sums.originated_minor),
    )


def _bought(book: Book) -> Expression:
    """(line, point, bought_minor): what was bought since the point before."""
    plan = book.plan.filter(book.plan.kind == "purchase")
    plan = plan.select("line_id", "principal_minor", point=point_of(plan.opened_on, book.points))
    return plan.group_by("line_id", "point").aggregate(bought_minor=total(plan.principal_minor))
