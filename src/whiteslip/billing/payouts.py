"""Credit balances go to their owner's verified account, or wait until there is one. None commits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from whiteslip import ledger, lines, packs
from whiteslip.base import Refusal, add_months, end_of_day, new_id
from whiteslip.billing import store
from whiteslip.billing.booking import Booking
from whiteslip.billing.model import Payout
from whiteslip.identity import accounts
from whiteslip.ledger import recipes
from whiteslip.ledger.recipes import House
from whiteslip.lines import Line
from whiteslip.lines.model import LockKind
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import cancel_timer, set_timer


def pay_out_credit(tx: Tx, line: Line, payee: UUID | None, actor: str, now: datetime) -> Payout | None:
    """Send a line's credit balance to the verified account of ``payee``: the customer, or who settles
    their estate, if they are known. Without one it waits as unclaimed, off the line. None where there is
    no credit.
    """
    if line.credit_minor <= 0:
        return None
    account = accounts.verified(tx, payee) if payee else None
    state = "sent" if account else "unclaimed"
    payout = Payout(new_id(now), line.id, line.currency, line.credit_minor, state, now, account=account)
    booking = Booking(tx, [], now)
    book = recipes.pay_out if account else recipes.set_aside
    booking.move(line, book(payout.id, line.book, booking.house(line), payout.amount_minor, now))
    booking.write()
    store.add_payout(tx, payout)
    if not account:
        _await_owner(tx, line, payout, now)
    data = _data(payout)
    tx.record(Entry(now, "credit.paid_out" if account else "payout.waiting", "line", line.id, actor, data))
    return payout


def bounce(tx: Tx, payout_id: UUID, actor: str, now: datetime) -> Payout | Refusal:
    """A payout came back: the money waits for its owner, the line stays as it is.

    After the pack's months (Regulation Z, 12 CFR 1026.11(a)(3): six) the desk is reminded to make an
    effort to find them. Bouncing twice changes nothing. Refusal: ``payout.not_found``.
    """
    both = _locked(tx, payout_id)
    if isinstance(both, Refusal):
        return both
    line, payout = both
    if payout.state == "unclaimed":
        return payout
    moved = recipes.bounce_payout(new_id(now), House.of(line.currency), payout.amount_minor, now)
    ledger.post(tx, [moved], line.today(now), now)
    back = replace(payout, state="unclaimed", bounced_at=now)
    store.move_payout(tx, back)
    _await_owner(tx, line, back, now)
    tx.record(Entry(now, "payout.returned", "line", back.line, actor, _data(back)))
    return back


def look_on(line: Line, now: datetime) -> datetime:
    """Until when money that waits since ``now`` may be claimed before its owner is looked for."""
    months = packs.load(line.pack).months("exit.good_faith_refund_months")
    return end_of_day(add_months(line.today(now), months), line.timezone)


def _await_owner(tx: Tx, line: Line, payout: Payout, now: datetime) -> None:
    set_timer(tx, "payout.unclaimed", payout.id, look_on(line, now), now)


def send_again(tx: Tx, payout_id: UUID, payee: UUID, actor: str, now: datetime) -> Payout | Refusal:
    """Send what waited to the verified account of ``payee``. What was not waiting is left alone.

    Refusals: ``payout.not_found``, ``payout.legal_freeze`` (an order of the law stands on the line),
    ``payout.no_account``.
    """
    both = _locked(tx, payout_id)
    if isinstance(both, Refusal):
        return both
    line, payout = both
    if payout.state != "unclaimed":
        return payout
    if LockKind.LEGAL in line.locks:
        return Refusal("payout.legal_freeze")
    account = accounts.verified(tx, payee)
    if account is None:
        return Refusal("payout.no_account")
    moved = recipes.pay_again(new_id(now), House.of(line.currency), payout.amount_minor, now)
    ledger.post(tx, [moved], line.today(now), now)
    sent = replace(payout, state="sent", sent_at=now, account=account)
    store.move_payout(tx, sent)
    cancel_timer(tx, "payout.unclaimed", payout.id, now)
    tx.record(Entry(now, "credit.paid_out", "line", sent.line, actor, _data(sent)))
    return sent


def remind(tx: Tx, payout_id: UUID, now: datetime) -> None:
    """Nobody has claimed it for months: the desk is to make an effort in good faith."""
    payout = store.payout(tx, payout_id)
    if payout and payout.state == "unclaimed":
        tx.record(Entry(now, "payout.unclaimed", "line", payout.line, "system", _data(payout)))


def _locked(tx: Tx, payout_id: UUID) -> tuple[Line, Payout] | Refusal:
    found = store.payout(tx, payout_id)
    line = lines.get_line(tx, found.line, lock=True) if found else None
    found = store.payout(tx, payout_id)
    if found is None or line is None or isinstance(line, Refusal):
        return Refusal("payout.not_found")
    return line, found


def _data(payout: Payout) -> dict[str, object]:
    return {"account": payout.account, "amount_minor": payout.amount_minor, "payout": payout.id}
