"""What was drawn on a line whose holder says that they never opened it. None commits."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from uuid import UUID

from whiteslip.base import Refusal, local_day
from whiteslip.exits.model import Exit
from whiteslip.lines import Line
from whiteslip.purchases import disputes, store
from whiteslip.purchases.model import Ground, Outcome
from whiteslip.store import Tx


def dispute_drawn(tx: Tx, line: Line, case: Exit, now: datetime) -> bool:
    """Dispute every purchase of an open case's line as not theirs, each from the day it was made: nothing of
    it is demanded, ages or costs a fee until somebody has decided. Returns whether anything was new.

    What a shop captures later is disputed too; what was decided before is not disputed again.
    """
    if not (case.not_me and case.is_open):
        return False
    said = _said(tx, line.id)
    new = False
    for purchase in store.of_line(tx, line.id):
        left = purchase.captured_minor - purchase.refunded_minor - said[purchase.id]
        if left > 0:
            bought_on = local_day(purchase.authorised_at, line.timezone)
            opened = disputes.dispute(tx, purchase.id, left, Ground.NOT_MINE, "customer", now, bought_on)
            if isinstance(opened, Refusal):
                raise LookupError(f"purchase {purchase.id} could not be disputed: {opened.code}")
            new = True
    return new


def _said(tx: Tx, line: UUID) -> Counter[UUID]:
    """What of each purchase is disputed, was given back, or was found to be theirs after all."""
    said: Counter[UUID] = Counter()
    for each in store.disputes_of_line(tx, line):
        if each.purchase and (each.outcome is not Outcome.LOST or each.ground is Ground.NOT_MINE):
            said[each.purchase] += each.amount_minor
    return said
