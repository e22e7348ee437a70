"""Late truth: what is learned late is booked today and counts from its day. Days and sums by hand.

The line of every case: statements on the 5th, due 20 days later, a late fee of 30.00 three days after
that. So what is bought on 15 January is billed on 5 February, due on 25 February, and charged a late
fee in the night of 28 February.
"""

from __future__ import annotations

from datetime import date
from itertools import permutations
from uuid import UUID

import pytest
import worlds
from worlds import DAY, at, line_of, night, nights, offences, open_line, pay

from whiteslip import billing
from whiteslip.base import Refusal
from whiteslip.billing import disputed, hardship, late, payments, rules
from whiteslip.billing.model import Relief
from whiteslip.billing.store import lateness
from whiteslip.store import Database

JAN_15, JAN_25, FEB_5, FEB_25 = DAY, date(2026, 1, 25), date(2026, 2, 5), date(2026, 2, 25)
FEB_28, MAR_1, MAR_5, MAR_10 = date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 5), date(2026, 3, 10)


def stands(db: Database, line: UUID, day: date) -> dict[str, object]:
    """What a line owes on a day, as a row of a table."""
    found = line_of(db, line)
    with db.transaction() as tx:
        debt = billing.debt(tx, line, day)
    return {
        "principal": found.principal_minor,
        "interest": found.interest_minor,
        "fee": found.fee_minor,
        "credit": found.credit_minor,
        "past due": debt.past_due_minor,
        "dpd": debt.days_past_due,
        "class": rules.class_of(debt).value,
    }


def row(
    principal: int, interest: int, fee: int, credit: int, late: int, dpd: int, risk: str
) -> dict[str, object]:
    """A row of a table."""
    names = ("principal", "interest", "fee", "credit", "past due", "dpd", "class")
    return dict(zip(names, (principal, interest, fee, credit, late, dpd, risk), strict=True))


def moved(db: Database, recipe: str) -> list[tuple[int, date, date]]:
    """Transfers of a recipe: amount, value date, day of booking."""
    with db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT amount, value_on, booked_on FROM ledger.transfer WHERE recipe = %s ORDER BY amount",
            (recipe,),
        ).fetchall()
    return [(found["amount"], found["value_on"], found["booked_on"]) for found in rows]


def test_a_payment_that_arrives_late_gives_back_the_fee_and_the_days(db: Database):
    # 900.00 in one sum. Paid in time on 20 February; the bank's file came on 10 March.
    #   5 February   billed 900.00
    #  28 February   late fee 30.00
    #   5 March      the fee is billed
    #  10 March      900.00 of 20 February: in time, so neither fee nor days; nothing is left
    line = open_line(db)
    bought = worlds.buy(db, line, 90_000, 1)
    nights(db, JAN_15, date(2026, 3, 9))
    #                                      principal interest  fee credit past due dpd class
    assert stands(db, line, MAR_10) == row(90_000, 0, 3_000, 0, 90_000, 13, "special_mention")
    pay(db, line, 90_000, MAR_10, value_on=date(2026, 2, 20))
    assert stands(db, line, MAR_10) == row(0, 0, 0, 0, 0, 0, "normal")
    assert moved(db, "waive") == [(3_000, date(2026, 2, 20), MAR_10)]
    with db.transaction() as tx:
        assert lateness(tx, [bought], MAR_10) == {bought: 0}, "nor was it ever late"
    assert offences(db) == []


def test_a_payment_that_arrives_late_gives_back_interest_to_the_minor_unit(db: Database):
    # 1,200.00 in 12 at 18 % a year: the month to 5 February costs 18.00, 21 days from 15 January.
    # All but nothing of it paid off on 25 January, told on 10 February.
    #   earned by 25 January: 18.00 less 18.00 x 11/21 = 9.43, is 8.57
    #   billed on 5 February: 18.00 of interest
    #   so 9.43 of it is not earned after all
    line = open_line(db)
    worlds.buy(db, line, 120_000, 12)
    assert worlds.quote(db, line, JAN_25).total_minor == 120_857
    nights(db, JAN_15, date(2026, 2, 9))
    ten = date(2026, 2, 10)
    assert line_of(db, line).interest_minor == 1_800
    pay(db, line, 120_857, ten, value_on=JAN_25)
    assert stands(db, line, ten) == row(0, 0, 0, 0, 0, 0, "normal")
    assert moved(db, "uncharge.interest") == [(943, JAN_25, ten)]
    assert offences(db) == []


