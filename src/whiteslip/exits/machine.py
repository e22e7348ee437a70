"""The state machine of leaving, walked mechanically: every case that can be, and every way from it.

The walk knows no transition of its own: it asks ``rules`` what is due in every case it has reached,
under every combination of facts, before and after the deadline, and lets customer and desk do all
they may. What it finds is drawn in the docs and checked by a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Final
from uuid import UUID

from whiteslip.exits import rules
from whiteslip.exits.model import (
    BY_LENDER,
    Channel,
    Exit,
    Facts,
    Ground,
    Identity,
    Kind,
    Outcome,
    Path,
    Plan,
    Route,
    State,
)
from whiteslip.exits.rules import Clocks

_NOBODY: Final = UUID(int=0)
_TODAY: Final = date(2026, 1, 15)
_NOW: Final = datetime(2026, 1, 15, 4, tzinfo=UTC)
_AFTER: Final = _NOW + timedelta(days=400)
_ZONE: Final = "UTC"
_PLAN: Final = Plan(Outcome.CLOSES_NOW, 0, 0, None, 0, 0, None, 0, 0, _TODAY, ())


@dataclass(frozen=True, slots=True)
class Edge:
    """One way from a case to another: by whom or what, and under which facts."""

    before: Exit
    after: Exit
    by: str
    facts: Facts


def start(kind: Kind) -> Exit:
    """A case as it is asked for, before anything is known."""
    return Exit(
        id=_NOBODY,
        reference="EX-0000-00",
        line=_NOBODY,
        customer=_NOBODY,
        channel=Channel.PORTAL,
        state=State.STOPPED,
        why="requested",
        since=_NOW,
        requested_at=_NOW,
        plan=_PLAN,
        kind=kind,
    )


def notice(kind: Kind) -> Exit:
    """A case as the lender gives notice."""
    return replace(
        start(kind),
        state=State.NOTICE,
        why="notice_given",
        identity=Identity.VERIFIED,
        route=Route.STRAIGHT_THROUGH,
    )


def every_fact() -> list[Facts]:
    """Owing, on hold, uncleared, frozen, disputed: each or not.

    That something was bought since matters where nothing is owed any more, and is one more case.
    """
    soon, flags = _TODAY + timedelta(days=5), (False, True)
    return [
        Facts(_TODAY, 10_000 * owed, 100 * held, soon if uncleared else None, frozen, 500 * disputed)
        for owed, held, uncleared, frozen, disputed in product(flags, repeat=5)
    ] + [Facts(_TODAY, 0, 0, None, legal_freeze=False, used_since=True)]


def walk(clocks: Clocks) -> list[Edge]:
    """Every edge of the machine under a jurisdiction's clocks, from every kind of start."""
    found: list[Edge] = []
    waiting = [notice(kind) if kind in BY_LENDER else start(kind) for kind in Kind]
    seen = set(waiting)
    while waiting:
        case = waiting.pop()
        for facts in every_fact():
            for edge in _ways(case, facts, clocks):
                found.append(edge)
                if edge.after not in seen:
                    seen.add(edge.after)
                    waiting.append(edge.after)
    return found


def _ways(case: Exit, facts: Facts, clocks: Clocks) -> Iterator[Edge]:
    """What is due by itself, then what customer and desk may do."""
    due_at = rules.deadline(case, facts, clocks, _ZONE)
    for late in (False, True):
        dated = replace(case, due_at=due_at)
        # After the deadline time has passed for payments, too.
        known = replace(facts, today=_TODAY + timedelta(days=400)) if late else facts
        step = rules.next_step(dated, known, _AFTER if late else _NOW)
        if step:
            moved = rules.taken(case, step, _NOW)
            for after in _routed(moved):
                yield Edge(case, after, "time" if late and due_at else "money or law", known)
    for after in _by_customer(case, clocks):
        yield Edge(case, after, "customer", facts)
    for after in _by_desk(case, facts):
        yield Edge(case, after, "desk", facts)
    if case.state is State.NOTICE:
        yield Edge(case, _called_off(case, "lender_withdrew_notice"), "lender", facts)
    if case.kind is Kind.ESTATE and case.is_open:
        undone = replace(_called_off(case, "reported_in_error"), ground=None, held_from=None)
        yield Edge(case, undone, "desk", facts)


def _routed(case: Exit) -> list[Exit]:
    """A case of closing that was just confirmed gets any route; nothing else is assessed."""
    if case.kind is not Kind.CLOSE:
        return [replace(case, route=Route.STRAIGHT_THROUGH)]
    if case.state is State.CONFIRMED and case.route is None:
        return [replace(case, route=route) for route in Route]
    return [case]


def _by_customer(case: Exit, clocks: Clocks) -> Iterator[Exit]:
    if case.state is State.NOTICE:
        yield _called_off(case, "customer_asked_first")
        if case.kind is Kind.INACTIVITY:
            yield _called_off(case, "customer_keeps_it")
    if case.state is State.STOPPED and case.identity is not Identity.VERIFIED:
        yield replace(case, identity=Identity.VERIFIED)
        yield replace(case, identity=Identity.DOUBTED)
    if rules.can_cancel(case, clocks, _NOW):
        yield replace(
            case, state=State.CANCELLED, why="customer_changed_their_mind", ground=None, held_from=None
        )
    if case.is_open and case.kind is Kind.CLOSE:
        yield replace(case, kind=Kind.WITHDRAW, route=Route.STRAIGHT_THROUGH if case.route else None)
        if case.confirmed_at is None:
            yield replace(case, kind=Kind.ESTATE)
    if case.kind is Kind.ESTATE and case.state is State.HELD and case.ground is Ground.IDENTITY:
        yield replace(case, identity=Identity.VERIFIED, path=Path.RUN_OFF)


def _called_off(case: Exit, why: str) -> Exit:
    return replace(case, state=State.CANCELLED, why=why)


def _by_desk(case: Exit, facts: Facts) -> Iterator[Exit]:
    for path in Path:
        if rules.can_choose(case, path, facts):
            yield rules.chosen(case, path)


def drawing(edges: list[Edge]) -> str:
    """The machine as a Mermaid state diagram: states, and why a case goes from one to another."""
    lines = {
        f"    {edge.before.state} --> {edge.after.state}: {edge.after.why.replace('_', ' ')}"
        for edge in edges
        if edge.before.state is not edge.after.state
    }
    ends = sorted({edge.after.state for edge in edges} - {edge.before.state for edge in edges})
    return "\n".join(
        [
            "stateDiagram-v2",
            "    [*] --> notice: notice given",
            "    [*] --> stopped: asked",
            *sorted(lines),
            *(f"    {end} --> [*]" for end in ends),
        ]
    )
