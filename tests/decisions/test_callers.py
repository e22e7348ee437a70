"""What the rooms above pass as facts is what the tables ask for."""

from __future__ import annotations

from worlds import DAY, at, open_line

from whiteslip import purchases
from whiteslip.decisions import Tables
from whiteslip.decisions.contract import checked_facts
from whiteslip.lines.model import Lifecycle, LockKind
from whiteslip.purchases import Declined, Purchase, Request, rules, store
from whiteslip.store import Database

TABLES = Tables.load()
PURCHASE = TABLES["purchase-authorisation"]


def test_every_state_and_lock_of_a_line_is_a_code_of_the_purchase_table():
    facts = PURCHASE.contract.facts
    assert {state.value for state in Lifecycle} <= set(facts["lifecycle"].one_of)
    assert {lock.value for lock in LockKind} < set(facts["lock"].one_of)


def test_the_facts_of_a_purchase_are_those_of_its_table(db: Database):
    line = open_line(db)
    with db.transaction() as tx:
        (standing,) = store.standings(tx, [line], at(DAY))
    assert standing
    facts = rules.facts(Request(line, "bookshop", 100), standing, DAY, at(DAY))
    assert checked_facts(PURCHASE.name, PURCHASE.contract, facts) == facts


def test_the_twenty_first_purchase_within_24_hours_is_one_too_many(db: Database):
    line = open_line(db)
    with db.transaction() as tx:
        batch = [Request(line, "bookshop", 100)] * 21
        answers = purchases.authorise(tx, TABLES, batch, "shop", at(DAY))
    assert all(isinstance(answer, Purchase) for answer in answers[:20])
    last = answers[20]
    assert isinstance(last, Declined)
    assert last.code == "purchase.too_many"
