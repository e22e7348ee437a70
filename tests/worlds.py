"""A small world for tests: lines, purchases, payments and nights, each in a line of code.

Everything goes through the acts, one transaction each. Days are days in Shanghai and what happens
on a day happens at noon, unless a test says otherwise.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

from whiteslip import billing, identity, ledger, lines
from whiteslip.base import Refusal, end_of_day, new_id
from whiteslip.billing import bills, hardship, payments
from whiteslip.billing.model import OpenItem, Payment, Quote
from whiteslip.billing.store import open_items
from whiteslip.identity import Person, Vault, access, accounts
from whiteslip.identity.accounts import How
from whiteslip.identity.model import Kind, Role, Staff
from whiteslip.ledger import Account, recipes
from whiteslip.lines import Customer, Line
from whiteslip.lines.acts import open_house
from whiteslip.lines.model import Agreement, NewLine, Product, Terms
from whiteslip.store import Database, Tx

TIMEZONE: Final = "Asia/Shanghai"
DAY: Final = date(2026, 1, 15)
SHOP: Final = uuid5(UUID(int=0), "the shop of the test world")
TERMS: Final = Terms(
    due_days=20,
    late_fee_minor=3_000,
    late_fee_grace_days=3,
    products=(
        Product(1),
        Product(3),
        Product(6, monthly_fee_bps=60),
        Product(12, apr_bps=1_800),
    ),
)


# What a purchase is decided by, with nothing against it.
PURCHASE_FACTS: Final[dict[str, Any]] = {
    "amount_minor": 10_000,
    "available_minor": 500_000,
    "lock": "none",
    "lifecycle": "active",
    "dpd_days": 0,
    "velocity_24h": 0,
    "per_purchase_cap_minor": 200_000,
    "instalments": 3,
}


def at(day: date, hour: int = 12) -> datetime:
    """An hour of a day in Shanghai."""
    return datetime.combine(day, time(hour), ZoneInfo(TIMEZONE))


def open_lines(
    db: Database,
    count: int,
    limit_minor: int = 1_000_000,
    terms: Terms = TERMS,
    statement_day: int = 5,
    day: date = DAY,
    currency: str = "CNY",
    timezone: str = TIMEZONE,
    pack: str = "cn",
    informed: bool = True,
) -> list[UUID]:
    """Lines of as many customers; the house's accounts are opened on first use."""
    now = at(day)
    customers = [Customer(new_id(now), None, "en", now) for _ in range(count)]
    opened = [NewLine(new_id(now), c.id, limit_minor, statement_day, day, informed) for c in customers]
    with db.transaction() as tx:
        open_house(tx, currency)
        lines.open_customers(tx, customers, now)
        lines.open_lines(tx, Agreement(pack, currency, timezone, terms), opened, "test", now)
    return [new.id for new in opened]


def open_line(
    db: Database,
    limit_minor: int = 1_000_000,
    terms: Terms = TERMS,
    statement_day: int = 5,
    day: date = DAY,
    currency: str = "CNY",
    timezone: str = TIMEZONE,
    pack: str = "cn",
) -> UUID:
    """One line of a new customer."""
    return open_lines(db, 1, limit_minor, terms, statement_day, day, currency, timezone, pack)[0]


def line_of(db: Database, line: UUID) -> Line:
    """The line as it is now."""
    with db.transaction() as tx:
        return locked(tx, line)


def locked(tx: Tx, line: UUID) -> Line:
    """The line, locked as acts want it."""
    found = lines.get_line(tx, line, lock=True)
    assert not isinstance(found, Refusal), found
    return found


def payable(tx: Tx, currency: str = "CNY") -> UUID:
    """The account of the test world's shop."""
    account = Account(uuid4(), "merchant.payable", SHOP, currency)
    ledger.open_accounts(tx, [account])
    row = tx.conn.execute(
        "SELECT id FROM ledger.account WHERE owner = %s AND currency = %s", (SHOP, currency)
    ).fetchone()
    assert row
    return row["id"]


def hold(db: Database, line: UUID, amount_minor: int, day: date = DAY) -> UUID:
    """Reserve an amount; returns the pending transfer."""
    now = at(day)
    with db.transaction() as tx:
        found = locked(tx, line)
        held = recipes.hold(uuid4(), uuid4(), found.principal, payable(tx, found.currency), amount_minor)
        ledger.post(tx, [held], found.today(now), now)
    return held.id


