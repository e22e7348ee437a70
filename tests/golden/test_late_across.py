"""Late truth across a hardship plan: it counts from before it and is learned after it. Days and sums by hand.

The line of ``test_late_truth``: 900.00 in 3 at no price, bought on 15 January: 300.00 due on 25 February,
25 March and 25 April; a late fee of 30.00 in the third night after a due day. Agreed on 10 March, a plan
takes over 930.00 at 13 days past due; agreed on 30 March, after 300.00 on 1 March, it takes over 600.00 and
two late fees at 5 days.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations
from uuid import UUID

import pytest
import worlds
from worlds import DAY, at, nights, offences, open_line, pay

from whiteslip import billing
from whiteslip.billing import disputed, hardship, late, store
from whiteslip.billing.model import Hardship, Relief
from whiteslip.store import Database
from whiteslip.store.database import journal_of

from .test_late_truth import row, stands

FEB_10, FEB_20, FEB_24 = date(2026, 2, 10), date(2026, 2, 20), date(2026, 2, 24)
MAR_1, MAR_10, MAR_20, MAR_30 = date(2026, 3, 1), date(2026, 3, 10), date(2026, 3, 20), date(2026, 3, 30)
APR_10, APR_25 = date(2026, 4, 10), date(2026, 4, 25)


def agree(db: Database, line: UUID, day: date, relief: Relief = Relief.LONGER) -> Hardship:
    with db.transaction() as tx:
        made = hardship.agree(tx, worlds.locked(tx, line), relief, "customer", at(day))
    assert isinstance(made, Hardship), made
    return made


def plan_of(db: Database, line: UUID) -> Hardship:
    with db.transaction() as tx:
        return store.hardships(tx, line)[-1]


def in_a_plan(db: Database, relief: Relief = Relief.LONGER) -> tuple[UUID, UUID]:
    """The line and its purchase, in a plan of 10 March."""
    line = open_line(db)
    bought = worlds.buy(db, line, 90_000, 3)
    nights(db, DAY, MAR_10 - timedelta(days=1))
    agree(db, line, MAR_10, relief)
    nights(db, MAR_10, MAR_20 - timedelta(days=1))
    return line, bought


def paid_and_in_a_plan(db: Database) -> tuple[UUID, UUID]:
    """The line and the payment of 300.00 of 1 March, in a plan of 30 March; it is 10 April."""
    line = open_line(db)
    worlds.buy(db, line, 90_000, 3)
    nights(db, DAY, MAR_1 - timedelta(days=1))
    paid = pay(db, line, 30_000, MAR_1, "R-1")
    nights(db, MAR_1, MAR_30 - timedelta(days=1))
    agree(db, line, MAR_30)
    nights(db, MAR_30, APR_10 - timedelta(days=1))
    assert stands(db, line, APR_10) == row(60_000, 0, 6_000, 0, 0, 5, "special_mention")
    return line, paid.id


def dispute(
    db: Database, line: UUID, bought: UUID, minor: int, day: date, began_on: date | None = None
) -> int:
    with db.transaction() as tx:
        return disputed.suspend(tx, worlds.locked(tx, line), UUID(int=7), bought, minor, at(day), began_on)


def test_a_payment_corrected_to_a_day_in_time_takes_its_late_fee_out_of_the_plan(db: Database):
    # 300.00 of 1 March had been sent on 24 February: the late fee of 28 February was not justified.
    line, paid = paid_and_in_a_plan(db)
    worlds.correct(db, paid, 30_000, FEB_24, APR_10)
    assert stands(db, line, APR_10) == row(60_000, 0, 3_000, 0, 0, 5, "special_mention")
    worlds.correct(db, paid, 30_000, FEB_24, APR_10)
    assert stands(db, line, APR_10) == row(60_000, 0, 3_000, 0, 0, 5, "special_mention")
    assert offences(db) == []


def test_a_payment_corrected_to_less_gives_the_plan_its_days_and_is_owed_on_a_day_of_its_own(db: Database):
    # 300.00 of 1 March were 200.00: 100.00 had been unpaid since 25 February, 33 days on 30 March.
    line, paid = paid_and_in_a_plan(db)
    worlds.correct(db, paid, 20_000, MAR_1, APR_10)
    assert stands(db, line, APR_10) == row(70_000, 0, 6_000, 0, 0, 33, "special_mention")
    assert [(i.kind, i.total_minor) for i in worlds.items(db, line) if i.kind != "hardship"] == [
        ("residual", 10_000)
    ]
    assert offences(db) == []


def test_a_payment_corrected_to_a_day_after_the_plan_pays_the_plan(db: Database):
    # 300.00 of 1 March came on 9 April: on 30 March all was unpaid since 25 February, 33 days; they pay the
    # plan now, and what it would have taken over besides is owed on a day of its own.
    line, paid = paid_and_in_a_plan(db)
    worlds.correct(db, paid, 30_000, date(2026, 4, 9), APR_10)
    assert stands(db, line, APR_10) == row(60_000, 0, 6_000, 0, 0, 33, "special_mention")
    assert offences(db) == []


def test_a_payment_that_comes_back_gives_the_plan_its_days_and_is_owed_on_a_day_of_its_own(db: Database):
    # Nothing had been paid: unpaid since 25 February. The 300.00 are due 20 days after 10 April.
    line, paid = paid_and_in_a_plan(db)
    with db.transaction() as tx:
        assert not isinstance(billing.return_payment(tx, paid, "test", at(APR_10)), type(None))
    assert stands(db, line, APR_10) == row(90_000, 0, 6_000, 0, 0, 33, "special_mention")
    assert [(i.due_on, i.total_minor) for i in worlds.items(db, line) if i.kind != "hardship"] == [
        (date(2026, 4, 30), 30_000)
    ]
    nights(db, APR_10, APR_25 - timedelta(days=1))
    assert stands(db, line, APR_25)["dpd"] == 33
    assert offences(db) == []


@pytest.mark.parametrize(
    ("minor", "left"),
    [
        # The last instalment is given back: the first was late all the same.
        (30_000, (60_000, 0, 3_000, 0, 0, 13, "special_mention")),
        # All of it, five days before anything was late: no fee and no days.
        (90_000, (0, 0, 0, 0, 0, 0, "normal")),
    ],
)
def test_a_refund_of_before_a_plan_takes_the_purchase_out_of_it(
    db: Database, minor: int, left: tuple[int, int, int, int, int, int, str]
):
    line, bought = in_a_plan(db)
    worlds.refund(db, line, bought, minor, MAR_20, FEB_20)
    assert stands(db, line, MAR_20) == row(*left)
    assert offences(db) == []


def test_a_refund_of_today_takes_the_purchase_out_of_the_plan_from_its_end(db: Database):
    line, bought = in_a_plan(db)
    first = worlds.items(db, line)[0]
    worlds.refund(db, line, bought, 30_000, MAR_20)
    assert stands(db, line, MAR_20) == row(60_000, 0, 3_000, 0, 0, 13, "special_mention")
    assert worlds.items(db, line)[0].total_minor == first.total_minor
    assert offences(db) == []


def test_a_dispute_that_began_before_a_plan_takes_its_fee_and_days_out_of_it(db: Database):
    # 300.00 disputed on 10 February, told on 20 March: nothing was past due on 25 February, so no fee.
    line, bought = in_a_plan(db)
    assert dispute(db, line, bought, 30_000, MAR_20, FEB_10) == 30_000
    assert stands(db, line, MAR_20) == row(60_000, 0, 0, 0, 0, 0, "special_mention")
    # The shop was right: owed again on a day of its own. The plan rests on what it rested on.
    nights(db, MAR_20, MAR_30 - timedelta(days=1))
    with db.transaction() as tx:
        disputed.end(tx, UUID(int=7))
        disputed.demand(tx, worlds.locked(tx, line), UUID(int=7), 30_000, "test", at(MAR_30))
    assert stands(db, line, MAR_30) == row(90_000, 0, 0, 0, 0, 0, "special_mention")
    # What is told after that finds all of it: 300.00 paid on 24 February change nothing but the sum.
    pay(db, line, 30_000, MAR_30, "R-1", FEB_24)
    assert stands(db, line, MAR_30) == row(60_000, 0, 0, 0, 0, 0, "special_mention")
    assert offences(db) == []


def test_a_dispute_of_what_is_in_a_plan_is_not_demanded(db: Database):
    line, bought = in_a_plan(db)
    assert dispute(db, line, bought, 90_000, MAR_20) == 90_000
    assert stands(db, line, MAR_20) == row(0, 0, 3_000, 0, 0, 13, "special_mention")
    nights(db, MAR_20, date(2026, 4, 6))
    pay(db, line, 1_000, date(2026, 4, 7), "R-1", date(2026, 4, 1))
    assert stands(db, line, date(2026, 4, 7)) == row(0, 0, 2_000, 0, 0, 13, "special_mention")
    assert offences(db) == []


def test_a_pause_of_before_a_plan_takes_the_price_out_of_it(db: Database):
    # 600.00 in 6 at 3.60 a month, bought after a pause: 100.00 and the price due on 25 February. The plan
    # of 10 March takes over 600.00, 2 x 3.60, the fee of 30.00 and 5 of 31 days of 3.60, 0.58.
    line = open_line(db)
    bought = worlds.buy(db, line, 60_000, 6, date(2026, 1, 20))
    nights(db, DAY, MAR_10 - timedelta(days=1))
    agree(db, line, MAR_10)
    nights(db, MAR_10, MAR_20 - timedelta(days=1))
    assert stands(db, line, MAR_20) == row(60_000, 0, 3_778, 0, 0, 13, "special_mention")
    with db.transaction() as tx:
        assert late.unprice(tx, worlds.locked(tx, line), [bought], UUID(int=7), at(MAR_20)) == {bought}
    assert stands(db, line, MAR_20) == row(60_000, 0, 0, 0, 0, 13, "special_mention")
    with db.transaction() as tx:
        assert late.unprice(tx, worlds.locked(tx, line), [bought], UUID(int=8), at(MAR_20)) == set()
    assert offences(db) == []


def test_a_fee_that_was_paid_before_the_plan_pays_the_debt_itself(db: Database):
    # 330.00 of 1 March paid the first instalment and the fee of 28 February. 300.00 of 24 February, told on
    # 10 April: there was no fee, and the second instalment was paid on 1 March as well. The third was not due
    # yet on 30 March: no days. 900.00 - 630.00 are left.
    line = open_line(db)
    worlds.buy(db, line, 90_000, 3)
    nights(db, DAY, MAR_1 - timedelta(days=1))
    pay(db, line, 33_000, MAR_1, "R-1")
    nights(db, MAR_1, MAR_30 - timedelta(days=1))
    agree(db, line, MAR_30)
    assert stands(db, line, MAR_30) == row(60_000, 0, 3_000, 0, 0, 5, "special_mention")
    pay(db, line, 30_000, APR_10, "R-2", FEB_24)
    assert stands(db, line, APR_10) == row(27_000, 0, 0, 0, 0, 0, "special_mention")
    assert offences(db) == []


def test_what_a_plan_lost_in_value_follows_what_was_owed(db: Database):
    # Forgiving a fee of 30.00 of 930.00 loses 322 basis points: distress, a year of probation. The fee was
    # not owed, so nothing was forgiven: 0.
    line, _ = in_a_plan(db, Relief.REDUCED)
    made = plan_of(db, line)
    assert (made.value_loss_bps, made.distressed) == (322, True)
    debit = pay(db, line, 30_000, MAR_20, "R-1", FEB_24)
    made = plan_of(db, line)
    assert (made.value_loss_bps, made.distressed, made.frozen_days) == (0, False, 0)
    assert stands(db, line, MAR_20) == row(60_000, 0, 0, 0, 0, 0, "special_mention")
    worlds.give_back(db, debit, MAR_20)
    made = plan_of(db, line)
    assert (made.value_loss_bps, made.distressed, made.frozen_days) == (322, True, 13)
    assert offences(db) == []


def broken(db: Database) -> tuple[UUID, UUID, int]:
    """A line whose plan of 10 March was broken by an instalment of 25 April, its purchase and the sum of that
    instalment; it is 12 May.
    """
    line, bought = in_a_plan(db)
    first = worlds.items(db, line)[0].total_minor
    nights(db, MAR_20, date(2026, 5, 11))
    assert plan_of(db, line).state == "broken"
    return line, bought, first


@pytest.mark.parametrize(
    ("value_on", "state", "dpd"), [(25, "agreed", 13), (10, "agreed", 13), (11, "broken", 13)]
)
def test_a_plan_whose_instalment_was_paid_in_time_was_kept(db: Database, value_on: int, state: str, dpd: int):
    # Its first instalment is due on 25 April and may be late until the night of 10 May.
    line, _, first = broken(db)
    day = date(2026, 5, 12)
    assert stands(db, line, day)["dpd"] == 13 + 17
    on = date(2026, 4 if value_on == 25 else 5, value_on)
    pay(db, line, first - 1, day, "R-1", on)
    assert plan_of(db, line).state == "broken"
    debit = pay(db, line, 1, day, "R-2", on)
    assert plan_of(db, line).state == state
    assert stands(db, line, day)["dpd"] == dpd
    with db.transaction() as tx:
        kinds = [told["kind"] for told in journal_of(tx, [line])]
    assert kinds.count("hardship.kept") == (state == "agreed")
    worlds.give_back(db, debit, day)
    worlds.night(db, day)
    assert plan_of(db, line).state == "broken"
    assert offences(db) == []


def test_a_plan_that_its_customer_ended_is_not_kept_by_a_late_payment(db: Database):
    line, _ = in_a_plan(db)
    with db.transaction() as tx:
        hardship.end(tx, worlds.locked(tx, line), "customer", at(MAR_20))
    pay(db, line, 5_000, date(2026, 3, 22), "R-1", MAR_20)
    assert plan_of(db, line).state == "broken"


def test_truth_of_before_two_plans_corrects_both(db: Database):
    # The first plan, of 10 March, was broken on 11 May; on 12 May a second takes over what is left of it, at
    # 13 + 17 days. 300.00 of 24 February: the first kept no days and no fee was owed; and they are more than
    # its first instalment, so that nothing of it was late on 12 May.
    line, _, _ = broken(db)
    day = date(2026, 5, 12)
    agree(db, line, day, Relief.HOLIDAY)
    assert stands(db, line, day) == row(90_000, 0, 3_000, 0, 0, 30, "special_mention")
    debit = pay(db, line, 30_000, day, "R-1", FEB_24)
    assert stands(db, line, day) == row(60_000, 0, 0, 0, 0, 0, "special_mention")
    with db.transaction() as tx:
        assert [made.frozen_days for made in store.hardships(tx, line)] == [0, 0]
    worlds.give_back(db, debit, day)
    assert stands(db, line, day) == row(90_000, 0, 3_000, 0, 0, 30, "special_mention")
    assert offences(db) == []


def test_truth_of_between_two_plans_corrects_the_second(db: Database):
    # The first instalment of the first plan, 38.75, had been paid on its due day. It pays what is open today:
    # of the second plan's first instalment its 2.50 of fee, and 36.25.
    line, _, first = broken(db)
    day = date(2026, 5, 12)
    agree(db, line, day, Relief.HOLIDAY)
    pay(db, line, first, day, "R-1", APR_25)
    with db.transaction() as tx:
        assert [made.frozen_days for made in store.hardships(tx, line)] == [13, 13]
    assert stands(db, line, day) == row(86_375, 0, 2_750, 0, 0, 13, "special_mention")
    assert offences(db) == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_payment_a_refund_and_a_dispute_of_before_a_plan_in_any_order(db: Database, order: tuple[int, ...]):
    # 100.00 paid on 20 February, 200.00 given back on 10 February, 250.00 disputed on 24 February: the last
    # instalment is 100.00, the first was 200.00 unpaid and is disputed. Nothing was late.
    line, bought = in_a_plan(db)
    for number in order:
        if number == 0:
            pay(db, line, 10_000, MAR_20, "R-1", FEB_20)
        elif number == 1:
            worlds.refund(db, line, bought, 20_000, MAR_20, FEB_10)
        else:
            assert dispute(db, line, bought, 25_000, MAR_20, FEB_24) == 25_000
    assert stands(db, line, MAR_20) == row(35_000, 0, 0, 0, 0, 0, "special_mention")
    assert offences(db) == []


@pytest.mark.parametrize("paid_first", [True, False])
@pytest.mark.parametrize(
    ("began_on", "taken", "credit"),
    [
        (FEB_20, 90_000, 30_000),
        (date(2026, 4, 1), 60_000, 0),
        (date(2026, 5, 12), 60_000, 0),
    ],
)
def test_a_dispute_and_a_payment_across_two_plans_in_any_order(
    db: Database, paid_first: bool, began_on: date, taken: int, credit: int
):
    # All of 900.00 is disputed: before the first plan, between the two, or on the day of the second; 300.00
    # were paid on 24 February. Of what was disputed before they are too much, and no fee was owed; otherwise
    # they paid 300.00 of it, and 600.00 are left to dispute.
    line, bought, _ = broken(db)
    day = date(2026, 5, 12)
    agree(db, line, day, Relief.HOLIDAY)
    if paid_first:
        pay(db, line, 30_000, day, "R-1", FEB_24)
        dispute(db, line, bought, 90_000, day, began_on)
    else:
        dispute(db, line, bought, 90_000, day, began_on)
        pay(db, line, 30_000, day, "R-1", FEB_24)
    now = worlds.line_of(db, line)
    with db.transaction() as tx:
        suspended = tx.conn.execute("SELECT sum(amount_minor)::bigint AS minor FROM billing.v_suspended")
        assert suspended.fetchone() == {"minor": taken}
    assert (now.owed_minor, now.credit_minor) == (0, credit)
    assert offences(db) == []
