"""The state machine of leaving, walked mechanically: every case that can be, and every way from it.

The walk knows no transition of its own: it asks ``rules`` what is due in every case it has reached,
under every combination of facts, before and after the deadline, and lets customer and desk do all
they may. What it finds is drawn in the docs and checked by a test.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any, Final, cast
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
    Step,
)
from whiteslip.exits.rules import Clocks
from whiteslip.exits.telling import At, Heirs, told

_NOBODY: Final = UUID(int=0)
# No jurisdiction has a holiday in the days that follow, so that most have one machine.
_TODAY: Final = date(2026, 7, 9)
NOW: Final = datetime(2026, 7, 9, 4, tzinfo=UTC)
_AFTER: Final = NOW + timedelta(days=400)
_ZONE: Final = "UTC"
_PLAN: Final = Plan(Outcome.CLOSES_NOW, 0, 0, None, 0, 0, None, 0, 0, _TODAY, ())


@dataclass(frozen=True, slots=True)
class Edge:
    """One way from a case to another, with whoever stands for its customer: by whom or what, and under
    which facts.
    """

    start: At
    end: At
    by: str
    facts: Facts

    @property
    def before(self) -> Exit:
        """The case it leads from."""
        return self.start.case

    @property
    def after(self) -> Exit:
        """The case it leads to."""
        return self.end.case


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
        since=NOW,
        requested_at=NOW,
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


def besides() -> list[Exit]:
    """Cases that may be open beside a notice: of whoever asks, proven or not, or an estate's."""
    closing = [replace(start(Kind.CLOSE), identity=who) for who in Identity]
    held_too_long = replace(closing[-1], state=State.CONFIRMED, confirmed_at=NOW)
    estate = start(Kind.ESTATE)
    return [
        *closing,
        held_too_long,
        rules.as_withdrawal(start(Kind.WITHDRAW)),
        estate,
        rules.with_authority(estate),
        replace(estate, state=State.HELD, ground=Ground.LEGAL),
    ]


def starts() -> list[At]:
    """Every case as it begins. Who asks to close has proven who they are, or not; who withdraws is
    signed in; an estate's begins with a death.
    """
    return [
        *(At(replace(start(Kind.CLOSE), identity=who)) for who in Identity),
        At(rules.as_withdrawal(start(Kind.WITHDRAW))),
        At(start(Kind.ESTATE), Heirs.REPORTED),
        *(At(notice(kind)) for kind in Kind if kind in BY_LENDER),
    ]


class Asked:
    """A jurisdiction's clocks that remember what a walk asked of them: where others answer all of it alike,
    theirs is the same walk.
    """

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._answers: dict[str | tuple[date, int], object] = {}

    def __getattr__(self, name: str) -> Any:
        if name == "calendar":
            return self
        return self._answers.setdefault(name, getattr(self._clocks, name))

    def add_business_days(self, day: date, days: int) -> date:
        """The one question to a calendar."""
        found = self._clocks.calendar.add_business_days(day, days)
        self._answers[day, days] = found
        return found

    def is_answered_by(self, clocks: Clocks) -> bool:
        """Whether other clocks answer alike all that was asked."""
        return all(
            answer
            == (getattr(clocks, key) if isinstance(key, str) else clocks.calendar.add_business_days(*key))
            for key, answer in self._answers.items()
        )


def walk(clocks: Clocks | Asked) -> list[Edge]:
    """Every edge of the machine under a jurisdiction's clocks, from every kind of start."""
    clocks = cast("Clocks", clocks)
    found: list[Edge] = []
    waiting = starts()
    seen, every = set(waiting), every_fact()
    # After the deadline time has passed for payments, too.
    dated = [(facts, replace(facts, today=_TODAY + timedelta(days=400))) for facts in every]
    noticing = [
        *dated,
        *((replace(now, beside=one), replace(late, beside=one)) for now, late in dated for one in besides()),
    ]
    while waiting:
        at = waiting.pop()
        ways = [*_by_facts(at, noticing if at.case.state is State.NOTICE else dated, clocks)]
        if not _is_decided(at.case):
            ways += [*_by_desk(at, every), *_by_people(at, every[0], clocks)]
        found += ways
        # The same case is reached under many facts: it is looked up once.
        for end in {id(way.end): way.end for way in ways}.values():
            if end not in seen:
                seen.add(end)
                waiting.append(end)
    return found


def _by_facts(at: At, dated: Iterable[tuple[Facts, Facts]], clocks: Clocks) -> Iterator[Edge]:
    """What is due by itself, as money, law, time and, for a notice, another case on the line have it."""
    case = at.case
    taken: dict[Step, list[At]] = {}
    timed: dict[datetime | None, Exit] = {None: case}
    for facts, later in dated:
        due_at = rules.deadline(case, facts, clocks, _ZONE)
        if due_at not in timed:
            timed[due_at] = replace(case, due_at=due_at)
        for late, known in ((False, facts), (True, later)):
            step = rules.next_step(timed[due_at], known, _AFTER if late else NOW)
            if step is None:
                continue
            if step not in taken:
                taken[step] = [replace(at, case=moved) for moved in _routed(rules.taken(case, step, NOW))]
            for after in taken[step]:
                yield Edge(at, after, "time" if late and due_at else "money or law", known)


