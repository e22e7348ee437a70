"""From measures of the portfolio to groups of lines: what a plan and a stress run start from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Final

from whiteslip import portfolio
from whiteslip.base import Refusal
from whiteslip.base.money import BASIS_POINTS, Rounding, divide
from whiteslip.lake import Lake
from whiteslip.portfolio import Parameters, Result, markov
from whiteslip.portfolio.model import BUCKETS
from whiteslip.treasury.model import LEAST, OTHER, Appetite, Basis, Freed, Segment

Row = dict[str, Any]
MONTHS_OF_HISTORY: Final = 12
_YEAR: Final = 12
# The whole book's roll rates count in each segment like so many lines that were watched for a month.
_CREDIBILITY: Final = 100


def figures(
    place: Lake, names: Sequence[str], as_of: date | None, by: str, given: Parameters, engine: str
) -> dict[str, Result] | Refusal:
    """Measures of the newest whole snapshot by name. Refusals: those of ``portfolio.compute_all``."""
    found = portfolio.compute_all(place, as_of, by, given, engine, names)
    return found if isinstance(found, Refusal) else {each.measure: each for each in found}


def currencies(place: Lake, as_of: date | None, engine: str) -> list[str] | Refusal:
    """Those of the newest whole snapshot's lines, that of the most lines first. Refusals: those of
    ``portfolio.compute_all``.
    """
    found = figures(place, ("cohorts",), as_of, "none", Parameters(), engine)
    if isinstance(found, Refusal):
        return found
    lines = Counter[str]()
    for row in found["cohorts"].records():
        lines[row["currency"]] += row["lines"]
    return sorted(lines, key=lambda currency: (-lines[currency], currency))


def currency_of(rows: Iterable[Row], wanted: str | None) -> str | Refusal:
    """The currency asked for, or the only one. Refusal: ``capacity.currency_needed``."""
    known = sorted({row["currency"] for row in rows})
    if wanted in known:
        return str(wanted)
    if wanted is None and len(known) == 1:
        return known[0]
    return Refusal("capacity.currency_needed", {"known": ", ".join(known)})


def basis(
    place: Lake,
    as_of: date | None,
    by: str,
    months: int,
    currency: str | None,
    given: Appetite | None = None,
    engine: str = "",
) -> Basis | Refusal:
    """What the lines that stopped drawing in the last months gave back, and who could be asked.

    Refusals: those of ``portfolio.compute_all``, ``capacity.currency_needed``, ``capacity.too_few``
    where fewer than ``LEAST`` lines left: a plan is never about one who left.
    """
    assumed = (
        Parameters()
        if given is None
        else Parameters(ccf_bps=given.ccf_bps, risk_weight_bps=given.risk_weight_bps)
    )
    found = figures(
        place, ("freed", "cohorts", "roll_rates", "excess_spread", "npl"), as_of, by, assumed, engine
    )
    if isinstance(found, Refusal):
        return found
    lines = found["cohorts"].records()
    chosen = currency_of(lines, currency)
    if isinstance(chosen, Refusal):
        return chosen
    own = {name: [row for row in each.records() if row["currency"] == chosen] for name, each in found.items()}
    seen = sorted({row["on_day"] for row in own["npl"]})[-months:]
    freed = _merged(freed_by([row for row in own["freed"] if row["on_day"] in seen]))
    if isinstance(freed, Refusal):
        return freed
    lines_on = found["cohorts"]
    return Basis(lines_on.day, chosen, by, months, freed, tuple(segments(own)), lines_on.why)


def freed_by(rows: Iterable[Row]) -> list[Freed]:
    """What lines gave back when their drawing stopped, by segment.

    Formula: sums over the months asked for of the portfolio's measure freed: undrawn = limit - owed when
    drawing stopped; exposure = undrawn x conversion factor; weighted = exposure x risk weight.
    Source: Basel III CRE20.94 (10 % for what can be cancelled at any time), CRE20.65 (75 % retail).
    公式：所问月份内组合指标 freed 的合计：未用额度 = 额度 − 停用时欠款；敞口 = 未用额度 × 转换系数；加权 =
    敞口 × 风险权重。
    来源：巴塞尔协议三 CRE20.94（可随时取消的承诺 10%）、CRE20.65（零售 75%）。
    """
    names = ("lines", "limit_minor", "undrawn_minor", "exposure_minor", "weighted_minor")
    sums: dict[str, Row] = {}
    for row in rows:
        known = sums.setdefault(row["segment"], dict.fromkeys(names, 0))
        for name in names:
            known[name] += row[name]
    return [Freed(segment, **known) for segment, known in sorted(sums.items())]


def _merged(found: Sequence[Freed]) -> tuple[Freed, ...] | Refusal:
    """Segments in which enough have left, the others as one: no figure is that of a few who left."""
    large = sorted((each for each in found if each.lines >= LEAST), key=lambda each: each.lines)
    small = [each for each in found if each.lines < LEAST]
    # What is hidden must not follow from the total: the smallest of the others joins.
    while small and sum(each.lines for each in small) < LEAST and large:
        small.append(large.pop(0))
    if sum(each.lines for each in (*small, *large)) < LEAST:
        return Refusal("capacity.too_few", {"least": LEAST})
    told = sorted(large, key=lambda each: each.segment)
    if small:
        told.append(
            Freed(
                OTHER,
                sum(each.lines for each in small),
                sum(each.limit_minor for each in small),
                sum(each.undrawn_minor for each in small),
                sum(each.exposure_minor for each in small),
                sum(each.weighted_minor for each in small),
            )
        )
    return tuple(told)


def _pooled(own: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The same rows, with segments in which fewer than ``LEAST`` could be asked as one: no figure is that of
    a few. Where they are too few together, the smallest of the others joins them.
    """
    lines: dict[str, int] = defaultdict(int)
    for row in own["cohorts"]:
        lines[row["segment"]] += row["may_be_asked"]
    small = {name for name, count in lines.items() if count < LEAST}
    large = sorted(lines.keys() - small, key=lambda name: (lines[name], name))
    if small and sum(lines[name] for name in small) < LEAST and large:
        small.add(large[0])
    return {
        name: [row | {"segment": OTHER} if row["segment"] in small else row for row in rows]
        for name, rows in own.items()
    }


