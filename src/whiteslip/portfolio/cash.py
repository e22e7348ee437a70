"""How money comes back: defaults, prepayment, payment rate, dilution, excess spread, concentration."""

from __future__ import annotations

from whiteslip.billing.rules import NON_PERFORMING_AFTER
from whiteslip.portfolio.book import Book, point_of, segment_of, share, total
from whiteslip.portfolio.model import SEGMENTS, Expression, ibis

GROUP = ("currency", "segment")
_YEAR = 12
_PAID = ("payment", "credit", "return")
# Interest and fees of a bill that a hardship plan or a residual asks for again, or that were given up before.
_NOT_EARNED = ("carried", "unearned", "unpriced")
# What concentration is told by: of a purchase, of who owes it, and of that one's line.
_BY = ("merchant", "category", "obligor", "pack", "opened", "limit")
_MOVED = ("collected", "prepaid", "refunded", "scheduled", "charged")


def flows(book: Book) -> Expression:
    """What happened between two points, per currency and segment: the base of five measures."""
    return book.engine.hold("flows", lambda: _flows(book))


def _flows(book: Book) -> Expression:
    p = book.panel
    bad, bad_before = p.dpd > NON_PERFORMING_AFTER, p.dpd_before > NON_PERFORMING_AFTER
    stood = p.group_by(*GROUP, "point", "on_day").aggregate(
        opening_minor=total(p.owed_before),
        performing_before_minor=total(bad_before.ifelse(0, p.owed_before)),
        defaulted_minor=total((bad & ~bad_before).ifelse(p.owed_before, 0)),
        written_off_minor=total(p.written_off_minor),
    )
    moved = ibis.union(*_moved(book)).join(book.line.select("line_id", *GROUP), "line_id")
    moved = moved.group_by(*GROUP, "point").aggregate(
        **{f"{name}_minor": total(moved[name]) for name in _MOVED}
    )
    found = stood.left_join(moved, [*GROUP, "point"])
    found = found.drop("currency_right", "segment_right", "point_right").filter(stood.point > 0)
    return found.mutate(**{f"{name}_minor": found[f"{name}_minor"].fill_null(0) for name in _MOVED})


def _moved(book: Book) -> list[Expression]:
    """(line, point, what moved): settlements, what was billed, and what interest and fees were earned."""
    s, i = book.settlement, book.instalment

    def told(rows: Expression, day: Expression, **amounts: Expression) -> Expression:
        zero = ibis.literal(0, "int64")
        every = {name: amounts.get(name, zero) for name in _MOVED}
        return rows.select("line_id", point=point_of(day, book.points), **every)

    paid, price = s.kind.isin(_PAID), s.component != "principal"
    early = paid & ~price & (s.statement_on.isnull() | (s.counts_from < s.statement_on))
    billed, charged = i.filter(i.statement_on.notnull()), i.filter(i.charged_on.notnull())
    # What is paid or sold of a month that no bill has charged is earned by that.
    soon = s.filter(price & s.charged_on.isnull() & s.kind.isin((*_PAID, "sold")))
    never = s.filter(price & s.charged_on.notnull() & s.kind.isin(_NOT_EARNED))
    return [
        told(
            s,
            s.counts_from,
            collected=paid.ifelse(s.amount_minor, 0),
            prepaid=early.ifelse(s.amount_minor, 0),
            refunded=(s.kind == "refund").ifelse(s.amount_minor, 0),
        ),
        told(billed, billed.statement_on, scheduled=billed.principal_minor),
        told(charged, charged.charged_on, charged=charged.interest_minor + charged.fee_minor),
        told(soon, soon.counts_from, charged=soon.amount_minor),
        told(never, ibis.greatest(never.counts_from, never.charged_on), charged=-never.amount_minor),
    ]


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
    funding - servicing. What is paid or sold before a bill asks for it is charged by that.
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
    """Concentration by merchant, category of purchase and obligor, and by the obligors' segments.

    Formula: hhi = sum of squared shares of open principal; effective_number = 1 / hhi; a row per what it is
    by: merchant, category, obligor, and pack, limit (band) and opened (month) of the obligor's line.
    Source: Herfindahl (1950), Hirschman (1945).
    公式：hhi = 未还本金份额的平方和；等效商户数 = 1 / hhi。
    来源：Herfindahl（1950），Hirschman（1945）。
    """
    open_ = open_principal(book)
    parts = [
        open_.group_by(*GROUP, part=open_[f"of_{name}"])
        .aggregate(minor=total(open_.minor))
        .mutate(by=ibis.literal(name))
        for name in _BY
    ]
    by_part = ibis.union(*parts)
    by_part = by_part.filter(by_part.minor > 0)
    whole = ibis.window(group_by=[*GROUP, "by"])
    by_part = by_part.mutate(part_share=share(by_part.minor, by_part.minor.sum().over(whole)))
    found = by_part.group_by(*GROUP, "by").aggregate(
        groups=by_part.count().cast("int64"),
        open_minor=total(by_part.minor),
        largest_share=by_part.part_share.max(),
        hhi=(by_part.part_share * by_part.part_share).sum(),
    )
    return found.mutate(effective_number=1.0 / found.hhi)


def open_principal(book: Book) -> Expression:
    """Open principal by plan, its yearly rate, and all that it is counted by; what is not named is "none"."""
    return book.engine.hold("open", lambda: _open(book))


def _open(book: Book) -> Expression:
    plan, line = book.plan, book.line
    i, s = book.instalment, book.settlement.filter(book.settlement.component == "principal")
    moved = ibis.union(
        i.select("plan_id", minor=i.principal_minor), s.select("plan_id", minor=-s.amount_minor)
    )
    left = moved.group_by("plan_id").aggregate(minor=total(moved.minor))
    category = plan.category if "category" in plan.columns else ibis.literal(None, "string")
    plan = plan.select(
        "plan_id",
        "line_id",
        of_merchant=plan.merchant_id.fill_null("none"),
        of_category=category.nullif("").fill_null("none"),
        rate_bps=plan.rate_bps if "rate_bps" in plan.columns else ibis.literal(0, "int64"),
    )
    segments = {f"of_{name}": segment_of(line, name) for name in SEGMENTS if name != "none"}
    line = line.select("line_id", *GROUP, of_obligor=line.customer_id, **segments)
    return left.filter(left.minor != 0).join(plan, "plan_id").join(line, "line_id")
