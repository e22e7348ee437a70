"""Disputes: what is disputed is not demanded and does not age, whoever turns out to be right.

None commits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip import billing, ledger, lines, packs
from whiteslip.base import Refusal, local_day, new_id
from whiteslip.billing import disputed, history
from whiteslip.ledger import recipes
from whiteslip.ledger.recipes import House
from whiteslip.lines import Line
from whiteslip.purchases import rules, store
from whiteslip.purchases.acts import locked
from whiteslip.purchases.model import WHYS, Bears, Dispute, Ground, Outcome, Why
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import cancel_timer, set_timer

_FRAUD: Final = frozenset({Ground.NOT_MINE, Ground.FORCED})


def dispute(
    tx: Tx,
    purchase_id: UUID,
    amount_minor: int,
    ground: Ground,
    actor: str,
    now: datetime,
    began_on: date | None = None,
) -> Dispute | Refusal:
    """The customer disputes a captured purchase, or a part of it, on a line in any state.

    What of it is owed is not demanded and not past due until it is resolved; nothing else of the
    line changes. ``began_on`` is the day on which they first said so, today if absent: what the
    disputed part has caused since is given back. However late it is told, it is taken.

    Refusals: ``purchase.not_found``, ``dispute.amount_invalid``, ``dispute.began_on_invalid`` (to come, or
    before the purchase).
    """
    found = locked(tx, [purchase_id])
    both = found.get(purchase_id)
    if both is None:
        return Refusal("purchase.not_found")
    line, purchase = both
    bought_on, today = local_day(purchase.authorised_at, line.timezone), line.today(now)
    if not bought_on <= (began_on or today) <= today:
        return Refusal("dispute.began_on_invalid", {"from": bought_on.isoformat(), "to": today.isoformat()})
    left = purchase.captured_minor - purchase.refunded_minor
    left -= store.disputed_of_purchase(tx, purchase.id)
    if not 0 < amount_minor <= left:
        return Refusal("dispute.amount_invalid", {"most_minor": left})
    new = new_id(now)
    suspended = disputed.suspend(tx, line, new, purchase.id, amount_minor, now, began_on)
    opened = Dispute(
        id=new,
        line=line.id,
        merchant=purchase.merchant,
        purchase=purchase.id,
        ground=ground,
        amount_minor=amount_minor,
        suspended_minor=suspended,
        outcome=Outcome.OPEN,
        opened_at=now,
        due_at=_due_at(line, now),
        told_late=rules.told_late(
            history.first_statement(tx, purchase.id),
            began_on or today,
            packs.load(line.pack).days("dispute.notice_days"),
        ),
    )
    return _opened(tx, opened, actor, now, began_on)


def force_post(
    tx: Tx, line_id: UUID, merchant: str, amount_minor: int, actor: str, now: datetime
) -> Dispute | Refusal:
    """A shop posts what it has no authorisation for, or no longer: it becomes a dispute, never a debt.

    A line that was closed stays closed. Refusals: ``line.not_found``, ``purchase.amount_invalid``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    if amount_minor <= 0:
        return Refusal("purchase.amount_invalid")
    shop = store.merchants(tx, [merchant], line.currency, now)[merchant]
    new = new_id(now)
    moved = recipes.force(new, House.of(line.currency), shop.payable, amount_minor, now)
    ledger.post(tx, [moved], line.today(now), now)
    opened = Dispute(
        id=new,
        line=line.id,
        merchant=shop.id,
        purchase=None,
        ground=Ground.FORCED,
        amount_minor=amount_minor,
        suspended_minor=amount_minor,
        outcome=Outcome.OPEN,
        opened_at=now,
        due_at=_due_at(line, now),
    )
    return _opened(tx, opened, actor, now)


def _due_at(line: Line, now: datetime) -> datetime:
    return now + timedelta(days=packs.load(line.pack).days("dispute.resolve_days"))


