"""What a month proposes to change: each with evidence, and what is expected of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from whiteslip.decisions.grid import Grid
from whiteslip.insight.intervals import newcombe, wilson
from whiteslip.insight.model import SIMULATED, Change, Interval, Proposal, ProposalKind, Row, Window
from whiteslip.insight.uplift import Judged

# More than one in twenty going away from a screen is friction.
FRICTION: Final = 0.05
_ALARMS_LEAST, _KEPT_LEAST, _REMOVED_LEAST = 40, 0.9, 0.1
_DESK_AGREES = 0.95
_OFTEN: Final = 0.25
# Reasons that are about the product; the others are about a life.
_PRODUCT: Final = frozenset(
    {"too_expensive", "limit_too_low", "bad_service", "privacy_security", "opened_by_mistake", "not_me"}
)
_CONDITION: Final = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d+)\s*")


@dataclass(frozen=True, slots=True)
class Alarm:
    """A labelled alarm: the rule that raised it, whether it was right, and its facts."""

    rule: str
    right: bool
    facts: Mapping[str, object]


def holds(condition: str, value: object) -> bool:
    """Whether a number fulfils a cell such as ``> 400``; a cell that is empty holds always."""
    found = _CONDITION.fullmatch(condition)
    if found is None:
        return not condition.strip()
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    bound = int(found[2])
    match found[1]:
        case ">":
            return value > bound
        case ">=":
            return value >= bound
        case "<":
            return value < bound
        case _:
            return value <= bound


def early_warning(table: str, grid: Grid, alarms: Sequence[Alarm]) -> list[Proposal]:
    """A rule that cries wolf is made stricter, or given another fact to look at.

    Formula: of each rule with 40 labelled alarms or more, every number of the facts seen is tried as a
    bound on one half of the alarms; the one that takes away most false alarms while nine in ten right
    ones stay is measured on the other half: share of false alarms it takes away, Wilson's interval.
    Source: our design; Wilson (1927); the split keeps the choice from flattering itself.
    """
    found = list[Proposal]()
    for row in grid.rows:
        own = [alarm for alarm in alarms if alarm.rule == row.get("_id")]
        if len(own) < _ALARMS_LEAST or all(alarm.right for alarm in own):
            continue
        learnt, measured = own[::2], own[1::2]
        best: tuple[int, str, str, str] | None = None
        for column in grid.columns:
            if column.is_outcome:
                continue
            cell = row.get(column.id, "").strip()
            for condition in _stricter(cell, [alarm.facts.get(column.field) for alarm in learnt]):
                removed = _removed(column.field, condition, learnt)
                if removed and (best is None or removed > best[0]):
                    best = removed, column.id, column.field, condition
        if best is None:
            continue
        _, column_id, fact, condition = best
        proposal = _narrowed(
            Change(table, grid.node, row["_id"], column_id, row.get(column_id, ""), condition), fact, measured
        )
        if proposal:
            found.append(proposal)
    return found


def _stricter(cell: str, values: Sequence[object]) -> list[str]:
    """Conditions that let less through than a cell does, at the values that were seen."""
    seen = sorted({value for value in values if isinstance(value, int) and not isinstance(value, bool)})
    if not cell:
        return [f"{sign} {value}" for value in seen for sign in (">=", "<=")]
    found = _CONDITION.fullmatch(cell)
    if found is None:
        return []
    sign, bound = found[1], int(found[2])
    up = sign.startswith(">")
    return [f"{sign} {value}" for value in seen if (value > bound if up else value < bound)]


def _removed(fact: str, condition: str, alarms: Sequence[Alarm]) -> int:
    """False alarms that a condition takes away; none if it takes too many right ones with them."""
    right = [alarm for alarm in alarms if alarm.right]
    kept = sum(1 for alarm in right if holds(condition, alarm.facts.get(fact)))
    if kept < _KEPT_LEAST * len(right):
        return 0
    return sum(1 for alarm in alarms if not alarm.right and not holds(condition, alarm.facts.get(fact)))


def _narrowed(change: Change, fact: str, alarms: Sequence[Alarm]) -> Proposal | None:
    false = [alarm for alarm in alarms if not alarm.right]
    right = [alarm for alarm in alarms if alarm.right]
    removed = sum(1 for alarm in false if not holds(change.then, alarm.facts.get(fact)))
    kept = sum(1 for alarm in right if holds(change.then, alarm.facts.get(fact)))
    effect = wilson(removed, len(false))
    if not false or effect.low <= _REMOVED_LEAST or kept < _KEPT_LEAST * len(right):
        return None
    counts: dict[str, int | float] = {"alarms": len(alarms), "false": len(false), "false_removed": removed}
    return Proposal(
        ProposalKind.THRESHOLD if change.now.strip() else ProposalKind.FEATURE,
        change.rule,
        counts | {"right": len(right), "right_kept": kept},
        effect,
        "share_of_false_alarms",
        change,
    )


def routing(table: str, grid: Grid, rows: Sequence[Row]) -> list[Proposal]:
    """A rule that sends cases to the desk, where they are let go all the same, only costs days.

    Formula: of each rule's chosen cases, the share that the desk let go (closed now or ran off),
    Wilson's interval; proposed from 95 in a hundred, lower bound: not before 73 cases.
    Source: our design; Wilson (1927). It only ever takes a check away.
    """
    found = list[Proposal]()
    reason = next(
        (column.id for column in grid.columns if column.field in ("reason", "reasons", "reasons[]")), ""
    )
    route = next((column.id for column in grid.columns if column.field == "route"), "")
    for row in rows:
        rule = next(
            (
                each
                for each in grid.rows
                if each.get(reason) == f'"{row["rule"]}"' and each.get(route) == '"desk"'
            ),
            None,
        )
        share = wilson(row["let_go"], row["cases"])
        if rule and share.low >= _DESK_AGREES:
            change = Change(table, grid.node, rule["_id"], route, rule[route], '"straight_through"')
            evidence: dict[str, int | float] = {"cases": row["cases"], "let_go": row["let_go"]}
            found.append(
                Proposal(
                    ProposalKind.ROUTE,
                    row["rule"],
                    evidence,
                    share,
                    "share_of_cases_that_need_not_wait",
                    change,
                )
            )
    return found


def friction(funnel: Sequence[Row]) -> list[Proposal]:
    """A screen from which more than one in twenty go away is looked at.

    Formula: proposed when the lower bound of its drop is over 5 %; expected are the walks that would
    have gone on with a drop of 5 %, at the drop and at its bounds.
    Source: our design; the interval is the funnel's.
    """
    return [
        Proposal(
            ProposalKind.FRICTION,
            f"{row['journey']}.{row['screen'].partition('_')[2]}",
            {"walks": row["walks"], "went_away": row["went_away"], "drop": row["drop"]},
            Interval(*(row["walks"] * (row[name] - FRICTION) for name in ("drop", "drop_low", "drop_high"))),
            "walks_a_month",
        )
        for row in funnel
        if row["walks"] and row["drop_low"] > FRICTION and row["segment"] != SIMULATED
    ]


def product(reasons: Sequence[Row], before: Sequence[Row]) -> list[Proposal]:
    """A fault of the product that drives people away more than it did.

    Formula: of the exits, the share that gave a reason about the product; proposed when it rose on the
    month before (Newcombe's interval of the difference is above 0) or is above a quarter, lower bound;
    expected are the exits that came of the rise, or of the reason.
    Source: Newcombe (1998); our thresholds.
    """
    was = {row["reason"]: row["exits"] for row in before if row["exits"] is not None}
    whole = sum(row["exits"] for row in reasons if row["exits"] is not None)
    whole_before = sum(was.values())
    found = list[Proposal]()
    for row in reasons:
        if row["exits"] is None or row["reason"] not in _PRODUCT:
            continue
        earlier = was.get(row["reason"], 0)
        rise = newcombe(row["exits"], whole, earlier, whole_before)
        share = wilson(row["exits"], whole)
        grew = whole_before > 0 and rise.low > 0
        if grew or share.low > _OFTEN:
            effect = rise if grew else share
            evidence: dict[str, int | float] = {
                "exits": whole, "gave_it": row["exits"], "month_before": earlier, "share": share.value,
            }  # fmt: skip
            times = Interval(effect.value * whole, effect.low * whole, effect.high * whole)
            found.append(Proposal(ProposalKind.PRODUCT, row["reason"], evidence, times, "exits_a_month"))
    return found


def evidence_of(proposal: Proposal, window: Window) -> tuple[str, dict[str, str]]:
    """What a proposal rests on: a list, ``alerts`` or ``exits``, and what of it. Walks and looks at offers
    are nobody's: a measure then, ``funnel`` or ``offers``, and its window.
    """
    match proposal.kind:
        case ProposalKind.THRESHOLD | ProposalKind.FEATURE:
            return "alerts", {"rule": proposal.about}
        case ProposalKind.ROUTE:
            return "exits", {"sent_by": proposal.about}
        case ProposalKind.PRODUCT:
            return "exits", {"reason": proposal.about}
        case ProposalKind.FRICTION | ProposalKind.OFFER:
            measure = "funnel" if proposal.kind is ProposalKind.FRICTION else "offers"
            return measure, {"since": window.since.isoformat(), "until": window.until.isoformat()}


def offers(judged: Sequence[Judged]) -> list[Proposal]:
    """An offer that the rule ended, or that works: what it did to leaving within 180 days.

    Formula: the difference of shares between those shown and those held out, valid at any time.
    Source: Waudby-Smith et al. (2024).
    """
    return [
        Proposal(
            ProposalKind.OFFER,
            f"{each.offer}.{each.verdict}",
            {"shown": each.shown.looks, "held_out": each.held_out.looks, "difficulty": each.difficulty.value},
            each.left_180,
            "share_that_leaves",
        )
        for each in judged
        if each.verdict.switches_off or each.verdict == "works"
    ]
