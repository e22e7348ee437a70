"""Payments, refunds, credits and returns: money that settles what is owed. None commits.

Every act locks the line first (``lines.get_line(..., lock=True)`` is the caller's or done here),
so that two payments on one line take turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from whiteslip import ledger, lines
from whiteslip.base import Refusal, new_id
from whiteslip.billing import rules, store
from whiteslip.billing.model import Component, Debt, Part, Payment, Quote
from whiteslip.ledger import Transfer, recipes
from whiteslip.ledger.recipes import House
from whiteslip.lines import Line
from whiteslip.lines.acts import house as house_of
from whiteslip.store import Entry, Tx


def debts(tx: Tx, wanted: Iterable[UUID], day: date) -> dict[UUID, Debt]:
    """What lines owe on ``day``; a line without open instalments is absent."""
    return store.debts(tx, list(wanted), day)


def debt(tx: Tx, line: UUID, day: date) -> Debt:
    """What one line owes on ``day``."""
    return debts(tx, [line], day).get(line) or rules.debt_on(day, None, 0, 0, 0)


def payoff(tx: Tx, line: Line, good_through: date) -> Quote:
    """A payoff quote for the line, good through the end of a day."""
    items = store.open_items(tx, [line.id])[line.id]
    return rules.payoff_quote(items, line.credit_minor, good_through)


def receive(
    tx: Tx,
    line_id: UUID,
    reference: str,
    amount_minor: int,
    value_on: date,
    method: str,
    clearing_days: int,
    actor: str,
    now: datetime,
) -> Payment | Refusal:
    """Take a payment and allocate it at once by the explicit order of ``rules.allocate``.

    ``reference`` is the payer's or the bank's own; the same one again on the line returns the
    first payment. The payment may be returned until ``clearing_days`` after its value date.
    Refusals: ``line.not_found``, ``payment.amount_invalid``, ``payment.value_date_in_future``,
    ``payment.reference_reused`` (same reference, other amount).
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    known = store.payment_by_reference(tx, line_id, reference)
    if known:
        same = (known.amount_minor, known.value_on) == (amount_minor, value_on)
        return known if same else Refusal("payment.reference_reused", {"reference": reference})
    if amount_minor <= 0:
        return Refusal("payment.amount_invalid")
    if value_on > line.today(now):
        return Refusal("payment.value_date_in_future", {"value_on": value_on.isoformat()})
    payment = Payment(
        new_id(now),
        line.id,
        reference,
        method,
        amount_minor,
        value_on,
        value_on + timedelta(days=clearing_days),
        now,
    )
    store.add_payment(tx, payment)
    _settle_payment(tx, line, payment, now)
    data = {
        "payment": payment.id,
        "amount_minor": amount_minor,
        "value_on": value_on,
        "method": method,
    }
    tx.record(Entry(now, "payment.received", "line", line.id, actor, data))
    return payment


def _settle_payment(tx: Tx, line: Line, payment: Payment, now: datetime) -> None:
    house = house_of(tx, line.currency)
    items = store.open_items(tx, [line.id])[line.id]
    parts = rules.allocate(payment.amount_minor, items, payment.value_on)
    transfers = _charge_accrued(line, house, payment.id, parts, now)
    transfers += recipes.receive(
        payment.id, line.book, house, rules.by_component(parts), now, payment.value_on
    )
    ledger.post(tx, transfers, line.today(now), now)
    store.settle(tx, line.id, payment.id, "payment", parts, line.today(now))
    _give_up_unearned(tx, line, payment.id, now)


def _charge_accrued(
    line: Line, house: House, event: UUID, parts: Sequence[Part], now: datetime
) -> list[Transfer]:
    """Interest of an unbilled month is earned when a payoff settles it; until then it is nowhere."""
    billed = -line.interest_minor
    paid = sum(part.amount_minor for part in parts if part.component == Component.INTEREST)
    accrued = paid + billed
    if accrued <= 0:
        return []
    return [recipes.charge(event, line.book, house, Component.INTEREST, accrued, now)]


def _give_up_unearned(tx: Tx, line: Line, source: UUID, now: datetime) -> None:
    """Future interest and fees on principal that is settled are never asked for."""
    parts = rules.unearned(store.open_items(tx, [line.id])[line.id])
    store.settle(tx, line.id, source, "waiver", parts, line.today(now))


