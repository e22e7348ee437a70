"""Who pays early in part can have it said what became of that, once, and in time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from exits.test_restrictions import OFFICE
from worlds import at, buy, give_back, items, night, open_line, pay

from whiteslip.base import Refusal
from whiteslip.exits import partpayments
from whiteslip.notices import of_subject
from whiteslip.store import Database

PAID = date(2026, 1, 20)


def ask(db: Database, payment: UUID, day: date = PAID) -> date | Refusal:
    with db.transaction() as tx:
        return partpayments.ask(tx, OFFICE, payment, "customer", at(day))


def told(db: Database, line: UUID) -> list[dict[str, Any]]:
    with db.transaction() as tx:
        return [dict(each.facts) for each in of_subject(tx, line) if each.kind == "statement.part_payment"]


def test_a_part_paid_early_is_told_with_what_it_settled_what_it_spared_and_what_is_left(db: Database):
    line = open_line(db)
    buy(db, line, 60_000, instalments=6)
    before = sum(item.total_minor for item in items(db, line))
    paid = pay(db, line, 25_000, PAID)
    # A Tuesday and seven business days: a Saturday and a Sunday lie between.
    assert ask(db, paid.id) == date(2026, 1, 29)
    (letter,) = told(db, line)
    settled = sum(each["amount_minor"] for each in letter["settled"])
    left = sum(each["amount_minor"] for each in letter["schedule"])
    assert (settled + letter["kept_minor"], letter["received_minor"]) == (25_000, 25_000)
    assert left == letter["left_minor"] == sum(item.total_minor for item in items(db, line))
    assert before - settled - letter["spared_minor"] == left, "nothing is lost between"
    assert letter["spared_minor"] > 0, "months paid before they begin cost nothing"


def test_it_is_written_once_however_often_it_is_asked_for(db: Database):
    line = open_line(db)
    buy(db, line, 60_000, instalments=3)
    paid = pay(db, line, 25_000, PAID)
    first = ask(db, paid.id)
    assert ask(db, paid.id, PAID + timedelta(days=20)) == first
    assert len(told(db, line)) == 1


def test_what_was_asked_for_by_a_statement_or_came_back_was_not_paid_early(db: Database):
    line = open_line(db)
    buy(db, line, 60_000, instalments=3)
    night(db, date(2026, 2, 5))
    due = next(item for item in items(db, line) if item.billed)
    in_time = pay(db, line, due.total_minor, date(2026, 2, 10))
    returned = pay(db, line, 5_000, date(2026, 2, 11))
    give_back(db, returned, date(2026, 2, 12))
    for payment in (in_time, returned):
        assert ask(db, payment.id, date(2026, 2, 13)) == Refusal("payment.not_early")
    assert (ask(db, line), told(db, line)) == (Refusal("payment.not_found"), [])
