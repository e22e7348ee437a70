"""Default, as capital rules count it: how many days in a row what is past due has mattered.

Regulation (EU) 575/2013 article 178(1)(b) with Delegated Regulation (EU) 2018/171 articles 1 and 2: the
days are counted while the sum past due is above both thresholds, an amount and a share of what is owed.
So they are fewer than the days past due of a trifle, and more than those of who is always one part late.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from whiteslip import packs
from whiteslip.billing import store
from whiteslip.billing.model import Debt
from whiteslip.lines import Line
from whiteslip.store import Tx

_BPS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Change:
    """By how much a day changed what is past due, and all that is owed. Minor units."""

    on: date
    past_due_minor: int
    owed_minor: int


@dataclass(frozen=True, slots=True)
class Default:
    """Days in a row on which what is past due matters, and whether they are too many."""

    days: int
    is_default: bool


def material_days(changes: Iterable[Change], day: date, least_minor: int, least_bps: int) -> int:
    """For how many days in a row, ``day`` included, more than both thresholds has been past due. Pure.

    ``changes`` are one for each day that has any, in order.
    """
    since: date | None = None
    past_due = owed = 0
    for change in changes:
        if change.on > day:
            break
        past_due, owed = past_due + change.past_due_minor, owed + change.owed_minor
        matters = past_due > least_minor and past_due * _BPS > owed * least_bps
        since = (since or change.on) if matters else None
    return (day - since).days + 1 if since else 0


def count(tx: Tx, line: Line, debt: Debt, day: date) -> Default:
    """Whether a line with this debt is in default on ``day``.

    A debt that was charged off is, whatever is past due of it, and so is one that was restructured in
    distress, while it is observed (article 178(3)(b) and (d)). Of one that was restructured the days stand
    at least where they stood.
    """
    pack = packs.load(line.pack)
    days = debt.forborne.frozen_days if debt.forborne else 0
    if debt.past_due_minor:
        least_minor, least_bps = pack.minor("debt.default_least_minor"), pack.bps("debt.default_least_bps")
        changes = [Change(*change) for change in store.changes(tx, line.id, day)]
        days = max(days, material_days(changes, day, least_minor, least_bps))
    charged_off = debt.charged_off and debt.owed_minor > 0
    return Default(days, charged_off or debt.is_distressed or days > pack.days("debt.default_after_days"))