def test_a_payment_that_was_booked_a_month_late_is_corrected_to_its_own_day(db: Database):
    # 900.00 in one sum, booked with the value date of the bank's file instead of the transfer's.
    #  28 February   late fee 30.00
    #   1 March      930.00 come in: the fee and 900.00; nothing is left
    #  10 March      they had been sent on 20 February: no fee was justified, 30.00 are the customer's
    line = open_line(db)
    bought = worlds.buy(db, line, 90_000, 1)
    nights(db, JAN_15, FEB_28)
    paid = pay(db, line, 93_000, MAR_1, "R-1")
    assert stands(db, line, MAR_1) == row(0, 0, 0, 0, 0, 0, "normal")
    right = worlds.correct(db, paid.id, 93_000, date(2026, 2, 20), MAR_10)
    assert stands(db, line, MAR_10) == row(0, 0, 0, 3_000, 0, 0, "normal")
    assert moved(db, "waive") == [(3_000, date(2026, 2, 20), MAR_10)]
    assert moved(db, "payment.correct") == [(3_000, MAR_1, MAR_10), (90_000, MAR_1, MAR_10)]
    assert moved(db, "payment.receive")[-1] == (90_000, date(2026, 2, 20), MAR_10)
    with db.transaction() as tx:
        assert lateness(tx, [bought], MAR_10) == {bought: 0}, "nor was it ever late"
    # Whatever is told again, by either name of the payment and in its old words or its new ones,
    # changes nothing.
    assert worlds.correct(db, paid.id, 93_000, date(2026, 2, 20), MAR_10) == right
    assert pay(db, line, 93_000, MAR_10, "R-1", MAR_1) == right
    assert pay(db, line, 93_000, MAR_10, "R-1", date(2026, 2, 20)) == right
    with db.transaction() as tx:
        again = payments.correct(tx, paid.id, 1, MAR_1, "test", at(MAR_10))
        reused = billing.receive(tx, line, "R-1", 1, MAR_1, "transfer", 5, "test", at(MAR_10))
    assert isinstance(again, Refusal)
    assert again.code == "payment.corrected"
    assert isinstance(reused, Refusal)
    assert reused.code == "payment.reference_reused"
    assert stands(db, line, MAR_10) == row(0, 0, 0, 3_000, 0, 0, "normal")
    # It comes back once, under whichever name.
    assert worlds.give_back(db, paid, MAR_10).id == right.id
    assert worlds.give_back(db, right, MAR_10).id == right.id
    assert stands(db, line, MAR_10) == row(90_000, 0, 3_000, 0, 90_000, 13, "special_mention")
    assert offences(db) == []


def test_a_payment_of_less_than_was_booked_is_late_from_its_due_day_and_without_a_fee(db: Database):
    # 900.00 in one sum; 900.00 booked on 20 February were 600.00.
    #  10 March      300.00 are unpaid since 25 February: 13 days. The late fee of 28 February never
    #                arose, and none arises now: nobody could have known.
    line = open_line(db)
    worlds.buy(db, line, 90_000, 1)
    nights(db, JAN_15, date(2026, 2, 19))
    paid = pay(db, line, 90_000, date(2026, 2, 20))
    nights(db, date(2026, 2, 20), date(2026, 3, 9))
    worlds.correct(db, paid.id, 60_000, date(2026, 2, 20), MAR_10)
    assert stands(db, line, MAR_10) == row(30_000, 0, 0, 0, 30_000, 13, "special_mention")
    assert offences(db) == []


