"""One neutral alternative on the choice page: shown once, with why, and what was answered.

Being shown is a fact with its reason, and so is choosing; who goes on leaving has answered too and is
not asked again within the window. Whoever goes away without answering has said nothing: they were not
kept. By lot some do not see it. What only delays, harms or reaches people in difficulty is switched off,
under its name for good. None of the acts commits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

import msgspec

from whiteslip import billing
from whiteslip.base import new_id
from whiteslip.billing import store as billing_store
from whiteslip.exits.offers import Kind, Offer, is_held_out, reason_to_show
from whiteslip.exits.work import Office
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
# Reloading the page, coming back to it or changing its language is still the same look at it.
_SAME_LOOK: Final = timedelta(minutes=30)
# An offer is known by its name; this makes it a subject of the journal.
_SPACE: Final = UUID("3c1b6b0e-53a4-5b1d-8f0a-6c7a6f1f7d02")
_FULL: Final = 10_000


@dataclass(frozen=True, slots=True)
class Shown:
    """One impression, and the answer to it: ``chosen`` is None while there is none."""

    id: UUID
    customer: UUID
    line: UUID
    offer: str
    kind: Kind
    days: int
    why: str
    shown_at: datetime
    held_out: bool = False
    answered_at: datetime | None = None
    chosen: bool | None = None


def show(tx: Tx, office: Office, line: Line, actor: str, now: datetime) -> Shown | None:
    """The offer for whoever looks at the choice, if there is one for them; noted when it is new.

    Who is held out by lot is noted too and sees nothing.
    """
    offer = office.offer
    if offer is None or _queries.offer_has_ended(tx.conn, offer=offer.id):
        return None
    today = line.today(now)
    forborne = billing_store.hardship(tx, line.id) is not None
    why = reason_to_show(offer, line, billing.debt(tx, line.id, today).days_past_due, forborne)
    if why is None:
        return None
    _queries.one_look_at_a_time(tx.conn, customer=str(line.customer))
    last = _last(tx, line.customer)
    if last and now < last.shown_at + timedelta(days=offer.window_days):
        return last if _same_look(last, line, now) and (last.offer, last.why) == (offer.id, why) else None
    shown = _noted(tx, offer, line, why, now)
    data = {"offer": offer.id, "kind": offer.kind, "why": why, "impression": shown.id}
    if shown.held_out:
        tx.record(Entry(now, "offer.held_out", "line", line.id, actor, data))
        return None
    tx.record(Entry(now, "offer.shown", "line", line.id, actor, data))
    return shown


def _noted(tx: Tx, offer: Offer, line: Line, why: str, now: datetime) -> Shown:
    held_out = is_held_out(offer, line.customer)
    shown = Shown(new_id(now), line.customer, line.id, offer.id, offer.kind, offer.days, why, now, held_out)
    _queries.add_offer(
        tx.conn,
        id=shown.id,
        customer=shown.customer,
        line=shown.line,
        offer=shown.offer,
        kind=shown.kind,
        days=shown.days,
        why=shown.why,
        held_out=held_out,
        held_out_percent=offer.hold_out_percent,
        drawn_bps=min(line.principal_minor * _FULL // max(line.limit_minor, 1), _FULL),
        months=_months(line, now),
        now=now,
    )
    return shown


def _months(line: Line, now: datetime) -> int:
    today = line.today(now)
    return (today.year - line.opened_on.year) * 12 + today.month - line.opened_on.month


def switch_off(tx: Tx, offer: str, why: str, actor: str, now: datetime) -> bool:
    """Show an offer to nobody any more. Twice changes nothing; another try has another name."""
    if not _queries.end_offer(tx.conn, offer=offer, why=why, actor=actor, now=now):
        return False
    tx.record(
        Entry(now, "offer.switched_off", "offer", uuid5(_SPACE, offer), actor, {"offer": offer, "why": why})
    )
    return True


def answer(tx: Tx, line: Line, chosen: bool, actor: str, now: datetime) -> Shown | None:
    """The customer chose a way: the offer, or another. None where no offer was in front of them.

    The first answer stays; choosing the offer again on the same look only leads there again.
    """
    last = _last(tx, line.customer)
    if last is None or not _same_look(last, line, now):
        return None
    if last.answered_at:
        return last
    _queries.answer_offer(tx.conn, id=last.id, chosen=chosen, now=now)
    data = {"offer": last.offer, "kind": last.kind, "impression": last.id}
    if chosen:
        tx.record(Entry(now, "offer.chosen", "line", line.id, actor, data))
    else:
        tx.record(Entry(now, "offer.passed_over", "line", line.id, actor, data))
    return replace(last, answered_at=now, chosen=chosen)


def _same_look(last: Shown, line: Line, now: datetime) -> bool:
    """Whether the page that showed it may still be in front of them; who passed it over is past it."""
    if last.held_out:
        return False
    return last.line == line.id and last.chosen is not False and now < last.shown_at + _SAME_LOOK


def _last(tx: Tx, customer: UUID) -> Shown | None:
    row = _queries.last_offer(tx.conn, customer=customer)
    return msgspec.convert(row, Shown) if row else None
