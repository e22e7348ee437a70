"""Funding: what funders lend against our receivables, and the proof of it down to each one.

``deals`` reads what was agreed from a file and refuses what contradicts itself; ``rules`` goes from
receivables to a borrowing base.

Invariants
----------
- A base is never above the advance on what is eligible, plus cash, nor above the commitment.
- What one concentration limit took is not there for the next: nothing is taken twice.
- No room that lets a customer leave can import this one: a shortfall is the treasury's concern.
"""

from whiteslip.funding.deals import DealError, facility_id
from whiteslip.funding.model import Deal

__all__ = ["Deal", "DealError", "facility_id"]