def test_a_payment_that_comes_back_leaves_its_place_to_the_one_after_it(db: Database):
    line = open_line(db)
    worlds.buy(db, line, 90_000, 3)  # 300.00 due on 25 February, 25 March and 25 April
    for day in (FEB_5, FEB_28):
        night(db, day)
    debit = pay(db, line, 30_000, MAR_1, value_on=FEB_28)  # in time, so the late fee of the night is given up
    night(db, MAR_5)
    pay(db, line, 30_000, date(2026, 3, 20))
    night(db, date(2026, 4, 5))
    back = date(2026, 4, 10)
    assert stands(db, line, back) == row(30_000, 0, 0, 0, 0, 0, "normal")
    worlds.give_back(db, debit, back)
    # The 300.00 of 20 March pay what was due on 25 February. Unpaid since 25 March, 16 days, are 300.00;
    # without the second payment's move it would be 44 days since 25 February. The fee of 28 February is
    # justified again; none arises on what would have been late in March and was not known to be.
    assert stands(db, line, back) == row(60_000, 0, 3_000, 0, 30_000, 16, "special_mention")
    assert moved(db, "payment.return") == [(30_000, FEB_28, back)]
    assert [(i.due_on, i.kind, i.total_minor) for i in worlds.items(db, line)] == [
        (date(2026, 3, 25), "purchase", 30_000),
        (date(2026, 3, 25), "late_fee", 3_000),
        (date(2026, 4, 25), "purchase", 30_000),
    ]
    assert offences(db) == []


def test_interest_that_a_payment_saved_is_owed_from_its_day_when_it_comes_back(db: Database):
    line = open_line(db)
    worlds.buy(db, line, 120_000, 12)  # 18 %: the first month costs 18.00, the level payment is 110.02
    # Ten of 21 days have earned 8.57; 491.43 of principal are repaid. The rest of the month, 18.00 x 11/21 =
    # 9.43, falls to 9.43 x 708.57/1200 = 5.57: 3.86 are given up.
    debit = pay(db, line, 50_000, JAN_25)
    night(db, FEB_5)
    assert stands(db, line, FEB_5) == row(70_857, 557, 0, 0, 0, 0, "normal")
    pay(db, line, 557, date(2026, 2, 20))
    night(db, FEB_28)
    worlds.give_back(db, debit, MAR_1)
    # Owed by 25 February were 110.02 with 18.00 of interest; 5.57 of it are paid, which comes to four days.
    assert stands(db, line, MAR_1) == row(120_000, 1_243, 0, 0, 10_445, 4, "special_mention")
    assert (386, JAN_25, MAR_1) in moved(db, "charge.interest")
    assert offences(db) == []


def test_a_refund_that_is_told_late_costs_no_fee_and_no_days(db: Database):
    line = open_line(db)
    purchase = worlds.buy(db, line, 90_000, 3)
    for day in (FEB_5, FEB_28, MAR_5):
        night(db, day)
    assert stands(db, line, MAR_10) == row(90_000, 0, 3_000, 0, 30_000, 13, "special_mention")
    # Given back on 20 February, before anything was late: all of it, and with it the reason for the fee.
    worlds.refund(db, line, purchase, 90_000, MAR_10, date(2026, 2, 20))
    assert stands(db, line, MAR_10) == row(0, 0, 0, 0, 0, 0, "normal")
    assert moved(db, "purchase.refund") == [(90_000, date(2026, 2, 20), MAR_10)]
    assert offences(db) == []


