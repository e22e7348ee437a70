"""Payments go where the order says, once; refunds and waivers follow their own."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
import worlds
from worlds import DAY, TERMS, at

from whiteslip import billing
from whiteslip.base import Refusal
from whiteslip.billing import NewPayment, store
from whiteslip.billing.acts import pay_off_with_credit
from whiteslip.billing.model import OpenItem, Payment
from whiteslip.store import Database
from whiteslip.store.database import journal_of

FEB, MAR = date(2026, 2, 5), date(2026, 3, 5)
GRACE_ENDS = date(2026, 2, 28)
MORNING_AFTER = date(2026, 3, 1)


def receive(db: Database, *batch: NewPayment, day: date = DAY) -> list[Payment | Refusal]:
    with db.transaction() as tx:
        return billing.receive_many(tx, batch, "test", at(day))


def new(line: UUID, minor: int, reference: str = "R-1", value_on: date = DAY) -> NewPayment:
    return NewPayment(line, reference, minor, value_on, "transfer", 5)


def sums(items: list[OpenItem]) -> list[tuple[int, int, int]]:
    return [(item.principal_minor, item.interest_minor, item.fee_minor) for item in items]


def parts(db: Database, payment: Payment) -> list[tuple[str, str, int]]:
    with db.transaction() as tx:
        return [
            (each.kind, each.part.component, each.part.amount_minor)
            for each in store.settlements_of(tx, payment.id)
        ]


def kinds(db: Database, line: UUID) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, [line])]


# Where a payment goes


def test_a_bill_is_paid_fee_first_and_principal_last(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 60_000, 6)
    worlds.night(db, FEB)
    assert parts(db, worlds.pay(db, line, 5_000, FEB)) == [
        ("payment", "fee", 360),
        ("payment", "principal", 4_640),
    ]
    assert sums(worlds.items(db, line))[0] == (5_360, 0, 0)
    found = worlds.line_of(db, line)
    assert (found.principal_minor, found.fee_minor, found.available_minor) == (55_360, 0, 944_640)
    assert worlds.offences(db) == []


def test_what_is_late_is_paid_before_what_is_not(db: Database):
    line = worlds.open_line(db, terms=replace(TERMS, late_fee_minor=0))
    worlds.buy(db, line, 90_000, 3)
    worlds.nights(db, FEB, MAR)
    worlds.pay(db, line, 30_000, MAR)
    with db.transaction() as tx:
        owed = billing.debt(tx, line, MAR)
    assert (owed.days_past_due, owed.past_due_minor, owed.billed_minor) == (0, 0, 30_000)


def test_more_than_is_billed_prepays_the_soonest_instalment(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 90_000, 3)
    worlds.night(db, FEB)
    worlds.pay(db, line, 70_000, FEB)
    assert sums(worlds.items(db, line)) == [(20_000, 0, 0)]


def test_more_than_is_owed_is_the_customers_credit(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 9_000)
    worlds.pay(db, line, 10_000, DAY)
    found = worlds.line_of(db, line)
    assert (found.owed_minor, found.credit_minor, found.available_minor) == (0, 1_000, 1_000_000)


def test_a_payment_on_a_line_without_debt_is_credit(db: Database):
    line = worlds.open_line(db)
    worlds.pay(db, line, 500, DAY)
    assert worlds.line_of(db, line).credit_minor == 500
    assert worlds.offences(db) == []


def test_prepaying_pays_what_the_month_has_earned_and_gives_up_the_rest(db: Database):
    """12,000.00 at 18 %: the first month costs 180.00; 10 of its 31 days have passed by 15 January."""
    line = worlds.open_line(db, 2_000_000, day=date(2026, 1, 5))
    worlds.buy(db, line, 1_200_000, 12, date(2026, 1, 5))
    first = worlds.items(db, line)[0]
    assert (first.interest_minor, first.bill_on) == (18_000, FEB)
    on = date(2026, 1, 15)
    paid = worlds.pay(db, line, 5_806 + first.principal_minor, on)
    settled = [(component, minor) for kind, component, minor in parts(db, paid) if kind == "payment"]
    assert settled == [("interest", 5_806), ("principal", first.principal_minor)]
    # What is left of the month costs 21/31 of its price on what is left of the principal.
    left = worlds.items(db, line)[0]
    rest = round(18_000 * (1_200_000 - first.principal_minor) / 1_200_000 * 21 / 31)
    assert (left.principal_minor, left.interest_minor) == (0, rest)
    assert worlds.offences(db) == []
    worlds.night(db, FEB)
    assert worlds.line_of(db, line).interest_minor == rest


def test_nobody_escapes_the_price_of_a_month_by_prepaying_the_day_before_its_bill(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 120_000, 6)
    before = FEB - timedelta(days=1)
    price = worlds.items(db, line)[0].fee_minor
    paid = worlds.pay(db, line, 21_000, before)
    traced = parts(db, paid)
    assert traced[0] == ("payment", "fee", round(price * 20 / 21))
    assert sum(minor for kind, _, minor in traced if kind == "unearned") < price / 10


def test_a_late_fee_is_not_lost_by_the_next_payment(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 90_000, 3)
    worlds.nights(db, FEB, GRACE_ENDS)
    worlds.pay(db, line, 10_000, MORNING_AFTER)
    assert worlds.line_of(db, line).fee_minor == 3_000
    worlds.pay(db, line, 23_000, MORNING_AFTER)
    found = worlds.line_of(db, line)
    assert (found.fee_minor, found.principal_minor) == (0, 60_000)
    assert worlds.offences(db) == []


# Once


def test_the_same_reference_is_the_same_payment(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 9_000)
    first = worlds.pay(db, line, 4_000, DAY, "R-1")
    assert worlds.pay(db, line, 4_000, DAY, "R-1") == first
    assert worlds.line_of(db, line).principal_minor == 5_000
    assert kinds(db, line).count("payment.received") == 1


def test_one_reference_may_be_used_on_two_lines(db: Database):
    one, two = worlds.open_lines(db, 2)
    assert worlds.pay(db, one, 100, DAY, "R-1").id != worlds.pay(db, two, 100, DAY, "R-1").id


def test_a_reference_with_another_amount_or_day_is_refused(db: Database):
    line = worlds.open_line(db)
    receive(db, new(line, 100))
    refused = Refusal("payment.reference_reused", {"reference": "R-1"})
    yesterday = DAY - timedelta(days=1)
    assert receive(db, new(line, 101), new(line, 100, value_on=yesterday)) == [refused, refused]


def test_refusals_name_their_reason_and_do_not_stop_the_batch(db: Database):
    line = worlds.open_line(db)
    tomorrow = DAY + timedelta(days=1)
    answers = receive(
        db,
        new(uuid4(), 100, "a"),
        new(line, 0, "b"),
        new(line, -5, "c"),
        new(line, 100, "d", tomorrow),
        new(line, 100, "e", worlds.line_of(db, line).opened_on - timedelta(days=1)),
        new(line, 100, "f", date.min),
        new(line, 100, "g"),
    )
    assert [answer.code if isinstance(answer, Refusal) else "taken" for answer in answers] == [
        "line.not_found",
        "payment.amount_invalid",
        "payment.amount_invalid",
        "payment.value_date_in_future",
        "payment.value_date_before_line",
        "payment.value_date_before_line",
        "taken",
    ]
    assert worlds.line_of(db, line).credit_minor == 100


def test_a_batch_does_what_its_payments_would_one_by_one(db: Database):
    one, two = worlds.open_lines(db, 2)
    for line in (one, two):
        worlds.buy(db, line, 60_000, 6)
        worlds.buy(db, line, 120_000, 12)
    worlds.night(db, FEB)
    amounts = [7_000, 12_345, 30_000, 200_000, 50]
    for place, minor in enumerate(amounts):
        worlds.pay(db, one, minor, FEB, f"R-{place}")
    receive(db, *(new(two, minor, f"R-{place}", FEB) for place, minor in enumerate(amounts)), day=FEB)
    assert sums(worlds.items(db, one)) == sums(worlds.items(db, two))
    assert worlds.line_of(db, one).credit_minor == worlds.line_of(db, two).credit_minor > 0
    assert worlds.offences(db) == []


def test_a_reference_twice_in_one_batch_is_one_payment(db: Database):
    line = worlds.open_line(db)
    first, second, third = receive(db, new(line, 100), new(line, 100), new(line, 99))
    assert first == second
    assert third == Refusal("payment.reference_reused", {"reference": "R-1"})
    assert worlds.line_of(db, line).credit_minor == 100


def test_an_empty_batch_does_nothing(db: Database):
    assert receive(db) == []


def test_payments_that_arrive_at_once_take_turns(db: Database):
    lines = worlds.open_lines(db, 2)
    for line in lines:
        worlds.buy(db, line, 30_000)
    failures: list[BaseException] = []

    def pay(order: int) -> None:
        try:
            batch = [new(line, 1_000, f"{order}-{n}") for n in range(5) for line in lines[::order]]
            receive(db, *batch)
        except psycopg.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=pay, args=(order,)) for order in (1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [worlds.line_of(db, line).principal_minor for line in lines] == [20_000, 20_000]
    assert worlds.offences(db) == []


# Value dates


def test_a_payment_counts_from_its_value_date(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 120_000, 12)
    early = DAY + timedelta(days=2)
    total = worlds.quote(db, line, early).total_minor
    paid = worlds.pay(db, line, total, DAY + timedelta(days=9), value_on=early)
    assert (paid.value_on, paid.clears_on) == (early, early + timedelta(days=5))
    assert worlds.items(db, line) == []
    with db.transaction() as tx:
        found = tx.conn.execute(
            "SELECT DISTINCT value_on, booked_on FROM ledger.transfer WHERE recipe = 'payment.receive'"
        ).fetchall()
    assert found == [{"value_on": early, "booked_on": DAY + timedelta(days=9)}]


def test_a_payment_made_in_time_and_booked_the_morning_after_undoes_the_late_fee(db: Database):
    line = worlds.open_line(db)
    worlds.buy(db, line, 90_000, 3)
    worlds.nights(db, FEB, GRACE_ENDS)
    assert worlds.line_of(db, line).fee_minor == 3_000
    worlds.pay(db, line, 30_000, MORNING_AFTER, value_on=GRACE_ENDS)
    found = worlds.line_of(db, line)
    assert (found.fee_minor, found.principal_minor) == (0, 60_000)
    assert "fee.waived" in kinds(db, line)
    assert worlds.offences(db) == []


@pytest.mark.parametrize(
    ("minor", "value_on", "fee"),
    [(29_999, GRACE_ENDS, 1), (30_000, MORNING_AFTER, 3_000)],
    ids=["too little", "too late"],
)
def test_a_payment_that_was_not_enough_or_not_in_time_leaves_the_fee_that_was_due(
    db: Database, minor: int, value_on: date, fee: int
):
    """A late fee is never more than what was late: one fen, had the payment been booked in time."""
    line = worlds.open_line(db)
    worlds.buy(db, line, 90_000, 3)
    worlds.nights(db, FEB, GRACE_ENDS)
    worlds.pay(db, line, minor, MORNING_AFTER, value_on=value_on)
    assert worlds.line_of(db, line).fee_minor == fee
    assert worlds.offences(db) == []


# Refunds


def test_a_refund_shortens_its_own_purchase_from_the_end(db: Database):
    line = worlds.open_line(db)
    other, returned = worlds.buy(db, line, 90_000, 3), worlds.buy(db, line, 60_000, 3)
    assert other
    worlds.night(db, FEB)
    worlds.refund(db, line, returned, 25_000, FEB)
    own = [i.principal_minor for i in worlds.items(db, line) if i.purchase == returned]
    assert own == [20_000, 15_000]
    assert sum(i.principal_minor for i in worlds.items(db, line) if i.purchase == other) == 90_000


def test_a_refund_beyond_its_purchase_pays_what_others_have_billed(db: Database):
    line = worlds.open_line(db)
    returned = worlds.buy(db, line, 50_000)
    worlds.pay(db, line, 50_000, DAY)
    worlds.buy(db, line, 90_000, 3)
    worlds.night(db, FEB)
    worlds.refund(db, line, returned, 20_000, FEB)
    assert sums(worlds.items(db, line)) == [(10_000, 0, 0), (30_000, 0, 0), (30_000, 0, 0)]
    assert worlds.line_of(db, line).credit_minor == 0


def test_a_refund_beyond_all_that_is_billed_is_credit(db: Database):
    line = worlds.open_line(db)
    returned, other = worlds.buy(db, line, 60_000, 3), worlds.buy(db, line, 90_000, 3)
    worlds.night(db, FEB)
    worlds.pay(db, line, 50_000, FEB)
    worlds.refund(db, line, returned, 60_000, FEB)
    found = worlds.line_of(db, line)
    assert (found.principal_minor, found.credit_minor) == (60_000, 20_000)
    assert {i.purchase for i in worlds.items(db, line)} == {other}
    assert worlds.offences(db) == []


def test_a_refund_of_everything_leaves_no_price_to_pay(db: Database):
    line = worlds.open_line(db)
    purchase = worlds.buy(db, line, 120_000, 12)
    worlds.refund(db, line, purchase, 120_000, DAY + timedelta(days=12))
    assert worlds.items(db, line) == []
    assert worlds.line_of(db, line).owed_minor == 0


def test_a_refund_of_half_halves_the_price_of_the_months_to_come(db: Database):
    line = worlds.open_line(db)
    purchase = worlds.buy(db, line, 120_000, 6)
    worlds.refund(db, line, purchase, 60_000, DAY)
    # The last three instalments are gone; the price of a month follows what is outstanding in it.
    assert [(i.principal_minor, i.fee_minor) for i in worlds.items(db, line)] == [
        (20_000, 360),
        (20_000, 288),
        (20_000, 180),
    ]


def test_a_refund_after_closing_is_credit(db: Database):
    line = worlds.open_line(db)
    purchase = worlds.buy(db, line, 9_000)
    worlds.pay(db, line, 9_000, DAY)
    worlds.refund(db, line, purchase, 9_000, DAY)
    assert worlds.line_of(db, line).credit_minor == 9_000


def test_a_shop_of_another_currency_cannot_refund(db: Database):
    line = worlds.open_line(db)
    purchase = worlds.buy(db, line, 9_000)
    with db.transaction() as tx:
        euros = worlds.payable(tx, "EUR")
    with pytest.raises(psycopg.Error, match="mixes currencies"), db.transaction() as tx:
        billing.refund(tx, worlds.locked(tx, line), purchase, euros, 100, at(DAY))
    assert worlds.line_of(db, line).principal_minor == 9_000


# Trifles and credit


@pytest.mark.parametrize(("left", "waived"), [(100, 100), (101, 0)])
def test_a_trifle_is_waived_and_what_is_more_is_not(db: Database, left: int, waived: int):
    line = worlds.open_line(db)
    worlds.buy(db, line, 9_000)
    worlds.pay(db, line, 9_000 - left, DAY)
    with db.transaction() as tx:
        assert billing.waive_remainder(tx, worlds.locked(tx, line), 100, at(DAY)) == waived
    assert worlds.line_of(db, line).owed_minor == left - waived
    assert ("debt.waived" in kinds(db, line)) is bool(waived)
    assert worlds.offences(db) == []


def test_what_a_month_has_earned_counts_towards_the_trifle(db: Database):
    """One fen of principal may be left while interest on what was refunded is not billed yet."""
    line = worlds.open_line(db)
    purchase = worlds.buy(db, line, 900_000, 12)
    worlds.refund(db, line, purchase, 899_999, DAY + timedelta(days=15))
    with db.transaction() as tx:
        found = worlds.locked(tx, line)
        assert found.owed_minor == 1
        assert billing.waive_remainder(tx, found, 100, at(DAY + timedelta(days=15))) == 0


def test_nothing_owed_is_nothing_to_waive(db: Database):
    line = worlds.open_line(db)
    with db.transaction() as tx:
        assert billing.waive_remainder(tx, worlds.locked(tx, line), 100, at(DAY)) == 0


def test_credit_that_covers_everything_pays_everything_off_when_asked(db: Database):
    line = worlds.open_line(db)
    worlds.pay(db, line, 70_000, DAY)
    worlds.buy(db, line, 60_000, 6)
    with db.transaction() as tx:
        used = pay_off_with_credit(tx, worlds.locked(tx, line), at(DAY))
    assert used == 60_000
    assert worlds.line_of(db, line).credit_minor == 10_000
    assert worlds.items(db, line) == []
    assert worlds.offences(db) == []


def test_credit_that_does_not_cover_everything_waits_for_the_bill(db: Database):
    line = worlds.open_line(db)
    worlds.pay(db, line, 59_999, DAY)
    worlds.buy(db, line, 60_000, 6)
    with db.transaction() as tx:
        assert pay_off_with_credit(tx, worlds.locked(tx, line), at(DAY)) == 0
