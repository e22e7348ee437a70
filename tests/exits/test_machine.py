"""The machine of leaving, walked in full: every case, every fact, every jurisdiction."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path as FilePath

import pytest

from whiteslip import packs
from whiteslip.base import Calendar
from whiteslip.exits import demands, machine, operations, rules
from whiteslip.exits.machine import Edge
from whiteslip.exits.model import BY_LENDER, OPEN, Exit, Ground, Identity, Kind, Path, State
from whiteslip.exits.rules import Clocks
from whiteslip.exits.telling import At, Heirs
from whiteslip.packs import Pack

DOC = FilePath(__file__).parents[2] / "docs" / "explanation" / "leaving.md"
ENDS = frozenset(State) - OPEN - {State.NOTICE}
LATE = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module", params=packs.names())
def pack(request: pytest.FixtureRequest) -> Pack:
    return packs.load(request.param)


@pytest.fixture(scope="module")
def clocks(pack: Pack) -> Clocks:
    return Clocks.of(pack)


@pytest.fixture(scope="module")
def edges(clocks: Clocks) -> list[Edge]:
    return machine.walk(clocks)


def reached(edges: list[Edge]) -> set[Exit]:
    return {at.case for at in points(edges)}


def points(edges: list[Edge]) -> set[At]:
    """Every case with whoever stands for its customer."""
    return {at for edge in edges for at in (edge.start, edge.end)}


def lead_to(edges: list[Edge], wanted: State) -> set[At]:
    """Points from which some way along ``edges`` leads to a state."""
    back: defaultdict[At, set[At]] = defaultdict(set)
    for before, after in {(edge.start, edge.end) for edge in edges}:
        back[after].add(before)
    found = {at for at in points(edges) if at.case.state is wanted}
    waiting = list(found)
    while waiting:
        for before in back[waiting.pop()] - found:
            found.add(before)
            waiting.append(before)
    return found


def test_the_walk_reaches_every_state(edges: list[Edge]):
    assert {case.state for case in reached(edges)} == set(State)


def test_every_path_sends_exactly_the_letters_its_pack_demands(pack: Pack, edges: list[Edge]):
    """Nothing missing, nothing twice, nothing else, nobody else: at each point of each path."""
    assert list(demands.unserved(pack, demands.ways(edges))) == []
    assert (demands.form_faults(pack), demands.act_faults(pack)) == ([], [])


def test_from_every_case_under_way_there_is_a_way_to_closed(edges: list[Edge]):
    stuck = {at.case for at in points(edges) - lead_to(edges, State.CLOSED) if not at.case.has_ended}
    assert {case for case in stuck if case.path is not Path.REJECT} == set()


def test_who_has_proven_who_they_are_gets_out_by_money_law_and_time_alone(edges: list[Edge]):
    """Nobody's leave is needed: no choice of the desk, nor another word of the customer."""
    alone = [edge for edge in edges if edge.by in ("money or law", "time")]
    out = lead_to(alone, State.CLOSED)
    told = {at for at in points(edges) if at.case.is_open and at.case.identity is not Identity.PENDING}
    assert {at for at in told - out if at.case.path is not Path.REJECT} == set()


def test_nobody_is_refused_only_a_request_of_somebody_else_ends(edges: list[Edge]):
    """Rejecting takes doubt about who asked, and the desk; neither time, money nor law rejects.

    It ends one request and no right: the line is as it was under the customer's own lock, a state in
    which the published matrix allows closing whatever is owed, and a new case begins like any other.
    """
    rejections = [edge for edge in edges if edge.after.state is State.REJECTED]
    assert rejections
    for edge in rejections:
        assert (edge.before.state, edge.before.ground) == (State.HELD, Ground.IDENTITY)
        assert (edge.before.path, edge.before.kind) == (Path.REJECT, Kind.CLOSE)
    found = [e for e in edges if e.after.path is Path.REJECT and e.before.path is not Path.REJECT]
    assert {(edge.by, edge.before.state, edge.before.ground) for edge in found} == {
        ("desk", State.HELD, Ground.IDENTITY)
    }
    for lock in (operations.Lock.CUSTOMER, operations.Lock.NONE):
        for debt in operations.Debt:
            for lifecycle in set(operations.Lifecycle) - {operations.Lifecycle.CLOSED}:
                told = operations.answer(operations.Operation.CLOSE, lifecycle, lock, debt)
                assert told == operations.ALLOWED


def test_who_was_going_already_cannot_be_rejected(edges: list[Edge]):
    """Not from confirmed, running off or clearing, not under an order, and nobody who withdraws."""
    for case in {edge.before for edge in edges}:
        for facts in machine.every_fact():
            if rules.can_choose(case, Path.REJECT, facts):
                assert (case.state, case.ground, case.kind) == (State.HELD, Ground.IDENTITY, Kind.CLOSE)


