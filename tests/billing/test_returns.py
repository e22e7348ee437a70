"""A payment that comes back leaves the line as if it had never been made."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
import worlds
from hypothesis import given
from hypothesis import strategies as st
from worlds import DAY, at

from whiteslip import billing, ledger, lines, packs
from whiteslip.base import Refusal
from whiteslip.billing import rules, store
from whiteslip.billing.model import Payment
from whiteslip.lines.acts import change_limit
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Database
from whiteslip.store.database import journal_of

FEB, MAR = date(2026, 2, 5), date(2026, 3, 5)
DUE = date(2026, 2, 25)
GRACE_ENDS = date(2026, 2, 28)


def picture(db: Database, line: UUID, day: date) -> tuple[object, ...]:
    """All that a line owes, to the minor unit and day."""
    found = worlds.line_of(db, line)
    with db.transaction() as tx:
        owed = billing.debt(tx, line, day)
    open_items = [
        (i.plan, i.no, i.due_on, i.billed, i.charged, i.principal_minor, i.interest_minor, i.fee_minor)
        for i in worlds.items(db, line)
    ]
    sums = found.principal_minor, found.interest_minor, found.fee_minor, found.credit_minor
    return owed, open_items, sums, worlds.quote(db, line, day)


def close(db: Database, line: UUID, day: date) -> None:
    with db.transaction() as tx:
        found = worlds.locked(tx, line)
        billing.pay_out_credit(tx, found, found.customer, "test", at(day))
        lines.move(tx, found, Lifecycle.CLOSING, "test", "test", at(day))
        lines.move(tx, worlds.locked(tx, line), Lifecycle.CLOSED, "test", "test", at(day))


def income(db: Database) -> dict[str, int]:
    with db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT code, -net_debit AS minor FROM ledger.v_balance WHERE code LIKE 'house.%'"
        ).fetchall()
    return {row["code"]: row["minor"] for row in rows if row["code"] != "house.cash"}


@pytest.mark.parametrize("instalments", [1, 6, 12])
@pytest.mark.parametrize("night", [DAY, FEB, MAR], ids=["unbilled", "billed", "late"])
@pytest.mark.parametrize("minor", [400, 25_000, 500_000])
def test_a_returned_payment_leaves_everything_as_it_was(
    db: Database, instalments: int, night: date, minor: int
):
    line = worlds.open_line(db)
    worlds.buy(db, line, 120_000, instalments)
    worlds.nights(db, DAY, night)
    before, earned = picture(db, line, night), income(db)
    payment = worlds.pay(db, line, minor, night)
    assert picture(db, line, night) != before
    worlds.give_back(db, payment, night)
    assert picture(db, line, night) == before
    assert income(db) == earned
    assert worlds.offences(db) == []


def test_what_comes_back_is_late_since_its_own_due_day(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 90_000, 3)
    worlds.night(db, FEB)
    payment = worlds.pay(db, line, 30_000, DUE)
    worlds.nights(db, DUE, MAR)
    worlds.give_back(db, payment, MAR)
    with db.transaction() as tx:
        owed = billing.debt(tx, line, MAR)
    assert (owed.past_due_since, owed.days_past_due, owed.past_due_minor) == (DUE, 8, 30_000)


def test_a_payment_that_comes_back_within_grace_costs_the_late_fee_and_one_after_it_does_not(db: Database):
    soon, late = worlds.open_lines(db, 2)
    for line in (soon, late):
        worlds.buy(db, line, 90_000, 3)
    worlds.night(db, FEB)
    paid = [worlds.pay(db, line, 30_000, DUE) for line in (soon, late)]
    worlds.give_back(db, paid[0], GRACE_ENDS)
    worlds.nights(db, DUE, GRACE_ENDS)
    worlds.give_back(db, paid[1], GRACE_ENDS + timedelta(days=1))
    worlds.nights(db, GRACE_ENDS + timedelta(days=1), MAR)
    assert [worlds.line_of(db, line).fee_minor for line in (soon, late)] == [3_000, 0]


def test_an_instalment_prepaid_before_its_bill_is_billed_when_the_payment_comes_back(db: Database):
    line, twin = worlds.open_lines(db, 2)
    for each in (line, twin):
        worlds.buy(db, each, 120_000, 12)
    payment = worlds.pay(db, line, worlds.quote(db, line, DAY).total_minor, DAY)
    worlds.nights(db, DAY, FEB + timedelta(days=3))
    worlds.give_back(db, payment, FEB + timedelta(days=4))
    worlds.nights(db, FEB + timedelta(days=4), MAR)

    def owed(line: UUID) -> list[tuple[object, ...]]:
        return [
            (i.no, i.due_on, i.billed, i.principal_minor, i.interest_minor) for i in worlds.items(db, line)
        ]

    assert owed(line) == owed(twin)
    assert worlds.line_of(db, line).interest_minor == worlds.line_of(db, twin).interest_minor
    assert worlds.offences(db) == []


def test_what_was_given_up_before_a_bill_is_charged_when_the_payment_comes_back_after_it(db: Database):
    line, twin = worlds.open_lines(db, 2)
    for each in (line, twin):
        worlds.buy(db, each, 120_000, 12)
    payment = worlds.pay(db, line, 50_000, DAY + timedelta(days=10))
    worlds.nights(db, DAY, date(2026, 7, 6))
    worlds.give_back(db, payment, date(2026, 7, 6))
    worlds.nights(db, date(2026, 7, 6), date(2026, 7, 7))
    billed = [
        [(i.no, i.principal_minor, i.interest_minor) for i in worlds.items(db, each) if i.kind == "purchase"]
        for each in (line, twin)
    ]
    assert billed[0] == billed[1]
    assert worlds.offences(db) == []


def test_a_late_fee_that_a_payment_undid_is_owed_again_when_it_comes_back(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 90_000, 3)
    worlds.nights(db, FEB, GRACE_ENDS)
    before, earned = picture(db, line, MAR), income(db)
    payment = worlds.pay(db, line, 30_000, GRACE_ENDS + timedelta(days=1), value_on=GRACE_ENDS)
    assert worlds.line_of(db, line).fee_minor == 0
    worlds.give_back(db, payment, MAR)
    assert picture(db, line, MAR) == before
    assert income(db) == earned
    assert worlds.offences(db) == []


def test_returning_twice_changes_nothing(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 9_000)
    payment = worlds.pay(db, line, 9_000, DAY)
    first = worlds.give_back(db, payment, DAY)
    assert first.returned_at == at(DAY)
    assert worlds.give_back(db, payment, DAY + timedelta(days=1)) == first
    assert worlds.line_of(db, line).principal_minor == 9_000


def test_a_payment_is_returned_once_by_two_who_try_at_once(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 9_000)
    payment = worlds.pay(db, line, 9_000, DAY)
    threads = [threading.Thread(target=worlds.give_back, args=(db, payment, DAY)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worlds.line_of(db, line).principal_minor == 9_000
    with db.transaction() as tx:
        found = [row["kind"] for row in journal_of(tx, [line])]
    assert found.count("payment.returned") == 1
    assert worlds.offences(db) == []


@given(st.integers(0, 500), st.booleans(), st.sampled_from(["direct_debit", "transfer", "card"]))
def test_a_debit_comes_back_for_eight_weeks_and_unauthorised_for_thirteen_months(
    age: int, unauthorised: bool, method: str
):
    debited, payment = date(2026, 1, 31), uuid4()
    paid = Payment(payment, uuid4(), "D1", method, 100, debited, debited, at(debited))
    fault = rules.return_fault(paid, debited + timedelta(days=age), 56, 13, unauthorised)
    last = (date(2027, 2, 28) - debited).days
    if method != "direct_debit" or age <= 56 or (age <= last and unauthorised):
        assert fault is None
    else:
        assert fault is not None
        assert fault.code == ("payment.return_too_late" if age > last else "payment.return_needs_ground")


@pytest.mark.parametrize(
    ("pack", "currency", "zone"), [("uk", "GBP", "Europe/London"), ("eu", "EUR", "Europe/Berlin")]
)
def test_an_indemnity_claim_in_britain_has_no_limit_of_time(
    db: Database, pack: str, currency: str, zone: str
):
    """Years after the line has closed: it is owed anew, and the line stays closed. In Europe that is late."""
    line = worlds.open_line(db, pack=pack, currency=currency, timezone=zone)
    worlds.buy(db, line, 9_000)
    later = at(date(2029, 6, 1))
    with db.transaction() as tx:
        paid = billing.receive(tx, line, "D1", 9_000, DAY, "direct_debit", 0, "test", at(DAY))
        assert isinstance(paid, Payment)
        for state in (Lifecycle.CLOSING, Lifecycle.CLOSED):
            lines.move(tx, worlds.locked(tx, line), state, "test", "test", at(DAY))
        mistaken = billing.return_payment(tx, paid.id, "bank", later)
        claimed = billing.return_payment(tx, paid.id, "bank", later, unauthorised=True)
    assert isinstance(mistaken, Refusal)
    found = worlds.line_of(db, line)
    assert found.lifecycle is Lifecycle.CLOSED
    if pack == "eu":
        assert isinstance(claimed, Refusal)
        assert claimed.code == "payment.return_too_late"
    else:
        assert mistaken.code == "payment.return_needs_ground"
        assert isinstance(claimed, Payment)
    assert found.owed_minor == (9_000 if pack == "uk" else 0)
    assert worlds.offences(db) == []


def test_a_payment_that_nobody_made_cannot_come_back(db: Database):
    with db.transaction() as tx:
        assert billing.return_payment(tx, uuid4(), "test", at(DAY)) == Refusal("payment.not_found")


def test_a_returned_payment_does_not_count_in_the_record(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 9_000)
    worlds.pay(db, line, 1_000, DAY)
    worlds.give_back(db, worlds.pay(db, line, 500, DAY), DAY)
    with db.transaction() as tx:
        record = store.record(tx, line, DAY, DAY - timedelta(days=180), at(DAY - timedelta(days=60)))
    assert (record.paid_minor, record.returned, record.uncleared_minor) == (1_000, 1, 1_000)
    assert record.clears_on == DAY + timedelta(days=5)


# Money that is not there any more


def test_credit_that_was_paid_out_since_is_owed_with_a_new_due_day(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 9_000)
    payment = worlds.pay(db, line, 12_000, DAY)
    with db.transaction() as tx:
        found = worlds.locked(tx, line)
        billing.pay_out_credit(tx, found, found.customer, "test", at(DAY))
    back = date(2026, 2, 10)
    worlds.give_back(db, payment, back)
    owed = {i.kind: (i.principal_minor, i.due_on) for i in worlds.items(db, line)}
    assert owed == {"purchase": (9_000, DUE), "residual": (3_000, back + timedelta(days=20))}
    assert worlds.offences(db) == []
    worlds.night(db, back)
    assert all(item.billed for item in worlds.items(db, line))
    assert worlds.offences(db) == []


def test_a_bill_that_credit_paid_since_is_owed_on_its_own_due_day(db: Database):
    line = worlds.open_line(db)
    payment = worlds.pay(db, line, 12_000, DAY)
    worlds.buy(db, line, 9_000)
    worlds.night(db, FEB)
    worlds.give_back(db, payment, FEB + timedelta(days=1))
    found = worlds.line_of(db, line)
    assert (found.principal_minor, found.credit_minor) == (9_000, 0)
    assert [(i.kind, i.principal_minor, i.due_on) for i in worlds.items(db, line)] == [
        ("purchase", 9_000, DUE)
    ]
    assert worlds.offences(db) == []


def test_what_comes_back_is_owed_even_where_it_does_not_fit_the_limit_any_more(db: Database):
    line = worlds.open_line(db, 100_000)
    worlds.buy(db, line, 100_000, 3)
    payment = worlds.pay(db, line, 60_000, DAY)
    worlds.buy(db, line, 50_000)
    worlds.give_back(db, payment, DAY)
    found = worlds.line_of(db, line)
    assert (found.principal_minor, found.available_minor, found.room_minor) == (150_000, 0, -50_000)
    with db.transaction() as tx:
        assert ledger.accounts(tx, [found.principal])[found.principal].debit_limit == 100_000
    assert worlds.offences(db) == []


def test_a_limit_that_was_cut_since_is_kept(db: Database):
    line = worlds.open_line(db, 100_000)
    worlds.buy(db, line, 100_000, 3)
    payment = worlds.pay(db, line, 60_000, DAY)
    with db.transaction() as tx:
        change_limit(tx, worlds.locked(tx, line), 20_000, "test", at(DAY))
    worlds.give_back(db, payment, DAY)
    found = worlds.line_of(db, line)
    assert (found.principal_minor, found.limit_minor, found.room_minor) == (100_000, 20_000, -80_000)


# Closed lines


# The last is past the 13 months within which a bank may send an unauthorised debit back.
@pytest.mark.parametrize("after", [55, 390, 400])
def test_a_payment_that_comes_back_after_closing_is_a_residual_and_the_line_stays_closed(
    db: Database, after: int
):
    line = worlds.open_line(db)
    worlds.buy(db, line, 120_000, 12)
    worlds.night(db, FEB)
    total = worlds.quote(db, line, FEB).total_minor
    payment = worlds.pay(db, line, total, FEB)
    close(db, line, FEB)
    back = FEB + timedelta(days=after)
    worlds.give_back(db, payment, back)
    found = worlds.line_of(db, line)
    assert (found.lifecycle, found.owed_minor) == (Lifecycle.CLOSED, total)
    (residual,) = worlds.items(db, line)
    assert (residual.kind, residual.total_minor) == ("residual", total)
    assert residual.due_on == back + timedelta(days=20)
    with db.transaction() as tx:
        assert billing.debt(tx, line, back).days_past_due == 0
    assert worlds.offences(db) == []
    worlds.night(db, back)
    with db.transaction() as tx:
        assert store.bills(tx, line)[-1].demanded_minor == total
        assert billing.debt(tx, line, back + timedelta(days=21)).days_past_due == 1
    worlds.nights(db, back, back + timedelta(days=40))
    assert worlds.line_of(db, line).owed_minor == total  # no late fee and no interest on it
    worlds.pay(db, line, total, back + timedelta(days=41))
    assert worlds.line_of(db, line).owed_minor == 0
    assert worlds.offences(db) == []


def test_the_pack_says_how_long_before_it_is_due_a_residual_is_asked_for(
    db: Database, monkeypatch: pytest.MonkeyPatch
):
    pack = packs.load("cn")
    key = "exit.residual_notice_days"
    longer = replace(pack, parameters={**pack.parameters, key: replace(pack.parameters[key], value=35)})

    def load(_name: str) -> packs.Pack:
        return longer

    monkeypatch.setattr(packs, "load", load)
    line = worlds.open_line(db)
    worlds.buy(db, line, 9_000)
    payment = worlds.pay(db, line, 9_000, DAY)
    close(db, line, DAY)
    worlds.give_back(db, payment, DAY + timedelta(days=10))
    (residual,) = worlds.items(db, line)
    assert residual.due_on == DAY + timedelta(days=45)


def test_a_residual_that_is_paid_and_comes_back_again_is_a_residual_again(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 9_000)
    payment = worlds.pay(db, line, 9_500, DAY)
    close(db, line, DAY)
    for days in (10, 20):
        worlds.give_back(db, payment, DAY + timedelta(days=days))
        assert worlds.line_of(db, line).owed_minor == 9_500
        assert worlds.offences(db) == []
        worlds.nights(db, DAY + timedelta(days=days), DAY + timedelta(days=days))
        payment = worlds.pay(db, line, 9_500, DAY + timedelta(days=days + 1))
    assert worlds.line_of(db, line).owed_minor == 0
    assert worlds.line_of(db, line).lifecycle is Lifecycle.CLOSED
