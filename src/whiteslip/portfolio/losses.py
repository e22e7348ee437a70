"""Expected credit losses under IFRS 9, how they moved, and what they cover."""

from __future__ import annotations

from whiteslip.billing.rules import NON_PERFORMING_AFTER
from whiteslip.portfolio import markov
from whiteslip.portfolio.book import Book, share, total
from whiteslip.portfolio.model import Expression, ibis
from whiteslip.portfolio.quality import transitions

GROUP = ("currency", "segment")
_MILLION = 1_000_000
_BPS = 10_000
# IFRS 9 5.5.11 and B5.5.37: rebuttable presumptions at more than 30 and more than 90 days.
_STAGE_2_AFTER, _STAGE_3_AFTER = 30, 90


def divided(number: Expression, by: int) -> Expression:
    """``number`` / ``by`` rounded half up, for numbers from zero to 9e15: exact on every engine."""
    raised = number + by // 2
    return ((raised - raised % by).cast("float64") / by).round().cast("int64")


def default_rates(book: Book) -> list[tuple[int, int]]:
    """(12-month, lifetime) probability of default by bucket, of the whole book, in millionths."""
    moves = transitions(book)
    sums = moves.group_by("bucket_before", "bucket").aggregate(lines=total(moves.lines))
    counted = [(row["bucket_before"], row["bucket"], row["lines"]) for row in book.engine.rows(sums)]
    return markov.term_structure(counted, book.parameters.lifetime_months, book.parameters.pd_ppm)


def stage_of(dpd: Expression, forborne: Expression) -> Expression:
    """The IFRS 9 stage by days past due; under a hardship plan it is 2 at least."""
    return ibis.cases((dpd > _STAGE_3_AFTER, 3), ((dpd > _STAGE_2_AFTER) | forborne, 2), else_=1).cast(
        "int64"
    )


def _loss_rate(
    stage: Expression, bucket: Expression, rates: list[tuple[int, int]], lgd_bps: int
) -> Expression:
    """Loss in millionths of the exposure: PD of the stage's horizon x LGD."""
    cases = [(stage == 3, ibis.literal(_ppm(_MILLION, lgd_bps), "int64"))]
    for number, (year, life) in enumerate(rates):
        cases.append(((stage == 2) & (bucket == number), ibis.literal(_ppm(life, lgd_bps), "int64")))
        cases.append(((stage == 1) & (bucket == number), ibis.literal(_ppm(year, lgd_bps), "int64")))
    return ibis.cases(*cases, else_=ibis.literal(0, "int64"))


def _ppm(pd_ppm: int, lgd_bps: int) -> int:
    return (pd_ppm * lgd_bps + _BPS // 2) // _BPS


def by_line(book: Book) -> Expression:
    """The panel's last two points with stage and expected loss, drawn and undrawn, then and now."""
    return book.engine.hold("by_line", lambda: _by_line(book))


def _by_line(book: Book) -> Expression:
    rates, given = default_rates(book), book.parameters
    p = book.panel.filter(book.panel.point == book.last)
    p = p.mutate(stage=stage_of(p.dpd, p.forborne), stage_before=stage_of(p.dpd_before, p.forborne_before))
    now = _loss_rate(p.stage, p.bucket, rates, given.lgd_bps)
    then = _loss_rate(p.stage_before, p.bucket_before, rates, given.lgd_bps)
    return p.mutate(
        drawn_ecl=divided(ibis.greatest(p.owed_minor, 0) * now, _MILLION),
        undrawn_ecl=divided(divided(p.undrawn_minor * given.ccf_bps, _BPS) * now, _MILLION),
        drawn_ecl_before=divided(ibis.greatest(p.owed_before, 0) * then, _MILLION),
        undrawn_ecl_before=divided(divided(p.undrawn_before * given.ccf_bps, _BPS) * then, _MILLION),
    )


def ecl(book: Book) -> Expression:
    """Expected credit loss by IFRS 9 stage.

    Formula: PD x LGD x EAD per line; stage 1 twelve months, stage 2 lifetime, stage 3 PD = 1;
    EAD = drawn + conversion factor x undrawn while drawing is open, drawn alone once it is stopped.
    PD by bucket is given or follows from the book's roll rates as a Markov chain that ends in 90+.
    Source: IFRS 9 5.5.3, 5.5.5, 5.5.11, 5.5.20, B5.5.37.
    """
    p = by_line(book)
    p = p.filter((p.owed_minor > 0) | (p.undrawn_minor > 0))
    return p.group_by(*GROUP, "stage").aggregate(
        lines=p.count().cast("int64"),
        drawn_minor=total(p.owed_minor),
        undrawn_minor=total(p.undrawn_minor),
        drawn_ecl_minor=total(p.drawn_ecl),
        undrawn_ecl_minor=total(p.undrawn_ecl),
        ecl_minor=total(p.drawn_ecl + p.undrawn_ecl),
    )


def ecl_movement(book: Book) -> Expression:
    """How the allowance moved in the last month.

    Formula: opening + new lines + released at draw-stop + written off + stage transfers + remeasured
    = closing, per line and so in total. What is released is the undrawn part's allowance, at once,
    when drawing stops; written off is what was written off or sold, gross of the price, as far as the
    allowance goes; a transfer is the rest of the change of a line that changed stage.
    Source: IFRS 7 35H (reconciliation of the loss allowance); IFRS 9 5.5.20 for draw-stop.
    """
    p = by_line(book)
    zero = ibis.literal(0, "int64")
    opening = p.known_before.ifelse(p.drawn_ecl_before + p.undrawn_ecl_before, zero)
    closing = p.drawn_ecl + p.undrawn_ecl
    stopped = p.known_before & p.leaving & ~p.leaving_before
    released = stopped.ifelse(-p.undrawn_ecl_before, zero)
    written = p.known_before.ifelse(
        -ibis.greatest(ibis.least(p.written_off_minor, p.drawn_ecl_before), zero), zero
    )
    rest = closing - opening - released - written
    moves = p.known_before & (p.stage != p.stage_before)
    return p.group_by(*GROUP).aggregate(
        opening_minor=total(opening),
        new_lines_minor=total(p.known_before.ifelse(zero, closing)),
        released_at_draw_stop_minor=total(released),
        written_off_minor=total(written),
        to_stage_1_minor=total((moves & (p.stage == 1)).ifelse(rest, zero)),
        to_stage_2_minor=total((moves & (p.stage == 2)).ifelse(rest, zero)),
        to_stage_3_minor=total((moves & (p.stage == 3)).ifelse(rest, zero)),
        remeasured_minor=total((p.known_before & ~moves).ifelse(rest, zero)),
        closing_minor=total(closing),
    )


def coverage(book: Book) -> Expression:
    """Coverage of non-performing loans.

    Formula: coverage = allowance (the ECL) / npl.
    Source: provision coverage ratio of Chinese banks (拨备覆盖率).
    """
    p = by_line(book)
    sums = p.group_by(*GROUP).aggregate(
        allowance_minor=total(p.drawn_ecl + p.undrawn_ecl),
        npl_minor=total((p.dpd > NON_PERFORMING_AFTER).ifelse(p.owed_minor, 0)),
    )
    return sums.mutate(coverage=share(sums.allowance_minor, sums.npl_minor))
