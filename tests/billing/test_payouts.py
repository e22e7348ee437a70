"""Credit balances reach their owner, or wait for them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from worlds import DAY, at, line_of, name_account, offences, open_line, pay

from whiteslip import billing
from whiteslip.base import Refusal
from whiteslip.billing import payouts
from whiteslip.billing import store as billing_store
from whiteslip.billing.model import Payout
from whiteslip.store import Database
from whiteslip.store.database import journal_of
from whiteslip.store.timers import pop_timer

NOON = at(DAY)


def sent(db: Database) -> Payout:
    """A line with 80.00 too much, paid out."""
    line = open_line(db)
    name_account(db, line, NOON)
    return paid_out(db, line)


def paid_out(db: Database, line: UUID) -> Payout:
    pay(db, line, 8_000, DAY)
    with db.transaction() as tx:
        found = line_of(db, line)
        payout = billing.pay_out_credit(tx, found, found.customer, "desk", NOON)
        assert [payout] == billing_store.payouts(tx, line)
    assert payout
    return payout


def owner(db: Database, payout: Payout) -> UUID:
    return line_of(db, payout.line).customer


def bounced(db: Database, payout: Payout) -> Payout:
    with db.transaction() as tx:
        back = payouts.bounce(tx, payout.id, "bank", NOON + timedelta(days=2))
    assert not isinstance(back, Refusal)
    return back


def test_a_payout_that_comes_back_waits_for_its_owner_and_is_no_income(db: Database):
    payout = sent(db)
    back = bounced(db, payout)
    assert (back.state, back.amount_minor) == ("unclaimed", 8_000)
    assert line_of(db, payout.line).credit_minor == 0, "it does not reopen the line's balance"
    assert bounced(db, payout) == back, "twice is once"
    assert offences(db) == []


def test_what_waited_is_sent_to_the_account_that_was_named(db: Database):
    payout = sent(db)
    bounced(db, payout)
    whose = owner(db, payout)
    with db.transaction() as tx:
        again = payouts.send_again(tx, payout.id, whose, "desk", NOON + timedelta(days=9))
        assert not isinstance(again, Refusal)
        once = payouts.send_again(tx, payout.id, whose, "desk", NOON + timedelta(days=10))
    assert (again.state, once) == ("sent", again)
    assert offences(db) == []


def test_without_a_verified_account_a_credit_waits_off_the_line_and_its_owner_is_looked_for(db: Database):
    payout = paid_out(db, open_line(db))
    assert (payout.state, payout.account, line_of(db, payout.line).credit_minor) == ("unclaimed", None, 0)
    assert offences(db) == []
    with db.transaction() as tx:
        whose = owner(db, payout)
        assert payouts.send_again(tx, payout.id, whose, "desk", NOON) == Refusal("payout.no_account")
        timer = pop_timer(tx, NOON + timedelta(days=190))
    assert timer
    assert (timer.kind, timer.subject) == ("payout.unclaimed", payout.id)


def test_after_six_months_the_desk_is_reminded_to_look_for_the_owner(db: Database):
    payout = sent(db)
    bounced(db, payout)
    with db.transaction() as tx:
        assert pop_timer(tx, NOON + timedelta(days=178)) is None
        timer = pop_timer(tx, NOON + timedelta(days=190))
        assert timer
        assert (timer.kind, timer.subject) == ("payout.unclaimed", payout.id)
        payouts.remind(tx, payout.id, NOON + timedelta(days=190))
    with db.transaction() as tx:
        assert [row["kind"] for row in journal_of(tx, [payout.line])][-1] == "payout.unclaimed"


def test_a_payout_that_nobody_sent_does_not_come_back(db: Database):
    line = open_line(db)
    with db.transaction() as tx:
        refused = payouts.bounce(tx, line, "bank", NOON)
    assert isinstance(refused, Refusal)
    assert refused.code == "payout.not_found"
