"""On the day somebody comes to look at a demonstration, each desk has something to do."""

from __future__ import annotations

from datetime import timedelta

from applicants import BURDENED, LENDER, NOON, applied
from worlds import DAY, at, buy, open_lines

from whiteslip import applications, funding
from whiteslip.app import demo_day
from whiteslip.applications import Application, store
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits import store as exits_store
from whiteslip.lines.acts import page_of_lines
from whiteslip.store import Database


def test_three_wait_for_the_desk_and_two_others_spend_as_never_before(db: Database):
    opened = open_lines(db, 8)
    clear = set(opened[:2])
    for line in opened[2:]:
        buy(db, line, 20_000, 3)
    with db.transaction() as tx:
        before = page_of_lines(tx, None, 100)
        demo_day.begin(tx, Office(Tables.load(), "Test"), before, at(DAY))
        after = {line.id: line for line in page_of_lines(tx, None, 100)}
        cases = [case for line in opened for case in exits_store.of_line(tx, line)]
    assert len({case.channel for case in cases if case.waits_for_desk}) == 3
    assert len(clear & {case.line for case in cases}) == 1, "one is left for a link"
    spenders = [line for line in after.values() if line.held_minor]
    assert len(spenders) == 2
    assert not {line.id for line in spenders} & {case.line for case in cases}
    assert all(line.available_minor > 0 for line in spenders)
    left = [line for line in after.values() if not line.drawing_stopped and not line.held_minor]
    assert {bool(line.owed_minor) for line in left} == {True, False}, "the links lead to one of either kind"


def test_the_desk_answers_applications_in_time_and_the_last_one_turned_down_waits(db: Database):
    made = applied(db, BURDENED)
    with db.transaction() as tx:
        asked = applications.request_review(tx, LENDER, made.id, "", "customer", NOON)
        assert isinstance(asked, Application)
        assert asked.due_at
        demo_day.answer(tx, LENDER, NOON)
        assert store.waiting(tx, 10), "there is time yet"
        demo_day.answer(tx, LENDER, asked.due_at - timedelta(days=demo_day.DESK_NIGHTS))
        assert store.waiting(tx, 10) == []
        demo_day.ask_for_a_person(tx, LENDER, asked.due_at)
        assert [one.id for one in store.waiting(tx, 10)] == [made.id]


def test_a_warehouse_lends_against_what_is_owed_and_takes_what_is_bought_later(db: Database):
    first, second = open_lines(db, 2)
    buy(db, first, 900_000, 3)
    morrow = DAY + timedelta(days=1)
    with db.transaction() as tx:
        demo_day.fund(tx, DAY, at(DAY, 23))
    buy(db, second, 700_000, 3, morrow)
    with db.transaction() as tx:
        demo_day.fund(tx, morrow, at(morrow, 23))
        funding.run_night(tx, morrow, at(morrow, 23))
        found = funding.statement(tx, "warehouse", morrow)
    assert not isinstance(found, Refusal)
    assert found.receivables == 2
    assert found.position.debt_minor == 450_000, "half of the first evening"
