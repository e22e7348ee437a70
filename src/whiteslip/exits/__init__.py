"""Exits: how customers leave.

What it owns: schema ``exits``: cases, their assessments, what the review desk chose, and each showing of an
alternative. A case
starts when a customer asks by any channel and ends, by itself if need be, with a closed line.

::

    request ──► STOPPED ──identity──► CONFIRMED ──nothing open──► CLOSED ──► tail
                   │                      └──something open──► RUN_OFF ──► CLEARING ──► CLOSED
                   ├── no answer ──► LAPSED        (payment returned: back to RUN_OFF)
    any ──identity or legal ground──► HELD ──► back;   customer ──► CANCELLED

Invariants (``violations`` returns offending rows)
----------
- Drawing stops in the transaction of the request and stays stopped until the case ends.
- There is no "refused". Only doubt about identity or a legal ground holds the final step.
- :func:`rules.next_step` alone decides a transition; deadlines end in the customer's favour.
- Leaving changes no day and no sum of any schedule.
- One open case per line. Asking twice is the same as asking once.
- The assessment informs, routes, and is kept with its facts, table version and reasons.

Acts: ``request``, ``confirm``, ``doubt``, ``cancel``, ``choose_path``, ``advance``, ``review``,
``give_reason``; ``preview`` tells what would happen.
"""

from whiteslip.exits.acts import (
    advance,
    advance_line,
    cancel,
    choose_path,
    confirm,
    doubt,
    give_reason,
    preview,
    request,
    review,
)
from whiteslip.exits.model import Exit
from whiteslip.exits.work import Office

__all__ = [
    "Exit",
    "Office",
    "advance",
    "advance_line",
    "cancel",
    "choose_path",
    "confirm",
    "doubt",
    "give_reason",
    "preview",
    "request",
    "review",
]
