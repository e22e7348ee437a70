"""The night sends the buyers of debts what is theirs, and proposes to take as lost what is past its days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from billing.test_chargeoff import DUE_ON, LATE, arrears
from billing.test_sales import SOLD_ON, balances, buyer_of, due_to, running_off, sold
from worlds import TIMEZONE, offences, pay

from whiteslip import day
from whiteslip.base import end_of_day
from whiteslip.billing import chargeoff
from whiteslip.billing.chargeoff import State
from whiteslip.day import stages
from whiteslip.day.model import Night
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.notices import DemoPhone
from whiteslip.store import Database


@pytest.fixture
def ports(db: Database) -> day.Ports:
    return day.Ports(Office(Tables.load(), "Test"), Vault(bytes(32)), DemoPhone(db))


def _unasked() -> None:
    raise AssertionError("it works in the night's own transaction")


def run(db: Database, ports: day.Ports, name: str, on: date) -> int:
    """One stage of a night; how much it did."""
    (stage,) = [stage for stage in stages.STAGES if stage.name == name]
    with db.transaction() as tx:
        return stage.run(Night(db, tx, ports, on, end_of_day(on, TIMEZONE), None, TIMEZONE, _unasked)).done


def test_the_night_sends_a_buyer_what_reached_us_once(db: Database, ports: day.Ports):
    line, _ = running_off(db, 60_000, 3)
    sold(db, line, buyer_of(db), 12_000)
    cash = balances(db)["house.cash"]
    pay(db, line, 8_000, SOLD_ON + timedelta(days=1))
    assert (due_to(db), balances(db)["house.cash"] - cash) == (8_000, 8_000)
    on = SOLD_ON + timedelta(days=1)
    assert run(db, ports, "remit_to_buyers", on) == 1
    assert (due_to(db), balances(db)["house.cash"] - cash) == (0, 0), "it was never ours"
    assert run(db, ports, "remit_to_buyers", on) == 0, "a night that is run again sends nothing twice"
    with db.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT amount, booked_on FROM ledger.transfer WHERE recipe LIKE '%remit%'"
        ).fetchall()
    assert [(row["amount"], row["booked_on"]) for row in rows] == [(8_000, on)]
    assert offences(db) == []


def test_the_night_proposes_a_charge_off_and_takes_no_loss(db: Database, ports: day.Ports):
    line, before = arrears(db), balances(db)
    assert run(db, ports, "propose_charge_offs", DUE_ON + timedelta(days=360)) == 0
    assert run(db, ports, "propose_charge_offs", LATE) == 1
    assert run(db, ports, "propose_charge_offs", LATE) == 0
    with db.transaction() as tx:
        found = chargeoff.of_line(tx, line)
    assert found is not None
    assert (found.state, found.proposed_by, found.amount_minor) == (State.PROPOSED, "system", None)
    assert balances(db) == before, "two people take a loss, not a night"
