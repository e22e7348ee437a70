"""Acts that wait until their letter has been had for days: new terms, and a debt that is sold with notice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from whiteslip import notices
from whiteslip.base.calendar import after_days
from whiteslip.lines import Line
from whiteslip.notices.model import State
from whiteslip.store import Tx

_LATER: Final = timedelta(hours=1)


def had_at(tx: Tx, line: Line, kind: str, queued_at: datetime, days: int, now: datetime) -> datetime | None:
    """When the line's letter of a kind that was queued at ``queued_at`` has been had for whole ``days``.

    An hour from ``now`` while it is on its way; None where it could not be sent, so that nobody is taken
    to know what no letter told them.
    """
    sent = [
        letter
        for letter in notices.of_subject(tx, line.id)
        if letter.kind == kind and letter.queued_at == queued_at
    ]
    if not sent or sent[-1].state in (State.FAILED, State.UNKNOWN):
        return None
    if sent[-1].sent_at is None:
        return now + _LATER
    return after_days(sent[-1].sent_at, days, line.timezone)
