"""The line and its case, walked together in full: what holds of both, whoever does what in which order.

The machine is the same in every jurisdiction (``test_machine``), and so is what is proven here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from whiteslip import packs
from whiteslip.base import Refusal
from whiteslip.exits import following, machine, together
from whiteslip.exits.following import Effect
from whiteslip.exits.machine import Edge
from whiteslip.exits.model import BY_LENDER, Identity, Kind, Path, State
from whiteslip.exits.noticed import is_proven
from whiteslip.exits.operations import Operation
from whiteslip.exits.rules import Clocks
from whiteslip.exits.telling import At, Heirs
from whiteslip.exits.together import Money, Move, Whole
from whiteslip.lines.lifting import lifted_by
from whiteslip.lines.model import Lifecycle, Lock, LockGround, LockKind, Party

# Who needs nobody's leave: not the lender's, and not the desk's.
ALONE = frozenset({"customer", "money or law", "time", "own lock"})
UNPAID = frozenset({Money.OWED, Money.HELD, Money.DISPUTED, Money.RESIDUAL})


@pytest.fixture(scope="module")
def edges() -> list[Edge]:
    return machine.walk(Clocks.of(packs.load("base")))


@pytest.fixture(scope="module")
def moves(edges: list[Edge]) -> list[Move]:
    return together.walk(edges)


@pytest.fixture(scope="module")
def few(edges: list[Edge]) -> list[Edge]:
    """Customers who ask to close, and live: enough for a planted fault to be found, in less time."""
    return [
        edge
        for edge in edges
        if {edge.before.kind, edge.after.kind} == {Kind.CLOSE}
        and {edge.start.heirs, edge.end.heirs} == {Heirs.NONE}
    ]


def can_draw(whole: together.Whole) -> bool:
    """Whether a purchase is possible."""
    return together.may(Operation.AUTHORISE, whole)


def shut_in(moves: Sequence[Move], by: frozenset[str] = ALONE) -> set[Whole]:
    """Lines from which no way leads to closed by what some do alone."""
    back: defaultdict[Whole, list[Whole]] = defaultdict(list)
    points: set[Whole] = set()
    for move in moves:
        points.add(move.start)
        points.add(move.end)
        if move.by in by:
            back[move.end].append(move.start)
    waiting = [whole for whole in points if whole.lifecycle is Lifecycle.CLOSED]
    points -= set(waiting)
    while waiting:
        for before in back.pop(waiting.pop(), []):
            if before in points:
                points.remove(before)
                waiting.append(before)
    return points


def closed_with_debt(moves: Sequence[Move]) -> Iterator[Move]:
    for move in moves:
        closes = move.end.lifecycle is Lifecycle.CLOSED is not move.start.lifecycle
        if closes and (move.end.money in UNPAID or together.ORDER in move.end.locks):
            yield move


def reopened(moves: Sequence[Move]) -> Iterator[Move]:
    for move in moves:
        if move.start.lifecycle is Lifecycle.CLOSED and (move.end.lifecycle, move.end.at) != (
            Lifecycle.CLOSED,
            None,
        ):
            yield move


def resumed_for_the_customer(moves: Sequence[Move]) -> Iterator[Move]:
    """Drawing that a customer's lock or leaving had stopped and that begins again by somebody else."""
    for move in moves:
        own = any(lock.party is Party.CUSTOMER for lock in move.start.locks)
        if not own or not can_draw(move.end) or can_draw(move.start):
            continue
        case = move.start.at.case if move.start.at else None
        # Who was said to have died in error had not asked for anything.
        in_error = move.event == "reported_in_error" and case is not None and case.kind is Kind.ESTATE
        if move.by not in ("customer", "own lock") and not in_error:
            yield move


def lifted_by_others(moves: Sequence[Move]) -> Iterator[Move]:
    """Locks that end otherwise than by their party's word or their time."""
    words = {Party.CUSTOMER: "customer", Party.ISSUER: "lender", Party.AUTHORITY: "money or law"}
    for move in moves:
        for lock in move.start.locks - move.end.locks:
            leaves = lock.kind is LockKind.EXIT and move.start.at is not None and move.end.at is None
            made_longer = lock == together.OWN and together.FIRM in move.end.locks
            over = move.event == "lock ends" and lock.until is not None
            if not (leaves or made_longer or over or move.by == words[lock.party]):
                yield move


