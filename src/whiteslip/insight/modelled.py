"""What the attrition model says of those who are there: how likely they leave, and why. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from whiteslip.decisions.scoring import Model, score
from whiteslip.insight.intervals import wilson
from whiteslip.insight.model import Row
from whiteslip.portfolio.veil import SMALLEST_GROUP

# The model's name in service. It is fitted by the recipe "leaving" on what `insight facts` writes.
MODEL: Final = "leaving"
FACTS: Final = (
    "months_on_book",
    "months_idle",
    "limit_minor",
    "owed_minor",
    "purchases_3m",
    "purchases_before_3m",
    "purchases_12m",
    "bought_3m_minor",
)
_Z: Final = 1.959963984540054


def missing(model: Model) -> list[str]:
    """Facts that the model reads and that nobody here knows."""
    return [fact.name for fact in model.facts if fact.name not in FACTS]


def drivers(scored: Sequence[tuple[Model, Mapping[str, Any]]]) -> list[Row]:
    """What the attrition model sees behind leaving.

    Formula: lines that are there (a fixed share of them, if they are many) are scored by the champion
    "leaving", whose target is asking to leave within 30 days: modelled hazard = mean probability ± 1.96
    standard errors. A driver's weight is the mean by which it raised the log odds above what is best
    (or, in trees, usual); its share is the share of lines for which it weighed most, hidden where those
    are few. Nothing of it is kept about a line.
    Source: additive attribution as in decisions.scoring; Singer and Willett (1993) for the hazard.
    公式：对在册额度（很多时取固定比例）用冠军模型“leaving”评分，其目标是 30 天内申请离开：模型风险率 = 平均
    概率 ± 1.96 倍标准误。驱动因素的权重是它使对数几率高出最佳值（树模型中为通常值）的平均幅度；份额是它权重
    最大的额度所占比例，人数少时不显示。不在额度上留存任何结果。
    来源：加性归因，同 decisions.scoring；风险率见 Singer 与 Willett（1993）。
    """
    if len(scored) < SMALLEST_GROUP:
        return []
    answers = [score(model, {fact.name: facts[fact.name] for fact in model.facts}) for model, facts in scored]
    lines, chances = len(answers), [each.probability for each in answers]
    mean = sum(chances) / lines
    half = _Z * math.sqrt(sum((p - mean) ** 2 for p in chances) / max(1, lines - 1) / lines)
    weights, tops = defaultdict[str, float](float), defaultdict[str, int](int)
    for each in answers:
        for name, weight in each.against:
            weights[name] += weight / lines
        if each.against:
            tops[each.against[0][0]] += 1
    bounds = {"hazard": mean, "hazard_low": max(0.0, mean - half), "hazard_high": min(1.0, mean + half)}
    found = list[Row]()
    for name, weight in sorted(weights.items(), key=lambda pair: (-pair[1], pair[0])):
        # Lines for which nothing weighed are told nowhere, so none follows from the others.
        share = None if 0 < tops[name] < SMALLEST_GROUP else wilson(tops[name], lines)
        row: Row = {"driver": name, "lines": lines, "weight": weight, "share": share and share.value}
        row |= {"share_low": share and share.low, "share_high": share and share.high}
        found.append(row | bounds)
    return found
