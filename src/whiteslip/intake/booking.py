"""Put takeovers on the books through the doors of the rooms below. Nothing here commits.

Everything is booked on the open day and counts from its own day: a payment of April carries a
value date in April. What the former system settled with shops stands against ``house.migration``;
payments came in as cash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from whiteslip import ledger, lines
from whiteslip.base import new_id
from whiteslip.billing import store as bills
from whiteslip.billing.model import Component, NewPlan, Part, Payment
from whiteslip.exits import arrears
from whiteslip.identity import Vault, enrol_many
from whiteslip.intake import store
from whiteslip.intake.model import Counts, Cut, Flow, Takeover
from whiteslip.intake.plan import Calendar
from whiteslip.ledger import Transfer, recipes
from whiteslip.ledger.recipes import House
from whiteslip.lines import Customer, Line
from whiteslip.lines.acts import open_house
from whiteslip.lines.model import NewLine, Product
from whiteslip.purchases import Purchase
from whiteslip.purchases import store as purchases
from whiteslip.purchases.model import State
from whiteslip.store import Entry, Tx

# All that was bought before the takeover was bought from this shop: files do not name shops.
MERCHANT: Final = "taken-over"
METHOD: Final = "taken_over"


@dataclass(slots=True)
class _Taken:
    """A customer being booked: ids and what they stand for."""

    takeover: Takeover
    line: Line
    plans: list[UUID]


@dataclass(frozen=True, slots=True)
class _Clock:
    """When it is, and the noon of days in the agreement's timezone."""

    now: datetime
    zone: ZoneInfo

    def noon(self, day: date) -> datetime:
        return datetime.combine(day, time(12), self.zone)


@dataclass(slots=True)
class _Posting:
    """What a month moves: transfers, and what they settle as rows for billing."""

    transfers: list[Transfer]
    settled: list[bills.Settlement]


def book(
    tx: Tx,
    vault: Vault | None,
    run: UUID,
    batch: Sequence[Takeover],
    calendar: Calendar,
    actor: str,
    now: datetime,
) -> Counts:
    """Book a batch: all of it in the caller's transaction. Returns what was done.

    Raises ValueError where the books do not come out at the last reported balance: a bug.
    """
    if not batch:
        return Counts()
    mapping = calendar.mapping
    house = open_house(tx, mapping.currency)
    clock = _Clock(now, ZoneInfo(mapping.timezone))
    taken = _open(tx, vault, batch, calendar, actor, now)
    over = [each for each in taken if each.takeover.peak_minor > each.takeover.history.limit_minor]
    for each in over:
        ledger.set_debit_limit(tx, each.line.principal, None)
    _add_purchases_and_plans(tx, taken, calendar, clock)
    payments = _payments(taken, calendar, clock)
    bills.add_payments(tx, list(payments.values()))
    issued = 0
    for month in range(len(mapping.months)):
        posting = _Posting([], [])
        for each in taken:
            _move(posting, each, house, calendar, month, payments.get((each.line.id, month)), now)
        ledger.post(tx, posting.transfers, mapping.agreement.today(now), now)
        bills.settle_many(tx, posting.settled)
        issued += _issue(tx, taken, calendar, month, now)
    _use_last_credit(tx, taken, calendar, now)
    for each in over:
        ledger.set_debit_limit(tx, each.line.principal, each.line.limit_minor)
    days = [mapping.statement_on(month) for month in range(len(mapping.months))]
    store.add_taken_over(tx, run, [(each.line.customer, each.line.id, each.takeover) for each in taken], days)
    arrears.told_elsewhere(tx, [each.line.id for each in taken], mapping.agreement.today(now))
    counts = _counts(taken, issued, calendar)
    _check(tx, taken)
    for each in taken:
        history = each.takeover.history
        data = {"run": run, "row": history.row, "line": each.line.id, "months": len(history.months)}
        tx.record(Entry(now, "customer.taken_over", "customer", each.line.customer, actor, data))
    return counts