def goes_round(moves: Sequence[Move]) -> set[Whole]:
    """Lines that time alone brings back to where they were."""
    onwards: defaultdict[Whole, set[Whole]] = defaultdict(set)
    for move in moves:
        if move.by in ("time", "own lock") and move.end != move.start:
            onwards[move.start].add(move.end)
    into = Counter(end for ends in onwards.values() for end in ends)
    free = [whole for whole in onwards if not into[whole]]
    while free:
        for end in onwards.pop(free.pop(), set()):
            into[end] -= 1
            if not into[end]:
                free.append(end)
    return set(onwards)


def test_the_walk_meets_every_state_of_every_region(moves: list[Move]):
    met = {move.end for move in moves}
    assert {whole.lifecycle for whole in met} == set(Lifecycle)
    assert {whole.money for whole in met} == set(Money)
    standing = {lock for whole in met for lock in whole.locks}
    assert standing == {
        *(together.OWN, together.FIRM, together.RESTRICTION),
        *(together.ORDER, together.STOP, together.ENDED),
    }
    notices = {(at.case.state, at.case.kind) for whole in met if (at := whole.notice)}
    assert notices == {(State.NOTICE, kind) for kind in BY_LENDER}
    assert {whole.at.case.state for whole in met if whole.at} == {
        *(State.STOPPED, State.HELD, State.CONFIRMED, State.RUN_OFF, State.CLEARING),
    }


def test_a_step_of_a_case_is_a_step_of_the_machine_so_that_its_letters_are_those_that_packs_demand(
    edges: list[Edge], moves: list[Move]
):
    walked = {(edge.start, edge.end) for edge in edges}
    steps = {(together.plain(start), together.plain(end)) for start, end in walked}
    ending = {start for start, end in steps if end.case.has_ended}
    begun = {together.plain(at) for at in machine.starts()}
    found = {
        (id(start), id(end)): (start, end)
        for move in moves
        for start, end in changed(move)
        if start is not end
    }
    for start, end in found.values():
        if start is None:
            assert end in begun
        elif end is None:
            assert start in ending
        else:
            assert (start, end) in steps


def changed(move: Move) -> list[tuple[At | None, At | None]]:
    """What a move does to case and notice; a notice that ends the line is its case from then on."""
    start, end = move.start, move.end
    if start.notice and not end.notice and start.at is None and end.at:
        return [(start.notice, end.at)]
    return [(start.at, end.at), (start.notice, end.notice)]


def test_from_everywhere_there_is_a_way_to_closed_that_takes_nobodys_leave(moves: list[Move]):
    assert shut_in(moves) == set()


def test_nobody_is_refused_wherever_no_case_is_open_one_begins_at_the_customers_word(moves: list[Move]):
    begins = {
        move.start
        for move in moves
        if move.event == "begins" and move.by == "customer" and move.end.lifecycle is Lifecycle.CLOSING
    }
    free = {move.start for move in moves if move.start.at is None}
    assert {whole for whole in free if whole.lifecycle is not Lifecycle.CLOSED} == begins
    refused = [move for move in moves if move.event == "asked_by_somebody_else"]
    assert refused
    for move in refused:
        assert move.start.at
        assert move.start.at.case.path is Path.REJECT
        assert move.end in begins, "whoever it was, the customer may ask at once"


def test_nothing_closes_with_a_debt_or_under_an_order_and_nothing_opens_again(moves: list[Move]):
    assert next(closed_with_debt(moves), None) is None
    assert next(reopened(moves), None) is None


def test_drawing_never_begins_again_but_by_the_customer_or_the_end_of_their_own_lock(moves: list[Move]):
    assert next(resumed_for_the_customer(moves), None) is None
    assert next(lifted_by_others(moves), None) is None


def test_nobody_draws_while_a_case_is_open_or_after(moves: list[Move]):
    for whole in {move.end for move in moves}:
        leaving = whole.at is not None and whole.at.case.is_open
        if leaving or whole.lifecycle is not Lifecycle.ACTIVE:
            assert whole.lifecycle is not Lifecycle.ACTIVE
            assert not can_draw(whole)
            assert {lock.kind for lock in whole.locks} & {LockKind.EXIT}


def noticed_beside(moves: Sequence[Move]) -> list[Move]:
    """What happens while a notice and another case are on one line."""
    return [move for move in moves if move.start.notice and move.start.at]


def ended_by_nobody_known(moves: Sequence[Move]) -> Iterator[Move]:
    """Notices that fall, or end the line, by a wish of somebody who has not proven who they are."""
    for move in noticed_beside(moves):
        if move.end.notice or not move.start.at or is_proven(move.start.at.case):
            continue
        if move.by not in ("lender", "customer") and move.event != "line_used_again":
            yield move


