"""Refunds that a shop promised: by when they must be here, and what of them did not come. None commits."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from whiteslip import packs
from whiteslip.base import Refusal, end_of_day, local_day, new_id
from whiteslip.packs import Pack
from whiteslip.purchases import store
from whiteslip.purchases.acts import locked
from whiteslip.purchases.model import RefundPromise
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import set_timer


def due_at(pack: Pack, promised_on: date, timezone: str) -> datetime:
    """When a promised refund must be posted: the shop's business days to send it, then the lender's to post
    it (Regulation Z, 12 CFR 1026.12(e): seven and three).
    """
    sent_on = pack.calendar.add_business_days(
        promised_on, pack.business_days("refund.merchant_business_days")
    )
    posted_on = pack.calendar.add_business_days(sent_on, pack.business_days("refund.post_business_days"))
    return end_of_day(posted_on, timezone)


def promise(
    tx: Tx, purchase_id: UUID, amount_minor: int, promised_on: date | None, actor: str, now: datetime
) -> RefundPromise | Refusal:
    """A shop says that it gives money back, today or on an earlier day; nothing of the debt changes yet.

    Refusals: ``purchase.not_found``, ``purchase.amount_invalid``, ``purchase.over_captured``,
    ``refund.value_date_invalid``.
    """
    both = locked(tx, [purchase_id]).get(purchase_id)
    if both is None:
        return Refusal("purchase.not_found")
    line, purchase = both
    left = purchase.captured_minor - purchase.refunded_minor
    left -= store.promised_of_purchase(tx, purchase.id, now)
    if amount_minor <= 0:
        return Refusal("purchase.amount_invalid")
    if amount_minor > left:
        return Refusal("purchase.over_captured", {"refundable_minor": max(0, left)})
    first, today = local_day(purchase.authorised_at, line.timezone), line.today(now)
    said_on = promised_on or today
    if not first <= said_on <= today:
        return Refusal("refund.value_date_invalid", {"from": first.isoformat()})
    made = RefundPromise(
        new_id(now),
        purchase.id,
        amount_minor,
        purchase.refunded_minor,
        said_on,
        due_at(packs.load(line.pack), said_on, line.timezone),
    )
    store.add_refund_promise(tx, made)
    set_timer(tx, "refund.due", made.id, made.due_at, now)
    data = {"purchase": purchase.id, "amount_minor": amount_minor, "due_at": made.due_at}
    tx.record(Entry(now, "refund.promised", "line", line.id, actor, data))
    return made


def missing(tx: Tx, promise_id: UUID, now: datetime) -> tuple[UUID, int] | None:
    """The purchase, and what of a promise that is due has not come and is not disputed; None if nothing."""
    made = store.refund_promise(tx, promise_id)
    if made is None or now < made.due_at:
        return None
    line, purchase = locked(tx, [made.purchase])[made.purchase]
    left = purchase.captured_minor - purchase.refunded_minor
    left -= store.disputed_of_purchase(tx, purchase.id)
    minor = min(made.amount_minor - (purchase.refunded_minor - made.before_minor), left)
    if minor <= 0:
        return None
    data = {"purchase": purchase.id, "missing_minor": minor}
    tx.record(Entry(now, "refund.missed", "line", line.id, "system", data))
    return purchase.id, minor
