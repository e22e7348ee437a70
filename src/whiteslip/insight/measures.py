"""How people leave, as figures: each a pure function of what was counted, with its formula and source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from whiteslip.insight.intervals import byar, median, wilson
from whiteslip.insight.model import OTHER_WAYS, SCREENS, Journey, Row, Seen, Step
from whiteslip.portfolio.veil import veiled

WENT_AWAY: Final = "went_away"
_PER: Final = 1_000


def _ends(walk: Sequence[Seen]) -> tuple[list[Seen], Seen | None]:
    """A walk's screens in the order of its journey, and what ended it, if anything did."""
    at = {seen.step: seen for seen in walk}
    screens = [at[step] for step in SCREENS[walk[0].journey] if step in at]
    other = [seen for seen in walk if seen.step in OTHER_WAYS]
    end = at.get(Step.DONE) or (max(other, key=lambda seen: seen.at) if other else None)
    return screens, end


def _walks(rows: Sequence[Seen]) -> dict[tuple[str, Journey], list[list[Seen]]]:
    one = defaultdict[bytes, list[Seen]](list)
    for seen in rows:
        one[seen.walk].append(seen)
    found = defaultdict[tuple[str, Journey], list[list[Seen]]](list)
    for walk in one.values():
        found[walk[0].segment, walk[0].journey].append(sorted(walk, key=lambda seen: seen.at))
    return found


def funnel(rows: Sequence[Seen]) -> list[Row]:
    """Where those who want to leave get stuck, screen by screen.

    Formula: of the walks that saw a screen, those that went on to a later one or to the end, those that
    chose another way there, and the rest, who went away: drop = went away / walks, with Wilson's
    interval. Seconds: the median from the first sight of a screen to the walk's next step. A walk is
    over an hour after it began. Going away is a defect of the page and never a customer kept.
    Source: our design; Wilson (1927).
    公式：看到某一屏的各次操作中：走到后面一屏或完成的、在那里改走另一条路的、其余走开的；流失率 = 走开 / 操
    作次数，附 Wilson 区间。秒数：从首次看到该屏到下一步的中位数。一次操作在开始一小时后结束。走开是页面的缺
    陷，从不算挽留了客户。
    来源：自行设计；Wilson（1927）。
    """
    found = list[Row]()
    for (segment, journey), walks in sorted(_walks(rows).items()):
        ended = [(walk, *_ends(walk)) for walk in walks]
        for place, screen in enumerate(SCREENS[journey]):
            saw = [
                (walk, screens, end) for walk, screens, end in ended if any(s.step is screen for s in screens)
            ]
            last = [end for _, screens, end in saw if screens[-1].step is screen]
            other = sum(1 for end in last if end and end.step is not Step.DONE)
            gone = sum(1 for end in last if end is None)
            drop = wilson(gone, len(saw))
            found.append(
                {
                    "segment": segment,
                    "journey": journey.value,
                    "screen": f"{place + 1}_{screen.value}",
                    "walks": len(saw),
                    "went_on": len(saw) - other - gone,
                    "other_way": other,
                    "went_away": gone,
                    "drop": drop.value if saw else None,
                    "drop_low": drop.low if saw else None,
                    "drop_high": drop.high if saw else None,
                    "median_seconds": median(
                        _seconds(walk, screen) for walk, _, _ in saw if _seconds(walk, screen)
                    ),
                }
            )
    return veiled(found, "walks", ("segment", "journey", "screen"))


def _seconds(walk: Sequence[Seen], screen: Step) -> float:
    """From a screen to the next step; 0 where there is none."""
    began = next(seen.at for seen in walk if seen.step is screen)
    return next(((seen.at - began).total_seconds() for seen in walk if seen.at > began), 0.0)


