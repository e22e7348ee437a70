"""How an application's decision came about: points as a waterfall, and what would have been better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from whiteslip.applications import Application, rules, store
from whiteslip.applications.model import Asked, Outcome
from whiteslip.applications.otherwise import Better, better, better_pair
from whiteslip.base import Money
from whiteslip.decisions import Decision, decisions_about
from whiteslip.decisions import store as decisions_store
from whiteslip.decisions.explaining import Step, explained
from whiteslip.decisions.model import Table
from whiteslip.decisions.scoring import Model, points_of, score
from whiteslip.store import Tx
from whiteslip.web.console.duty import HOME
from whiteslip.web.console.figures import Figure
from whiteslip.web.console.paper import Sheet
from whiteslip.web.console.risk import charts
from whiteslip.web.kit.i18n import Speech, Texts

AT = f"{HOME}/applications"
_FOLDER = "console/applications"

Shown: TypeAlias = tuple[Better, Money | int, Money]


def made_of(tx: Tx, found: Application) -> Decision | None:
    """The decision that an application stands on."""
    return next((one for one in decisions_about(tx, found.id) if one.id == found.decision), None)


def value_of(found: Application, name: str, value: int) -> Money | int:
    """A fact as pages say it."""
    return Money(value, found.currency) if name.endswith("_minor") else value


def odds_of(tx: Tx, found: Application) -> tuple[int, float] | None:
    """Points and the odds of paying to one; none before the phone was proven."""
    if found.scorecard_version is None:
        return None
    card = store.scorecard(tx, found.scorecard_version)
    made = score(card, rules.score_facts(store.asked(tx, found.id)))
    return points_of(made), (1 - made.probability) / made.probability


def waterfall(tx: Tx, found: Application, speech: Speech) -> Figure | None:
    """The score by the very card that it was made with, from the most there is to what it came to."""
    if found.scorecard_version is None:
        return None
    t, card = Texts(_FOLDER, speech), store.scorecard(tx, found.scorecard_version)
    facts = rules.score_facts(store.asked(tx, found.id))
    steps = explained(card, facts)
    most = points_of(score(card, facts)) + sum(step.against for step in steps.steps)

    def said(step: Step) -> str:
        word = _bin(step)
        return t(f"bin_{word}") if word in ("missing", "stated", "proven") else word

    drawn = charts.waterfall(
        steps, most, "points", Texts("console/risk", speech), lambda name: t(f"card_{name}"), said
    )
    address = f"{AT}/{found.reference}/{drawn.key}.csv"
    return charts.told(drawn, address, Texts("console/risk", speech), speech)


def _bin(step: Step) -> str:
    """A bin in words, or a word that the page has: ``< 1000``, ``1000–2000``, ``≥ 5000``."""
    if step.value is None or step.bin is None:
        return "missing"
    if step.column == "income_proven":
        return "proven" if step.value else "stated"
    low, high = step.bin
    if high is None:
        return f"≥ {low:g}" if low is not None else "any"
    return f"{low:g}–{high:g}" if low is not None else f"< {high:g}"


def _deciders(tx: Tx, found: Application, made: Decision) -> tuple[Asked, Model, Table] | None:
    """What was asked, and the very card and table that decided."""
    table = decisions_store.kept_version(tx, made.table_name, made.version)
    if table is None or found.scorecard_version is None:
        return None
    return store.asked(tx, found.id), store.scorecard(tx, found.scorecard_version), table


def _worded(found: Application, each: Better) -> Shown:
    return each, value_of(found, each.fact, each.to), Money(each.limit_minor, found.currency)


def better_singles(tx: Tx, found: Application, made: Decision) -> list[Shown]:
    """What the applicant could have given otherwise, one fact at a time: what would have been better, and
    where that is less than all, what would have been approved.
    """
    by = _deciders(tx, found, made)
    if by is None:
        return []
    first, approved = better(*by, made), better(*by, made, Outcome.APPROVE)
    return [_worded(found, each) for each in [*first, *(each for each in approved if each not in first)]]


def better_two(tx: Tx, found: Application, made: Decision) -> tuple[Shown, Shown] | None:
    """Two facts at once, where none alone was enough."""
    by = _deciders(tx, found, made)
    pair = better_pair(*by, made) if by else None
    return (_worded(found, pair[0]), _worded(found, pair[1])) if pair else None


def counterfactuals(tx: Tx, found: Application, made: Decision, speech: Speech) -> list[str]:
    """What would have led to a better outcome, in sentences."""
    t = Texts(_FOLDER, speech)

    def said(each: Shown) -> dict[str, str | int | Money]:
        one, to, limit = each
        outcome = t(f"outcome_{one.outcome}")
        return {"outcome": outcome, "fact": t(f"fact_{one.fact}"), "to": to, "limit": limit}

    singles = better_singles(tx, found, made)
    if singles:
        return [t("better_says", **said(each)) for each in singles]
    pair = better_two(tx, found, made)
    if pair is None:
        return []
    other = said(pair[1])
    return [t("pair_says", **said(pair[0]), other=other["fact"], other_to=other["to"])]


def sheet(tx: Tx, found: Application, figure: Figure, speech: Speech) -> Sheet:
    """The waterfall on paper, below what was decided and what would have been better."""
    t, made = Texts(_FOLDER, speech), made_of(tx, found)
    points = odds_of(tx, found)
    filters: list[tuple[str, str]] = [(t("column_reference"), found.reference)]
    if points:
        filters.append((t("score"), f"{points[0]} ({found.scorecard_version})"))
    if made:
        filters.append((t("by_table"), t(f"outcome_{made.outcome['outcome']}")))
        filters.append((t("version"), f"{made.table_name} {made.version}"))
        better_ones: Sequence[str] = counterfactuals(tx, found, made, speech)
        filters += [(t("better_title"), each) for each in better_ones]
    return Sheet(t("waterfall_title"), filters, [figure])