def test_who_never_says_who_they_are_ends_with_their_own_lock(edges: list[Edge]):
    alone = [edge for edge in edges if edge.by in ("money or law", "time")]
    silent = {at for at in points(edges) if at.case.is_open and at.case.identity is Identity.PENDING}
    estates = {at for at in silent if at.heirs is not Heirs.NONE}
    assert silent - estates - lead_to(alone, State.LAPSED) == set()
    assert estates
    assert estates - lead_to(alone, State.CLOSED) == set(), "nobody draws again on a death in doubt"


def test_nothing_closes_with_a_debt_a_hold_or_a_dispute(edges: list[Edge]):
    closings = [edge for edge in edges if edge.after.state is State.CLOSED]
    assert closings
    for edge in closings:
        facts = edge.facts
        assert (facts.owed_minor, facts.held_minor, facts.disputed_minor) == (0, 0, 0), edge
        assert not facts.legal_freeze, edge


def test_nothing_goes_on_while_somebody_may_still_say_who_asked(edges: list[Edge]):
    """A doubt is resolved by the desk, by a paper, or by its time, and by nothing else."""
    ahead = {State.RUN_OFF, State.CLEARING, State.CLOSED}
    for edge in edges:
        before = edge.before
        if edge.after.state in ahead and edge.after.state is not before.state:
            held = (before.state, before.ground) == (State.HELD, Ground.LEGAL)
            assert held or before.path or before.identity is not Identity.DOUBTED, edge


def test_what_has_ended_stays_ended(edges: list[Edge]):
    assert [edge for edge in edges if edge.before.state in ENDS] == []


def test_drawing_comes_back_only_by_the_customers_word_or_silence(edges: list[Edge]):
    """Cancelled brings the line back; lapsed leaves the customer's own lock on it. While a notice
    runs, drawing has not stopped; and who was said to have died in error had not asked for anything.
    """
    for edge in edges:
        if edge.after.state is State.CANCELLED and edge.before.state is not State.NOTICE:
            began_with_it = edge.after.why == "reported_in_error" and not edge.start.took_over
            assert edge.by == "customer" or began_with_it
        if edge.after.state is State.LAPSED and edge.before.state is not State.LAPSED:
            silent = (edge.before.state, edge.by) == (State.STOPPED, "time")
            assert silent or (edge.start.took_over and edge.after.why == "reported_in_error")


def test_who_asked_to_close_may_stay_until_all_is_paid_and_nobody_else_may(edges: list[Edge]):
    found = {
        (edge.before.kind, edge.before.state)
        for edge in edges
        if edge.after.why == "customer_changed_their_mind"
    }
    may_stay = (State.STOPPED, State.HELD, State.CONFIRMED, State.RUN_OFF)
    assert found == {(Kind.CLOSE, state) for state in may_stay}


def test_who_withdraws_is_not_assessed_and_has_no_way_back(edges: list[Edge]):
    withdrawn = {case for case in reached(edges) if case.kind is Kind.WITHDRAW}
    assert {case.route for case in withdrawn} == {None, "straight_through"}
    assert all(case.state is not State.CANCELLED for case in withdrawn)
    assert all(edge.after.kind is Kind.WITHDRAW for edge in edges if edge.before.kind is Kind.WITHDRAW)


def test_a_notice_ends_by_its_time_or_is_called_off_and_never_holds_anybody(edges: list[Edge]):
    notices = [edge for edge in edges if edge.before.state is State.NOTICE]
    assert {edge.after.state for edge in notices} == {State.CONFIRMED, State.CANCELLED}
    for edge in notices:
        if edge.after.state is State.CONFIRMED:
            assert (edge.by, edge.after.why) == ("time", "notice_ended")
    used = {edge.before.kind for edge in notices if edge.after.why == "line_used_again"}
    assert used == {Kind.INACTIVITY}
    why = {(edge.by, edge.after.why) for edge in notices if edge.after.state is State.CANCELLED}
    assert why == {
        *((by, "customer_asked_first") for by in ("money or law", "time")),
        *((by, "estate_is_settled") for by in ("money or law", "time")),
        ("customer", "customer_keeps_it"),
        ("lender", "lender_withdrew_notice"),
        ("money or law", "line_used_again"),
        ("time", "line_used_again"),
    }