def return_payment(tx: Tx, payment_id: UUID, actor: str, now: datetime) -> Payment | Refusal:
    """A payment came back (returned direct debit): what it had settled is owed again, with the
    due days it had. Refusals: ``payment.not_found``; returning it twice changes nothing.
    """
    payment = store.payment(tx, payment_id)
    if payment is None:
        return Refusal("payment.not_found")
    if payment.returned_at:
        return payment
    line = lines.get_line(tx, payment.line, lock=True)
    if isinstance(line, Refusal):
        return line
    parts = store.settlements_of(tx, payment.id)
    credited = sum(part.amount_minor for part in parts if part.component == "credit")
    if credited > line.credit_minor:
        # The credit was used or paid out since; what it settled is taken back first.
        return Refusal("payment.credit_used", {"payment": str(payment.id)})
    house = house_of(tx, line.currency)
    day = line.today(now)
    moved = recipes.bounce(payment.id, line.book, house, rules.by_component(parts), now, payment.value_on)
    ledger.post(tx, moved, day, now)
    undone = [replace(part, amount_minor=-part.amount_minor) for part in parts]
    store.settle(tx, line.id, payment.id, "return", undone, day)
    store.mark_returned(tx, payment.id, now)
    data = {"payment": payment.id, "amount_minor": payment.amount_minor}
    tx.record(Entry(now, "payment.returned", "line", line.id, actor, data))
    return replace(payment, returned_at=now)


def refund(tx: Tx, line: Line, purchase: UUID, payable: UUID, amount_minor: int, now: datetime) -> list[Part]:
    """Give ``amount_minor`` of a purchase back by the refund waterfall. The line is locked."""
    items = store.open_items(tx, [line.id])[line.id]
    parts = rules.allocate_refund(amount_minor, items, purchase)
    event = new_id(now)
    ledger.post(
        tx,
        recipes.refund(event, line.book, payable, rules.by_component(parts), now),
        line.today(now),
        now,
    )
    store.settle(tx, line.id, event, "refund", parts, line.today(now))
    _give_up_unearned(tx, line, event, now)
    return parts


def apply_credit(tx: Tx, line: Line, now: datetime) -> int:
    """Use the customer's credit balance for what is billed. Returns the minor units used."""
    if line.credit_minor <= 0:
        return 0
    items = [item for item in store.open_items(tx, [line.id])[line.id] if item.billed]
    parts = [
        part
        for part in rules.allocate(line.credit_minor, items, line.today(now))
        if part.component != "credit"
    ]
    if not parts:
        return 0
    event = new_id(now)
    sums = rules.by_component(parts)
    ledger.post(tx, recipes.apply_credit(event, line.book, sums, now), line.today(now), now)
    store.settle(tx, line.id, event, "credit", parts, line.today(now))
    used = sum(sums.values())
    tx.record(Entry(now, "credit.applied", "line", line.id, "system", {"amount_minor": used}))
    return used


def pay_out_credit(tx: Tx, line: Line, actor: str, now: datetime) -> int:
    """Send the customer's credit balance to their verified account. Returns the minor units."""
    if line.credit_minor <= 0:
        return 0
    house = house_of(tx, line.currency)
    moved = recipes.pay_out(new_id(now), line.book, house, line.credit_minor, now)
    ledger.post(tx, [moved], line.today(now), now)
    data = {"amount_minor": line.credit_minor, "payout": moved.event}
    tx.record(Entry(now, "credit.paid_out", "line", line.id, actor, data))
    return line.credit_minor


def waive_remainder(tx: Tx, line: Line, de_minimis_minor: int, now: datetime) -> int:
    """Give up a remainder of at most ``de_minimis_minor``, billed or not. Returns what was given up."""
    items = store.open_items(tx, [line.id])[line.id]
    owed = sum(i.principal_minor + (i.interest_minor + i.fee_minor if i.billed else 0) for i in items)
    if not 0 < owed <= de_minimis_minor:
        return 0
    parts = rules.allocate(
        owed, [i if i.billed else replace(i, interest_minor=0, fee_minor=0) for i in items], line.today(now)
    )
    event = new_id(now)
    house = house_of(tx, line.currency)
    moved = recipes.waive(event, line.book, house, rules.by_component(parts), now)
    ledger.post(tx, moved, line.today(now), now)
    store.settle(tx, line.id, event, "waiver", parts, line.today(now))
    _give_up_unearned(tx, line, event, now)
    tx.record(Entry(now, "debt.waived", "line", line.id, "system", {"amount_minor": owed}))
    return owed


def violations(tx: Tx) -> list[str]:
    """Where billing and the ledger disagree, in words; empty is sound."""
    return store.violations(tx)
