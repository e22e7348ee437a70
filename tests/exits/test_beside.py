"""A notice of the lender, and a wish to leave on the same line: proven, unproven, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import LiteralString
from uuid import UUID, uuid4

import pytest
from noticing import (
    ASLEEP,
    ENDS,
    OFFICE,
    VAULT,
    case_of,
    draws,
    known,
    letters,
    noticed,
    time_goes_by,
)
from worlds import DAY, at, buy, line_of, open_lines, pay

from whiteslip import exits, identity, lines, notices
from whiteslip.base import Refusal, end_of_day
from whiteslip.exits import Exit, estates, softer, terminations
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, Kind, Path, State
from whiteslip.exits.withdrawal import withdraw
from whiteslip.identity import Person
from whiteslip.lines.model import Lifecycle, LockKind, Party
from whiteslip.notices.compose import compose, facts_of
from whiteslip.store import Database

LATER = at(DAY + timedelta(days=10))
# Shortly before the notice is over.
EVE = at(ENDS - timedelta(days=5))
OVER = end_of_day(ENDS, "Asia/Shanghai") + timedelta(hours=1)


def asked(
    db: Database,
    line: UUID,
    who: Identity = Identity.PENDING,
    now: datetime = LATER,
    kind: Kind = Kind.CLOSE,
) -> Exit:
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.FORM, "form", now, who, kind=kind)
    assert isinstance(case, Exit), case
    return case


def act(db: Database, do: Callable[..., Exit | Refusal], *how: object, **more: object) -> Exit:
    with db.transaction() as tx:
        done = do(tx, OFFICE, *how, **more)
    assert isinstance(done, Exit), done
    return done


def stands(db: Database, exit_id: UUID) -> tuple[State, str, datetime | None]:
    case = case_of(db, exit_id)
    return case.state, case.why, case.due_at


STANDS = (State.NOTICE, "notice_given", end_of_day(ENDS, "Asia/Shanghai"))


def in_words(db: Database, exit_id: UUID, kind: str, language: str = "en") -> str:
    with db.transaction() as tx:
        (told,) = [each for each in notices.of_subject(tx, exit_id) if each.kind == kind]
    letter = compose(told.kind, language, facts_of(told.kind, told.facts), "Given Surname", at(DAY))
    return " ".join((letter.title, *letter.paragraphs))


def test_who_asks_to_leave_during_the_notice_leaves_by_their_own_wish_and_is_told_so(db: Database):
    line = known(db)
    notice = noticed(db, line)
    own = asked(db, line, Identity.VERIFIED)
    assert (own.kind, own.state) == (Kind.CLOSE, State.CLOSED)
    assert stands(db, notice) == (State.CANCELLED, "customer_asked_first", None)
    assert letters(db, notice) == ["termination.notice", "termination.overtaken"]
    assert "nothing of the notice goes on your credit record" in in_words(db, notice, "termination.overtaken")
    assert "该通知不会报送征信" in in_words(db, notice, "termination.overtaken", "zh-CN")
    assert "notice" not in in_words(db, own.id, "exit.acknowledged")
    time_goes_by(db, OVER)
    assert case_of(db, notice).state is State.CANCELLED
    assert letters(db, own.id) == ["exit.acknowledged", "exit.closed"]
    assert letters(db, notice) == ["termination.notice", "termination.overtaken"]


def test_an_unproven_wish_ends_no_notice_and_its_letter_says_so(db: Database):
    line = known(db)
    notice = noticed(db, line)
    own = asked(db, line)
    assert stands(db, notice) == STANDS
    assert letters(db, notice) == ["termination.notice"]
    said = in_words(db, own.id, "exit.acknowledged")
    assert "Until it is known whether it was you who asked, that notice does not end the line" in said
    act(db, exits.confirm, own.id, "customer", LATER + timedelta(days=3))
    assert stands(db, notice) == (State.CANCELLED, "customer_asked_first", None)
    assert letters(db, notice) == ["termination.notice", "termination.overtaken"]
    assert letters(db, own.id) == ["exit.acknowledged", "exit.closed"]


@pytest.mark.parametrize("kind", [Kind.TERMINATION, Kind.INACTIVITY])
@pytest.mark.parametrize("how", ["lapses", "is_cancelled", "was_somebody_else"])
def test_a_wish_that_comes_to_nothing_leaves_the_notice_with_its_day(db: Database, how: str, kind: Kind):
    line, began = known(db), at(DAY) if kind is Kind.TERMINATION else at(ASLEEP)
    notice = noticed(db, line, kind, began)
    before = stands(db, notice)
    asked_at = began + timedelta(days=10)
    own = asked(db, line, now=asked_at)
    gone_at = asked_at + timedelta(days=1)
    match how:
        case "lapses":
            gone_at = asked_at + timedelta(days=15)
            time_goes_by(db, gone_at)
            letter, ended = "exit.lapsed", State.LAPSED
        case "is_cancelled":
            act(db, exits.cancel, own.id, "customer", gone_at)
            letter, ended = "exit.cancelled", State.CANCELLED
        case _:
            act(db, exits.doubt, own.id, "form", gone_at)
            act(db, exits.choose_path, own.id, Path.REJECT, ["not_holder"], "b", gone_at, proposed_by="a")
            letter, ended = "exit.rejected", State.REJECTED
    assert case_of(db, own.id).state is ended
    assert stands(db, notice) == before
    assert before[2] is not None
    for language, said in (("en", "Our notice of"), ("zh-CN", "发出的终止通知继续有效")):
        assert said in in_words(db, own.id, letter, language)
    time_goes_by(db, before[2] + timedelta(hours=1))
    assert case_of(db, notice).state is State.CLOSED
    assert letters(db, notice)[-1] == "termination.closed"
    assert "exit.closed" not in letters(db, own.id)
    with db.transaction() as tx:
        assert exits_store.violations(tx) == []


def test_a_notice_whose_day_comes_waits_for_a_wish_that_is_not_proven_yet(db: Database):
    """It lapses: the notice ends the line in the same night. Drawing had stopped with the wish."""
    line = known(db)
    notice = noticed(db, line)
    own = asked(db, line, now=EVE)
    time_goes_by(db, OVER)
    assert stands(db, notice) == STANDS
    assert not draws(db, line, OVER)
    assert letters(db, notice) == ["termination.notice"]
    time_goes_by(db, EVE + timedelta(days=15))
    assert (case_of(db, own.id).state, case_of(db, notice).state) == (State.LAPSED, State.CLOSED)
    assert letters(db, own.id) == ["exit.acknowledged", "exit.lapsed"]
    assert letters(db, notice) == ["termination.notice", "termination.closed"]
    assert line_of(db, line).lifecycle is Lifecycle.CLOSED


def test_a_wish_that_is_proven_after_the_notices_day_still_goes_first(db: Database):
    line = known(db)
    notice = noticed(db, line)
    own = asked(db, line, now=EVE)
    time_goes_by(db, OVER)
    act(db, exits.confirm, own.id, "customer", OVER)
    time_goes_by(db, EVE + timedelta(days=15))
    assert (case_of(db, own.id).state, case_of(db, notice).state) == (State.CLOSED, State.CANCELLED)
    assert letters(db, own.id) == ["exit.acknowledged", "exit.closed"]
    assert letters(db, notice) == ["termination.notice", "termination.overtaken"]


def test_who_takes_back_an_unproven_wish_after_the_notices_day_is_at_its_end_at_once(db: Database):
    line = known(db)
    buy(db, line, 60_000, 6)
    notice = noticed(db, line)
    own = asked(db, line, now=EVE)
    time_goes_by(db, OVER)
    act(db, exits.cancel, own.id, "customer", OVER)
    assert (case_of(db, own.id).state, case_of(db, notice).state) == (State.CANCELLED, State.RUN_OFF)
    assert not draws(db, line, OVER), "drawing never came back in between"
    with db.transaction() as tx:
        assert exits_store.violations(tx) == []


def test_who_proves_and_then_stays_has_no_notice_any_more_and_a_new_one_begins_afresh(db: Database):
    line = known(db)
    buy(db, line, 60_000, 6)
    notice = noticed(db, line)
    own = asked(db, line, Identity.VERIFIED)
    act(db, exits.cancel, own.id, "customer", LATER + timedelta(days=1))
    assert "notice" not in in_words(db, own.id, "exit.cancelled")
    time_goes_by(db, OVER)
    assert stands(db, notice)[:2] == (State.CANCELLED, "customer_asked_first")
    assert line_of(db, line).lifecycle is Lifecycle.ACTIVE
    assert draws(db, line, OVER)
    again = noticed(db, line, now=OVER)
    assert case_of(db, again).due_at == end_of_day(date(2026, 5, 16), "Asia/Shanghai")


def test_who_is_taken_for_the_customer_until_it_turns_out_otherwise_had_ended_the_notice(db: Database):
    """The customer was told in writing that it no longer stands; they do not pay for that error."""
    line = known(db)
    buy(db, line, 60_000, 6)
    notice = noticed(db, line)
    own = asked(db, line, Identity.VERIFIED)
    act(db, exits.doubt, own.id, "customer", LATER, not_me=True)
    act(db, exits.choose_path, own.id, Path.REJECT, ["not_holder"], "b", LATER, proposed_by="a")
    assert case_of(db, own.id).state is State.REJECTED
    assert case_of(db, notice).state is State.CANCELLED


@pytest.mark.parametrize("shown", [True, False])
def test_a_death_reported_during_the_notice_ends_it_only_once_it_is_shown(db: Database, shown: bool):
    line = known(db)
    notice = noticed(db, line)
    case = act(db, estates.report, line, Channel.DESK, "staff:one", LATER)
    assert stands(db, notice) == STANDS
    if shown:
        contact = uuid4()
        person = Person("欧阳明远", "11010119900307803X", "+8613900000022", "b@example.com")
        with db.transaction() as tx:
            identity.enrol(tx, VAULT, contact, person, "test", LATER)
        act(db, estates.show_authority, case.id, contact, "en", "probate", "staff:one", LATER)
        assert stands(db, notice)[:2] == (State.CANCELLED, "estate_is_settled")
        assert letters(db, case.id) == ["estate.acknowledged", "estate.balance", "estate.closed"]
    else:
        act(db, estates.undo, case.id, "staff:one", LATER)
        act(db, estates.undo, case.id, "staff:two", LATER)
        assert stands(db, notice) == STANDS
        assert "Our notice of 15 January 2026" in in_words(db, case.id, "estate.undone")
        assert draws(db, line, LATER)
    assert letters(db, notice) == ["termination.notice"]


def test_a_death_that_took_over_an_unproven_wish_in_error_leaves_the_notice(db: Database):
    line = known(db)
    notice = noticed(db, line)
    own = asked(db, line, now=EVE)
    act(db, estates.report, line, Channel.DESK, "staff:one", EVE)
    time_goes_by(db, OVER)
    assert stands(db, notice) == STANDS
    act(db, estates.undo, own.id, "staff:one", OVER)
    act(db, estates.undo, own.id, "staff:two", OVER)
    assert (case_of(db, own.id).state, case_of(db, notice).state) == (State.LAPSED, State.CLOSED)


def test_who_withdraws_during_the_notice_ends_it(db: Database):
    line = known(db)
    notice = noticed(db, line)
    with db.transaction() as tx:
        done = withdraw(tx, OFFICE, line, Channel.PORTAL, "customer", at(DAY + timedelta(days=1)))
    assert isinstance(done, Exit), done
    assert (done.kind, done.state) == (Kind.WITHDRAW, State.CLOSED)
    assert letters(db, notice) == ["termination.notice", "termination.overtaken"]


def test_who_is_known_and_held_by_an_order_has_left_by_their_own_wish(db: Database):
    line = known(db)
    notice = noticed(db, line)
    with db.transaction() as tx:
        lines.set_lock(tx, line, LockKind.LEGAL, Party.AUTHORITY, "order", "court", LATER)
    unproven = asked(db, line)
    assert unproven.state is State.HELD
    assert stands(db, notice) == STANDS
    with db.transaction() as tx:
        lines.lift_lock(tx, line, LockKind.LEGAL, Party.AUTHORITY, "court", LATER)
    act(db, exits.advance, unproven.id, LATER)
    act(db, exits.cancel, unproven.id, "customer", LATER)
    with db.transaction() as tx:
        lines.set_lock(tx, line, LockKind.LEGAL, Party.AUTHORITY, "order", "court", LATER)
    assert asked(db, line, Identity.VERIFIED).state is State.HELD
    assert stands(db, notice)[:2] == (State.CANCELLED, "customer_asked_first")


@pytest.mark.parametrize("by", ["lender", "customer"])
def test_a_notice_may_be_taken_back_or_answered_while_a_wish_waits_to_be_proven(db: Database, by: str):
    line = known(db)
    notice = noticed(db, line, Kind.INACTIVITY, at(ASLEEP))
    now = at(ASLEEP + timedelta(days=1))
    own = asked(db, line, now=now)
    if by == "lender":
        act(db, terminations.withdraw_notice, notice, "staff:one", now)
    else:
        act(db, terminations.keep, line, "customer", now)
    assert letters(db, notice) == ["inactivity.notice", "termination.called_off"]
    assert case_of(db, own.id).state is State.STOPPED
    time_goes_by(db, now + timedelta(days=15))
    assert "notice" not in in_words(db, own.id, "exit.lapsed")


@pytest.mark.parametrize(
    "planted",
    [
        "UPDATE exits.exit SET identity = 'verified' WHERE state = 'stopped'",
        "UPDATE exits.exit SET state = 'confirmed', confirmed_at = since WHERE state = 'stopped'",
    ],
)
def test_a_notice_beside_a_proven_wish_is_found_by_the_night(db: Database, planted: LiteralString):
    line = known(db)
    noticed(db, line)
    asked(db, line)
    with db.transaction() as tx:
        assert exits_store.violations(tx) == []
        tx.conn.execute(planted)
        (found,) = exits_store.violations(tx)
    assert found.startswith("a notice stands beside nothing that was proven: EX-")


@pytest.mark.parametrize("firm", [True, False])
def test_a_pause_neither_puts_the_end_of_a_notice_off_nor_is_lifted_by_it(db: Database, firm: bool):
    line = known(db)
    buy(db, line, 60_000, 6)
    notice = noticed(db, line)
    with db.transaction() as tx:
        softer.pause(tx, line, "customer", EVE, days=90 if firm else None, firm=firm)
    time_goes_by(db, OVER)
    assert case_of(db, notice).state is State.RUN_OFF
    assert line_of(db, line).locks == {LockKind.CUSTOMER, LockKind.EXIT}


@pytest.mark.parametrize("ends", ["cancelled", "lapsed"])
def test_a_limit_that_was_reduced_is_what_it_was_reduced_to_when_a_wish_is_over(db: Database, ends: str):
    line = known(db)
    notice = noticed(db, line)
    with db.transaction() as tx:
        softer.reduce(tx, line, 100_000, "customer", LATER)
    own = asked(db, line)
    if ends == "cancelled":
        act(db, exits.cancel, own.id, "customer", LATER)
    else:
        time_goes_by(db, LATER + timedelta(days=15))
    assert line_of(db, line).limit_minor == 100_000
    assert stands(db, notice) == STANDS


def test_a_death_while_what_the_lender_ended_runs_off_is_told_to_the_estate_and_closes_once(db: Database):
    line = known(db)
    buy(db, line, 60_000, 6)
    notice = noticed(db, line)
    time_goes_by(db, OVER)
    case = act(db, estates.report, line, Channel.DESK, "staff:one", OVER)
    assert (case.id, case.kind, case.state) == (notice, Kind.TERMINATION, State.RUN_OFF)
    owed, paid_on = line_of(db, line).owed_minor, ENDS + timedelta(days=1)
    pay(db, line, owed, paid_on)
    done = act(db, exits.advance, notice, at(paid_on + timedelta(days=20)))
    assert (done.state, done.kind) == (State.CLOSED, Kind.TERMINATION)
    told = ["termination.notice", "exit.runoff", "estate.acknowledged", "estate.closed"]
    assert letters(db, notice) == told


def test_who_may_still_withdraw_does_so_after_the_lenders_notice_is_over(db: Database):
    """Whoever was not informed has twelve months and fourteen days. What was bought while the notice ran was
    bought before drawing stopped.
    """
    (line,) = open_lines(db, 1, informed=False)
    notice = noticed(db, line)
    buy(db, line, 60_000, 6, LATER.date())
    time_goes_by(db, OVER)
    stopped_at = case_of(db, notice).stopped_at
    with db.transaction() as tx:
        done = withdraw(tx, OFFICE, line, Channel.PORTAL, "customer", OVER)
    assert isinstance(done, Exit), done
    assert (done.id, done.kind, done.state) == (notice, Kind.WITHDRAW, State.RUN_OFF)
    assert case_of(db, notice).stopped_at == stopped_at
    assert letters(db, notice) == ["termination.notice", "exit.runoff", "withdrawal.received"]
    with db.transaction() as tx:
        assert exits_store.violations(tx) == []