def _opened(tx: Tx, opened: Dispute, actor: str, now: datetime, began_on: date | None = None) -> Dispute:
    store.add_dispute(tx, opened)
    set_timer(tx, "dispute.due", opened.id, opened.due_at, now)
    data = {"dispute": opened.id, "purchase": opened.purchase, "ground": opened.ground}
    amounts = {"amount_minor": opened.amount_minor, "suspended_minor": opened.suspended_minor}
    began: dict[str, object] = {"began_on": began_on} if began_on else {}
    began |= {"told_late": True} if opened.told_late else {}
    tx.record(Entry(now, "dispute.opened", "line", opened.line, actor, data | amounts | began))
    return opened


def resolve(
    tx: Tx,
    dispute_id: UUID,
    won: bool,
    actor: str,
    now: datetime,
    why: Why | None = None,
    bears: Bears | None = None,
) -> Dispute | Refusal:
    """Say who was right. Won: the customer has it back, also what had been paid, from the shop; or from
    the lender, see :func:`presumed`. Lost: what was suspended is owed with a fresh due day, at least fourteen
    days ahead, without interest for the time between.

    ``why`` is the reason of the side that was right, and ``bears`` whose loss a won one is, where a person
    decided. Resolving again changes nothing. Refusals: ``dispute.not_found``, ``dispute.why_invalid``,
    ``dispute.bears_invalid`` (a lost one is nobody's loss).
    """
    outcome = Outcome.WON if won else Outcome.LOST
    if why and why not in WHYS[outcome]:
        return Refusal("dispute.why_invalid")
    if bears and not won:
        return Refusal("dispute.bears_invalid")
    found = store.dispute(tx, dispute_id)
    line = lines.get_line(tx, found.line, lock=True) if found else None
    found = store.dispute(tx, dispute_id)
    if found is None or line is None or isinstance(line, Refusal):
        return Refusal("dispute.not_found")
    if found.outcome is not Outcome.OPEN:
        return found
    bears = (bears or presumed(tx, found)) if won else None
    done = replace(found, outcome=outcome, resolved_at=now, why=why, bears=bears)
    store.resolve_dispute(tx, done)
    disputed.end(tx, done.id)
    cancel_timer(tx, "dispute.due", done.id, now)
    if won:
        _give_back(tx, line, done, House.of(line.currency), now)
    elif done.suspended_minor:
        disputed.demand(tx, line, done.id, done.suspended_minor, actor, now)
    data = {"dispute": done.id, "outcome": done.outcome, "amount_minor": done.amount_minor}
    said = {key: value for key, value in (("why", why), ("bears", bears)) if value}
    tx.record(Entry(now, "dispute.resolved", "line", line.id, actor, data | said))
    return done


def presumed(tx: Tx, found: Dispute) -> Bears:
    """Whose loss it is that the customer was right: the shop's, but for a purchase that they did not make
    and at which the shop had the buyer prove who they are by two factors. Then the lender let them in.
    After Directive (EU) 2015/2366 article 74(2), not verified against its text.
    """
    if found.ground is not Ground.NOT_MINE or found.purchase is None:
        return Bears.SHOP
    purchase = store.find(tx, found.purchase)
    return Bears.LENDER if purchase and purchase.strong else Bears.SHOP


def _give_back(tx: Tx, line: Line, done: Dispute, house: House, now: datetime) -> None:
    """From who bears it: what stood in suspense, and by the refund waterfall what had been paid."""
    payable = store.payable_of(tx, done.merchant)
    if done.bears is Bears.LENDER:
        # Nobody's credit went bad: somebody else bought, or the lender gives it up of its own will.
        payable = house.fraud_losses if done.ground in _FRAUD else house.waived
    if done.suspended_minor:
        moved = recipes.charge_back(done.id, house, payable, done.suspended_minor, now)
        ledger.post(tx, [moved], line.today(now), now)
    paid = done.amount_minor - done.suspended_minor
    if paid and done.purchase:
        billing.refund(tx, line, done.purchase, payable, paid, now)