def test_what_was_bought_after_a_pause_that_was_told_late_is_owed_and_costs_nothing(db: Database):
    # Paused on 18 January, written down on 10 March; 600.00 in 6 at 3.60 a month bought on 20 January.
    #   5 February   billed 103.60
    #  28 February   late fee 30.00
    #   5 March      billed 103.60 and the fee
    #  10 March      2 x 3.60 and 30.00 are given back; 100.00 are past due since 25 February: 13 days
    #  28 March      200.00 are late and bring no fee
    line = open_line(db)
    jan_20 = date(2026, 1, 20)
    bought = worlds.buy(db, line, 60_000, 6, jan_20)
    nights(db, JAN_15, date(2026, 3, 9))
    assert stands(db, line, MAR_10) == row(60_000, 0, 3_720, 0, 10_360, 13, "special_mention")
    with db.transaction() as tx:
        assert late.unprice(tx, worlds.locked(tx, line), [bought], UUID(int=7), at(MAR_10)) == {bought}
    assert stands(db, line, MAR_10) == row(60_000, 0, 0, 0, 10_000, 13, "special_mention")
    assert moved(db, "uncharge.fee") == [(720, jan_20, MAR_10)]
    assert moved(db, "waive") == [(3_000, jan_20, MAR_10)]
    with db.transaction() as tx:
        assert late.unprice(tx, worlds.locked(tx, line), [bought], UUID(int=8), at(MAR_10)) == set()
    nights(db, MAR_10, date(2026, 4, 5))
    assert stands(db, line, date(2026, 4, 6)) == row(60_000, 0, 0, 0, 20_000, 40, "special_mention")
    assert offences(db) == []


def test_interest_that_was_paid_under_a_pause_told_late_pays_back_the_debt_itself(db: Database):
    # 1,200.00 in 12 at 18 %, bought after a pause, 50.00 paid on 20 February: 18.00 of interest and
    # 32.00 of principal. Told on 10 March: all 50.00 are principal.
    line = open_line(db)
    bought = worlds.buy(db, line, 120_000, 12)
    nights(db, JAN_15, date(2026, 2, 19))
    pay(db, line, 5_000, date(2026, 2, 20))
    nights(db, date(2026, 2, 20), date(2026, 3, 9))
    with db.transaction() as tx:
        late.unprice(tx, worlds.locked(tx, line), [bought], UUID(int=7), at(MAR_10))
    assert stands(db, line, MAR_10)["principal"] == 115_000
    assert stands(db, line, MAR_10)["interest"] == 0
    assert sum(minor for minor, *_ in moved(db, "late.rebook")) == 1_800
    assert worlds.quote(db, line, date(2026, 12, 1)).total_minor == 115_000
    assert offences(db) == []


def test_two_payments_in_the_wrong_order_end_where_the_right_order_ends(db: Database):
    # 600.00 in 6 at 3.60 a month. 200.00 of 20 January is told after 100.00 of 1 February.
    one, two = worlds.open_lines(db, 2)
    for line in (one, two):
        worlds.buy(db, line, 60_000, 6)
    early, later = date(2026, 1, 20), date(2026, 2, 1)
    pay(db, one, 20_000, early)
    pay(db, one, 10_000, later)
    pay(db, two, 10_000, later)
    pay(db, two, 20_000, date(2026, 2, 3), value_on=early)
    assert stands(db, one, FEB_5) == stands(db, two, FEB_5)
    assert [(i.principal_minor, i.fee_minor) for i in worlds.items(db, one)] == [
        (i.principal_minor, i.fee_minor) for i in worlds.items(db, two)
    ]
    night(db, FEB_5)
    assert stands(db, one, MAR_1) == stands(db, two, MAR_1)
    assert offences(db) == []


def test_a_dispute_that_began_before_it_was_written_down_caused_no_fee_and_no_days(db: Database):
    # 900.00 in one sum; on 10 February the customer said that nothing came. Written down on 10 March.
    #  28 February   late fee 30.00, for what nobody should have demanded
    #  10 March      900.00 are disputed from 10 February on, and the fee is given up
    line = open_line(db)
    bought = worlds.buy(db, line, 90_000, 1)
    nights(db, JAN_15, date(2026, 3, 9))
    began = date(2026, 2, 10)
    with db.transaction() as tx:
        taken = disputed.suspend(tx, worlds.locked(tx, line), UUID(int=7), bought, 90_000, at(MAR_10), began)
    assert taken == 90_000
    assert stands(db, line, MAR_10) == row(0, 0, 0, 0, 0, 0, "normal")
    assert moved(db, "waive") == [(3_000, began, MAR_10)]
    assert moved(db, "dispute.open") == [(90_000, began, MAR_10)]
    assert offences(db) == []