def test_the_lender_ends_nothing_but_by_a_notice(edges: list[Edge]):
    """No case of the customer's becomes one of the lender's, and the lender's begin with notice."""
    for edge in edges:
        assert (edge.before.kind in BY_LENDER) == (edge.after.kind in BY_LENDER) or (
            edge.after.kind is Kind.WITHDRAW
        )
        if edge.after.kind in BY_LENDER and edge.after.state is not State.CANCELLED:
            assert edge.before.state is State.NOTICE or edge.before.confirmed_at is not None


def test_an_estate_is_not_assessed_and_may_always_turn_out_to_be_an_error(edges: list[Edge]):
    estates = {at for at in points(edges) if at.heirs is not Heirs.NONE and at.case.is_open}
    assert {at.case.route for at in estates if at.case.kind is Kind.ESTATE} <= {None, "straight_through"}
    undone = {edge.start for edge in edges if edge.end.heirs is Heirs.NONE}
    # What the desk has decided is carried out at once; nobody else comes in between.
    decided = {at for at in estates if at.case.is_satisfied or at.case.path is Path.REJECT}
    assert estates - undone <= decided


def test_a_death_is_never_answered_by_a_rejection(edges: list[Edge]):
    """There is an estate to settle, whoever asked first; nor does the wish of a dead customer lapse."""
    dead = {edge.end.case.state for edge in edges if edge.end.heirs is not Heirs.NONE}
    assert dead & {State.REJECTED, State.LAPSED, State.CANCELLED} == set()


def test_only_identity_and_law_hold_anybody(edges: list[Edge]):
    asked = [e for e in edges if e.after.path is Path.HOLD and e.before.path is not Path.HOLD]
    assert {(edge.by, edge.before.state) for edge in asked} == {("desk", State.CONFIRMED)}, "nobody twice"
    for edge in edges:
        if edge.after.state is not State.HELD or edge.before.state is State.HELD:
            continue
        assert edge.after.ground in set(Ground)
        doubted = edge.before.identity is Identity.DOUBTED
        routed = edge.before.route == "hold" or edge.before.path is Path.HOLD
        unproven = edge.after.why == "authority_not_shown" and edge.before.kind is Kind.ESTATE
        assert edge.facts.legal_freeze or doubted or routed or unproven, edge


def test_every_deadline_ends_in_a_step(edges: list[Edge], clocks: Clocks):
    """Whatever else is true, an order of the law included, a case does not sit behind a deadline that has
    passed."""
    for case in reached(edges):
        for facts in machine.every_fact():
            due_at = rules.deadline(case, facts, clocks, "UTC")
            if due_at is None:
                continue
            later = rules.next_step(
                replace(case, due_at=due_at),
                replace(facts, today=LATE.date()),
                max(LATE, due_at + timedelta(days=1)),
            )
            assert later is not None, (case, facts)


def test_a_case_rests_only_while_something_that_comes_is_awaited(edges: list[Edge], clocks: Clocks):
    """Under every combination of facts: a deadline, what is open in a run-off, or the end of an order."""
    for case in reached(edges):
        if case.has_ended:
            continue
        for facts in machine.every_fact():
            due_at = rules.deadline(case, facts, clocks, "UTC")
            step = rules.next_step(replace(case, due_at=due_at), facts, machine.NOW)
            open_ = facts.owed_minor or facts.held_minor or facts.disputed_minor
            awaited = (
                due_at is not None
                or (case.state is State.RUN_OFF and open_)
                or (case.ground is Ground.LEGAL and facts.legal_freeze)
            )
            assert step or awaited, (case, facts)


@pytest.fixture(scope="module")
def base() -> list[Edge]:
    return machine.walk(Clocks.of(packs.load("base")))


def test_the_drawing_in_the_docs_is_the_machine(base: list[Edge]):
    assert machine.drawing(base) in DOC.read_text()


def test_the_machine_is_the_same_in_every_jurisdiction(edges: list[Edge], base: list[Edge]):
    """Every edge, so that what is proven of one pack's, with its line (``test_together``), holds in each."""
    assert edges == base


def test_clocks_that_answer_all_a_walk_asked_alike_share_it_and_others_do_not():
    clocks = Clocks.of(packs.load("base"))
    asked = machine.Asked(clocks)
    machine.walk(asked)
    assert asked.is_answered_by(replace(clocks, keep_years=clocks.keep_years + 1)), "no walk asks for that"
    day_off = Calendar(frozenset({date(2026, 7, 10)}))
    for other in (replace(clocks, step_up_days=clocks.step_up_days + 1), replace(clocks, calendar=day_off)):
        assert not asked.is_answered_by(other)
    assert all(asked.is_answered_by(Clocks.of(packs.load(name))) for name in packs.names()), (
        "one walk for all"
    )
