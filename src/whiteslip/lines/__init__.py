"""Lines: customers, agreements, limits, and the first two regions of a line's state.

What it owns: schema ``lines``. A line's state has three regions that are never folded into one:

1. *lifecycle*: active, closing, run-off, closed;
2. *draw permission*: the AND of standing locks (customer, issuer, legal, exit), on all drawing or
   on one feature of it, open-ended, for a time, or firm until a time;
3. *debt*: derived by ``billing`` from what is unpaid, never stored.

Invariants
----------
- A line that is not active, or carries a lock, has nothing available.
- Only the party that set a lock lifts it; two parties' locks for one cause stand apart.
- The lifecycle goes active, closing, run-off, closed, and back to active until it is closed.
- A line closes at zero and stays closed; the database refuses anything else. What comes back
  later from a payment's bank is billing's residual.
- A firm lock stands to its end; it can be made longer and not shorter.
- A limit cut below what is drawn creates nothing due; the limit told falls with repayments.
- Terms are fixed at opening, their version is a hash of their content. Another version comes by ``changes``:
  two people, a notice of the pack's days, and a holder who did not reject it; the database asks for it.
- A limit rises by the customer's consent and at its instant, and not once they leave or pause.
- Others who may draw are held by every lock of the line; they owe nothing.

Beside the door stand ``users`` (who else may draw), ``increases`` (a higher limit, by consent), ``changes``
(new terms, with notice) and ``letters`` (one to the customer, in their language).
Personal data is in the identity vault, under the customer's or the user's id.
"""

from whiteslip.lines.acts import (
    get_customer,
    get_line,
    get_lines,
    lines_of,
    move,
    open_customers,
    open_house,
    open_lines,
)
from whiteslip.lines.locks import lift_lock, set_lock
from whiteslip.lines.model import Customer, Line

__all__ = [
    "Customer",
    "Line",
    "get_customer",
    "get_line",
    "get_lines",
    "lift_lock",
    "lines_of",
    "move",
    "open_customers",
    "open_house",
    "open_lines",
    "set_lock",
]
