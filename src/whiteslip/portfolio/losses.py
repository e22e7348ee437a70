"""Expected credit losses under IFRS 9, how they moved, and what they cover."""

from __future__ import annotations

from whiteslip.billing.rules import NON_PERFORMING_AFTER
from whiteslip.portfolio import markov
from whiteslip.portfolio.book import Book, share, total
from whiteslip.portfolio.cash import open_principal
from whiteslip.portfolio.model import BUCKETS, Expression, ibis
from whiteslip.portfolio.quality import transitions

GROUP = ("currency", "segment")
_MILLION = 1_000_000
_BPS = 10_000
_YEAR = 12
# IFRS 9 5.5.11 and B5.5.37: rebuttable presumptions at more than 30 and more than 90 days.
_STAGE_2_AFTER, _STAGE_3_AFTER = 30, 90


def divided(number: Expression, by: int) -> Expression:
    """``number`` / ``by`` rounded half up, for numbers from zero to 9e15: exact on every engine."""
    raised = number + by // 2
    return ((raised - raised % by).cast("float64") / by).round().cast("int64")


def moves_of(book: Book) -> list[tuple[int, int, int]]:
    """How many lines of the whole book went from which bucket to which within a month."""
    moves = transitions(book)
    sums = moves.group_by("bucket_before", "bucket").aggregate(lines=total(moves.lines))
    return [(row["bucket_before"], row["bucket"], row["lines"]) for row in book.engine.rows(sums)]


def stage_of(dpd: Expression, forborne: Expression, distressed: Expression) -> Expression:
    """The IFRS 9 stage by days past due; under a hardship plan it is 2 at least, under one of distress 3."""
    impaired, risen = (dpd > _STAGE_3_AFTER) | distressed, (dpd > _STAGE_2_AFTER) | forborne
    return ibis.cases((impaired, 3), (risen, 2), else_=1).cast("int64")


def within(pd_ppm: Expression, months: int, horizon: Expression) -> Expression:
    """A probability of default of one horizon as that of another, both in months, in millionths.

    Constant hazard: 1 - (1 - PD)^(months / horizon). Source: exponential survival; the same algebra
    turns a monthly default rate into a yearly one.
    """
    alive = (1.0 - pd_ppm.cast("float64") / _MILLION).pow(float(months) / horizon.cast("float64"))
    return (horizon == months).ifelse(pd_ppm, ((1.0 - alive) * _MILLION).round().cast("int64"))


def discounted(pd_ppm: Expression, months: Expression, rate_bps: Expression) -> Expression:
    """A probability of default within so many months, each default worth today what it is at a yearly rate.

    Constant hazard: with s the share that survives a month and v = 1 / (1 + rate / 12), the sum over months m
    of s^(m - 1) (1 - s) v^m is (1 - s) v (1 - (s v)^n) / (1 - s v). At a rate of nothing it is the PD itself.
    Source: IFRS 9 5.5.17(b), B5.5.44.
    """
    n = months.cast("float64")
    worth = 1.0 / (rate_bps.cast("float64") / (_YEAR * _BPS) + 1.0)
    alive = (1.0 - pd_ppm.cast("float64") / _MILLION).pow(1.0 / n)
    kept = alive * worth
    found = (1.0 - alive) * worth * (1.0 - kept.pow(n)) / (1.0 - kept).nullif(0.0)
    return (rate_bps == 0).ifelse(pd_ppm, (found * _MILLION).round().cast("int64"))


def _is_by_score(
    book: Book, stage: Expression, bucket: Expression, score: Expression, ahead: Expression
) -> Expression:
    """Whether a score tells the probability: there is one, and how far it looks ahead; none is given, and it
    is no default yet.
    """
    return score.notnull() & ahead.notnull() & (stage < 3) & ~_is_given(book, bucket)


def _is_given(book: Book, bucket: Expression) -> Expression:
    given = [number for number, name in enumerate(BUCKETS) if name in book.parameters.pd_ppm]
    return bucket.isin(given) if given else ibis.literal(False)


