"""Decisions: policy tables. Facts in; outcome, reasons and version out.

What it owns: the tables in ``tables/`` (JDM graphs, run by zen-engine), the contract beside each
(``<name>.facts.json``), and in schema ``decisions`` every version ever drafted or used, the steps of
their lives and every decision ever made. It knows no customer, line or purchase: a decision is about a
``subject`` id.

Invariants
----------
- Facts are checked against the contract before the engine sees them: all of them, no others, of
  the exact type, in range. The engine would turn a missing number into null and go on.
- Facts and outcomes are numbers, flags and listed codes. Free text, so personal data, cannot enter.
- A table cannot loop, call out, read a clock or roll dice, and its last rule always matches.
- Which version decides is read from the steps of its life (``policies``): the last activation
  recorded among those whose instant has come. Every process takes one up with its next decision.
- A version is the first 12 hexadecimal digits of the SHA-256 of table and contract. A decision
  keeps its version, and the version keeps its content: deciding again gives the same answer.
- All database tables are append-only.

Acts: :func:`decide` and :func:`decide_batch` decide and keep, :func:`replay` decides again what
was kept, :func:`evaluate` only answers. They write no journal row: the decision is the record, and
the act that asked for it journals its id. ``policies`` drafts, approves, activates and rolls back;
``backtest`` holds a draft against history.
"""

from whiteslip.decisions.acts import decide, decide_batch, decisions_about, replay
from whiteslip.decisions.model import Decision, Difference, FactError, Replay, TableError
from whiteslip.decisions.tables import Tables, evaluate

__all__ = [
    "Decision",
    "Difference",
    "FactError",
    "Replay",
    "TableError",
    "Tables",
    "decide",
    "decide_batch",
    "decisions_about",
    "evaluate",
    "replay",
]