def _open(
    tx: Tx, vault: Vault | None, batch: Sequence[Takeover], calendar: Calendar, actor: str, now: datetime
) -> list[_Taken]:
    """Customers, their lines and, where the mapping names people, the vault."""
    mapping = calendar.mapping
    since = mapping.statement_on(-1)
    customers = [Customer(new_id(now), t.history.reference, t.history.language, now) for t in batch]
    opened = [
        NewLine(
            new_id(now),
            customer.id,
            takeover.history.limit_minor,
            mapping.days.statement,
            takeover.history.opened_on or since,
        )
        for customer, takeover in zip(customers, batch, strict=True)
    ]
    lines.open_customers(tx, customers, now)
    lines.open_lines(tx, mapping.agreement, opened, actor, now)
    people = [(c.id, t.history.person) for c, t in zip(customers, batch, strict=True)]
    named = [(subject, person) for subject, person in people if person]
    if named:
        if vault is None:
            raise ValueError("the mapping names people, so a vault is needed")
        enrol_many(tx, vault, named, actor, now)
    found = lines.get_lines(tx, [line.id for line in opened])
    return [
        _Taken(takeover, found[line.id], [new_id(now) for _ in takeover.debts])
        for takeover, line in zip(batch, opened, strict=True)
    ]


def _add_purchases_and_plans(tx: Tx, taken: Sequence[_Taken], calendar: Calendar, clock: _Clock) -> None:
    """Every debt is a plan; one that is not the opening balance is a captured purchase as well."""
    merchant = purchases.merchants(tx, [MERCHANT], calendar.mapping.currency, clock.now)[MERCHANT]
    bought: list[Purchase] = []
    plans: list[NewPlan] = []
    noons = {day: clock.noon(day) for each in taken for day in {d.opened_on for d in each.takeover.debts}}
    for each in taken:
        for place, debt in enumerate(each.takeover.debts):
            count, purchase = len(debt.rows), None
            if debt.month >= 0:
                at = noons[debt.opened_on]
                purchase = new_id(clock.now)
                bought.append(
                    Purchase(
                        purchase,
                        each.line.id,
                        merchant.id,
                        count,
                        debt.amount_minor,
                        debt.amount_minor,
                        0,
                        None,
                        0,
                        State.CAPTURED,
                        at,
                        at,
                    )
                )
            plan = each.plans[place]
            product = Product(count)
            plans.append(
                NewPlan(plan, each.line.id, purchase, "purchase", product, debt.opened_on, debt.rows)
            )
    purchases.add_captured(tx, merchant.id, bought)
    bills.add_plans(tx, plans)


def _payments(taken: Sequence[_Taken], calendar: Calendar, clock: _Clock) -> dict[tuple[UUID, int], Payment]:
    """One payment per month that has one; it is final, so it clears on its value date."""
    mapping = calendar.mapping
    found: dict[tuple[UUID, int], Payment] = {}
    for place, columns in enumerate(mapping.months):
        day = mapping.day(place, mapping.days.payment)
        at = clock.noon(day)
        for each in taken:
            paid = each.takeover.history.months[place].paid_minor
            if paid:
                found[each.line.id, place] = Payment(
                    new_id(clock.now), each.line.id, columns.month, METHOD, paid, day, day, at
                )
    return found


def _move(
    posting: _Posting,
    each: _Taken,
    house: House,
    calendar: Calendar,
    month: int,
    payment: Payment | None,
    now: datetime,
) -> None:
    """A month of one customer: last month's credit is used, then payment, purchase, adjustment."""
    mapping, takeover, book = calendar.mapping, each.takeover, each.line.book
    if month:
        _use_credit(posting, each, takeover.flows[month - 1], calendar.days[month], now)
    elif takeover.opening_credit:
        day = calendar.days[0]
        posting.transfers.append(
            recipes.migrate_in(new_id(now), house.migration, book.credit, takeover.opening_credit, now, day)
        )
    for place, debt in enumerate(takeover.debts):
        if debt.month == month or (month == 0 and debt.month < 0):
            day = calendar.days[0] if debt.month < 0 else debt.opened_on
            moved = recipes.migrate_in(
                each.plans[place], book.principal, house.migration, debt.amount_minor, now, day
            )
            posting.transfers.append(moved)
    flow = takeover.flows[month]
    if payment:
        parts = {"principal": _sum(flow.payment), "credit": flow.payment_credit}
        posting.transfers += recipes.receive(payment.id, book, house, parts, now, payment.value_on)
        _settle(posting, each, payment.id, "payment", flow.payment, flow.payment_credit, payment.value_on)
    adjusted = {book.principal: _sum(flow.adjustment), book.credit: flow.adjustment_credit}
    event, day = new_id(now), mapping.day(month, mapping.days.purchase)
    for account, minor in adjusted.items():
        if minor:
            posting.transfers.append(recipes.migrate_in(event, house.migration, account, minor, now, day))
    _settle(posting, each, event, "refund", flow.adjustment, flow.adjustment_credit, day)


