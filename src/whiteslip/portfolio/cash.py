"""How money comes back: defaults, prepayment, payment rate, dilution, excess spread, concentration."""

from __future__ import annotations

from whiteslip.billing.rules import NON_PERFORMING_AFTER
from whiteslip.portfolio.book import Book, point_of, share, total
from whiteslip.portfolio.model import Expression, ibis

GROUP = ("currency", "segment")
_YEAR = 12


def flows(book: Book) -> Expression:
    """What happened between two points, per currency and segment: the base of five measures."""
    return book.engine.hold("flows", lambda: _flows(book))


def _flows(book: Book) -> Expression:
    p, s, i = book.panel, book.settlement, book.instalment
    bad, bad_before = p.dpd > NON_PERFORMING_AFTER, p.dpd_before > NON_PERFORMING_AFTER
    stood = p.group_by(*GROUP, "point", "on_day").aggregate(
        opening_minor=total(p.owed_before),
        performing_before_minor=total(bad_before.ifelse(0, p.owed_before)),
        defaulted_minor=total((bad & ~bad_before).ifelse(p.owed_before, 0)),
        written_off_minor=total(p.written_off_minor),
    )
    paid = s.kind.isin(("payment", "credit", "return"))
    # A hardship plan or a residual asks again for interest and fees that were charged before.
    again = (s.kind == "carried") & (s.component != "principal") & s.charged_on.notnull()
    early = paid & (s.component == "principal") & (s.statement_on.isnull() | (s.counts_from < s.statement_on))
    settled = s.select(
        "line_id",
        point=point_of(s.counts_from, book.points),
        collected=paid.ifelse(s.amount_minor, 0),
        prepaid=early.ifelse(s.amount_minor, 0),
        refunded=(s.kind == "refund").ifelse(s.amount_minor, 0),
        scheduled=ibis.literal(0, "int64"),
        charged=again.ifelse(-s.amount_minor, 0),
    )
    billed = i.filter(i.statement_on.notnull())
    due = billed.select(
        "line_id",
        point=point_of(billed.statement_on, book.points),
        collected=ibis.literal(0, "int64"),
        prepaid=ibis.literal(0, "int64"),
        refunded=ibis.literal(0, "int64"),
        scheduled=billed.principal_minor,
        charged=ibis.literal(0, "int64"),
    )
    earned = i.filter(i.charged_on.notnull())
    earned = earned.select(
        "line_id",
        point=point_of(earned.charged_on, book.points),
        collected=ibis.literal(0, "int64"),
        prepaid=ibis.literal(0, "int64"),
        refunded=ibis.literal(0, "int64"),
        scheduled=ibis.literal(0, "int64"),
        charged=earned.interest_minor + earned.fee_minor,
    )
    moved = ibis.union(settled, due, earned).join(book.line.select("line_id", *GROUP), "line_id")
    moved = moved.group_by(*GROUP, "point").aggregate(
        collected_minor=total(moved.collected),
        prepaid_minor=total(moved.prepaid),
        refunded_minor=total(moved.refunded),
        scheduled_minor=total(moved.scheduled),
        charged_minor=total(moved.charged),
    )
    found = stood.left_join(moved, [*GROUP, "point"])
    found = found.drop("currency_right", "segment_right", "point_right").filter(stood.point > 0)
    names = ("collected_minor", "prepaid_minor", "refunded_minor", "scheduled_minor", "charged_minor")
    return found.mutate(**{name: found[name].fill_null(0) for name in names})


def cdr(book: Book) -> Expression:
    """Conditional default rate.

    Formula: mdr = balance that became non-performing / performing balance a month ago;
    cdr = 1 - (1 - mdr)^12.
    Source: standard definitions of the securitisation industry (annualised single-month rate).
    公式：mdr = 当月转为不良的余额 / 一个月前的正常余额；cdr = 1 − (1 − mdr)^12。
    来源：证券化行业的通行定义（单月比率年化）。
    """
    f = flows(book)
    mdr = share(f.defaulted_minor, f.performing_before_minor)
    return f.select(
        *GROUP, "point", "on_day", "performing_before_minor", "defaulted_minor",
        mdr=mdr, cdr=1.0 - (1.0 - mdr).pow(_YEAR),
    )  # fmt: skip


