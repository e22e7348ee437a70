"""Insight: why, when and how customers leave, and what that teaches.

What it owns: schema ``insight``: steps of walks through the pages of leaving, monthly reports, and
which of their proposals became drafts. Everything else it counts through the views of rooms below.

A *walk* is somebody's way through those pages. It is known by a hash of session and line under a salt
that is deleted the day after: no cookie, no script, no third party, and no way back to a person.
Going away in the middle is a defect of the page, never a customer kept.

Invariants
----------
- Nothing flows back: no score, decision or exit reads this room, and none could, being below it. A
  proposal becomes at most a *draft* of a policy, which decides nothing until two people put it in force.
- What fails while a step is noted fails silently: measuring costs nobody their exit.
- Groups of fewer than ten are hidden, and what would give them away by subtraction.
- An offer is judged against those held out by lot, with intervals that hold however often one looks.
  The rule can only take it off the page.
- A month is reported once; what was told stays told.

Acts: ``see``, ``make_report``, ``draft_proposal``, ``judge_offers``, ``forget``; ``compute`` measures.
"""

from whiteslip.insight.acts import (
    NAMES,
    compute,
    draft_proposal,
    forget,
    judge_offers,
    make_report,
    month_of,
    see,
)
from whiteslip.insight.model import Journey, Step, Window
from whiteslip.insight.registry import MEASURES

__all__ = [
    "MEASURES",
    "NAMES",
    "Journey",
    "Step",
    "Window",
    "compute",
    "draft_proposal",
    "forget",
    "judge_offers",
    "make_report",
    "month_of",
    "see",
]
