"""Purchases: authorise, capture in parts, release, expire, refund.

What it owns: schema ``purchases``. An authorisation is a pending transfer on the line's principal
account; a capture posts it and gives billing a plan.

Invariants
----------
- A line is locked before anything about it is decided.
- No authorisation is given on a line that is leaving or locked; captures and refunds of earlier
  ones go on.
- Captured and held together never exceed what was authorised; refunds never exceed captures.
- Every decision is stored with its facts, version and reasons.
"""

from whiteslip.purchases.acts import authorise, capture, expire, refund, release
from whiteslip.purchases.model import Capture, Declined, Purchase, Request

__all__ = [
    "Capture",
    "Declined",
    "Purchase",
    "Request",
    "authorise",
    "capture",
    "expire",
    "refund",
    "release",
]
