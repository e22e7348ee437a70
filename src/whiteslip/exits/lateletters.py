"""Letters that a law gives days for: who is refused, restricted or given notice for a reason, whose debt is
sold, who misses a payment, and who asks what became of one that came early hears of it in time. A letter is
queued at once; here is whether it was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip import packs
from whiteslip.base import end_of_day, local_day
from whiteslip.exits import partpayments
from whiteslip.notices.facts import KINDS, AdverseFacts, RestrictedFacts
from whiteslip.notices.owed import ArrearsFacts, PartPaymentFacts, SoldFacts
from whiteslip.packs import Pack
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
_ADVERSE: Final = "issuer.adverse_action_days"
_RESTRICTED: Final = "issuer.restriction_notice_days"
_SOLD: Final = "debt.sold_letter_days"
_ARREARS: Final = "arrears.notice_days"


@dataclass(frozen=True, slots=True)
class Late:
    """A letter that no server had taken by ``due_at``, as far as is proven."""

    id: UUID
    kind: str
    subject_kind: str
    subject: UUID
    queued_at: datetime
    due_at: datetime


def days_for(kind: str, pack: Pack) -> int | None:
    """Within how many days of the act a letter of a kind is sent; None where no number says it."""
    facts = KINDS[kind]
    if issubclass(facts, RestrictedFacts):
        return min(pack.days(_RESTRICTED), pack.days(_ADVERSE))
    if issubclass(facts, AdverseFacts):
        return pack.days(_ADVERSE)
    if issubclass(facts, ArrearsFacts):
        return pack.days(_ARREARS)
    return pack.days(_SOLD) if issubclass(facts, SoldFacts) else None


def last_day(kind: str, pack: Pack, acted_on: date) -> date | None:
    """The last day on which a letter of a kind about an act of ``acted_on`` is sent in time, if any is."""
    if issubclass(KINDS[kind], PartPaymentFacts):
        return pack.last_day(partpayments.DAYS, acted_on)
    days = days_for(kind, pack)
    return None if days is None else acted_on + timedelta(days=days)


def late(tx: Tx, now: datetime) -> list[Late]:
    """Letters whose days are over and of which no sending is proven, the oldest first."""
    found: list[Late] = []
    for row in _queries.unsent_letters(tx.conn):
        queued_on = local_day(row["queued_at"], row["timezone"])
        last = last_day(row["kind"], packs.load(row["pack"]), queued_on)
        if last is None:
            continue
        due_at = end_of_day(last, row["timezone"])
        if due_at < now:
            names = ("id", "kind", "subject_kind", "subject", "queued_at")
            found.append(Late(**{name: row[name] for name in names}, due_at=due_at))
    return found


def note_late(tx: Tx, since: datetime, now: datetime) -> int:
    """The night says of each letter, once, that its days have run out since the night before, at ``since``.
    Returns of how many.
    """
    fresh = [each for each in late(tx, now) if each.due_at >= since]
    for each in fresh:
        data = {"kind": each.kind, "due_at": each.due_at}
        tx.record(Entry(now, "notice.overdue", "notice", each.id, "system", data))
    return len(fresh)
