"""Payments, and payments that come back. None commits.

Every act locks its lines first, in id order, so that two payments on one line take turns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from whiteslip import lines, packs
from whiteslip.base import Refusal, new_id
from whiteslip.base.ids import public
from whiteslip.billing import across, earlier, history, residuals, rules, sales, store
from whiteslip.billing.acts import pay_off_with_credit
from whiteslip.billing.booking import Booking
from whiteslip.billing.late import correct_payment, take_back_payment, take_payment
from whiteslip.billing.model import Component, NewPayment, Part, Payment, Settled
from whiteslip.billing.sales import Outstanding
from whiteslip.ledger import Transfer, recipes
from whiteslip.ledger.recipes import Book, House
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Entry, Tx

_Recipe: TypeAlias = Callable[[UUID, Book, House, Mapping[str, int], datetime, date], list[Transfer]]


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
    """:func:`receive_many` for one payment."""
    new = NewPayment(line_id, reference, amount_minor, value_on, method, clearing_days)
    return receive_many(tx, [new], actor, now)[0]


def receive_many(tx: Tx, batch: Sequence[NewPayment], actor: str, now: datetime) -> list[Payment | Refusal]:
    """Take payments and allocate each at once by the order of ``rules.allocate``; answers are in
    the batch's order.

    The same reference again on a line returns the first payment, or what it was corrected to. Where
    a payment and the customer's credit together pay everything off, the credit is used too.
    Refusals: ``line.not_found``, ``payment.amount_invalid``, ``payment.value_date_in_future``,
    ``payment.value_date_before_line``, ``payment.reference_reused`` (same reference, other amount or day).
    """
    found = lines.get_lines(tx, {new.line for new in batch}, lock=True)
    known = store.payments_by_reference(tx, [(new.line, new.reference) for new in batch])
    paid: Counter[UUID] = Counter()
    for new in batch:
        paid[new.line] += max(0, new.amount_minor)
    booking = Booking(tx, found.values(), now, paid=paid)
    sold = sales.outstanding(tx, found.values())
    overtaken = history.overtaken(tx, [(n.line, n.value_on) for n in batch if _is_late(n, found, now)])
    answers: list[Payment | Refusal] = []
    taken: list[Payment] = []
    late: list[Payment] = []
    for new in batch:
        line, before = found.get(new.line), known.get((new.line, new.reference), [])
        fault = _fault(new, line, before, now)
        if line is None or fault:
            answers.append(fault or Refusal("line.not_found"))
            continue
        payment = _standing(before) or _note(tx, line, new, actor, now)
        if not before:
            known[new.line, new.reference] = [payment]
            taken.append(payment)
            if line.id in overtaken and line.id not in sold:
                late.append(payment)
            else:
                _settle(booking, line, payment, sold)
        answers.append(payment)
    store.add_payments(tx, taken)
    booking.write()
    for payment in late:
        _take_late(tx, payment, now)
    across.keep(tx, [found[new.line] for new in batch if _is_late(new, found, now)], now)
    return answers


def _is_late(new: NewPayment, found: Mapping[UUID, Line], now: datetime) -> bool:
    return new.line in found and new.value_on < found[new.line].today(now)


def _take_late(tx: Tx, payment: Payment, now: datetime) -> None:
    """Book a payment that others have overtaken as of its value date; what is credit then pays
    everything off today, where it covers it.
    """
    line = lines.get_lines(tx, {payment.line}, lock=True)[payment.line]
    known = across.look(tx, line, payment.value_on, now)
    told = take_payment(tx, line, payment, now)
    line = lines.get_lines(tx, {payment.line}, lock=True)[payment.line]
    if told:
        pay_off_with_credit(tx, line, now)
    else:
        booking = Booking(tx, [line], now)
        _settle(booking, line, payment, {})
        booking.write()
    across.correct(tx, line.id, known, payment.id, now)


def _standing(known: Sequence[Payment]) -> Payment | None:
    return next((payment for payment in known if payment.corrected_by is None), None)


def _fault(new: NewPayment, line: Line | None, before: Sequence[Payment], now: datetime) -> Refusal | None:
    if line is None:
        return Refusal("line.not_found")
    if before:
        same = {(known.amount_minor, known.value_on) for known in before}
        repeated = (new.amount_minor, new.value_on) in same
        return None if repeated else Refusal("payment.reference_reused", {"reference": new.reference})
    return _untrue(line, new.amount_minor, new.value_on, now)


def _untrue(line: Line, amount_minor: int, value_on: date, now: datetime) -> Refusal | None:
    if amount_minor <= 0:
        return Refusal("payment.amount_invalid")
    if value_on > line.today(now):
        return Refusal("payment.value_date_in_future", {"value_on": value_on.isoformat()})
    if value_on < line.opened_on:
        told = {"value_on": value_on.isoformat(), "opened_on": line.opened_on.isoformat()}
        return Refusal("payment.value_date_before_line", told)
    return None


def _note(tx: Tx, line: Line, new: NewPayment, actor: str, now: datetime) -> Payment:
    """The payment, as the journal tells of it."""
    clears_on = new.value_on + timedelta(days=new.clearing_days)
    payment = Payment(
        new_id(now), line.id, new.reference, new.method, new.amount_minor, new.value_on, clears_on, now
    )
    data = {
        "payment": payment.id,
        "amount_minor": payment.amount_minor,
        "value_on": payment.value_on,
        "method": payment.method,
    }
    tx.record(Entry(now, "payment.received", "line", line.id, actor, data))
    return payment


def _settle(booking: Booking, line: Line, payment: Payment, sold: dict[UUID, list[Outstanding]]) -> None:
    """Let the payment settle what is open now; what is left then is passed on where a debt was sold."""
    tx, now, on = booking.tx, booking.now, payment.value_on
    items, grace = booking.items[line.id], line.terms.late_fee_grace_days
    on_earlier = earlier.grace_days(tx, line.id) if any(i.kind == "late_fee" for i in items) else {}
    spared = rules.spared(payment.amount_minor, items, on, grace, on_earlier)
    if spared:
        booking.waive(line, payment.id, spared, on)
        waived = {"amount_minor": sum(part.amount_minor for part in spared), "payment": payment.id}
        tx.record(Entry(now, "fee.waived", "line", line.id, "system", waived))
    parts = rules.allocate(payment.amount_minor, booking.items[line.id], on)
    house, of_line = booking.house(line), sold.get(line.id, [])
    parts, sold[line.id] = sales.redirect(of_line, parts)
    passed = {part.sale: part.amount_minor for part in parts if part.component == "sold"}
    for each in of_line:
        if minor := passed.get(each.sale):
            booking.move(line, recipes.pass_on(payment.id, house, each.payable, minor, now, on))
            data = {"payment": payment.id, "amount_minor": minor}
            tx.record(Entry(now, "payment.passed_on", "line", line.id, "system", data))
    sums = rules.by_component(part for part in parts if part.component != "sold")
    booking.move(line, *recipes.receive(payment.id, line.book, house, sums, now, on))
    booking.settle(line, payment.id, "payment", parts, on)
    booking.pay_off_with_credit(line, on)


def return_payment(
    tx: Tx,
    payment_id: UUID,
    actor: str,
    now: datetime,
    unauthorised: bool = False,
    returned_on: date | None = None,
) -> Payment | Refusal:
    """A payment came back (returned direct debit): the line ends as if it had never been made, with what
    others paid since where it would have gone, and no late fee that never arose.

    Where it cannot be told again, what it had settled is owed again with the due days it had. Two things
    become a residual plan then, billed tonight with a due day of its own: credit that is gone, and
    everything on a closed line, which stays closed, or on one whose debt was sold. What had been passed
    on to a buyer is taken back from them. Of a payment that was corrected comes back what it was
    corrected to. ``returned_on`` is the day on which the bank took it back, today if absent; a direct debit
    that its payer says was ``unauthorised`` may come back for longer. Returning twice changes nothing.
    Refusals: ``payment.not_found``, ``payment.returned_on_invalid`` (to come, or before the payment) and
    those of ``rules.return_fault``.
    """
    both = _locked(tx, payment_id)
    while not isinstance(both, Refusal) and both[1].corrected_by:
        both = _locked(tx, both[1].corrected_by)
    if isinstance(both, Refusal):
        return both
    line, payment = both
    if payment.returned_at:
        return payment
    if fault := _not_returnable(line, payment, returned_on or line.today(now), unauthorised, now):
        return fault
    known = across.look(tx, line, payment.value_on, now)
    if not take_back_payment(tx, line, payment, now):
        _take_back(tx, line, payment, recipes.bounce, actor, now)
    store.mark_returned(tx, payment.id, now)
    across.correct(tx, line.id, known, payment.id, now)
    data = {"payment": payment.id, "amount_minor": payment.amount_minor}
    ground = {"unauthorised": True} if unauthorised else {}
    tx.record(Entry(now, "payment.returned", "line", line.id, actor, data | ground))
    return replace(payment, returned_at=now)


def _not_returnable(
    line: Line, payment: Payment, on: date, unauthorised: bool, now: datetime
) -> Refusal | None:
    if not payment.value_on <= on <= line.today(now):
        told = {"from": payment.value_on.isoformat(), "to": line.today(now).isoformat()}
        return Refusal("payment.returned_on_invalid", told)
    pack = packs.load(line.pack)
    free = pack.days("exit.direct_debit_refund_days")
    last = pack.months("exit.direct_debit_claim_months")
    return rules.return_fault(payment, on, free, last, unauthorised)


def correct(
    tx: Tx, payment_id: UUID, amount_minor: int, value_on: date, actor: str, now: datetime
) -> Payment | Refusal:
    """A payment was booked with a wrong amount or value date: another takes its place, under the same
    reference, and the line ends where it would have, had that been booked in the first place.

    Returns the payment that stands. The same correction again changes nothing. Refusals:
    ``payment.not_found``, ``payment.amount_invalid``, ``payment.value_date_in_future``,
    ``payment.value_date_before_line``, ``payment.returned`` and, where it was corrected to something
    else already, ``payment.corrected``.
    """
    both = _locked(tx, payment_id)
    if isinstance(both, Refusal):
        return both
    line, wrong = both
    if wrong.corrected_by:
        known = store.payment(tx, wrong.corrected_by)
        if known and (known.amount_minor, known.value_on) == (amount_minor, value_on):
            return known
        return Refusal("payment.corrected", {"by": public("pay", wrong.corrected_by)})
    if wrong.returned_at:
        return Refusal("payment.returned")
    if (wrong.amount_minor, wrong.value_on) == (amount_minor, value_on):
        return wrong
    if fault := _untrue(line, amount_minor, value_on, now):
        return fault
    right = replace(
        wrong,
        id=new_id(now),
        amount_minor=amount_minor,
        value_on=value_on,
        clears_on=value_on + (wrong.clears_on - wrong.value_on),
        received_at=now,
    )
    _replace(tx, line, wrong, right, actor, now)
    data: dict[str, object] = {"payment": wrong.id, "corrected_by": right.id}
    data |= {"amount_minor": amount_minor, "value_on": value_on}
    data |= {"from_minor": wrong.amount_minor, "from_on": wrong.value_on}
    tx.record(Entry(now, "payment.corrected", "line", line.id, actor, data))
    return right


def _replace(tx: Tx, line: Line, wrong: Payment, right: Payment, actor: str, now: datetime) -> None:
    """Book ``right`` instead of ``wrong``; where the line cannot be told again, undo the one as if it had
    come back and let the other settle what is open then.
    """
    known = across.look(tx, line, min(wrong.value_on, right.value_on), now)
    told = correct_payment(tx, line, wrong, right, now)
    if not told:
        _take_back(tx, line, wrong, recipes.correct, actor, now)
    store.mark_corrected(tx, wrong.id, right.id)
    store.add_payments(tx, [right])
    line = lines.get_lines(tx, {line.id}, lock=True)[line.id]
    if told:
        pay_off_with_credit(tx, line, now)
    else:
        booking = Booking(tx, [line], now)
        _settle(booking, line, right, sales.outstanding(tx, [line]))
        booking.write()
    across.correct(tx, line.id, known, right.id, now)


def _locked(tx: Tx, payment_id: UUID) -> tuple[Line, Payment] | Refusal:
    """A payment with its line, which is locked before the payment is read."""
    line_id = store.line_of_payment(tx, payment_id)
    line = lines.get_line(tx, line_id, lock=True) if line_id else None
    payment = store.payment(tx, payment_id)
    if payment is None or line is None or isinstance(line, Refusal):
        return Refusal("payment.not_found")
    return line, payment


def _take_back(tx: Tx, line: Line, payment: Payment, recipe: _Recipe, actor: str, now: datetime) -> None:
    """What a payment had settled is owed again."""
    booking = Booking(tx, [line], now)
    trace = store.settlements_of(tx, payment.id)
    paid = [each.part for each in trace if each.kind == "payment"]
    moved = rules.by_component(part for part in paid if part.component != "sold")
    sold = sales.outstanding(tx, [line]).get(line.id, [])
    passed = {part.sale: part.amount_minor for part in paid if part.component == "sold"}
    short = max(0, moved.get("credit", 0) - line.credit_minor)
    booking.trace(line, payment.id, "return", _undone(paid))
    moved["credit"] = moved.get("credit", 0) - short
    moved[Component.PRINCIPAL] = moved.get(Component.PRINCIPAL, 0) + short
    house = booking.house(line)
    for each in sold:
        if minor := passed.get(each.sale):
            back = recipes.take_back(payment.id, house, each.payable, minor, now, payment.value_on)
            booking.move(line, back)
    booking.move(line, *recipe(payment.id, line.book, house, moved, now, payment.value_on))
    if line.lifecycle is Lifecycle.CLOSED or sold:
        _carry(booking, line, paid, short, actor)
    else:
        _reopen(booking, line, payment.id, trace)
        if short:
            plan = residuals.schedule(booking, line, short, 0, 0, actor)
            residuals.carry_over(booking, line, plan, short)
    residuals.write_over_limit(booking, line, moved[Component.PRINCIPAL])


def _undone(parts: Sequence[Part]) -> list[Part]:
    return [replace(part, amount_minor=-part.amount_minor) for part in parts]


def _reopen(booking: Booking, line: Line, payment: UUID, trace: Sequence[Settled]) -> None:
    """Bring back what the payment led to beside settling: charges made early and things given up."""
    now, book, house = booking.now, line.book, booking.house(line)

    def sums(kind: str, charged: bool) -> dict[str, int]:
        return rules.by_component(each.part for each in trace if (each.kind, each.charged) == (kind, charged))

    for component, minor in sums("payment", charged=False).items():
        # Charged because it was paid before its bill; the bill to come will charge it.
        if component in (Component.INTEREST, Component.FEE):
            booking.move(line, recipes.uncharge(payment, book, house, component, minor, now))
    booking.move(line, *recipes.unwaive(payment, book, house, sums("waiver", charged=True), now))
    undone = ["waiver"]
    if not store.charged_off(booking.tx, [line.id]):
        # No interest or fee arises any more after a charge-off.
        undone.append("unearned")
        for component, minor in sums("unearned", charged=True).items():
            # Given up before its bill, which has been made since without it.
            booking.move(line, recipes.charge(payment, book, house, component, minor, now))
    for kind in undone:
        parts = [each.part for each in trace if each.kind == kind]
        booking.trace(line, payment, kind, _undone(parts))


def _carry(booking: Booking, line: Line, paid: Sequence[Part], short_minor: int, actor: str) -> None:
    """On a closed line, or where the debt was sold, the old plans stay settled; what they were paid with is
    owed in a new one.
    """
    parts = [part for part in paid if part.plan]
    sums = rules.by_component(parts)
    principal = sums.get(Component.PRINCIPAL, 0) + short_minor
    interest, fee = sums.get(Component.INTEREST, 0), sums.get(Component.FEE, 0)
    if principal + interest + fee:
        plan = residuals.schedule(booking, line, principal, interest, fee, actor)
        booking.trace(line, plan, "carried", parts)
        residuals.carry_over(booking, line, plan, short_minor)