def prepayment(book: Book) -> Expression:
    """Prepayment: single monthly mortality and its annual rate. Exits raise it.

    Formula: smm = principal paid before it was billed / (opening balance - principal billed);
    cpr = 1 - (1 - smm)^12.
    Source: standard definitions of the securitisation industry.
    公式：smm = 出账前还掉的本金 / (期初余额 − 已出账本金)；cpr = 1 − (1 − smm)^12。
    来源：证券化行业的通行定义。
    """
    f = flows(book)
    base = f.opening_minor - f.scheduled_minor
    smm = share(f.prepaid_minor, (base > 0).ifelse(base, ibis.literal(None, "int64")))
    return f.select(
        *GROUP, "point", "on_day", "opening_minor", "scheduled_minor", "prepaid_minor",
        smm=smm, cpr=(smm >= 1.0).ifelse(1.0, 1.0 - (1.0 - smm).pow(_YEAR)),
    )  # fmt: skip


def payment_rate(book: Book) -> Expression:
    """Monthly payment rate.

    Formula: mpr = collections of the month, less what came back / opening balance.
    Source: card-trust reporting (MPR).
    公式：mpr = 当月收款（减去退回）/ 期初余额。
    来源：信用卡信托报告（MPR）。
    """
    f = flows(book)
    return f.select(
        *GROUP,
        "point",
        "on_day",
        "opening_minor",
        "collected_minor",
        mpr=share(f.collected_minor, f.opening_minor),
    )


def dilution(book: Book) -> Expression:
    """Dilution: receivables that shrink without cash.

    Formula: dilution = refunds of the month / opening balance.
    Source: trade-receivables funding; a refund after sale is a deemed collection.
    公式：稀释率 = 当月退货退款 / 期初余额。
    来源：应收账款融资；出售之后的退款视同已收款。
    """
    f = flows(book)
    return f.select(
        *GROUP, "point", "on_day", "opening_minor", "refunded_minor",
        dilution=share(f.refunded_minor, f.opening_minor),
    )  # fmt: skip


def excess_spread(book: Book) -> Expression:
    """Excess spread, annualised.

    Formula: 12 x (interest and fees charged - written off or sold, gross of the price) / opening balance -
    funding - servicing.
    Source: card-trust reporting: yield - coupon - servicing fee - losses.
    公式：12 ×（已收取的利息与费用 − 核销或出售，按账面、不扣价款）/ 期初余额 − 资金成本 − 服务费。
    来源：信用卡信托报告：收益率 − 票息 − 服务费 − 损失。
    """
    f = flows(book)
    costs = (book.parameters.funding_bps + book.parameters.servicing_bps) / 10_000
    earned, lost = share(f.charged_minor, f.opening_minor), share(f.written_off_minor, f.opening_minor)
    return f.select(
        *GROUP, "point", "on_day", "opening_minor", "charged_minor", "written_off_minor",
        gross_yield=earned * _YEAR, loss_rate=lost * _YEAR, excess_spread=(earned - lost) * _YEAR - costs,
    )  # fmt: skip


def concentration(book: Book) -> Expression:
    """Concentration by merchant.

    Formula: hhi = sum of squared shares of open principal; effective_number = 1 / hhi.
    Source: Herfindahl (1950), Hirschman (1945).
    公式：hhi = 未还本金份额的平方和；等效商户数 = 1 / hhi。
    来源：Herfindahl（1950），Hirschman（1945）。
    """
    i, s = book.instalment, book.settlement.filter(book.settlement.component == "principal")
    put = i.select("plan_id", minor=i.principal_minor)
    taken = s.select("plan_id", minor=-s.amount_minor)
    open_ = ibis.union(put, taken)
    open_ = open_.group_by("plan_id").aggregate(minor=total(open_.minor))
    owned = book.plan.select("plan_id", "line_id", merchant=book.plan.merchant_id.fill_null("none"))
    joined = open_.join(owned, "plan_id").join(book.line.select("line_id", *GROUP), "line_id")
    by_shop = joined.group_by(*GROUP, "merchant").aggregate(minor=total(joined.minor))
    by_shop = by_shop.filter(by_shop.minor > 0)
    by_shop = by_shop.mutate(
        part=share(by_shop.minor, by_shop.minor.sum().over(ibis.window(group_by=list(GROUP))))
    )
    found = by_shop.group_by(*GROUP).aggregate(
        merchants=by_shop.count().cast("int64"),
        open_minor=total(by_shop.minor),
        largest_share=by_shop.part.max(),
        hhi=(by_shop.part * by_shop.part).sum(),
    )
    return found.mutate(effective_number=1.0 / found.hhi)
