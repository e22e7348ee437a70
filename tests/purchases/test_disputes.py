"""Disputes: what is disputed is not demanded and does not age, whoever is right."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from worlds import DAY, at, items, line_of, nights, offences, open_line, pay

from whiteslip import billing, day, exits, identity, purchases
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, State
from whiteslip.identity import Person, Vault
from whiteslip.lines.model import Lifecycle
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Capture, Purchase, Request, disputes
from whiteslip.purchases import store as purchases_store
from whiteslip.purchases.model import Dispute, Ground, Outcome
from whiteslip.store import Database

OFFICE = Office(Tables.load(), "Test Lender")


def bought(db: Database, line: UUID, amount_minor: int, instalments: int = 1) -> Purchase:
    with db.transaction() as tx:
        asked = Request(line, "shop", amount_minor, instalments)
        (held,) = purchases.authorise(tx, OFFICE.tables, [asked], "shop", at(DAY))
        assert isinstance(held, Purchase)
        (done,) = purchases.capture(tx, [Capture(held.id, amount_minor)], "shop", at(DAY))
    assert isinstance(done, Purchase)
    return done


def disputed(db: Database, purchase: Purchase, amount_minor: int, now: datetime = at(DAY)) -> Dispute:
    with db.transaction() as tx:
        opened = disputes.dispute(tx, purchase.id, amount_minor, Ground.NOT_RECEIVED, "customer", now)
    assert not isinstance(opened, Refusal), opened
    return opened


def resolved(db: Database, dispute: Dispute, won: bool, now: datetime) -> Dispute:
    with db.transaction() as tx:
        done = disputes.resolve(tx, dispute.id, won, "desk", now)
        assert not isinstance(done, Refusal)
        exits.advance_line(tx, OFFICE, done.line, now)
    return done


def sound(db: Database) -> bool:
    with db.transaction() as tx:
        return day.every_violation(tx) == [] and offences(db) == []


def due(db: Database, line: UUID) -> list[tuple[Any, int]]:
    return [(item.due_on, item.principal_minor) for item in items(db, line)]


def test_a_disputed_sum_is_not_owed_and_does_not_age(db: Database):
    line = open_line(db)
    purchase = bought(db, line, 30_000)
    dispute = disputed(db, purchase, 12_000)
    assert (dispute.amount_minor, dispute.suspended_minor) == (12_000, 12_000)
    assert line_of(db, line).owed_minor == 18_000
    last = DAY + timedelta(days=60)
    nights(db, DAY, DAY + timedelta(days=30))
    pay(db, line, 18_000, DAY + timedelta(days=31))
    nights(db, DAY + timedelta(days=31), last)
    with db.transaction() as tx:
        assert billing.debt(tx, line, last).days_past_due == 0
    assert sound(db)


def test_what_fell_due_first_is_what_is_disputed(db: Database):
    line = open_line(db)
    purchase = bought(db, line, 30_000, 3)
    before = due(db, line)
    disputed(db, purchase, 15_000)
    assert due(db, line) == [(before[1][0], 5_000), before[2]]


def test_a_dispute_that_is_won_costs_the_shop_also_what_had_been_paid(db: Database):
    line = open_line(db)
    purchase = bought(db, line, 30_000)
    nights(db, DAY, DAY + timedelta(days=30))
    pay(db, line, 20_000, DAY + timedelta(days=31))
    dispute = disputed(db, purchase, 30_000, at(DAY + timedelta(days=32)))
    assert dispute.suspended_minor == 10_000
    resolved(db, dispute, True, at(DAY + timedelta(days=40)))
    after = line_of(db, line)
    assert (after.owed_minor, after.credit_minor) == (0, 20_000)
    assert sound(db)


def test_a_dispute_that_is_lost_is_owed_with_a_fresh_day_and_no_interest(db: Database):
    line = open_line(db)
    purchase = bought(db, line, 30_000, 12)
    dispute = disputed(db, purchase, 30_000)
    assert line_of(db, line).owed_minor == 0
    later = DAY + timedelta(days=50)
    resolved(db, dispute, False, at(later))
    (item,) = items(db, line)
    assert (item.principal_minor, item.interest_minor, item.fee_minor) == (30_000, 0, 0)
    assert item.due_on >= later + timedelta(days=14)
    again = resolved(db, dispute, True, at(later))
    assert again.outcome is Outcome.LOST, "resolving again changes nothing"
    assert sound(db)


@pytest.mark.parametrize("amount_minor", [0, -1, 30_001])
def test_no_more_is_disputed_than_was_bought(db: Database, amount_minor: int):
    purchase = bought(db, open_line(db), 30_000)
    with db.transaction() as tx:
        refused = disputes.dispute(tx, purchase.id, amount_minor, Ground.NOT_MINE, "customer", at(DAY))
    assert isinstance(refused, Refusal)
    assert refused.code == "dispute.amount_invalid"


def test_the_same_money_is_not_disputed_twice(db: Database):
    purchase = bought(db, open_line(db), 30_000)
    disputed(db, purchase, 20_000)
    with db.transaction() as tx:
        refused = disputes.dispute(tx, purchase.id, 10_001, Ground.NOT_MINE, "customer", at(DAY))
    assert isinstance(refused, Refusal)
    assert refused.facts["most_minor"] == 10_000


@pytest.mark.parametrize("days", [-1, 31])
def test_a_dispute_begins_between_the_purchase_and_today(db: Database, days: int):
    purchase, now = bought(db, open_line(db), 30_000), at(DAY + timedelta(days=30))
    began = DAY + timedelta(days=days)
    with db.transaction() as tx:
        refused = disputes.dispute(tx, purchase.id, 30_000, Ground.NOT_MINE, "customer", now, began)
    assert isinstance(refused, Refusal)
    assert refused.code == "dispute.began_on_invalid"


def test_a_dispute_written_down_late_takes_back_the_fee_and_the_days(db: Database):
    line, last = open_line(db), DAY + timedelta(days=50)
    purchase = bought(db, line, 30_000)
    nights(db, DAY, last - timedelta(days=1))
    with db.transaction() as tx:
        assert billing.debt(tx, line, last).days_past_due == 9
        began, ground = DAY + timedelta(days=10), Ground.NOT_RECEIVED
        opened = disputes.dispute(tx, purchase.id, 30_000, ground, "customer", at(last), began)
    assert not isinstance(opened, Refusal)
    assert (opened.suspended_minor, line_of(db, line).owed_minor) == (30_000, 0)
    assert sound(db)


def test_nobody_finding_out_in_time_is_a_win_for_the_customer(db: Database):
    line = open_line(db)
    dispute = disputed(db, bought(db, line, 30_000), 30_000)
    vault = Vault(bytes(32))
    person = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
    with db.transaction() as tx:
        identity.enrol(tx, vault, line_of(db, line).customer, person, "test", at(DAY))
    ports = day.Ports(OFFICE, vault, DemoPhone(db))
    day.run_due(db, ports, dispute.due_at - timedelta(seconds=1))
    assert line_of(db, line).owed_minor == 0
    day.run_due(db, ports, dispute.due_at)
    with db.transaction() as tx:
        (found,) = purchases_store.disputes_of_line(tx, line)
    assert found.outcome is Outcome.WON
    assert sound(db)


@pytest.mark.parametrize("won", [True, False])
def test_a_leaver_with_a_dispute_waits_for_nothing_else(db: Database, won: bool):
    line = open_line(db)
    purchase = bought(db, line, 30_000)
    disputed(db, purchase, 12_000)
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.API, "customer", at(DAY), Identity.VERIFIED)
    assert not isinstance(case, Refusal)
    nights(db, DAY, DAY + timedelta(days=30))
    pay(db, line, 18_000, DAY + timedelta(days=30))
    later = at(DAY + timedelta(days=50))
    with db.transaction() as tx:
        moved = exits.advance(tx, OFFICE, case.id, later)
    assert not isinstance(moved, Refusal)
    assert (moved.state, moved.why) == (State.RUN_OFF, "dispute_open")
    assert line_of(db, line).owed_minor == 0
    with db.transaction() as tx:
        (dispute,) = purchases_store.disputes_of_line(tx, line)
    resolved(db, dispute, won, later)
    with db.transaction() as tx:
        ended = exits_store.find(tx, case.id)
    assert ended
    assert ended.state is (State.CLOSED if won else State.RUN_OFF)
    assert sound(db)


def test_a_forced_post_is_a_dispute_and_not_a_debt_and_a_closed_line_stays_closed(db: Database):
    line = open_line(db)
    with db.transaction() as tx:
        exits.request(tx, OFFICE, line, Channel.API, "customer", at(DAY), Identity.VERIFIED)
    later = at(DAY + timedelta(days=9))
    with db.transaction() as tx:
        posted = disputes.force_post(tx, line, "subscription", 9_900, "network", later)
    assert not isinstance(posted, Refusal)
    after = line_of(db, line)
    assert (after.lifecycle, after.owed_minor) == (Lifecycle.CLOSED, 0)
    assert sound(db)
    resolved(db, posted, False, later)
    after = line_of(db, line)
    assert (after.lifecycle, after.owed_minor) == (Lifecycle.CLOSED, 9_900), "recognised: a late debt"
    assert sound(db)


def test_a_dispute_that_is_told_late_is_taken_and_told_as_late(db: Database):
    line = open_line(db)
    first, second = bought(db, line, 30_000), bought(db, line, 20_000)
    statement_on = DAY + timedelta(days=30)
    nights(db, DAY, statement_on)
    with db.transaction() as tx:
        known = tx.conn.execute("SELECT min(statement_on) AS day FROM billing.bill").fetchone()
    assert known
    last = known["day"] + timedelta(days=60)
    assert not disputed(db, first, 30_000, at(last)).told_late
    late = disputed(db, second, 20_000, at(last + timedelta(days=1)))
    assert late.told_late
    assert (late.outcome, late.suspended_minor) == (Outcome.OPEN, 20_000), "it is looked into all the same"
    with db.transaction() as tx:
        again = purchases_store.dispute(tx, late.id)
    assert again == late


def test_what_no_statement_has_asked_for_is_never_late(db: Database):
    assert not disputed(
        db, bought(db, open_line(db), 30_000), 30_000, at(DAY + timedelta(days=400))
    ).told_late