def _is_decided(case: Exit) -> bool:
    """Whether the desk has chosen: that is carried out in the transaction in which it was chosen."""
    return case.state is State.HELD and (case.is_satisfied or case.path is Path.REJECT)


def _by_desk(at: At, every: Iterable[Facts]) -> Iterator[Edge]:
    """What the desk may choose."""
    chosen = {path: replace(at, case=rules.chosen(at.case, path)) for path in Path}
    for facts in every:
        for path in Path:
            if rules.can_choose(at.case, path, facts, at.heirs is not Heirs.NONE):
                yield Edge(at, chosen[path], "desk", facts)


def _by_people(at: At, facts: Facts, clocks: Clocks) -> Iterator[Edge]:
    """What customer, lender and heirs may do, whatever is owed."""
    for after in _by_customer(at, clocks):
        yield Edge(at, replace(at, case=after), "customer", facts)
    if at.case.state is State.NOTICE:
        taken_back = rules.called_off(at.case, "lender_withdrew_notice", NOW)
        yield Edge(at, At(taken_back), "lender", facts)
    if at.case.is_open:
        for after in _by_heirs(at):
            yield Edge(at, after, "heirs", facts)


def _routed(case: Exit) -> list[Exit]:
    """A case of closing that was just confirmed gets any route; nothing else is assessed."""
    if case.kind is not Kind.CLOSE:
        return [replace(case, route=Route.STRAIGHT_THROUGH)]
    if case.state is State.CONFIRMED and case.route is None:
        return [replace(case, route=route) for route in Route]
    return [case]


def _by_customer(at: At, clocks: Clocks) -> Iterator[Exit]:
    case = at.case
    if case.state is State.NOTICE and case.kind is Kind.INACTIVITY:
        yield rules.called_off(case, "customer_keeps_it", NOW)
    if at.heirs is not Heirs.NONE:
        return
    if case.state is State.STOPPED and case.identity is not Identity.VERIFIED:
        yield replace(case, identity=Identity.VERIFIED)
        yield replace(case, identity=Identity.DOUBTED)
    if rules.can_cancel(case, clocks, NOW):
        yield rules.called_off(case, "customer_changed_their_mind", NOW)
    if rules.can_doubt(case) and case.state is not State.STOPPED:
        yield rules.doubted(case)
    if case.is_open and case.kind not in (Kind.ESTATE, Kind.WITHDRAW):
        yield rules.as_withdrawal(case)


def _by_heirs(at: At) -> Iterator[At]:
    """A death is reported, shown by somebody with a paper, or turns out to be an error."""
    case = at.case
    if at.heirs is Heirs.NONE:
        taken = rules.as_estate(case)
        yield At(taken, Heirs.REPORTED, took_over=taken.kind is not case.kind)
        return
    if at.heirs is Heirs.REPORTED:
        yield At(rules.with_authority(case), Heirs.KNOWN, at.took_over)
    else:
        # Somebody else shows a paper: whoever did before stands for the line no more.
        yield At(case, Heirs.REPORTED, at.took_over)
    yield At(rules.undone(case, at.took_over, NOW))


def drawing(edges: list[Edge]) -> str:
    """The machine as a Mermaid state diagram: states, why a case goes from one to another, and the letters
    that each step sends (behind an envelope; which of them, its kind decides).
    """
    sent: defaultdict[str, set[str]] = defaultdict(set)
    for at in starts():
        began = "notice given" if at.case.state is State.NOTICE else "asked"
        sent[f"[*] --> {at.case.state}: {began}"] |= _letters(None, at)
    for edge in {(edge.start, edge.end): edge for edge in edges}.values():
        letters, moves = _letters(edge.start, edge.end), edge.before.state is not edge.after.state
        if letters or moves:
            sent[f"{edge.before.state} --> {edge.after.state}: {_label(edge)}"] |= letters
    ends = sorted({edge.after.state for edge in edges} - {edge.before.state for edge in edges})
    lines = [f"{step} ✉ {', '.join(sorted(told))}" if told else step for step, told in sorted(sent.items())]
    return "\n".join(
        ["stateDiagram-v2", *(f"    {line}" for line in (*lines, *(f"{end} --> [*]" for end in ends)))]
    )


def _letters(before: At | None, after: At) -> set[str]:
    return {sent.letter for sent in told(before, after)}


def _label(edge: Edge) -> str:
    """Why a case goes on, or what is said about it while it stays where it is."""
    if (edge.before.state, edge.before.ground) != (edge.after.state, edge.after.ground):
        return edge.after.why.replace("_", " ")
    if edge.start.heirs is edge.end.heirs:
        return "withdrawal declared"
    return {
        Heirs.REPORTED: "death reported",
        Heirs.KNOWN: "authority shown",
        Heirs.NONE: "reported in error",
    }[edge.end.heirs]
