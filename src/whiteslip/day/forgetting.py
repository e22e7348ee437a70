"""Who erases what no law keeps, by kind of record: each room its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from whiteslip import lines
from whiteslip.applications import store as applications_store
from whiteslip.applications.reviews import forget_views
from whiteslip.decisions import champions
from whiteslip.exits.forgetting import forget_assessments, forget_offers
from whiteslip.identity.documents import forget_expired
from whiteslip.identity.vault import forget_traces
from whiteslip.privacy import Forget
from whiteslip.store import Tx
from whiteslip.watch.forgetting import forget_alerts, forget_memory

# At once, when somebody asks; of a line, once it has closed.
FORGET: Final[Mapping[str, Forget]] = {
    "traces": forget_traces,
    # Words of complaints and papers that were handed in, once their clocks have run out.
    "documents": forget_expired,
    "application_views": forget_views,
    "memories": forget_memory,
    "offers": forget_offers,
}


def _forget_scores(tx: Tx, customer: UUID, _now: datetime) -> int:
    theirs = [line.id for line in lines.lines_of(tx, customer)]
    applied = [each.id for each in applications_store.of_customer(tx, customer)]
    return champions.forget_scores(tx, [*theirs, *applied])


# When the longest clock has run out: also what was kept as the record of a decision.
AT_THE_END: Final[Mapping[str, Forget]] = {
    **FORGET,
    "assessments": forget_assessments,
    "scores": _forget_scores,
    "alerts": forget_alerts,
}