def _use_credit(posting: _Posting, each: _Taken, flow: Flow, day: date, now: datetime) -> None:
    """The credit balance pays for what the statement of ``day`` asked for."""
    if flow.credit_used:
        event = new_id(now)
        moved = recipes.apply_credit(event, each.line.book, {"principal": _sum(flow.credit_used)}, now)
        posting.transfers += [replace(transfer, value_on=day) for transfer in moved]
        _settle(posting, each, event, "credit", flow.credit_used, 0, day)


def _use_last_credit(tx: Tx, taken: Sequence[_Taken], calendar: Calendar, now: datetime) -> None:
    posting = _Posting([], [])
    for each in taken:
        last = len(each.takeover.flows)
        _use_credit(posting, each, each.takeover.flows[-1], calendar.days[last], now)
    ledger.post(tx, posting.transfers, calendar.mapping.agreement.today(now), now)
    bills.settle_many(tx, posting.settled)


def _sum(cuts: Sequence[Cut]) -> int:
    return sum(cut.amount_minor for cut in cuts)


def _settle(
    posting: _Posting, each: _Taken, source: UUID, kind: str, cuts: Sequence[Cut], credit: int, day: date
) -> None:
    """Rows for billing of what ``source`` settled, and of what became credit."""
    line = each.line.id
    for cut in cuts:
        part = Part(Component.PRINCIPAL, cut.amount_minor, each.plans[cut.debt], cut.no)
        posting.settled.append((line, source, kind, part, day, day))
    if credit:
        posting.settled.append((line, source, kind, Part("credit", credit), day, day))


def _issue(tx: Tx, taken: Sequence[_Taken], calendar: Calendar, month: int, now: datetime) -> int:
    """Issue the bills of a month; each must show the balance that the file reports."""
    billed = {each.line.id: each for each in taken if each.takeover.flows[month].is_billed}
    ids = [new_id(now) for _ in billed]
    issued = bills.issue_bills(tx, calendar.mapping.statement_on(month), list(billed), ids)
    for bill in issued:
        history = billed[bill.line].takeover.history
        if bill.balance_minor != history.months[month].balance_minor:
            raise ValueError(f"row {history.row}: bill {bill.id} differs from the reported balance")
    if len(issued) != len(billed):
        raise ValueError(f"{len(billed)} bills were due, {len(issued)} were issued")
    return len(issued)


def _check(tx: Tx, taken: Sequence[_Taken]) -> None:
    """The books must end where the file ends."""
    found = lines.get_lines(tx, [each.line.id for each in taken])
    for each in taken:
        line, history = found[each.line.id], each.takeover.history
        if line.owed_minor - line.credit_minor != history.months[-1].balance_minor:
            raise ValueError(f"row {history.row}: the ledger differs from the last reported balance")


def _counts(taken: Sequence[_Taken], issued: int, calendar: Calendar) -> Counts:
    """What a batch adds to the report."""
    done = Counts(customers_loaded=len(taken), bills=issued)
    known = calendar.mapping.months_late
    for each in taken:
        takeover, months = each.takeover, each.takeover.history.months
        done.statements += len(months)
        done.payments += sum(month.paid_minor > 0 for month in months)
        done.purchases += takeover.rules["purchase.derived"]
        done.opening_balances += any(debt.month < 0 for debt in takeover.debts)
        done.adjustments += takeover.rules["balance.adjusted"]
        done.credit_balances += takeover.rules["balance.credit"]
        for month, late in zip(months, takeover.late_months, strict=True):
            if month.status is not None:
                done.statuses += 1
                done.statuses_agreeing += (known[month.status].months_late > 0) == (late > 0)
        for rule, count in takeover.rules.items():
            if count:
                done.rules[rule] = done.rules.get(rule, 0) + count
        label = takeover.schedule.label
        done.schedules[label] = done.schedules.get(label, 0) + 1
    return done
