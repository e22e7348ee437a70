"""The lender ends an agreement: two people, two months, nothing called in, and the customer goes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from noticing import (
    ASLEEP,
    ENDS,
    OFFICE,
    case_of,
    decide,
    draws,
    known,
    letters,
    noticed,
    propose,
    time_goes_by,
)
from worlds import DAY, at, buy, items, line_of, open_line, pay, refund

from whiteslip import exits, notices, purchases
from whiteslip.base import Refusal, end_of_day
from whiteslip.exits import Exit, restrictions, terminations
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Cause, Channel, Kind, State, Termination
from whiteslip.exits.noticed import ends_at
from whiteslip.lines.model import Lifecycle
from whiteslip.notices.compose import compose, facts_of
from whiteslip.purchases import Purchase, Request
from whiteslip.store import Database
from whiteslip.store.database import journal_of


def test_one_proposes_and_another_gives_notice_with_a_letter_at_once(db: Database):
    line = known(db)
    proposal = propose(db, line)
    assert line_of(db, line).lifecycle is Lifecycle.ACTIVE
    assert decide(db, proposal, actor="staff:one") == Refusal("desk.own_proposal")
    done = decide(db, proposal)
    assert isinstance(done, Termination)
    assert (done.outcome, done.decided_by) == ("approved", "staff:two")
    assert done.exit
    case = case_of(db, done.exit)
    assert (case.state, case.kind, case.due_at) == (
        State.NOTICE,
        Kind.TERMINATION,
        end_of_day(ENDS, "Asia/Shanghai"),
    )
    assert letters(db, case.id) == ["termination.notice"]
    assert decide(db, proposal) == Refusal("termination.decided")
    assert propose(db, line) == Refusal("termination.open")


def test_a_proposal_that_is_turned_down_changes_nothing(db: Database):
    line = known(db)
    done = decide(db, propose(db, line), approve=False)
    assert isinstance(done, Termination)
    assert (done.outcome, done.exit) == ("rejected", None)
    with db.transaction() as tx:
        assert exits_store.of_line(tx, line) == []


def test_drawing_goes_on_until_the_notice_is_over_and_nothing_is_called_in(db: Database):
    line = known(db)
    buy(db, line, 60_000, 6)
    before = [(item.no, item.due_on, item.principal_minor) for item in items(db, line)]
    case = noticed(db, line)
    time_goes_by(db, end_of_day(ENDS, "Asia/Shanghai") - timedelta(seconds=1))
    assert case_of(db, case).state is State.NOTICE
    assert draws(db, line, at(ENDS))
    time_goes_by(db, end_of_day(ENDS, "Asia/Shanghai"))
    done = case_of(db, case)
    assert (done.state, done.stopped_at) == (State.RUN_OFF, end_of_day(ENDS, "Asia/Shanghai"))
    assert not draws(db, line, at(ENDS + timedelta(days=1)))
    assert [(item.no, item.due_on, item.principal_minor) for item in items(db, line)] == before
    assert letters(db, case) == ["termination.notice", "exit.runoff"]


def test_a_line_that_owes_nothing_is_closed_when_the_notice_is_over(db: Database):
    line = known(db)
    case = noticed(db, line)
    time_goes_by(db, at(ENDS + timedelta(days=1)))
    assert case_of(db, case).state is State.CLOSED
    assert line_of(db, line).lifecycle is Lifecycle.CLOSED
    assert letters(db, case) == ["termination.notice", "termination.closed"]
    with db.transaction() as tx:
        assert exits_store.violations(tx) == []


def test_a_restriction_during_the_notice_stops_drawing_on_its_own_grounds(db: Database):
    line = known(db)
    noticed(db, line)
    with db.transaction() as tx:
        restrictions.restrict(tx, OFFICE, line, [Cause.CONTACT_LOST], "desk", at(DAY))
    assert not draws(db, line, at(DAY))


def test_reasons_to_end_an_agreement_are_none_to_stop_drawing_at_once(db: Database):
    line = known(db)
    for reason in (Cause.PRODUCT_ENDED, Cause.INACTIVITY):
        with db.transaction() as tx:
            done = restrictions.restrict(tx, OFFICE, line, [reason], "desk", at(DAY))
        assert isinstance(done, Refusal)
        assert done.code == "restriction.reasons_invalid"


def test_a_proposal_on_a_line_that_its_customer_leaves_is_over_by_itself(db: Database):
    line = known(db)
    proposal = propose(db, line)
    assert isinstance(proposal, Termination)
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", at(DAY))
        assert isinstance(case, Exit)
        open_ones = exits_store.open_terminations(tx)
        assert [one.id for one in open_ones] == [proposal.id], "nobody has proven who asked"
        exits.confirm(tx, OFFICE, case.id, "customer", at(DAY))
        assert exits_store.open_terminations(tx) == []
        over = exits_store.termination(tx, proposal.id)
        rows = [row["kind"] for row in journal_of(tx, [line])]
    assert over is not None
    assert (over.outcome, over.decided_by, over.exit) == ("overtaken", None, None)
    assert rows.count("termination.overtaken") == 1
    assert decide(db, proposal) == Refusal("termination.decided")


def test_the_lender_takes_its_notice_back_and_says_so(db: Database):
    line = known(db)
    notice = noticed(db, line)
    with db.transaction() as tx:
        done = terminations.withdraw_notice(tx, OFFICE, notice, "staff:one", at(DAY))
    assert isinstance(done, Exit)
    assert (done.state, done.why) == (State.CANCELLED, "lender_withdrew_notice")
    assert letters(db, notice) == ["termination.notice", "termination.called_off"]
    with db.transaction() as tx:
        again = terminations.withdraw_notice(tx, OFFICE, notice, "staff:one", at(DAY))
    assert again == Refusal("exit.no_notice")
    time_goes_by(db, at(ENDS + timedelta(days=1)))
    assert line_of(db, line).lifecycle is Lifecycle.ACTIVE


@pytest.mark.parametrize(
    "reasons", [[], [Cause.PAST_DUE, Cause.PAST_DUE], list(Cause)[:5], [Cause.INACTIVITY]]
)
def test_an_end_needs_one_to_four_objective_reasons(db: Database, reasons: list[Cause]):
    done = propose(db, known(db), reasons=reasons)
    assert isinstance(done, Refusal)
    assert done.code == "termination.reasons_invalid"


def inactive(db: Database, now: datetime) -> list[UUID]:
    with db.transaction() as tx:
        return [line.id for line in terminations.inactive(tx, now)]


def test_inactive_is_who_owes_nothing_and_has_moved_nothing_for_the_packs_months(db: Database):
    unused, used, owing = known(db), open_line(db), open_line(db)
    later = DAY + timedelta(days=200)
    refund(db, used, buy(db, used, 1_000, day=later), 1_000, later)
    buy(db, owing, 1_000)
    assert inactive(db, at(ASLEEP - timedelta(days=1))) == []
    assert inactive(db, at(ASLEEP)) == [unused]
    assert inactive(db, at(date(2028, 2, 3))) == sorted([unused, used])
    early = propose(db, used, Kind.INACTIVITY, now=at(ASLEEP))
    assert isinstance(early, Refusal)
    assert early.code == "termination.not_inactive"


def test_notice_is_given_only_for_what_the_books_still_bear(db: Database):
    line, used = known(db), known(db)
    false = propose(db, line, reasons=[Cause.PRODUCT_ENDED, Cause.PAST_DUE])
    assert false == Refusal("cause.not_borne", {"reason": "past_due"})
    asleep = propose(db, used, Kind.INACTIVITY, now=at(ASLEEP))
    buy(db, used, 1_000, day=ASLEEP)
    woken = decide(db, asleep)
    assert woken == Refusal("termination.not_inactive", {"months": 18})
    decide(db, asleep, approve=False)
    assert line_of(db, used).lifecycle is Lifecycle.ACTIVE


def test_an_inactive_line_is_kept_by_one_word_and_left_alone_for_as_long(db: Database):
    line = known(db)
    notice = noticed(db, line, Kind.INACTIVITY, at(ASLEEP))
    assert letters(db, notice) == ["inactivity.notice"]
    assert inactive(db, at(ASLEEP)) == []
    with db.transaction() as tx:
        done = terminations.keep(tx, OFFICE, line, "customer", at(ASLEEP + timedelta(days=30)))
    assert isinstance(done, Exit)
    assert (done.state, done.why) == (State.CANCELLED, "customer_keeps_it")
    assert letters(db, notice)[-1] == "termination.called_off"
    assert inactive(db, at(date(2028, 12, 1))) == []
    assert inactive(db, at(date(2029, 1, 15))) == [line]


def test_a_line_that_is_used_during_the_notice_is_not_inactive_even_if_paid_at_once(db: Database):
    line = known(db)
    notice = noticed(db, line, Kind.INACTIVITY, at(ASLEEP))
    now = at(ASLEEP + timedelta(days=10))
    with db.transaction() as tx:
        (held,) = purchases.authorise(tx, OFFICE.tables, [Request(line, "shop", 100)], "shop", now)
        assert isinstance(held, Purchase)
        purchases.release(tx, held.id, "shop", now)
        exits.review(tx, OFFICE, now)
    done = case_of(db, notice)
    assert (done.state, done.why) == (State.CANCELLED, "line_used_again")
    assert letters(db, notice)[-1] == "termination.called_off"
    assert line_of(db, line).lifecycle is Lifecycle.ACTIVE


def test_only_a_notice_for_inactivity_can_be_answered_by_keeping_the_line(db: Database):
    line = known(db)
    noticed(db, line)
    with db.transaction() as tx:
        assert terminations.keep(tx, OFFICE, line, "customer", at(DAY)) == Refusal("exit.no_notice")


def test_an_inactive_line_whose_owner_pays_and_draws_is_not_proposed(db: Database):
    line = known(db)
    buy(db, line, 1_000)
    pay(db, line, 1_000, DAY + timedelta(days=1))
    assert inactive(db, at(ASLEEP)) == []
    assert inactive(db, at(ASLEEP + timedelta(days=1))) == [line]


@given(
    st.dates(date(2024, 1, 1), date(2040, 12, 31)),
    st.integers(1, 6),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "Europe/London", "America/New_York", "UTC"]),
)
def test_a_notice_is_never_a_day_too_short_whatever_the_month_or_the_clock(
    given_on: date, months: int, zone: str
):
    last = ends_at(given_on, months, zone).astimezone(ZoneInfo(zone))
    steps = (last.year - given_on.year) * 12 + last.month - given_on.month
    assert steps == months
    assert last.day == given_on.day or ((last + timedelta(days=1)).day == 1 and last.day < given_on.day)
    assert (last.hour, last.minute) == (23, 59)


def test_a_notice_of_the_last_of_january_ends_on_the_last_of_february():
    ends = ends_at(date(2027, 1, 31), 1, "Europe/Berlin")
    assert ends.astimezone(ZoneInfo("Europe/Berlin")).date() == date(2027, 2, 28)


def test_an_american_notice_names_the_bureau_the_free_report_and_equal_credit(db: Database):
    line = open_line(db, pack="us", currency="USD", timezone="America/New_York")
    customer = line_of(db, line).customer
    named = replace(OFFICE, agency="Example Bureau, 1 Example Road, Springfield, 1-800-555-0100")
    with db.transaction() as tx:
        made = terminations.propose(tx, line, Kind.TERMINATION, [Cause.DEBT_ELSEWHERE], "desk-1", at(DAY))
        assert isinstance(made, Termination)
        refused = terminations.decide(tx, OFFICE, made.id, True, "desk-2", at(DAY))
        assert refused == Refusal("cause.agency_unnamed")
        assert isinstance(terminations.decide(tx, named, made.id, True, "desk-2", at(DAY)), Termination)
        (told,) = notices.of_recipient(tx, customer)
        assert told.kind == "termination.notice"
        letter = compose(told.kind, "en", facts_of(told.kind, told.facts), "Given Surname", at(DAY))
    said = " ".join(letter.paragraphs)
    assert "came from Example Bureau, 1 Example Road, Springfield, 1-800-555-0100" in said
    assert "free copy of your report within 60 days" in said
    assert "Federal Equal Credit Opportunity Act" in said
