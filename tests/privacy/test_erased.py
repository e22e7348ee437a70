"""After erasure: what a search over every table of the database still finds of somebody, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import alarms
import psycopg
import pytest
from bureaus import OFFICE, VAULT, ask, open_us_line
from identity.test_vault import every_value
from scored import CARD, bought, score_night, serve
from worlds import DAY, at, line_of, name_account, night, pay

from whiteslip import identity, privacy, watch
from whiteslip.base import Refusal
from whiteslip.day.forgetting import AT_THE_END, FORGET
from whiteslip.exits.offering import show
from whiteslip.exits.offers import Kind, Offer
from whiteslip.identity import Person
from whiteslip.store import Database
from whiteslip.store.database import verify_journal
from whiteslip.watch.acts import rebuild

LEFT_ON = date(2026, 3, 20)
# Rows of nobody: ids without a person behind them. Sums and days of the books, what was decided and by which
# version, what was sent when, what bureaus were told, and the chain of the journal.
STAYS = {
    "store.journal",
    "store.timer",
    "ledger.account",
    "lines.customer",
    "lines.line",
    "lines.lock",
    "billing.bill",
    "billing.payment",
    "billing.payout",
    "billing.plan",
    "billing.settlement",
    "billing.instalment",
    "purchases.purchase",
    "exits.exit",
    "decisions.decision",
    "notices.notice",
    "privacy.answer",
    "privacy.erased",
    "watch.forgotten",
}


def lived(db: Database) -> tuple[UUID, UUID, UUID, Person]:
    """Somebody who bought, was scored, watched, shown an alternative, left, and was paid out."""
    line = open_us_line(db)
    customer = line_of(db, line).customer
    name_account(db, line, at(DAY), vault=VAULT)
    with db.transaction() as tx:
        serve(tx, CARD)
    bought(db, line, 30_000, DAY, 3)
    night(db, date(2026, 2, 5))
    assert score_night(db, date(2026, 2, 5)) == 1
    pay(db, line, 31_000, date(2026, 2, 20))
    alarms.raised(db, line, at(date(2026, 2, 21)))
    with db.transaction() as tx:
        office = replace(OFFICE, offer=Offer("pause", Kind.PAUSE, hold_out_percent=0))
        assert show(tx, office, line_of(db, line), "customer", at(LEFT_ON))
        while watch.follow(tx, OFFICE.tables, at(LEFT_ON)):
            pass
        person = identity.peek(tx, VAULT, customer)
    case = ask(db, line, LEFT_ON)
    assert case.state == "closed"
    assert not isinstance(person, Refusal)
    return customer, line, case.id, person


def found(db: Database, *ids: UUID) -> set[str]:
    """Tables in which one of these ids stands."""
    wanted = [str(each).encode() for each in ids]
    return {
        place.rpartition(".")[0] for place, value in every_value(db) if any(each in value for each in wanted)
    }


def test_after_the_years_of_keeping_nothing_but_rows_of_nobody_is_left(db: Database):
    customer, line, case, person = lived(db)
    gone = {"watch.memory", "watch.alert", "decisions.score", "exits.assessment", "exits.offer"}
    assert gone | {"identity.person", "identity.payout_account"} <= found(db, customer, line, case)
    with db.transaction() as tx:
        known = privacy.overview(tx, customer)
        assert not isinstance(known, Refusal)
        assert known.until
        assert privacy.erase_expired(tx, AT_THE_END, known.until, at(known.until)) == 1
    assert found(db, customer, line, case) <= STAYS
    named = [person.full_name, person.id_number, person.phone, person.email]
    values = every_value(db)
    assert not [place for place, value in values for text in named if text.encode() in value]
    with db.transaction() as tx:
        assert verify_journal(tx) == []
        assert rebuild(tx, write=True)[1] == []
    assert "watch.memory" not in found(db, line), "and nothing is made anew from the journal"


def test_who_has_left_is_forgotten_by_the_watch_at_once_when_they_ask_and_decisions_stay_for_their_clock(
    db: Database,
):
    customer, line, case, _person = lived(db)
    with db.transaction() as tx:
        answer = privacy.erase(tx, customer, FORGET, OFFICE.issuer_name, "customer", at(LEFT_ON))
    assert not isinstance(answer, Refusal)
    assert (answer.erased["memories"], answer.erased["offers"]) == (1, 1)
    left = found(db, customer, line, case)
    assert not left & {"watch.memory", "exits.offer"}
    assert {"watch.alert", "decisions.score", "exits.assessment"} <= left
    pay_back = at(LEFT_ON + timedelta(days=3))
    with db.transaction() as tx:
        while watch.follow(tx, OFFICE.tables, pay_back):
            pass
    assert "watch.memory" not in found(db, line)


def test_a_line_that_is_open_is_still_watched_when_its_customer_asks(db: Database):
    line = open_us_line(db)
    with db.transaction() as tx:
        while watch.follow(tx, OFFICE.tables, at(DAY)):
            pass
        customer = line_of(db, line).customer
        answer = privacy.erase(tx, customer, FORGET, OFFICE.issuer_name, "customer", at(DAY))
    assert not isinstance(answer, Refusal)
    assert answer.erased["memories"] == 0
    assert "watch.memory" in found(db, line)


def test_what_was_not_declared_erasable_is_never_erased(db: Database):
    with pytest.raises(psycopg.Error, match="never erased"), db.transaction() as tx:
        tx.conn.execute("SELECT store.erase('exits.choice', '{}')")
    with pytest.raises(psycopg.Error, match="permission denied"), db.transaction() as tx:
        tx.conn.execute("DELETE FROM exits.choice")