def flows(rows: Sequence[Seen]) -> list[Row]:
    """Who went from where to where.

    Formula: each walk is counted once between each of its screens and the next, and from its last
    screen to what ended it, or to "went away". What comes to a screen leaves it.
    Source: our design.
    公式：每次操作在相邻两屏之间各计一次，从最后一屏到其结局（或“走开”）也计一次。进入一屏的都会离开它。
    来源：自行设计。
    """
    counts = defaultdict[tuple[str, str, str, str], int](int)
    for (segment, journey), walks in _walks(rows).items():
        for walk in walks:
            screens, end = _ends(walk)
            names = [*(seen.step.value for seen in screens), end.step.value if end else WENT_AWAY]
            for one, two in pairwise(names):
                counts[segment, journey.value, one, two] += 1
    found = [
        {"segment": segment, "journey": journey, "from_step": one, "to_step": two, "walks": count}
        for (segment, journey, one, two), count in sorted(counts.items())
    ]
    return veiled(found, "walks", ("segment", "journey", "from_step"))


def reasons(rows: Sequence[Row]) -> list[Row]:
    """Why people left, as far as they said so afterwards.

    Formula: exits that gave a reason / all exits of the window, with Wilson's interval; "not said" is a
    reason like the others, so shares add up to one.
    Source: our design; Wilson (1927). Nobody has to say.
    公式：说明了原因的离开 / 期间的全部离开，附 Wilson 区间；“未说明”与其他原因并列，因此各份额合计为一。
    来源：自行设计；Wilson（1927）。没有人必须说明。
    """
    whole = defaultdict[str, int](int)
    for row in rows:
        whole[row["segment"]] += row["exits"]
    found = list[Row]()
    for row in sorted(rows, key=lambda each: (each["segment"], -each["exits"], each["reason"])):
        share = wilson(row["exits"], whole[row["segment"]])
        found.append({**row, "share": share.value, "share_low": share.low, "share_high": share.high})
    return veiled(found, "exits")


def complaints(rows: Sequence[Row]) -> list[Row]:
    """Complaints of leavers per 1,000 exits, by topic.

    Formula: complaints filed from the request until 90 days after it / exits · 1,000, with Byar's
    interval for a rare count.
    Source: Breslow and Day (1987) for the interval; the figure is our design.
    公式：从申请起到其后 90 天内提出的投诉 / 离开数 · 1,000，稀少计数用 Byar 区间。
    来源：区间见 Breslow 与 Day（1987）；指标为自行设计。
    """
    by_topic, whole = list[Row](), dict[str, tuple[int, int]]()
    for row in rows:
        before = whole.get(row["segment"], (row["exits"], 0))
        whole[row["segment"]] = (row["exits"], before[1] + row["complaints"])
        if row["topic"]:
            by_topic.append(_per_thousand(row["segment"], row["topic"], row["exits"], row["complaints"]))
    totals = [
        _per_thousand(segment, "any", exits, count) for segment, (exits, count) in sorted(whole.items())
    ]
    by_topic.sort(key=lambda row: (row["segment"], row["topic"]))
    return veiled(totals, "exits", ("segment", "topic")) + veiled(by_topic, "complaints")


def _per_thousand(segment: str, topic: str, exits: int, count: int) -> Row:
    rate = byar(count, exits / _PER)
    return {
        "segment": segment,
        "topic": topic,
        "exits": exits,
        "complaints": count,
        "per_thousand": rate.value,
        "per_thousand_low": rate.low,
        "per_thousand_high": rate.high,
    }


def rejoins(rows: Sequence[Row]) -> list[Row]:
    """Who came back.

    Formula: customers who opened another line within 1, 3, 6 or 12 months of closing one / customers
    whose line closed at least as long ago, with Wilson's interval.
    Source: our design; Wilson (1927).
    公式：关闭后 1、3、6 或 12 个月内又开立额度的客户 / 额度至少关闭了这么久的客户，附 Wilson 区间。
    来源：自行设计；Wilson（1927）。
    """
    found = list[Row]()
    for row in sorted(rows, key=lambda each: (each["segment"], each["months"])):
        share = wilson(row["rejoined"], row["leavers"])
        within = f"within_{row['months']:02d}"
        found.append(
            {
                "segment": row["segment"],
                "within": within,
                "leavers": row["leavers"],
                "rejoined": row["rejoined"],
                "share": share.value,
                "share_low": share.low,
                "share_high": share.high,
            }
        )
    return veiled(found, "leavers", ("segment", "within"))


