"""What stands, whatever becomes known late: a charge-off, a sale, a withdrawal. The sums follow the story."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
import worlds
from billing.test_sales import buyer_of, sell
from worlds import DAY, at, line_of, nights, offences, open_line, pay

from whiteslip import ledger
from whiteslip.billing import chargeoff, disputed, hardship, sales, store
from whiteslip.billing.chargeoff import ChargeOff
from whiteslip.billing.model import Hardship, Relief
from whiteslip.billing.withdrawal import withdraw
from whiteslip.store import Database

from .test_late_truth import row, stands

FEB_24, MAR_10 = date(2026, 2, 24), date(2026, 3, 10)
# The plan of 10 March is broken on 11 May; the pack cn waits for 360 days past due.
LOST_ON = date(2027, 5, 20)


def lost_with_a_plan(db: Database) -> tuple[UUID, UUID]:
    """900.00 in 3, 13 days late, in a plan of 10 March that nobody kept; charged off a year later."""
    line = open_line(db)
    bought = worlds.buy(db, line, 90_000, 3)
    nights(db, DAY, MAR_10 - timedelta(days=1))
    with db.transaction() as tx:
        made = hardship.agree(tx, worlds.locked(tx, line), Relief.LONGER, "customer", at(MAR_10))
        assert isinstance(made, Hardship)
    nights(db, MAR_10, date(2026, 5, 12))
    for actor in ("ann", "ben"):
        with db.transaction() as tx:
            done = chargeoff.charge_off(tx, worlds.locked(tx, line), actor, at(LOST_ON))
    assert isinstance(done, ChargeOff)
    assert done.amount_minor == 93_000
    return line, bought


def house(db: Database, code: str) -> int:
    with db.transaction() as tx:
        return sum(r.debits - r.credits for r in ledger.trial_balance(tx) if r.code == f"house.{code}")


def test_truth_of_before_a_plan_lowers_a_loss_that_was_taken_since(db: Database):
    # 300.00 of 24 February: 300.00 are recovered, and the fee of 30.00 was never owed, so never lost. What
    # the charge-off says of its day stands.
    line, _ = lost_with_a_plan(db)
    debit = pay(db, line, 30_000, LOST_ON, "R-1", FEB_24)
    assert line_of(db, line).owed_minor == 60_000
    assert (house(db, "recoveries"), house(db, "credit_losses")) == (-30_000, 90_000)
    with db.transaction() as tx:
        (made,) = store.hardships(tx, line)
        taken = chargeoff.of_line(tx, line)
    assert made.frozen_days == 0
    assert taken
    assert (taken.on_day, taken.amount_minor) == (LOST_ON, 93_000)
    assert offences(db) == []
    worlds.give_back(db, debit, LOST_ON)
    assert line_of(db, line).owed_minor == 93_000
    assert offences(db) == []


def test_a_dispute_of_before_a_plan_lowers_a_loss_that_was_taken_since(db: Database):
    line, bought = lost_with_a_plan(db)
    with db.transaction() as tx:
        found = worlds.locked(tx, line)
        taken = disputed.suspend(tx, found, UUID(int=7), bought, 90_000, at(LOST_ON), date(2026, 2, 10))
    assert taken == 90_000
    assert stands(db, line, LOST_ON) == row(0, 0, 0, 0, 0, 0, "normal")
    assert offences(db) == []


@pytest.mark.parametrize("paid_first", [True, False])
def test_a_payment_of_before_a_sale_is_the_buyers_and_one_that_comes_back_is_owed_here(
    db: Database, paid_first: bool
):
    # Sold with 100.00 paid before, or nothing. To the buyer go 200.00, 100.00 that a shop gives back and
    # 50.00 that are disputed. The 100.00 were 90.00: 10.00 are owed to us.
    line, bought = lost_with_a_plan(db)
    paid = pay(db, line, 10_000, LOST_ON, "R-1", FEB_24) if paid_first else None
    buyer = buyer_of(db)
    for actor in ("ann", "ben"):
        sell(db, line, buyer, 10_000, actor, LOST_ON)
    assert line_of(db, line).owed_minor == 0
    pay(db, line, 20_000, LOST_ON, "R-2", FEB_24)
    assert line_of(db, line).owed_minor == 0
    worlds.refund(db, line, bought, 10_000, LOST_ON, FEB_24)
    with db.transaction() as tx:
        found = worlds.locked(tx, line)
        disputed.suspend(tx, found, UUID(int=7), bought, 5_000, at(LOST_ON), FEB_24)
        (known,) = sales.buyers(tx)
    assert (known.due_minor, line_of(db, line).credit_minor) == (35_000, 0)
    if paid:
        worlds.correct(db, paid.id, 9_000, FEB_24, LOST_ON)
        assert line_of(db, line).owed_minor == 1_000
    assert offences(db) == []


def test_a_payment_of_before_a_withdrawal_pays_what_is_to_be_repaid(db: Database):
    # 1,200.00 in 12 at 18 %: 18.00 a month, times twelve over 365 for ten days: 5.91. Withdrawn on 25
    # January. 500.00 of 20 January, told on 26 January: 705.91 are left, and 1,205.91 when they come back.
    line = open_line(db)
    worlds.buy(db, line, 120_000, 12)
    jan_25, jan_26 = date(2026, 1, 25), date(2026, 1, 26)
    with db.transaction() as tx:
        assert withdraw(tx, worlds.locked(tx, line), UUID(int=9), 30, "customer", at(jan_25)) == 120_591
    debit = pay(db, line, 50_000, jan_26, "R-1", date(2026, 1, 20))
    assert line_of(db, line).owed_minor == 70_591
    right = worlds.correct(db, debit.id, 40_000, date(2026, 1, 19), jan_26)
    assert line_of(db, line).owed_minor == 80_591
    worlds.give_back(db, right, jan_26)
    assert line_of(db, line).owed_minor == 120_591
    assert offences(db) == []