def test_what_was_collected_of_a_sum_already_disputed_is_the_customers(db: Database):
    # Disputed on 10 February, collected on 25 February, written down on 10 March: the 900.00 that were
    # collected paid for nothing that was owed.
    line = open_line(db)
    bought = worlds.buy(db, line, 90_000, 1)
    nights(db, JAN_15, FEB_25)
    pay(db, line, 90_000, FEB_25)
    with db.transaction() as tx:
        found = worlds.locked(tx, line)
        disputed.suspend(tx, found, UUID(int=7), bought, 90_000, at(MAR_10), date(2026, 2, 10))
    assert stands(db, line, MAR_10) == row(0, 0, 0, 90_000, 0, 0, "normal")
    assert moved(db, "late.rebook") == [(90_000, date(2026, 2, 10), MAR_10)]
    assert offences(db) == []


def test_interest_on_a_disputed_sum_is_given_back_from_the_day_it_began(db: Database):
    # 1,200.00 in 12 at 18 %, all of it disputed on 25 January, written down on 10 February:
    # of the 18.00 billed on 5 February 8.57 are earned, 9.43 are not. Rather than ask for 8.57 alone,
    # what nothing carries any more is given up: no principal of the plan is left to earn on.
    line = open_line(db)
    bought = worlds.buy(db, line, 120_000, 12)
    nights(db, JAN_15, date(2026, 2, 9))
    ten = date(2026, 2, 10)
    with db.transaction() as tx:
        found = worlds.locked(tx, line)
        assert disputed.suspend(tx, found, UUID(int=7), bought, 120_000, at(ten), JAN_25) == 120_000
    assert stands(db, line, ten) == row(0, 0, 0, 0, 0, 0, "normal")
    assert moved(db, "uncharge.interest") == [(1_800, JAN_25, ten)]
    assert offences(db) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_payments_and_a_dispute_in_any_order_of_arrival(db: Database, order: tuple[int, ...]):
    # 900.00 in 3 and, a day later, 600.00 in 6 at 3.60 a month, told of on 10 March in any order:
    #   150.00 of 20 January, 450.00 of 10 February, 300.00 of the 600.00 disputed on 1 February.
    #  20 January    150.00: 0.72 of fee (4 of 20 days of 3.60), 149.28 of principal
    #   1 February   100.00 of each of the first three months leave; 0.36 of the month's fee is given up
    #   5 February   billed: 150.72 of the 900.00 and 3.60 - 0.72 - 0.36 = 2.52 of fee
    #  10 February   450.00: 2.52 and 150.72; of the next month's 2.16 (300 of 500 outstanding) 5 of 28
    #                days are earned, 0.39; the rest, 296.37, is principal
    #   5 March      billed: 2.16 - 0.39 = 1.77; principal 1,200.00 - 149.28 - 150.72 - 296.37
    line = open_line(db)
    worlds.buy(db, line, 90_000, 3)
    other = worlds.buy(db, line, 60_000, 6, date(2026, 1, 16))
    nights(db, JAN_15, date(2026, 3, 9))
    for number in order:
        if number == 2:
            with db.transaction() as tx:
                found = worlds.locked(tx, line)
                disputed.suspend(tx, found, UUID(int=7), other, 30_000, at(MAR_10), date(2026, 2, 1))
        else:
            minor, on = ((15_000, date(2026, 1, 20)), (45_000, date(2026, 2, 10)))[number]
            pay(db, line, minor, MAR_10, f"R-{number}", on)
    assert stands(db, line, MAR_10) == row(60_363, 0, 177, 0, 0, 0, "normal")
    assert offences(db) == []