def _pd(
    book: Book,
    stage: Expression,
    bucket: Expression,
    score: Expression,
    ahead: Expression,
    rates: list[tuple[int, int]],
) -> Expression:
    """Probability of default within the stage's months, in millionths."""
    life = _life(book)
    by_score = _is_by_score(book, stage, bucket, score, ahead)
    cases = [(stage == 3, ibis.literal(_MILLION, "int64"))]
    for months, condition in ((life, by_score & (stage == 2)), (_YEAR, by_score)):
        cases.append((condition, within(score, months, ahead)))
    for number, pair in enumerate(rates):
        for of, rate in ((2, pair[1]), (1, pair[0])):
            cases.append(((stage == of) & (bucket == number), ibis.literal(rate, "int64")))
    return ibis.cases(*cases, else_=ibis.literal(0, "int64"))


def _life(book: Book) -> int:
    return max(_YEAR, book.parameters.lifetime_months)


def _loss_rate(book: Book, stage: Expression, pd_ppm: Expression, rate_bps: Expression) -> Expression:
    """Loss in millionths of the exposure: PD, discounted before default, x LGD."""
    months = (stage == 2).ifelse(_life(book), _YEAR)
    worth = (stage == 3).ifelse(pd_ppm, discounted(pd_ppm, months, rate_bps))
    return divided(worth * book.parameters.lgd_bps, _BPS)


def _with_rates(book: Book, rows: Expression) -> Expression:
    """Lines with ``rate_bps``, the yearly rate of what they owe weighted by what is left of each plan: an
    approximation of the effective rate (B5.5.44). Rounded down; 0 where nothing is left.
    """
    owed = open_principal(book)
    owed = owed.filter(owed.minor > 0)
    sums = owed.group_by("line_id").aggregate(
        left_minor=total(owed.minor), weight=total(owed.minor * owed.rate_bps)
    )
    whole = sums.weight - sums.weight % sums.left_minor
    sums = sums.select(
        "line_id", rate_bps=(whole.cast("float64") / sums.left_minor.cast("float64")).round().cast("int64")
    )
    rows = rows.left_join(sums, "line_id").drop("line_id_right")
    return rows.mutate(rate_bps=rows.rate_bps.fill_null(0))


def by_line(book: Book) -> Expression:
    """The panel's last two points with stage and expected loss, drawn and undrawn, then and now."""
    return book.engine.hold("by_line", lambda: _by_line(book))


def _by_line(book: Book) -> Expression:
    given, moves = book.parameters, moves_of(book)
    ccf, few = given.ccf_bps, markov.few(moves)
    rates = markov.term_structure(moves, given.lifetime_months, given.pd_ppm)
    p = _with_rates(book, _scored(book, book.panel.filter(book.panel.point == book.last)))
    p = p.mutate(
        stage=stage_of(p.dpd, p.forborne, p.distressed),
        stage_before=stage_of(p.dpd_before, p.forborne_before, p.distressed_before),
    )
    p = p.mutate(
        pd=_pd(book, p.stage, p.bucket, p.score, p.ahead, rates),
        pd_before=_pd(book, p.stage_before, p.bucket_before, p.score_before, p.ahead_before, rates),
    )
    p = p.mutate(
        by_score=_is_by_score(book, p.stage, p.bucket, p.score, p.ahead),
        by_roll_rates=(p.stage < 3) & (p.score.isnull() | p.ahead.isnull()) & ~_is_given(book, p.bucket),
        no_horizon=(p.stage < 3) & p.score.notnull() & p.ahead.isnull() & ~_is_given(book, p.bucket),
        is_pooled=p.bucket.isin(few) if few else ibis.literal(False),
        rate=_loss_rate(book, p.stage, p.pd, p.rate_bps),
        rate_before=_loss_rate(book, p.stage_before, p.pd_before, p.rate_bps),
        spare=divided(p.undrawn_minor * ccf, _BPS),
        spare_before=divided(p.undrawn_before * ccf, _BPS),
        drawn=ibis.greatest(p.owed_minor, 0),
        drawn_before=ibis.greatest(p.owed_before, 0),
    )
    return p.mutate(
        drawn_ecl=divided(p.drawn * p.rate, _MILLION),
        undrawn_ecl=divided(p.spare * p.rate, _MILLION),
        drawn_ecl_before=divided(p.drawn_before * p.rate_before, _MILLION),
        undrawn_ecl_before=divided(p.spare_before * p.rate_before, _MILLION),
        # What is exposed now, at the rate of a month before.
        ecl_at_rate_before=divided(p.drawn * p.rate_before, _MILLION)
        + divided(p.spare * p.rate_before, _MILLION),
    )


