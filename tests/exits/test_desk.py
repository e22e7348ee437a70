"""The review desk: one person per case, two for every hold, and a deadline that waits for nobody."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import pytest
from worlds import at, buy, give_back, night, open_line, pay

from whiteslip import exits
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office, desk
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Ground, Identity, Path, Proposal, Route, State
from whiteslip.store import Database, Tx
from whiteslip.store.database import journal_of

OFFICE = Office(Tables.load(), "Test Lender")
NOON = at(date(2026, 3, 21))
ANNE, BERT = "staff:a", "staff:b"
T = TypeVar("T")


def waiting(db: Database, asked: datetime = NOON) -> Exit:
    """A case that waits for the desk: ten times the usual was drawn, and a payment came back."""
    line = open_line(db, statement_day=5, day=date(2026, 1, 15))
    buy(db, line, 3_000, day=date(2026, 1, 15))
    night(db, date(2026, 2, 5))
    paid = pay(db, line, 3_000, date(2026, 2, 20))
    buy(db, line, 90_000, day=date(2026, 3, 20))
    give_back(db, paid, date(2026, 3, 20))
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", asked, Identity.VERIFIED)
    assert isinstance(case, Exit)
    assert (case.state, case.route) == (State.CONFIRMED, Route.DESK)
    return case


def does(db: Database, act: Callable[[Tx], T]) -> T:
    with db.transaction() as tx:
        return act(tx)


def propose(db: Database, case: Exit, actor: str = ANNE, now: datetime = NOON) -> Proposal | Refusal:
    with db.transaction() as tx:
        return desk.propose_hold(tx, OFFICE, case.id, Ground.IDENTITY, ["proof_missing"], actor, now)


def decide(db: Database, case: Exit, approve: bool, actor: str, now: datetime = NOON) -> Exit | Refusal:
    with db.transaction() as tx:
        return desk.decide_hold(tx, OFFICE, case.id, approve, actor, now)


def code(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def kinds(db: Database, case: Exit) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, [case.id])]


def test_two_people_who_ask_at_once_never_get_the_same_case(db: Database):
    cases = {waiting(db).id for _ in range(6)}

    def take(number: int) -> UUID | None:
        with db.transaction() as tx:
            found = desk.take_next(tx, f"staff:{number}", NOON)
            return found.id if found else None

    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(take, range(6)))
    found = [each for each in taken if each]
    assert len(found) == len(set(found))
    assert set(found) <= cases


def test_a_case_is_kept_for_twenty_minutes_and_then_anybodys(db: Database):
    case = waiting(db)
    assert does(db, lambda tx: desk.take(tx, case.id, ANNE, NOON)) is None
    soon = NOON + timedelta(minutes=19)
    assert code(does(db, lambda tx: desk.take(tx, case.id, BERT, soon))) == "case.taken"
    refused = does(db, lambda tx: desk.choose(tx, OFFICE, case.id, Path.RUN_OFF, ["x"], BERT, soon))
    assert code(refused) == "case.taken"
    late = NOON + timedelta(minutes=20)
    assert does(db, lambda tx: desk.take(tx, case.id, BERT, late)) is None


def test_the_next_case_is_the_one_whose_deadline_breaks_first(db: Database):
    later = waiting(db, asked=NOON + timedelta(hours=1))
    sooner = waiting(db)
    taken = does(db, lambda tx: desk.take_next(tx, ANNE, NOON))
    again = does(db, lambda tx: desk.take_next(tx, ANNE, NOON))
    assert taken
    assert again
    assert taken.id == again.id in (sooner.id, later.id), "her own comes back to her first"
    other = does(db, lambda tx: desk.take_next(tx, BERT, NOON))
    assert other
    assert {taken.id, other.id} == {sooner.id, later.id}


def test_a_hold_changes_nothing_until_a_second_person_approves_it(db: Database):
    case = waiting(db)
    assert isinstance(propose(db, case), Proposal)
    assert does(db, lambda tx: exits_store.find(tx, case.id)) == case
    assert code(decide(db, case, True, ANNE)) == "desk.own_proposal"
    held = decide(db, case, True, BERT)
    assert isinstance(held, Exit)
    assert (held.state, held.ground) == (State.HELD, Ground.IDENTITY)
    assert {"exit.hold_proposed", "exit.path_chosen", "exit.held"} <= set(kinds(db, case))
    assert code(decide(db, case, True, BERT)) == "desk.no_proposal"


def test_a_hold_that_is_turned_down_leaves_the_case_to_be_chosen_for(db: Database):
    case = waiting(db)
    propose(db, case)
    assert code(propose(db, case, BERT)) == "desk.proposal_open"
    decide(db, case, False, BERT)
    done = does(db, lambda tx: desk.choose(tx, OFFICE, case.id, Path.RUN_OFF, ["x"], BERT, NOON))
    assert isinstance(done, Exit)
    assert done.state is State.RUN_OFF
    assert "exit.held" not in kinds(db, case)


def test_who_proposed_a_hold_is_not_given_the_case_again(db: Database):
    case = waiting(db)
    propose(db, case)
    assert does(db, lambda tx: desk.take_next(tx, ANNE, NOON)) is None
    found = does(db, lambda tx: desk.take_next(tx, BERT, NOON))
    assert found
    assert found.id == case.id


def test_a_proposal_that_nobody_decides_does_not_stop_the_clock(db: Database):
    case = waiting(db)
    propose(db, case)
    assert case.due_at
    gone = does(db, lambda tx: exits.advance(tx, OFFICE, case.id, case.due_at or NOON))
    assert isinstance(gone, Exit)
    assert gone.state is State.RUN_OFF
    assert code(decide(db, case, True, BERT, case.due_at)) == "exit.path_not_possible"


def test_nobody_holds_anybody_alone_whichever_door_they_take(db: Database):
    case = waiting(db)
    for second in (None, ANNE):
        with db.transaction() as tx:
            refused = exits.choose_path(
                tx, OFFICE, case.id, Path.HOLD, ["x"], ANNE, NOON, Ground.IDENTITY, second
            )
        assert code(refused) == "desk.second_person_missing"
    with pytest.raises(ValueError, match="proposed by one"):
        does(db, lambda tx: desk.choose(tx, OFFICE, case.id, Path.HOLD, ["x"], ANNE, NOON))
