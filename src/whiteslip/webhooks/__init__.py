"""Webhooks: what happened here, told to other systems, by Standard Webhooks 1.0.

What it owns: schema ``webhooks``: endpoints, deliveries, attempts, and how far the journal was
read. The journal is the outbox: no room knows that anybody listens. ``dispatch`` reads it and
queues, a timer per lane sends. Test events and repetitions are asked for in the journal as well.

Invariants
----------
- What leaves is named kind by kind and field by field in ``events``: ids, codes, days, amounts.
- A ``webhook-id`` is the journal's number: whatever is sent again carries the same one.
- A lane is one endpoint and one line, its exits included. In a lane an event is not tried before
  the one ahead of it was taken, given up or dropped; so a line's stop comes before any review.
- An event is sent at least once. Sending holds no lock but that on the lane's timer.
- The address is looked up once, checked, and that address is connected to.
- Secrets are stored encrypted and shown once; what a server answers, beyond its status, is not read.
- An endpoint that answers 410, or takes nothing for three days, is switched off.
"""

from whiteslip.webhooks.acts import create, disable, enable, get, remove, resend, rotate, test
from whiteslip.webhooks.courier import Courier
from whiteslip.webhooks.model import Endpoint
from whiteslip.webhooks.outbox import deliver, dispatch

__all__ = [
    "Courier",
    "Endpoint",
    "create",
    "deliver",
    "disable",
    "dispatch",
    "enable",
    "get",
    "remove",
    "resend",
    "rotate",
    "test",
]