def hazard(rows: Sequence[Row]) -> list[Row]:
    """The chance to leave within a month, of those who were there at its beginning.

    Formula: h = lines whose customer asked to leave in the month / lines open at its beginning that had
    not asked before, with Wilson's interval.
    Source: discrete-time hazard; Singer and Willett (1993), Journal of Educational Statistics 18.
    公式：h = 当月申请离开的额度 / 月初仍在且此前未申请的额度，附 Wilson 区间。
    来源：离散时间风险率；Singer 与 Willett（1993），《教育与行为统计杂志》18。
    """
    found = list[Row]()
    for row in sorted(rows, key=lambda each: (each["segment"], each["month"])):
        rate = wilson(row["asked"], row["at_risk"])
        found.append({**row, "hazard": rate.value, "hazard_low": rate.low, "hazard_high": rate.high})
    return veiled(found, "at_risk", ("segment", "month"))


def leavers(rows: Sequence[Row]) -> list[Row]:
    """Leavers against stayers by score band: do the good ones leave?

    Formula: lines that were there 270 days before the end of the window, in fifths of their score as
    known then (1 is the least risk; behaviour score, or points of the application); of each, the share
    whose customer asked to leave in the 90 days after, with Wilson's interval.
    Source: our design; Wilson (1927). No score reads it.
    公式：期末之前 270 天在册的额度，按当时已知的评分分为五组（1 风险最低；行为评分或申请得分）；各组中客户
    在随后 90 天内申请离开的份额，附 Wilson 区间。
    来源：自行设计；Wilson（1927）。没有任何评分读取它。
    """
    sums = defaultdict[tuple[str, str], list[int]](lambda: [0, 0])
    for row in rows:
        band = sums[row["segment"], row["band"]]
        band[0] += row["lines"]
        band[1] += row["lines"] if row["did"] == "left" else 0
    found = list[Row]()
    for (segment, band), (lines, left) in sorted(sums.items()):
        share = wilson(left, lines)
        found.append(
            {
                "segment": segment,
                "band": band,
                "lines": lines,
                "left": left,
                "stayed": lines - left,
                "share_left": share.value,
                "share_low": share.low,
                "share_high": share.high,
            }
        )
    return veiled(found, "lines")


def outcomes(rows: Sequence[Row]) -> list[Row]:
    """How often those who left, reduced, paused or stayed were late afterwards.

    Formula: of the same lines, by what their customer did in the 90 days, those that were ever more than
    30 days past due in the 180 days that followed / lines, with Wilson's interval. Who left runs off on
    the old schedule and can be late as anybody.
    Source: our design; Wilson (1927). It describes groups and is read by no score, decision or exit.
    公式：同一批额度，按客户在那 90 天内的做法分组：随后 180 天内曾逾期超过 30 天的 / 额度数，附 Wilson 区
    间。离开的客户按原计划还款，与任何人一样可能逾期。
    来源：自行设计；Wilson（1927）。它描述群体，不被任何评分、决策或离开读取。
    """
    sums = defaultdict[tuple[str, str], list[int]](lambda: [0, 0])
    for row in rows:
        group = sums[row["segment"], row["did"]]
        group[0] += row["lines"]
        group[1] += row["late"]
    found = list[Row]()
    for (segment, did), (lines, late) in sorted(sums.items()):
        rate = wilson(late, lines)
        found.append(
            {
                "segment": segment,
                "did": did,
                "lines": lines,
                "late": late,
                "late_rate": rate.value,
                "late_low": rate.low,
                "late_high": rate.high,
            }
        )
    return veiled(found, "lines")