def closed_twice(moves: Sequence[Move]) -> Iterator[Move]:
    """Lines that have closed, or have gone on as proven, and still have a notice."""
    for move in moves:
        if move.end.notice and (move.end.lifecycle is Lifecycle.CLOSED or move.event == "notice_ended"):
            yield move


def test_a_wish_that_nobody_has_proven_neither_ends_a_notice_nor_lets_it_end_the_line(moves: list[Move]):
    assert next(ended_by_nobody_known(moves), None) is None
    beside = {move.start for move in noticed_beside(moves)}
    unproven = {whole for whole in beside if whole.at and not is_proven(whole.at.case)}
    assert {whole.at.case.state for whole in unproven if whole.at} == {State.STOPPED, State.HELD}
    assert {whole.at.case.identity for whole in unproven if whole.at} == {Identity.PENDING, Identity.DOUBTED}


def test_a_wish_that_ends_otherwise_leaves_the_notice_as_it_was(moves: list[Move]):
    over = [move for move in noticed_beside(moves) if move.end.at is None]
    assert {move.event for move in over} == {
        "no_answer_in_time",
        "customer_changed_their_mind",
        "asked_by_somebody_else",
        "reported_in_error",
    }
    onwards = {move.start for move in moves if move.event in ("notice_ended", "line_used_again")}
    for move in over:
        assert move.end.notice is move.start.notice
        assert move.end in onwards


def test_a_notice_changes_nothing_of_a_line_until_it_is_over(moves: list[Move]):
    alone = [move for move in moves if move.start.notice is not move.end.notice and not move.end.at]
    assert {move.event for move in alone} >= {"begins", "lender_withdrew_notice", "customer_keeps_it"}
    for move in alone:
        before, after = move.start, move.end
        assert (after.lifecycle, after.locks, after.money) == (before.lifecycle, before.locks, before.money)


def test_what_is_proven_takes_the_place_of_a_notice_before_anything_else_happens(moves: list[Move]):
    """So a line never closes, and is never told of, in two ways."""
    proven = [move for move in noticed_beside(moves) if move.start.at and is_proven(move.start.at.case)]
    assert {move.event for move in proven} >= {"customer_asked_first", "estate_is_settled"}
    assert {(move.end.notice, move.end.at is move.start.at) for move in proven} == {(None, True)}
    assert next(closed_twice(moves), None) is None


def test_time_alone_comes_to_an_end(moves: list[Move]):
    assert goes_round(moves) == set()


# The proof can fail


def test_a_lock_that_anybody_lifts_is_found(few: list[Edge]):
    def anybody(
        party: Party, ground: LockGround, same: Sequence[Lock], now: datetime
    ) -> Lock | Refusal | None:
        return lifted_by(party, ground, same, now) if not same else same[0]

    moves = together.walk(few, lift=anybody)
    assert next(lifted_by_others(moves), None)
    assert next(resumed_for_the_customer(moves), None)


def test_a_case_that_lapses_without_the_customers_lock_is_found(few: list[Edge]):
    def forgetful(before: State | None, after: State, lifecycle: Lifecycle) -> Effect:
        found = following.effect(before, after, lifecycle)
        return replace(found, sets=None) if after is State.LAPSED else found

    found = next(resumed_for_the_customer(together.walk(few, follow=forgetful)), None)
    assert found
    assert (found.by, found.event) == ("time", "no_answer_in_time")


def test_a_line_that_closes_before_it_is_paid_is_found(few: list[Edge]):
    def hasty(before: State | None, after: State, lifecycle: Lifecycle) -> Effect:
        found = following.effect(before, after, lifecycle)
        return Effect(Lifecycle.CLOSED) if found.to is Lifecycle.RUN_OFF else found

    # The case goes on where its line has closed, and moves it again.
    with pytest.raises(ValueError, match="no line goes from closed"):
        together.walk(few, follow=hasty)
    early = [replace(e, end=replace(e.end, case=replace(e.after, state=State.CLOSED))) for e in few]
    assert next(closed_with_debt(together.walk(early)), None)


def test_a_hold_that_nothing_ends_is_found(few: list[Edge]):
    for ends in ("legal_freeze_lifted", "held_too_long"):
        shut = together.walk([edge for edge in few if edge.after.why != ends])
        stuck = shut_in(shut, ALONE - {"customer"})
        assert {whole.at.case.state for whole in stuck if whole.at and whole.at.case.confirmed_at} >= {
            State.HELD
        }


def test_a_deadline_that_begins_again_for_ever_is_found(few: list[Edge]):
    again = [replace(e, start=e.end, end=e.start) for e in few if e.after.why == "held_too_long"]
    assert goes_round(together.walk([*few, *again]))
