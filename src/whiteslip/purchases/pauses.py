"""Purchases made after a pause that nobody had written down yet. None commits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip.base import new_id
from whiteslip.billing import late
from whiteslip.lines import Line
from whiteslip.lines.model import Part
from whiteslip.purchases import rules, store
from whiteslip.store import Entry, Tx


def unprice(
    tx: Tx, line: Line, part: Part | None, since: datetime, until: datetime, actor: str, now: datetime
) -> list[UUID]:
    """Give up the price of what was bought between two instants, or of what used a ``part`` of drawing.

    The shops were promised their money, so what was authorised stands, and what it is for is owed on its
    days; it costs no fee, no interest and no late fee. Returns those purchases. The line is locked.
    """
    found = [
        row["id"]
        for row in store.made_between(tx, line.id, since, until)
        if part is None
        or part
        in rules.uses(
            row["shop"],
            row["category"],
            row["cash"],
            row["instalments"],
            row["authorised_at"],
            line.timezone,
        )
    ]
    fresh = late.unprice(tx, line, found, new_id(now), now)
    for purchase in found:
        if purchase in fresh:
            data = {"purchase": purchase, "paused_at": since}
            tx.record(Entry(now, "purchase.unpriced", "line", line.id, actor, data))
    return found