def _scored(book: Book, rows: Expression) -> Expression:
    """Lines with the behaviour model's probability of the night and how many months it looks ahead, and those
    of a month before; null without one.
    """
    given = ibis.literal(book.parameters.score_months, "int64")
    for when, day in (("", book.points[-1]), ("_before", book.points[-2])):
        name, ahead = f"score{when}", f"ahead{when}"
        if book.score is None:
            rows = rows.mutate(**{name: ibis.literal(None, "int64"), ahead: given})
            continue
        said = book.score.filter(book.score.on_day == ibis.literal(day))
        known = "horizon_months" in said.columns
        looks = said.horizon_months.cast("int64").fill_null(given) if known else given
        said = said.select("line_id", said.pd_ppm.cast("int64").name(name), looks.name(ahead))
        rows = rows.left_join(said, "line_id").drop("line_id_right")
    return rows


def ecl(book: Book) -> Expression:
    """Expected credit loss by IFRS 9 stage.

    Formula: PD x LGD x EAD per line; stage 1 twelve months, stage 2 lifetime, stage 3 PD = 1;
    EAD = drawn + conversion factor x undrawn while drawing is open, drawn alone while it is stopped, by an
    exit or by anybody's lock. Before default it is discounted at the yearly rate of what the line owes (plans
    without interest at 0), defaults being spread over the months by a constant hazard.
    PD of a line is what the champion behaviour model said that night, brought to the horizon by a constant
    hazard, PD(m) = 1 - (1 - PD)^(m / h), h the months that its model looks ahead; lines without a score, or
    with that of a model that does not say its horizon, have that of their bucket, from the book's roll rates
    as a Markov chain that ends in 90+. A bucket in which fewer than 30 lines were watched for a month is
    taken together with the next worse. PDs given by bucket go before both. lines_by_score and
    lines_by_roll_rates count them, lines_pooled those of buckets with too few, lines_horizon_unknown those
    that have a score without a horizon; stage 3 needs neither.
    Source: IFRS 9 5.5.3, 5.5.5, 5.5.11, 5.5.17(b), 5.5.20, B5.5.37, B5.5.43 (12 months are a portion of
    lifetime), B5.5.44; constant hazard: exponential survival; 30 is ours.
    公式：逐笔额度 PD × LGD × EAD；第一阶段为十二个月，第二阶段为整个存续期，第三阶段 PD = 1；可支用时 EAD =
    已用 + 转换系数 × 未用，停用后只计已用。违约前按该额度欠款的年利率贴现（免息的为 0），违约按恒定风险率分布
    在各月。PD 取当晚冠军行为模型的结果，按恒定风险率折到期限，PD(m) = 1 − (1 − PD)^(m / h)，h 为模型的预测期
    （月）；没有评分、或模型没有说明预测期的额度，取所在逾期档的 PD，由迁徙率按以 90+ 为终点的马尔可夫链推出；
    观察不足 30 户月的档与更差的一档合并。按档给定的 PD 优先于两者。按评分、按迁徙率、合并档、评分没有预测期的
    额度数分列；第三阶段两者都不需要。
    来源：IFRS 9 5.5.3、5.5.5、5.5.11、5.5.17(b)、5.5.20、B5.5.37、B5.5.43（十二个月是存续期的一部分）、
    B5.5.44；恒定风险率即指数生存模型；30 为本项目所定。
    """
    p = by_line(book)
    p = p.filter((p.owed_minor > 0) | (p.undrawn_minor > 0))
    return p.group_by(*GROUP, "stage").aggregate(
        lines=p.count().cast("int64"),
        lines_by_score=total(p.by_score.ifelse(1, 0)),
        lines_by_roll_rates=total(p.by_roll_rates.ifelse(1, 0)),
        lines_pooled=total((p.by_roll_rates & p.is_pooled).ifelse(1, 0)),
        lines_horizon_unknown=total(p.no_horizon.ifelse(1, 0)),
        drawn_minor=total(p.owed_minor),
        undrawn_minor=total(p.undrawn_minor),
        drawn_ecl_minor=total(p.drawn_ecl),
        undrawn_ecl_minor=total(p.undrawn_ecl),
        ecl_minor=total(p.drawn_ecl + p.undrawn_ecl),
    )


