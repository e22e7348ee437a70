"""Treasury: what closings free and who may get it, and what a run on the book would do.

What it owns: schema ``treasury``, one table of plans. It reads snapshots of the lake through the
measures of ``portfolio``, and deals and nights through ``funding``; it never reads a line.

``reading`` makes groups of lines out of measures; ``allocation`` gives freed capacity to segments by
a mixed-integer programme, ``words`` says what its limits are worth. Acts: :func:`propose`, :func:`decide`.

``stress`` goes from a snapshot and a facility's night to the answer of a question; ``simulate`` draws
the futures (``credit``: who falls late, ``leaving``: who goes, ``cash``: what that does to money),
``findings`` says what they come to and who has to act.

Invariants
----------
- A plan is about groups: fewer than ``LEAST`` lines are told of only together with others.
- Who approves a plan is not who proposed it.
- A plan changes no limit. An offer under it takes effect by its customer's consent alone.
- What is forecast here goes to treasury. Every room that lets a customer leave is below, and none can
  import this one: no forecast can slow an exit.
"""

from whiteslip.treasury.acts import allocate, decide, propose
from whiteslip.treasury.findings import Finding
from whiteslip.treasury.model import LEAST, Appetite, Basis, Plan
from whiteslip.treasury.reading import basis
from whiteslip.treasury.scenario import Question
from whiteslip.treasury.stress import start, with_facility

__all__ = [
    "LEAST",
    "Appetite",
    "Basis",
    "Finding",
    "Plan",
    "Question",
    "allocate",
    "basis",
    "decide",
    "propose",
    "start",
    "with_facility",
]
