"""What the tests of the bureau share: lines under the us pack, files, exits.

Lines have days in Shanghai, as everything in the test world.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import metro2
from metro2 import Record
from worlds import TIMEZONE, at

from whiteslip import bureau, exits, identity, lines
from whiteslip.base import Refusal, new_id
from whiteslip.bureau import Report, Reporter, rules
from whiteslip.bureau.metro2 import account_number
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office
from whiteslip.exits.model import Channel, Identity
from whiteslip.identity import Person, Vault
from whiteslip.lines import Customer
from whiteslip.lines.acts import open_house
from whiteslip.lines.model import Agreement, NewLine, Product, Terms
from whiteslip.store import Database

OFFICE = Office(Tables.load(), "Test Lender")
VAULT = Vault(bytes(32))
REPORTER = Reporter("Test Lender", "1 Test Street, Testville", "5555550100", "MEMBER1", equifax="EQ1")
OPENED = date(2026, 1, 2)
US_TERMS = Terms(due_days=20, products=(Product(1), Product(3), Product(6)))


def open_us_line(
    db: Database,
    name: str = "Given M Surname",
    terms: Terms = US_TERMS,
    day: date = OPENED,
    enrol: bool = True,
) -> UUID:
    now, one = at(day), new_id(at(day))
    customer = Customer(new_id(now), None, "en", now)
    number = f"{uuid4().int % 10**9:09d}"
    with db.transaction() as tx:
        open_house(tx, "USD")
        lines.open_customers(tx, [customer], now)
        new = NewLine(one, customer.id, 500_000, 5, day)
        lines.open_lines(tx, Agreement("us", "USD", TIMEZONE, terms), [new], "test", now)
        if enrol:
            phone, email = f"+1555{number[:7]}", f"a{number}@example.com"
            kept = [(customer.id, Person(name, number, phone, email))]
            identity.enrol_many(tx, VAULT, kept, "test", now)
    return one


def make(db: Database, month: date, made: date | None = None) -> tuple[str, Report]:
    """The file of a month, made on the tenth of the next one unless said otherwise."""
    now = at(made or rules.month_end(month) + timedelta(days=10))
    parts: list[str] = []
    with db.transaction() as tx:
        report = bureau.report_month(
            tx, month, REPORTER, lambda who: identity.peek(tx, VAULT, who), parts.append, "test", now
        )
    assert not isinstance(report, Refusal), report
    return "".join(parts), report


def told(db: Database, line: UUID, month: date, made: date | None = None) -> Record | None:
    """What the file of a month says of a line; the whole file is checked."""
    return metro2.read(make(db, month, made)[0]).get(account_number(line))


def said(db: Database, line: UUID, month: date, made: date | None = None) -> Record:
    record = told(db, line, month, made)
    assert record is not None
    return record


def codes(record: Record) -> tuple[str, str, str]:
    """Status, rating, compliance condition code."""
    texts = record.texts
    return texts["account_status"], texts["payment_rating"], texts["compliance_code"]


def ask(db: Database, line: UUID, day: date, who: Identity = Identity.VERIFIED) -> Exit:
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", at(day), who)
    assert not isinstance(case, Refusal), case
    return case


def step(db: Database, case: Exit, day: date) -> Exit:
    with db.transaction() as tx:
        moved = exits.advance(tx, OFFICE, case.id, at(day))
    assert not isinstance(moved, Refusal)
    return moved


def exit_of(db: Database, line: UUID) -> Exit:
    with db.transaction() as tx:
        row = tx.conn.execute("SELECT id FROM exits.exit WHERE line = %s", [line]).fetchone()
        assert row
        case = exits.advance(tx, OFFICE, row["id"], at(OPENED))
    assert not isinstance(case, Refusal)
    return case
