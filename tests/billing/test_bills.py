"""Bills ask for what falls in, on its day, once; late fees follow the terms."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest
import worlds
from worlds import DAY, TERMS, TIMEZONE, at

from whiteslip import billing, lines
from whiteslip.base import end_of_day
from whiteslip.billing import store
from whiteslip.billing.model import Bill, Debt
from whiteslip.lines.model import Lifecycle, Product, Terms
from whiteslip.store import Database
from whiteslip.store.database import journal_of

FEB, MAR, APR = date(2026, 2, 5), date(2026, 3, 5), date(2026, 4, 5)
DUE = date(2026, 2, 25)
GRACE_ENDS = date(2026, 2, 28)


def bills(db: Database, line: UUID) -> list[Bill]:
    with db.transaction() as tx:
        return store.bills(tx, line)


def debt(db: Database, line: UUID, day: date) -> Debt:
    with db.transaction() as tx:
        return billing.debt(tx, line, day)


def late_fees(db: Database, day: date) -> int:
    with db.transaction() as tx:
        return billing.charge_late_fees(tx, day, end_of_day(day, TIMEZONE))


def kinds(db: Database, line: UUID) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, [line])]


def leave(db: Database, line: UUID, *states: Lifecycle) -> None:
    for state in states:
        with db.transaction() as tx:
            lines.move(tx, worlds.locked(tx, line), state, "test", "test", at(DAY))


# Bills


def test_a_bill_asks_for_what_falls_in_and_shows_all_that_is_owed(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 90_000, 3)
    worlds.buy(db, line, 60_000, 6)
    worlds.night(db, FEB)
    (bill,) = bills(db, line)
    assert (bill.statement_on, bill.due_on) == (FEB, DUE)
    assert (bill.principal_minor, bill.interest_minor, bill.fee_minor) == (40_000, 0, 360)
    assert (bill.demanded_minor, bill.balance_minor) == (40_360, 150_360)
    found = worlds.line_of(db, line)
    assert (found.principal_minor, found.fee_minor) == (150_000, 360)
    assert worlds.offences(db) == []


def test_interest_is_owed_when_it_is_billed_and_not_before(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 120_000, 12)
    worlds.nights(db, DAY, FEB - timedelta(days=1))
    assert worlds.line_of(db, line).interest_minor == 0
    worlds.night(db, FEB)
    assert worlds.line_of(db, line).interest_minor == 1_800
    assert debt(db, line, FEB).billed_minor == 11_002


def test_a_night_that_runs_twice_bills_once(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 90_000, 3)
    worlds.night(db, FEB)
    worlds.night(db, FEB)
    assert len(bills(db, line)) == 1
    assert kinds(db, line).count("bill.issued") == 1


def test_a_line_that_owes_nothing_gets_no_bill(db: Database):
    line = worlds.open_line(db)
    worlds.night(db, FEB)
    assert bills(db, line) == []


def test_what_was_prepaid_is_not_billed_and_no_bill_asks_for_nothing(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 90_000, 3)
    worlds.pay(db, line, 30_000, DAY)
    worlds.night(db, FEB)
    assert bills(db, line) == []
    worlds.night(db, MAR)
    assert [bill.principal_minor for bill in bills(db, line)] == [30_000]
    assert worlds.offences(db) == []


def test_a_bill_in_arrears_asks_for_the_new_and_shows_the_old(db: Database):
    line = worlds.open_line(db, terms=replace(TERMS, late_fee_minor=0))
    worlds.buy(db, line, 90_000, 3)
    worlds.nights(db, FEB, MAR)
    _, second = bills(db, line)
    assert (second.demanded_minor, second.balance_minor) == (30_000, 90_000)
    owed = debt(db, line, MAR)
    assert (owed.past_due_since, owed.past_due_minor, owed.billed_minor) == (DUE, 30_000, 60_000)
    assert owed.days_past_due == 8


@pytest.mark.parametrize("states", [(Lifecycle.CLOSING,), (Lifecycle.CLOSING, Lifecycle.RUN_OFF)])
def test_a_line_that_is_leaving_is_billed_as_ever(db: Database, states: tuple[Lifecycle, ...]):
    line, stays = worlds.open_lines(db, 2)
    for each in (line, stays):
        worlds.buy(db, each, 120_000, 12)
    leave(db, line, *states)
    worlds.nights(db, FEB, APR)

    def shown(line: UUID) -> list[Bill]:
        return [replace(bill, id=UUID(int=0), line=UUID(int=0)) for bill in bills(db, line)]

    assert shown(line) == shown(stays)
    assert len(shown(line)) == 3


def test_a_closed_line_gets_no_bill(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 120_000, 12)
    worlds.pay(db, line, worlds.quote(db, line, DAY).total_minor, DAY)
    leave(db, line, Lifecycle.CLOSING, Lifecycle.CLOSED)
    worlds.nights(db, FEB, APR)
    assert bills(db, line) == []
    assert worlds.offences(db) == []


def test_bills_are_issued_in_batches_until_there_are_none(db: Database):
    opened = worlds.open_lines(db, 5)
    for line in opened:
        worlds.buy(db, line, 9_000)
    issued: list[int] = []
    for _ in range(4):
        with db.transaction() as tx:
            issued.append(billing.issue_bills(tx, FEB, end_of_day(FEB, TIMEZONE), batch=2))
    assert issued == [2, 2, 1, 0]
    assert [len(bills(db, line)) for line in opened] == [1] * 5


def test_lines_of_two_currencies_are_billed_in_one_night(db: Database):
    yuan, euro = worlds.open_line(db), worlds.open_line(db, currency="EUR")
    for line in (yuan, euro):
        worlds.buy(db, line, 60_000, 6)
    worlds.night(db, FEB)
    assert [worlds.line_of(db, line).fee_minor for line in (yuan, euro)] == [360, 360]
    assert worlds.offences(db) == []


@pytest.mark.parametrize(
    ("bought", "statement_day", "first", "second", "due"),
    [
        (date(2026, 1, 31), 28, date(2026, 2, 28), date(2026, 3, 28), date(2026, 3, 20)),
        (date(2028, 1, 31), 28, date(2028, 2, 28), date(2028, 3, 28), date(2028, 3, 19)),
        (date(2028, 2, 28), 28, date(2028, 3, 28), date(2028, 4, 28), date(2028, 4, 17)),
        (date(2028, 2, 29), 1, date(2028, 3, 1), date(2028, 4, 1), date(2028, 3, 21)),
        (date(2026, 12, 31), 1, date(2027, 1, 1), date(2027, 2, 1), date(2027, 1, 21)),
        (date(2026, 12, 28), 28, date(2027, 1, 28), date(2027, 2, 28), date(2027, 2, 17)),
    ],
)
def test_statement_days_survive_short_months_and_years_end(
    db: Database, bought: date, statement_day: int, first: date, second: date, due: date
):
    line = worlds.open_line(db, statement_day=statement_day, day=bought)
    worlds.buy(db, line, 60_000, 3, bought)
    worlds.nights(db, bought, second)
    found = bills(db, line)
    assert [bill.statement_on for bill in found] == [first, second]
    assert found[0].due_on == due


def test_a_purchase_at_local_midnight_belongs_to_the_new_day(db: Database):
    """00:00 in Berlin on the statement day, in the night that summer time begins."""
    day = date(2026, 3, 29)
    line = worlds.open_line(db, statement_day=28, currency="EUR", timezone="Europe/Berlin")
    with db.transaction() as tx:
        found = worlds.locked(tx, line)
        midnight = end_of_day(day - timedelta(days=1), "Europe/Berlin") + timedelta(microseconds=1)
        assert found.today(midnight) == day
        assert found.today(midnight - timedelta(microseconds=1)) == date(2026, 3, 28)


# Credit


def test_credit_pays_the_next_bill(db: Database):
    line = worlds.open_line(db)
    worlds.pay(db, line, 20_000, DAY)
    worlds.buy(db, line, 90_000, 3)
    worlds.night(db, FEB)
    found = worlds.line_of(db, line)
    assert (found.credit_minor, found.principal_minor) == (0, 70_000)
    assert (bills(db, line)[0].balance_minor, debt(db, line, FEB).billed_minor) == (70_000, 10_000)
    assert "credit.applied" in kinds(db, line)
    assert worlds.offences(db) == []


def test_credit_beyond_the_bill_waits_for_the_one_after(db: Database):
    line = worlds.open_line(db)
    worlds.pay(db, line, 50_000, DAY)
    worlds.buy(db, line, 90_000, 3)
    worlds.night(db, FEB)
    assert worlds.line_of(db, line).credit_minor == 20_000
    worlds.night(db, MAR)
    assert worlds.line_of(db, line).credit_minor == 0
    assert debt(db, line, MAR).billed_minor == 10_000


def test_credit_is_paid_out_once(db: Database):
    line = worlds.open_line(db)
    worlds.name_account(db, line, at(DAY))
    worlds.pay(db, line, 700, DAY)
    for expected in (700, None):
        with db.transaction() as tx:
            found = worlds.locked(tx, line)
            paid = billing.pay_out_credit(tx, found, found.customer, "test", at(DAY))
        assert (paid and paid.amount_minor) == expected
    assert worlds.line_of(db, line).credit_minor == 0
    assert kinds(db, line).count("credit.paid_out") == 1


# Late fees


def billed(db: Database, minor: int = 90_000, terms: Terms = TERMS) -> UUID:
    """A line with three instalments of which the first is billed."""
    line = worlds.open_line(db, terms=terms)
    worlds.buy(db, line, minor, 3)
    worlds.night(db, FEB)
    return line


def test_a_late_fee_is_charged_when_grace_has_run_out_and_asked_for_in_the_next_bill(db: Database):
    line = billed(db)
    assert late_fees(db, GRACE_ENDS - timedelta(days=1)) == 0
    assert late_fees(db, GRACE_ENDS) == 1
    found = worlds.line_of(db, line)
    assert (found.fee_minor, found.owed_minor) == (3_000, 93_000)
    owed = debt(db, line, GRACE_ENDS)
    assert (owed.past_due_minor, owed.billed_minor, owed.owed_minor) == (30_000, 30_000, 93_000)
    assert worlds.offences(db) == []
    worlds.night(db, MAR)
    assert [(b.principal_minor, b.fee_minor, b.balance_minor) for b in bills(db, line)][1] == (
        30_000,
        3_000,
        93_000,
    )
    assert worlds.line_of(db, line).fee_minor == 3_000
    assert worlds.offences(db) == []


def test_a_late_fee_is_charged_once_however_often_the_night_runs(db: Database):
    line = billed(db)
    assert [late_fees(db, GRACE_ENDS) for _ in range(3)] == [1, 0, 0]
    assert kinds(db, line).count("fee.charged") == 1


def test_two_purchases_that_are_late_together_cost_one_fee(db: Database):
    line = worlds.open_line(db)
    for _ in range(2):
        worlds.buy(db, line, 90_000, 3)
    worlds.night(db, FEB)
    assert late_fees(db, GRACE_ENDS) == 1
    assert worlds.line_of(db, line).fee_minor == 3_000


@pytest.mark.parametrize(("paid", "fee"), [(0, 3_000), (15_000, 3_000), (28_000, 2_000), (29_999, 1)])
def test_a_bill_paid_in_part_costs_a_late_fee_but_never_more_than_what_is_late(
    db: Database, paid: int, fee: int
):
    line = billed(db)
    if paid:
        worlds.pay(db, line, paid, DUE)
    worlds.nights(db, DUE, GRACE_ENDS)
    assert worlds.line_of(db, line).fee_minor == fee
    assert worlds.offences(db) == []


def test_a_bill_paid_within_grace_costs_nothing(db: Database):
    line = billed(db)
    worlds.pay(db, line, 30_000, GRACE_ENDS)
    assert late_fees(db, GRACE_ENDS) == 0
    assert debt(db, line, GRACE_ENDS).past_due_minor == 0


def test_terms_without_a_late_fee_charge_none(db: Database):
    billed(db, terms=replace(TERMS, late_fee_minor=0))
    assert late_fees(db, GRACE_ENDS) == 0


def test_a_late_fee_breeds_no_late_fee(db: Database):
    line = billed(db, minor=30_000, terms=replace(TERMS, products=(Product(3),)))
    worlds.nights(db, DUE, MAR)
    worlds.pay(db, line, 20_000, date(2026, 3, 20))
    worlds.nights(db, date(2026, 3, 20), date(2026, 6, 30))
    charged = kinds(db, line).count("fee.charged")
    assert charged == 2  # the first bill, and the third; the second was paid in time
    assert worlds.offences(db) == []


def test_each_bill_that_is_late_costs_its_own_fee(db: Database):
    line = billed(db)
    worlds.nights(db, DUE, date(2026, 5, 1))
    assert kinds(db, line).count("fee.charged") == 3
    assert worlds.line_of(db, line).fee_minor == 9_000


def test_a_payment_does_not_make_a_late_fee_go_away(db: Database):
    line = billed(db)
    worlds.nights(db, DUE, GRACE_ENDS)
    worlds.pay(db, line, 30_000, GRACE_ENDS + timedelta(days=1))
    assert worlds.line_of(db, line).fee_minor == 3_000
    assert worlds.offences(db) == []


# The whole book


def test_the_book_is_totalled_by_currency(db: Database):
    line = billed(db)
    gone = worlds.open_line(db)
    leave(db, gone, Lifecycle.CLOSING, Lifecycle.CLOSED)
    worlds.open_line(db, 500_000, currency="EUR")
    worlds.nights(db, DUE, GRACE_ENDS)
    late = DUE + timedelta(days=91)
    with db.transaction() as tx:
        for day in (GRACE_ENDS, GRACE_ENDS, late):
            store.take_book_total(tx, day, 90)
        then, euro = store.book_total(tx, "CNY", GRACE_ENDS), store.book_total(tx, "EUR", late)
        now = store.book_total(tx, "CNY", late)
        assert store.book_total(tx, "CNY", DAY) is None
    assert then
    assert (then.lines, then.limit_minor, then.owed_minor) == (1, 1_000_000, 93_000)
    assert (then.past_due_minor, then.npl_minor) == (30_000, 0)
    assert now
    assert now.npl_minor == worlds.line_of(db, line).owed_minor
    assert euro
    assert (euro.lines, euro.limit_minor, euro.owed_minor) == (1, 500_000, 0)


# What the database refuses


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE billing.instalment SET due_on = due_on + 1",
        "UPDATE billing.instalment SET principal_minor = 0",
        "UPDATE billing.instalment SET outstanding_minor = 10",
        "DELETE FROM billing.instalment",
        "UPDATE billing.payment SET amount_minor = 1",
        "DELETE FROM billing.payment",
    ],
)
def test_the_database_keeps_what_was_fixed(db: Database, statement: str):
    line = billed(db)
    worlds.pay(db, line, 100, DUE)
    with pytest.raises(psycopg.Error, match="does not change"), db.transaction() as tx:
        tx.conn.execute(statement)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM billing.plan",
        "UPDATE billing.plan SET apr_bps = 0",
        "UPDATE billing.bill SET due_on = due_on + 1",
        "DELETE FROM billing.settlement",
    ],
)
def test_the_database_lets_nothing_be_rewritten(db: Database, statement: str):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction() as tx:
        tx.conn.execute(statement)  # type: ignore[arg-type]


def test_nothing_is_settled_beyond_what_is_scheduled(db: Database):
    billed(db)
    with pytest.raises(psycopg.errors.CheckViolation), db.transaction() as tx:
        tx.conn.execute("UPDATE billing.instalment SET settled_principal = principal_minor + 1")


def test_a_disagreement_between_billing_and_ledger_is_named(db: Database):
    line = billed(db)
    with db.transaction() as tx:
        tx.conn.execute("UPDATE billing.instalment SET settled_principal = 5 WHERE no = 3")
        found = billing.violations(tx)
    assert len(found) == 2
    assert any("what is open equals the ledger" in each and str(line) in each for each in found)
    assert any("settled by its settlements" in each for each in found)
