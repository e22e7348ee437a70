"""Disputes, and debts that arise anew with a due day of their own, with the letters that tell of them.

Billing and purchases book them and know no letters: every door goes through here, so that nobody is
past due, at home or at a bureau, with what they were never written about. None commits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from whiteslip import billing, exits, lines, packs
from whiteslip.base import Refusal
from whiteslip.billing import payments
from whiteslip.billing import store as billing_store
from whiteslip.billing.model import OpenItem, Payment
from whiteslip.exits import steps, telling
from whiteslip.exits import store as exits_store
from whiteslip.exits.helping import tell
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office, Work
from whiteslip.lines import Line
from whiteslip.purchases import disputes, promises
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Bears, Dispute, Ground, Outcome, Why
from whiteslip.store import Tx

_Booked = TypeVar("_Booked", Payment, Dispute)
_Open: TypeAlias = Mapping[UUID, OpenItem]
_WHY: Final = {
    Act.PAYMENT_RETURNED: "returned_payment",
    Act.PAYMENT_CORRECTED: "corrected_payment",
    Act.DISPUTE_LOST: "dispute_lost",
}


def return_payment(
    tx: Tx,
    office: Office,
    payment_id: UUID,
    actor: str,
    now: datetime,
    unauthorised: bool = False,
    returned_on: date | None = None,
) -> Payment | Refusal:
    """A payment came back: see ``billing.return_payment``, and its refusals."""
    line = billing_store.line_of_payment(tx, payment_id)

    def book() -> Payment | Refusal:
        return billing.return_payment(tx, payment_id, actor, now, unauthorised, returned_on)

    return _booked(tx, office, line, book, Act.PAYMENT_RETURNED, now)


def correct_payment(
    tx: Tx, office: Office, payment_id: UUID, amount_minor: int, value_on: date, actor: str, now: datetime
) -> Payment | Refusal:
    """A payment was booked wrongly: see ``billing.payments.correct``, and its refusals."""
    line = billing_store.line_of_payment(tx, payment_id)

    def book() -> Payment | Refusal:
        return payments.correct(tx, payment_id, amount_minor, value_on, actor, now)

    return _booked(tx, office, line, book, Act.PAYMENT_CORRECTED, now)


def resolve_dispute(
    tx: Tx,
    office: Office,
    dispute_id: UUID,
    won: bool,
    actor: str,
    now: datetime,
    why: Why | None = None,
    bears: Bears | None = None,
) -> Dispute | Refusal:
    """Say who was right, why and whose loss it is if a person decided, and tell the customer: see
    ``purchases.disputes.resolve``, and its refusals.
    """
    found = purchases_store.dispute(tx, dispute_id)

    def book() -> Dispute | Refusal:
        done = disputes.resolve(tx, dispute_id, won, actor, now, why, bears)
        if not isinstance(done, Refusal):
            waived = _waives_trifle(tx, office, done.line, now)
            _tell_outcome(tx, office, done, waived, now)
        return done

    return _booked(tx, office, found.line if found else None, book, Act.DISPUTE_LOST, now)


def dispute(
    tx: Tx,
    office: Office,
    purchase_id: UUID,
    amount_minor: int,
    ground: Ground,
    actor: str,
    now: datetime,
    began_on: date | None = None,
) -> Dispute | Refusal:
    """The customer disputes a purchase and is told at once that it was received, where
    ``dispute.acknowledge_days`` would allow longer: see ``purchases.disputes.dispute``, and its refusals.
    """
    opened = disputes.dispute(tx, purchase_id, amount_minor, ground, actor, now, began_on)
    if isinstance(opened, Refusal):
        return opened
    return _opened(tx, office, opened, Act.DISPUTE_OPENED, now)


def force_post(
    tx: Tx, office: Office, line_id: UUID, merchant: str, amount_minor: int, actor: str, now: datetime
) -> Dispute | Refusal:
    """A shop posts what it has no authorisation for: see ``purchases.disputes.force_post``, and its
    refusals. The customer is told at once of what they did not dispute themselves.
    """
    opened = disputes.force_post(tx, line_id, merchant, amount_minor, actor, now)
    return opened if isinstance(opened, Refusal) else _opened(tx, office, opened, Act.DISPUTE_POSTED, now)


def refund_missed(tx: Tx, office: Office, promise_id: UUID, now: datetime) -> Dispute | Refusal | None:
    """A refund that a shop promised is due: what of it has not come is disputed for the customer, who is told
    and not asked for it meanwhile. None where it came.
    """
    found = promises.missing(tx, promise_id, now)
    if found is None:
        return None
    opened = disputes.dispute(tx, *found, Ground.CANCELLED, "system", now)
    return opened if isinstance(opened, Refusal) else _opened(tx, office, opened, Act.REFUND_MISSED, now)


def _opened(tx: Tx, office: Office, opened: Dispute, act: Act, now: datetime) -> Dispute:
    """Tell of a dispute that has just been opened, and by when it is decided."""
    line = lines.get_lines(tx, {opened.line})[opened.line]
    facts: dict[str, Any] = {"disputed_at": now, "answer_by": opened.due_at}
    facts["disputed_minor"] = opened.amount_minor
    if opened.told_late:
        facts["late_days"] = packs.load(line.pack).days("dispute.notice_days")
    tell(tx, office.issuer_name, line, telling.of(act), facts, str(opened.id), now)
    exits.advance_line(tx, office, line.id, now)
    return opened


def _waives_trifle(tx: Tx, office: Office, line_id: UUID, now: datetime) -> bool:
    """Give up what a line is left with that is closed or runs off, where that is too little to be asked for:
    before anybody is told of it. Whether it did.
    """
    case = next(iter(exits_store.of_line(tx, line_id)), None)
    line = lines.get_lines(tx, {line_id}, lock=True)[line_id]
    return case is not None and steps.waive_trifle(Work.on(tx, office, line, now), case)


def _tell_outcome(tx: Tx, office: Office, done: Dispute, waived: bool, now: datetime) -> None:
    """Of a dispute that is won, or lost where nothing is owed anew; else the new day is the news."""
    is_won = done.outcome is Outcome.WON
    if not is_won and done.suspended_minor and not waived:
        return
    line = lines.get_lines(tx, {done.line})[done.line]
    given_back = done.amount_minor - done.suspended_minor if is_won else 0
    facts = {
        "resolved_at": done.resolved_at,
        "disputed_minor": done.amount_minor,
        "given_back_minor": given_back,
    }
    act = Act.DISPUTE_WON if is_won else Act.DISPUTE_TURNED_DOWN
    tell(tx, office.issuer_name, line, telling.of(act), facts, str(done.id), now)


def _booked(
    tx: Tx,
    office: Office,
    line_id: UUID | None,
    book: Callable[[], _Booked | Refusal],
    act: Act,
    now: datetime,
) -> _Booked | Refusal:
    """Book, tell of each debt with a day of its own that there is since, and let a leaver go on."""
    line = lines.get_line(tx, line_id, lock=True) if line_id else None
    if line is None or isinstance(line, Refusal):
        return book()
    before = _residuals(tx, line)
    done = book()
    if isinstance(done, Refusal):
        return done
    _waives_trifle(tx, office, line.id, now)
    for plan, item in _residuals(tx, line).items():
        if plan not in before:
            minor = item.principal_minor + item.interest_minor + item.fee_minor
            facts = {"owed_anew_minor": minor, "due_on": item.due_on, "why": _WHY[act]}
            tell(tx, office.issuer_name, line, telling.of(act), facts, str(plan), now)
    exits.advance_line(tx, office, line.id, now)
    return done


def _residuals(tx: Tx, line: Line) -> _Open:
    """What is open of debts with a due day of their own, which have one instalment each, by plan."""
    items = billing_store.open_items(tx, [line.id])[line.id]
    return {item.plan: item for item in items if item.kind == "residual"}