def segments(own: dict[str, list[Row]]) -> list[Segment]:
    """Lines that could be asked, by segment, with their limits, PD and yield.

    Formula: lines = sum of may_be_asked; limits and what is owed are of all lines that do not leave; PD =
    chance of a current line to reach 90+ within twelve months by its segment's roll rates, beside which the
    whole book's count like a hundred lines; yield = charged x 12 / sum of opening balances, of the last
    twelve months.
    Source: Markov chain of roll rates; the weight of a hundred lines is ours (credibility).
    公式：户数 = may_be_asked 的合计；额度与欠款含所有未离开的额度；PD = 正常户十二个月内逾期满 90 天的概率，
    按本客群迁徙率推算，全组合的迁徙率按一百户计权；收益率 = 最近十二个月计收额 × 12 ÷ 各月期初余额之和。
    来源：迁徙率的马尔可夫链；一百户的权重为本项目所定（可信度）。
    """
    own = _pooled(own)
    chains = roll_counts(own["roll_rates"])
    found: list[Segment] = []
    for name in sorted({row["segment"] for row in own["cohorts"]}, key=lambda each: (each == OTHER, each)):
        rows = [row for row in own["cohorts"] if row["segment"] == name]
        ahead = markov.default_within(chains(name), _YEAR)
        found.append(
            Segment(
                name=name,
                lines=sum(row["may_be_asked"] for row in rows),
                limit_minor=sum(row["limit_minor"] for row in rows if not row["leaving"]),
                owed_minor=sum(row["owed_minor"] for row in rows if not row["leaving"]),
                pd_ppm=ahead[BUCKETS.index("current")],
                yield_bps=yield_bps(own["excess_spread"], name),
            )
        )
    return found


def yield_bps(rows: Iterable[Row], segment: str | None) -> int:
    """What was charged in a year over what was owed, in basis points, rounded down."""
    wanted = [row for row in rows if segment in (None, row["segment"])]
    latest = sorted({row["on_day"] for row in wanted})[-MONTHS_OF_HISTORY:]
    recent = [row for row in wanted if row["on_day"] in latest]
    opening = sum(row["opening_minor"] for row in recent)
    charged = sum(row["charged_minor"] for row in recent)
    return divide(charged * _YEAR * BASIS_POINTS, opening, Rounding.DOWN) if opening else 0


def roll_counts(rows: Sequence[Row]) -> Callable[[str], Any]:
    """A month's probabilities of a segment: its own counts, and the whole book's with some weight."""
    counts: dict[str, dict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
    whole: dict[tuple[int, int], int] = defaultdict(int)
    for row in rows:
        move = (BUCKETS.index(row["from_bucket"]), BUCKETS.index(row["to_bucket"]))
        counts[row["segment"]][move] += row["lines"]
        whole[move] += row["lines"]
    book = markov.matrix((before, after, lines) for (before, after), lines in whole.items())

    def chain(segment: str) -> Any:
        own = counts[segment]
        watched = [
            sum(n for (before, _), n in own.items() if before == state) for state in range(len(BUCKETS))
        ]
        chain = book.copy()
        for state, seen in enumerate(watched):
            if 0 < state < markov.DEFAULT:
                chain[state] *= _CREDIBILITY
                for after in range(len(BUCKETS)):
                    chain[state, after] += own.get((state, after), 0)
                chain[state] /= _CREDIBILITY + seen
        return chain

    return chain


def rate(rows: Sequence[Row], part: str) -> float:
    """A monthly rate over the opening balance, of the last year; at most one."""
    latest = sorted({row["on_day"] for row in rows})[-MONTHS_OF_HISTORY:]
    recent = [row for row in rows if row["on_day"] in latest]
    opening = sum(row["opening_minor"] for row in recent)
    return min(1.0, max(0.0, sum(row[part] for row in recent) / opening)) if opening else 0.0
