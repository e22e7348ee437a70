"""Privacy: what is held of a person, why and until when; handing it over; erasing it.

What it owns: schema ``privacy``: what people ask about their data with the clock of each, answers to
who asked to be erased, orders of authorities to keep longer, and what was erased at the end of the years
of keeping.

A relationship ends on the day the last line of a customer closes. From that day on, what a law
keeps is only stored; each kind of record has its own clock from the pack, and when the longest has
run out the night erases the person: the vault's record goes with its key, the lender's reference
goes from the customer. What is left of them is sums of nobody on an append-only ledger. Users of their
lines and contacts of their estate go with them. Who applied and never got a line goes when the notice of
why need not be kept any longer.

Invariants
----------
- What no law keeps is erased when somebody asks, at once; the answer names what stays and until when.
- Nobody is erased who has a line that is not closed, or whom an authority's order keeps.
- Who has left stands in ``v_former``; nothing above this room scores them.
- Every request has the pack's day of an answer, told at once; moved once, for a reason, before that day. What
  nobody answers by then can only be granted, and who asked to be erased is erased.
- An answer and the journal name kinds of records, never what is in them.

Acts: ``export``, ``erase``, ``keep_longer``, ``release``, ``erase_expired``; ``overview`` tells.
What takes a person to answer is in ``requests``.
"""

from whiteslip.privacy.acts import erase, erase_expired, keep_longer, overview, release
from whiteslip.privacy.export import export
from whiteslip.privacy.model import Answer, Forget, Kept, Order, Overview, RecordKind

__all__ = [
    "Answer",
    "Forget",
    "Kept",
    "Order",
    "Overview",
    "RecordKind",
    "erase",
    "erase_expired",
    "export",
    "keep_longer",
    "overview",
    "release",
]