def test_a_payment_of_before_a_hardship_plan_takes_its_fee_and_days_out_of_the_plan(db: Database):
    # 900.00 in 3 at no price: 300.00 due on 25 February, 25 March and 25 April.
    #  28 February   late fee 30.00
    #  10 March      13 days late; a plan of 24 instalments takes 930.00 over and keeps the 13 days
    #  20 March      300.00 of 24 February: in time. No fee and no day was late: 930.00 - 30.00 - 300.00
    #                are left. The plan stands, and a debt that is watched is special mention at least.
    line = open_line(db)
    worlds.buy(db, line, 90_000, 3)
    nights(db, JAN_15, date(2026, 3, 9))
    with db.transaction() as tx:
        hardship.agree(tx, worlds.locked(tx, line), Relief.LONGER, "customer", at(MAR_10))
    nights(db, MAR_10, date(2026, 3, 19))
    mar_20, feb_24 = date(2026, 3, 20), date(2026, 2, 24)
    assert stands(db, line, mar_20) == row(90_000, 0, 3_000, 0, 0, 13, "special_mention")
    pay(db, line, 30_000, mar_20, "R-1", feb_24)
    assert stands(db, line, mar_20) == row(60_000, 0, 0, 0, 0, 0, "special_mention")
    assert moved(db, "waive") != []
    assert {(on, day) for _, on, day in moved(db, "waive")} == {(feb_24, mar_20)}
    assert sum(minor for minor, *_ in moved(db, "waive")) == 3_000
    pay(db, line, 30_000, mar_20, "R-1", feb_24)
    assert stands(db, line, mar_20) == row(60_000, 0, 0, 0, 0, 0, "special_mention"), (
        "told twice is told once"
    )
    # A second one, of 20 March, finds nothing more to give back.
    pay(db, line, 10_000, date(2026, 3, 22), "R-2", date(2026, 2, 27))
    assert stands(db, line, date(2026, 3, 22)) == row(50_000, 0, 0, 0, 0, 0, "special_mention")
    nights(db, mar_20, date(2026, 4, 7))
    assert offences(db) == []


def test_a_payment_of_before_a_hardship_plan_that_comes_back_gives_it_its_days_again(db: Database):
    line = open_line(db)
    worlds.buy(db, line, 90_000, 3)
    nights(db, JAN_15, date(2026, 3, 9))
    with db.transaction() as tx:
        hardship.agree(tx, worlds.locked(tx, line), Relief.LONGER, "customer", at(MAR_10))
    mar_20 = date(2026, 3, 20)
    debit = pay(db, line, 30_000, mar_20, "R-1", date(2026, 2, 24))
    assert stands(db, line, mar_20)["dpd"] == 0
    worlds.give_back(db, debit, mar_20)
    # The fee was justified after all.
    assert stands(db, line, mar_20) == row(90_000, 0, 3_000, 0, 0, 13, "special_mention")
    assert offences(db) == []


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_two_halves_of_an_instalment_in_any_order_correct_a_hardship_plan(
    db: Database, order: tuple[int, ...]
):
    # As above; 200.00 of 20 February and 100.00 of 24 February. After one of them something was late still.
    line = open_line(db)
    worlds.buy(db, line, 90_000, 3)
    nights(db, JAN_15, date(2026, 3, 9))
    with db.transaction() as tx:
        hardship.agree(tx, worlds.locked(tx, line), Relief.HOLIDAY, "customer", at(MAR_10))
    mar_20, told = date(2026, 3, 20), ((20_000, date(2026, 2, 20)), (10_000, date(2026, 2, 24)))
    first, second = order
    pay(db, line, told[first][0], mar_20, f"R-{first}", told[first][1])
    after = 93_000 - told[first][0]
    assert line_of(db, line).owed_minor == after
    assert stands(db, line, mar_20)["dpd"] == 13
    pay(db, line, told[second][0], mar_20, f"R-{second}", told[second][1])
    assert stands(db, line, mar_20) == row(60_000, 0, 0, 0, 0, 0, "special_mention")
    assert offences(db) == []


def test_a_fee_that_a_hardship_plan_forgave_is_not_given_back_again(db: Database):
    line = open_line(db)
    worlds.buy(db, line, 90_000, 3)
    nights(db, JAN_15, date(2026, 3, 9))
    with db.transaction() as tx:
        hardship.agree(tx, worlds.locked(tx, line), Relief.REDUCED, "staff:two", at(MAR_10))
    pay(db, line, 30_000, date(2026, 3, 20), "R-1", date(2026, 2, 24))
    mar_20 = date(2026, 3, 20)
    assert stands(db, line, mar_20) == row(60_000, 0, 0, 0, 0, 0, "special_mention")
    assert offences(db) == []
