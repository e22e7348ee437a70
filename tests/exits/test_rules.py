"""The one function that decides transitions, on every case it can meet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whiteslip.base import Calendar, ids
from whiteslip.exits import rules
from whiteslip.exits.model import (
    OPEN,
    Channel,
    Exit,
    Facts,
    Ground,
    Identity,
    Outcome,
    Path,
    Plan,
    Route,
    State,
)

T0 = datetime(2026, 10, 22, 6, 3, 22, tzinfo=UTC)
TODAY = date(2026, 10, 22)
CLOCKS = rules.Clocks(
    step_up_days=14,
    hold_business_days=5,
    desk_business_days=1,
    cancel_days=30,
    payoff_quote_days=7,
    tail_months=13,
    notice_months=2,
    inactivity_months=3,
    estate_answer_days=30,
    interest_free_days=30,
    contact_change_days=7,
    de_minimis_minor=100,
    payout_business_days=7,
    keep_years=10,
    blind_sample_bps=500,
    calendar=Calendar(),
)
PLAN = Plan(Outcome.CLOSES_NOW, 0, 0, None, 0, 0, None, 0, 0, TODAY, ())
NOTHING = Facts(TODAY, owed_minor=0, held_minor=0, clears_on=None, legal_freeze=False)
IN_DEBT = replace(NOTHING, owed_minor=30_000)


def case(state: State = State.STOPPED, **changes: object) -> Exit:
    made = Exit(
        id=UUID(int=1),
        reference="EX-7K2M-91",
        line=UUID(int=2),
        customer=UUID(int=3),
        channel=Channel.PORTAL,
        state=state,
        why="test",
        since=T0,
        requested_at=T0,
        plan=PLAN,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


VERIFIED = {"identity": Identity.VERIFIED, "route": Route.STRAIGHT_THROUGH}

cases = st.builds(
    case,
    state=st.sampled_from(State),
    identity=st.sampled_from(Identity),
    not_me=st.booleans(),
    ground=st.sampled_from([None, *Ground]),
    held_from=st.sampled_from([None, State.STOPPED, State.CONFIRMED, State.RUN_OFF]),
    route=st.sampled_from([None, *Route]),
    path=st.sampled_from([None, *Path]),
    due_at=st.sampled_from([None, T0 + timedelta(days=1), T0 + timedelta(days=20)]),
)
facts = st.builds(
    Facts,
    today=st.just(TODAY),
    owed_minor=st.integers(0, 10**9),
    held_minor=st.integers(0, 10**6),
    clears_on=st.sampled_from([None, TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=9)]),
    legal_freeze=st.booleans(),
)
instants = st.datetimes(
    datetime(2026, 10, 22, 7),  # noqa: DTZ001
    datetime(2027, 12, 1),  # noqa: DTZ001
).map(lambda naive: naive.replace(tzinfo=UTC))


@given(cases, facts, instants)
def test_a_step_always_leads_somewhere_else_or_to_another_ground(one: Exit, known: Facts, now: datetime):
    step = rules.next_step(one, known, now)
    if step:
        assert (step.to, step.ground) != (one.state, one.ground)


@given(cases, facts, instants)
def test_only_identity_or_law_ever_hold_a_case(one: Exit, known: Facts, now: datetime):
    step = rules.next_step(one, known, now)
    if step and step.to is State.HELD:
        assert step.ground in Ground
        doubted = one.identity is Identity.DOUBTED or one.route is Route.HOLD or one.path is Path.HOLD
        assert known.legal_freeze or doubted
    if step and step.to is not State.HELD:
        assert step.ground is None


@given(cases, facts, instants)
def test_a_case_closes_only_when_nothing_is_owed_or_on_its_way(one: Exit, known: Facts, now: datetime):
    step = rules.next_step(one, known, now)
    if step and step.to is State.CLOSED:
        assert known.owed_minor == known.held_minor == 0
        assert not known.legal_freeze


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**6), instants)
def test_no_sum_of_debt_changes_whether_a_proven_customer_goes_on(
    debt: int, other: int, held: int, now: datetime
):
    one = case(State.CONFIRMED, **VERIFIED)
    first = rules.next_step(one, replace(NOTHING, owed_minor=debt, held_minor=held), now)
    second = rules.next_step(one, replace(NOTHING, owed_minor=other, held_minor=held), now)
    assert first
    assert second
    assert {first.to, second.to} <= {State.RUN_OFF, State.CLOSED}


@given(cases, facts)
def test_every_open_case_ends_by_itself_once_its_debt_is_gone(one: Exit, known: Facts):
    """No combination waits for a person for ever: walk the clock and it arrives."""
    known = replace(known, legal_freeze=False, owed_minor=0, held_minor=0)
    now = T0 + timedelta(hours=1)
    if one.is_open:
        one = replace(one, ground=Ground.IDENTITY if one.state is State.HELD else None)
        one = replace(one, due_at=rules.deadline(one, known, CLOCKS, "Asia/Shanghai"))
    for _ in range(60):
        known = replace(known, today=now.date())
        step = rules.next_step(one, known, now)
        if step:
            one = replace(
                one,
                state=step.to,
                ground=step.ground,
                path=step.path or one.path,
                route=one.route or Route.HOLD,
                held_from=one.state if step.to is State.HELD else None,
                due_at=None,
            )
            one = replace(one, due_at=rules.deadline(one, known, CLOCKS, "Asia/Shanghai"))
        else:
            now += timedelta(days=3)
    assert one.state not in OPEN


def test_a_case_that_is_proven_and_owes_nothing_closes():
    confirmed = rules.next_step(case(identity=Identity.VERIFIED), NOTHING, T0)
    assert confirmed
    assert confirmed.to is State.CONFIRMED
    closed = rules.next_step(case(State.CONFIRMED, **VERIFIED), NOTHING, T0)
    assert closed
    assert (closed.to, closed.why) == (State.CLOSED, "nothing_open")


def test_a_case_without_an_answer_lapses_after_two_weeks_and_not_before():
    waiting = case(due_at=T0 + timedelta(days=14))
    assert rules.next_step(waiting, NOTHING, T0 + timedelta(days=14, seconds=-1)) is None
    step = rules.next_step(waiting, NOTHING, T0 + timedelta(days=14))
    assert step
    assert step.to is State.LAPSED


def test_a_payment_that_may_still_come_back_is_waited_for():
    uncleared = replace(NOTHING, clears_on=TODAY + timedelta(days=10))
    step = rules.next_step(case(State.RUN_OFF, **VERIFIED), uncleared, T0)
    assert step
    assert (step.to, step.why) == (State.CLEARING, "payment_not_cleared")
    done = rules.next_step(case(State.CLEARING, **VERIFIED), replace(uncleared, clears_on=TODAY), T0)
    assert done
    assert done.to is State.CLOSED


def test_a_returned_payment_takes_a_clearing_case_back_to_running_off():
    step = rules.next_step(case(State.CLEARING, **VERIFIED), IN_DEBT, T0)
    assert step
    assert (step.to, step.why) == (State.RUN_OFF, "payment_returned")


def test_the_desk_may_spare_a_customer_the_wait_for_clearing():
    one = case(State.CONFIRMED, identity=Identity.VERIFIED, route=Route.DESK, path=Path.CLOSE_NOW)
    step = rules.next_step(one, replace(NOTHING, clears_on=TODAY + timedelta(days=10)), T0)
    assert step
    assert step.to is State.CLOSED


def test_a_desk_that_does_not_answer_in_time_decides_for_the_customer():
    one = case(State.CONFIRMED, identity=Identity.VERIFIED, route=Route.DESK, due_at=T0 + timedelta(days=1))
    assert rules.next_step(one, IN_DEBT, T0) is None
    step = rules.next_step(one, IN_DEBT, T0 + timedelta(days=1))
    assert step
    assert step.to is State.RUN_OFF


def test_doubt_that_nobody_resolves_lets_the_customer_go():
    one = case(State.HELD, identity=Identity.DOUBTED, ground=Ground.IDENTITY, due_at=T0 + timedelta(days=5))
    assert rules.next_step(one, NOTHING, T0) is None
    step = rules.next_step(one, NOTHING, T0 + timedelta(days=5))
    assert step
    assert (step.to, step.why, step.path) == (State.CONFIRMED, "held_too_long", Path.RUN_OFF)


def test_a_legal_freeze_holds_and_gives_back_where_it_found_the_case():
    frozen = replace(IN_DEBT, legal_freeze=True)
    step = rules.next_step(case(State.RUN_OFF, **VERIFIED), frozen, T0)
    assert step
    assert (step.to, step.ground) == (State.HELD, Ground.LEGAL)
    held = case(State.HELD, ground=Ground.LEGAL, held_from=State.RUN_OFF, **VERIFIED)
    assert rules.next_step(held, frozen, T0 + timedelta(days=900)) is None
    back = rules.next_step(held, IN_DEBT, T0)
    assert back
    assert back.to is State.RUN_OFF


@pytest.mark.parametrize("state", [State.CLOSED, State.LAPSED, State.CANCELLED, State.REJECTED])
def test_what_has_ended_stays_ended(state: State):
    assert rules.next_step(case(state, **VERIFIED), IN_DEBT, T0 + timedelta(days=999)) is None


def test_a_debt_is_never_called_in_to_close_sooner():
    waiting = case(State.CONFIRMED, identity=Identity.VERIFIED, route=Route.DESK)
    assert not rules.can_choose(waiting, Path.CLOSE_NOW, IN_DEBT)
    assert rules.can_choose(waiting, Path.CLOSE_NOW, NOTHING)
    assert rules.can_choose(waiting, Path.RUN_OFF, IN_DEBT)


def test_the_desk_chooses_only_where_a_person_is_asked():
    running = case(State.RUN_OFF, **VERIFIED)
    assert not any(rules.can_choose(running, path, NOTHING) for path in Path)


def test_a_customer_may_change_their_mind_for_thirty_days_and_not_once_closed():
    running = case(State.RUN_OFF, **VERIFIED)
    assert rules.can_cancel(running, CLOCKS, T0 + timedelta(days=29))
    assert not rules.can_cancel(running, CLOCKS, T0 + timedelta(days=30))
    assert not rules.can_cancel(case(State.CLOSED), CLOCKS, T0)


def test_the_deadline_of_a_doubt_counts_business_days():
    held = case(State.HELD, ground=Ground.IDENTITY)
    due = rules.deadline(held, NOTHING, CLOCKS, "Asia/Shanghai")
    assert due
    assert due.date() == date(2026, 10, 29)


def test_the_tail_lasts_as_long_as_a_debit_may_be_returned():
    assert rules.tail_end(date(2026, 1, 31), CLOCKS) == date(2027, 2, 28)


@given(st.integers(0, 500), st.sampled_from(State))
def test_a_remainder_is_waived_only_when_small_and_confirmed_or_closed(owed: int, state: State):
    waived = rules.waives_remainder(case(state), replace(NOTHING, owed_minor=owed), CLOCKS)
    assert waived == (0 < owed <= 100 and state in (State.RUN_OFF, State.CONFIRMED, State.CLOSED))


def test_a_reference_can_be_read_out():
    for _ in range(50):
        prefix, letters, digits = ids.new_reference("EX").split("-")
        assert (prefix, len(letters), len(digits)) == ("EX", 4, 2)
        assert not set(letters) & set("ILOU01")
