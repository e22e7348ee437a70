"""Treasury: what closings free and who may get it, and what a run on the book would do.

What it owns: schema ``treasury``, one table of plans. It reads snapshots of the lake through the
measures of ``portfolio``, and deals and nights through ``funding``; it never reads a line.

``reading`` makes groups of lines out of measures; ``allocation`` gives freed capacity to segments by
a mixed-integer programme, ``words`` says what its limits are worth. Acts: :func:`propose`, :func:`decide`.

Invariants
----------
- A plan is about groups: fewer than ``LEAST`` lines are told of only together with others.
- Who approves a plan is not who proposed it.
- A plan changes no limit. An offer under it takes effect by its customer's consent alone.
- What is forecast here goes to treasury. Every room that lets a customer leave is below, and none can
  import this one: no forecast can slow an exit.
"""

from whiteslip.treasury.acts import allocate, decide, propose
from whiteslip.treasury.model import LEAST, Answer, Appetite, Basis, Plan
from whiteslip.treasury.reading import basis

__all__ = ["LEAST", "Answer", "Appetite", "Basis", "Plan", "allocate", "basis", "decide", "propose"]