def buy(
    db: Database,
    line: UUID,
    amount_minor: int,
    instalments: int = 1,
    day: date = DAY,
    purchase: UUID | None = None,
) -> UUID:
    """A purchase that is held, captured and scheduled on one day; returns its id."""
    now, purchase = at(day), purchase or uuid4()
    with db.transaction() as tx:
        found = locked(tx, line)
        product = found.terms.product(instalments)
        assert product
        held = recipes.hold(uuid4(), purchase, found.principal, payable(tx, found.currency), amount_minor)
        captured = recipes.capture(purchase, held.id, amount_minor, now)
        ledger.post(tx, [held], found.today(now), now)
        ledger.post(tx, [captured], found.today(now), now)
        billing.add_plans(tx, [bills.Captured(found, purchase, amount_minor, product, found.today(now))], now)
    return purchase


def refund(
    db: Database, line: UUID, purchase: UUID, amount_minor: int, day: date, value_on: date | None = None
) -> None:
    """The shop gives money of a purchase back; it counts from ``value_on``, the same day if absent."""
    with db.transaction() as tx:
        found = locked(tx, line)
        shop = payable(tx, found.currency)
        billing.refund(tx, found, purchase, shop, amount_minor, at(day), value_on)


def night(db: Database, day: date) -> None:
    """Bills and late fees as of the last microsecond of a day."""
    now = end_of_day(day, TIMEZONE)
    with db.transaction() as tx:
        billing.issue_bills(tx, day, now)
        billing.charge_late_fees(tx, day, now)
        hardship.watch(tx, day, now)


def nights(db: Database, first: date, last: date) -> None:
    """Every night from one day to another, both included."""
    for step in range((last - first).days + 1):
        night(db, first + timedelta(days=step))


def pay(
    db: Database,
    line: UUID,
    amount_minor: int,
    day: date,
    reference: str | None = None,
    value_on: date | None = None,
) -> Payment:
    """A transfer that arrives on a day and counts from ``value_on``, the same day if absent."""
    with db.transaction() as tx:
        paid = billing.receive(
            tx, line, reference or uuid4().hex, amount_minor, value_on or day, "transfer", 5, "test", at(day)
        )
    assert not isinstance(paid, Refusal), paid
    return paid


def give_back(db: Database, payment: Payment, day: date) -> Payment:
    """The payer's bank takes a payment back."""
    with db.transaction() as tx:
        returned = billing.return_payment(tx, payment.id, "test", at(day))
    assert not isinstance(returned, Refusal), returned
    return returned


def quote(db: Database, line: UUID, today: date, wanted: date | None = None) -> Quote:
    """The payoff quote of a line."""
    with db.transaction() as tx:
        return billing.payoff(tx, locked(tx, line), today, wanted)


def items(db: Database, line: UUID) -> list[OpenItem]:
    """What is unpaid of a line, by due day."""
    with db.transaction() as tx:
        return open_items(tx, [line])[line]


ACCOUNT: Final = "6222020200112233446"


def name_account(
    db: Database, line: UUID, now: datetime, number: str = ACCOUNT, vault: Vault | None = None
) -> UUID:
    """The customer of a line has a verified account; whom the vault does not know yet is enrolled."""
    vault = vault or Vault(bytes(32))
    with db.transaction() as tx:
        customer = locked(tx, line).customer
        if isinstance(identity.peek(tx, vault, customer), Refusal):
            person = Person("欧阳明远", "11010119900307803X", "+8613800000000", "o@example.com")
            identity.enrol_many(tx, vault, [(customer, person)], "test", now)
        made = accounts.give(tx, vault, customer, number, ["card", "iban"], "test", now)
        assert not isinstance(made, Refusal), made
        accounts.verify(tx, vault, customer, made.id, How.NAME_MATCH, "test", now)
    return made.id


def offences(db: Database) -> list[str]:
    """Broken invariants of the ledger and of billing; empty is sound."""
    with db.transaction() as tx:
        return ledger.violations(tx) + billing.violations(tx)


def net_owed(db: Database, line: UUID, day: date) -> int:
    """What it takes to pay a line off on a day, less its credit; negative for a credit balance."""
    with db.transaction() as tx:
        found = billing.payoff(tx, locked(tx, line), day)
    owed = found.principal_minor + found.interest_minor + found.fee_minor + found.accrued_minor
    return owed - found.credit_minor


def correct(db: Database, payment: UUID, amount_minor: int, value_on: date, day: date) -> Payment:
    """The bank says on a day what a payment really was; returns the payment that stands."""
    with db.transaction() as tx:
        right = payments.correct(tx, payment, amount_minor, value_on, "test", at(day))
    assert not isinstance(right, Refusal), right
    return right


def staff_link(tx: Tx, name: str, role: Role, now: datetime) -> str:
    """The token of the link by which a new member of staff signs in."""
    staff = access.create_staff(tx, name, role, None, now)
    assert isinstance(staff, Staff)
    return access.make_link(tx, Kind.STAFF, staff.id, 30, now)