def ecl_movement(book: Book) -> Expression:
    """How the allowance moved in the last month.

    Formula: opening + new lines + released at draw-stop + written off + stage transfers + change of PD +
    remeasured = closing, per line and so in total. What is released is the undrawn part's allowance, at
    once, when drawing stops, by an exit or by anybody's lock; written off is what was written off or sold,
    gross of the price, as far as the allowance goes; a transfer is the rest of the change of a line that
    changed stage. Of one that did not, change of PD (another score, or another bucket) = exposure now x
    (loss rate now - then), and remeasured is the rest: the exposure changed, also by a lock's end.
    Source: IFRS 7 35H, 35I (reconciliation of the loss allowance); IFRS 9 5.5.20 for draw-stop.
    公式：期初 + 新开额度 + 停用释放 + 核销 + 阶段转移 + PD 变化 + 重新计量 = 期末，逐笔成立，合计也成立。停用
    释放是停止支用时未用部分的准备，当即释放；核销是核销或出售的金额（按账面，不扣价款），以原有准备为限；阶段
    转移是换了阶段的额度其余的变动。未换阶段的：PD 变化（评分或逾期档不同）= 现在的敞口 ×（现在的损失率 − 当
    时的损失率），其余为重新计量，即敞口的变化。
    来源：IFRS 7 35H、35I（损失准备的调节表）；停用见 IFRS 9 5.5.20。
    """
    p = by_line(book)
    zero = ibis.literal(0, "int64")
    opening = p.known_before.ifelse(p.drawn_ecl_before + p.undrawn_ecl_before, zero)
    closing = p.drawn_ecl + p.undrawn_ecl
    stopped = p.known_before & p.stopped & ~p.stopped_before
    released = stopped.ifelse(-p.undrawn_ecl_before, zero)
    written = p.known_before.ifelse(
        -ibis.greatest(ibis.least(p.written_off_minor, p.drawn_ecl_before), zero), zero
    )
    rest = closing - opening - released - written
    moves = p.known_before & (p.stage != p.stage_before)
    stays = p.known_before & ~moves
    by_rate = closing - p.ecl_at_rate_before
    return p.group_by(*GROUP).aggregate(
        opening_minor=total(opening),
        new_lines_minor=total(p.known_before.ifelse(zero, closing)),
        released_at_draw_stop_minor=total(released),
        written_off_minor=total(written),
        to_stage_1_minor=total((moves & (p.stage == 1)).ifelse(rest, zero)),
        to_stage_2_minor=total((moves & (p.stage == 2)).ifelse(rest, zero)),
        to_stage_3_minor=total((moves & (p.stage == 3)).ifelse(rest, zero)),
        pd_changed_minor=total(stays.ifelse(by_rate, zero)),
        remeasured_minor=total(stays.ifelse(rest - by_rate, zero)),
        closing_minor=total(closing),
    )


def coverage(book: Book) -> Expression:
    """Coverage of non-performing loans.

    Formula: coverage = allowance (the ECL) / npl.
    Source: provision coverage ratio of Chinese banks.
    公式：覆盖率 = 准备（预期信用损失）/ 不良余额。
    来源：中国银行业的拨备覆盖率。
    """
    p = by_line(book)
    sums = p.group_by(*GROUP).aggregate(
        allowance_minor=total(p.drawn_ecl + p.undrawn_ecl),
        npl_minor=total((p.dpd > NON_PERFORMING_AFTER).ifelse(p.owed_minor, 0)),
    )
    return sums.mutate(coverage=share(sums.allowance_minor, sums.npl_minor))
