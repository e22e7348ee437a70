"""Day: the nightly close, and the timers between nights.

What it owns: schema ``day``: the checkpoints of each night. ``seal`` runs the stages in order
(holds expire, bills, late fees, the book's totals, exits, scores, timers), checks that the books
agree and seals the day: nothing can be booked on it again.

Invariants
----------
- The business day is a parameter; stages run as of its last microsecond.
- A batch commits together with its checkpoint; any stage may run twice.
- A day whose books do not agree is not sealed.
- Letters and webhooks wait for servers of others, so each runs apart from the night and from our own timers.
  Where a clock is stepped, a night's letters go out with it: after its seal, before the next night.
- The watch follows the journal apart as well: nothing waits for it.
"""

from whiteslip.day.model import InvariantError, Ports, Sealed
from whiteslip.day.runner import seal
from whiteslip.day.stages import every_violation
from whiteslip.day.timers import run_due, run_letters, run_watch, run_webhooks

__all__ = [
    "InvariantError",
    "Ports",
    "Sealed",
    "every_violation",
    "run_due",
    "run_letters",
    "run_watch",
    "run_webhooks",
    "seal",
]
