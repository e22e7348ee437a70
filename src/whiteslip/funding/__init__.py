"""Funding: what funders lend against our receivables, and the proof of it down to each one.

What it owns: schema ``funding``: versions of deals, what treasury states of each facility, a night's
base with its proof, and proposals that make a pool whole. Which plan is pledged to whom is billing's.

``deals`` reads what was agreed from a file and refuses what contradicts itself; ``rules`` goes from
receivables to a base, ``covenants`` from nights to tests with headroom; ``remedies`` are the acts that
move money. ``serving`` says which night answers for a day. ``report`` tells a funder, as CSV and PDF.

Invariants
----------
- A base is never above the advance on what is eligible, plus cash, nor above the commitment.
- What one concentration limit took is not there for the next: nothing is taken twice.
- A kept night never changes, and its proof gives its base again: ``check``.
- Money moves between originator and facility by two people's word.
- No room that lets a customer leave can import this one: a shortfall is treasury's concern.
"""

from whiteslip.funding.acts import check, fill, find, load, picture, run_night, state_position, statement
from whiteslip.funding.deals import DealError, facility_id
from whiteslip.funding.remedies import decide, propose

__all__ = [
    "DealError",
    "check",
    "decide",
    "facility_id",
    "fill",
    "find",
    "load",
    "picture",
    "propose",
    "run_night",
    "state_position",
    "statement",
]
