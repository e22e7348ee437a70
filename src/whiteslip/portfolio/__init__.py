"""Portfolio: what the whole book looks like, each figure defined once.

It owns no table. It reads a snapshot of the lake, never the live books, so no figure slows a purchase
and none can be an input to somebody's exit: this room is above ``exits``, and exits cannot see it.

``book`` brings the snapshot into one shape, the *panel*: each line at monthly points back from the
day, rebuilt from what was scheduled, billed and settled. Each measure is a function from that book
to an Ibis expression, with its formula and source in its docstring; the same expression runs on
embedded DuckDB and on a Spark Connect server. ``acts.compute`` finds the snapshot, runs a measure
and gives columns, rows, formula, the day, and whether the figures are stale. What was computed once is
``kept`` beside the snapshot; ``prepare`` does so after a night, before anybody asks.

Invariants
----------
- Money is in minor units and exact: sums and ECL are integers on every engine.
- What is split adds up: classes, buckets, stages, causes, and each movement from opening to closing.
- Currencies are never added.
- Doors tell what ``told`` lets through: of those who leave, no group of fewer than ten. What is about
  debts is told whole, for it must add up to the ledger.
"""

from whiteslip.portfolio.acts import compute, compute_all, prepare, told
from whiteslip.portfolio.model import Measure, Parameters, Result
from whiteslip.portfolio.registry import MEASURES

__all__ = ["MEASURES", "Measure", "Parameters", "Result", "compute", "compute_all", "prepare", "told"]
