"""A line and its cases, walked together: every lifecycle, set of locks, debt, case and notice of the lender
beside it, under every event.

The walk knows no rule of its own. What a case does next are the edges of ``machine``, taken where their
facts are those of the line; what that does to the line is ``following``; whose word lifts which lock is
``lines.lifting``; what may be done to a line at all is the matrix of ``operations``. Owed, held, disputed
and uncleared are met one at a time here: all of them at once, and every letter, are in ``machine``.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from whiteslip.base import Refusal
from whiteslip.exits import operations
from whiteslip.exits.following import Effect, effect
from whiteslip.exits.machine import Edge, starts
from whiteslip.exits.model import Exit, Facts, Kind, State
from whiteslip.exits.noticed import is_proven
from whiteslip.exits.operations import Operation
from whiteslip.exits.telling import At
from whiteslip.lines.lifting import lifted_by
from whiteslip.lines.model import ROADS, Lifecycle, Lock, LockGround, LockKind, Party

_NOW: Final = datetime(2026, 7, 9, 4, tzinfo=UTC)
_END: Final = _NOW + timedelta(days=30)
_NOBODY: Final = UUID(int=0)


class Money(StrEnum):
    """The debt of a line: none, open, or something of which it is not settled yet whose it is."""

    NOTHING = "nothing"
    OWED = "owed"
    HELD = "held"
    DISPUTED = "disputed"
    UNCLEARED = "uncleared"
    # What a closed line owes after all: a payment that came back, a dispute that was lost.
    RESIDUAL = "residual"


def _lock(kind: LockKind, party: Party, ground: LockGround, ends: bool = False, firm: bool = False) -> Lock:
    until = _END if ends else None
    return Lock(_NOBODY, _NOBODY, kind, party, ground, None, "", until, firm, _NOW, _NOW)


OWN: Final = _lock(LockKind.CUSTOMER, Party.CUSTOMER, LockGround.GENERAL)
FIRM: Final = _lock(LockKind.CUSTOMER, Party.CUSTOMER, LockGround.FIRM, ends=True, firm=True)
RESTRICTION: Final = _lock(LockKind.ISSUER, Party.ISSUER, LockGround.RESTRICTION, ends=True)
ORDER: Final = _lock(LockKind.LEGAL, Party.AUTHORITY, LockGround.ORDER)
STOP: Final = _lock(LockKind.EXIT, Party.CUSTOMER, LockGround.GENERAL)
ENDED: Final = _lock(LockKind.EXIT, Party.ISSUER, LockGround.GENERAL)
_BY_WHOM: Final = {(lock.kind, lock.party): lock for lock in (OWN, STOP, ENDED)}

Locks: TypeAlias = frozenset[Lock]
Lift: TypeAlias = Callable[[Party, LockGround, Sequence[Lock], datetime], Lock | Refusal | None]
Follow: TypeAlias = Callable[[State | None, State, Lifecycle], Effect]


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A line with its case and the lender's notice, each None where there is none. Equal ones of a walk are
    one object.
    """

    at: At | None
    lifecycle: Lifecycle
    locks: Locks
    money: Money
    notice: At | None = None


class Move(NamedTuple):
    """One event: by whom or what, and what happened."""

    start: Whole
    end: Whole
    by: str
    event: str


# What moves money, by whom, and the operation of the matrix that it is.
_MONEY: Final[tuple[tuple[Operation, Money, Money, str], ...]] = (
    (Operation.AUTHORISE, Money.NOTHING, Money.HELD, "customer"),
    (Operation.CAPTURE, Money.HELD, Money.OWED, "money or law"),
    (Operation.VOID, Money.HELD, Money.NOTHING, "time"),
    (Operation.PAYMENT, Money.OWED, Money.UNCLEARED, "money or law"),
    (Operation.PAYMENT, Money.UNCLEARED, Money.NOTHING, "time"),
    (Operation.RETURNED_PAYMENT, Money.UNCLEARED, Money.OWED, "money or law"),
    (Operation.FORCED_POST, Money.NOTHING, Money.DISPUTED, "money or law"),
    (Operation.DISPUTE, Money.OWED, Money.DISPUTED, "customer"),
    # Nobody found out who was right in time: the customer was.
    (Operation.RESOLVE_DISPUTE, Money.DISPUTED, Money.NOTHING, "time"),
    (Operation.RESOLVE_DISPUTE, Money.DISPUTED, Money.OWED, "lender"),
)
_AFTERWARDS: Final[tuple[tuple[Operation, Money, Money, str], ...]] = (
    (Operation.RETURNED_PAYMENT, Money.NOTHING, Money.RESIDUAL, "money or law"),
    (Operation.PAYMENT, Money.RESIDUAL, Money.NOTHING, "money or law"),
    (Operation.FORCED_POST, Money.NOTHING, Money.DISPUTED, "money or law"),
    (Operation.RESOLVE_DISPUTE, Money.DISPUTED, Money.NOTHING, "time"),
    (Operation.RESOLVE_DISPUTE, Money.DISPUTED, Money.RESIDUAL, "lender"),
)
# What sets a lock, by whom.
_LOCKS: Final = (
    (Operation.PAUSE, OWN, "customer"),
    (Operation.PAUSE, FIRM, "customer"),
    (Operation.RESTRICT, RESTRICTION, "lender"),
)
_BEGINS: Final = {
    Kind.CLOSE: (Operation.CLOSE, "customer"),
    Kind.WITHDRAW: (Operation.WITHDRAW, "customer"),
    Kind.ESTATE: (Operation.REPORT_DEATH, "heirs"),
    Kind.TERMINATION: (Operation.TERMINATE, "lender"),
    Kind.INACTIVITY: (Operation.TERMINATE, "lender"),
}
_COLUMNS: Final[dict[Lock, StrEnum]] = {
    OWN: operations.Lock.CUSTOMER,
    FIRM: operations.Lock.FIRM,
    RESTRICTION: operations.Lock.ISSUER,
    ORDER: operations.Lock.LEGAL,
}
_OF_MONEY: Final[dict[Money, StrEnum]] = {
    Money.OWED: operations.Debt.CURRENT,
    Money.RESIDUAL: operations.Debt.RESIDUAL,
    Money.DISPUTED: operations.Sum.DISPUTED,
    Money.UNCLEARED: operations.Sum.UNCLEARED,
}
_PARTIES: Final = {Party.CUSTOMER: "customer", Party.ISSUER: "lender", Party.AUTHORITY: "money or law"}
_SEEN: Final = {State.NOTICE: operations.Lifecycle.NOTICE, State.CLEARING: operations.Lifecycle.CLEARING}
# What the matrix tells apart of a line with its case; and what an event leaves of locks and money.
_Line: TypeAlias = tuple[State | None, Lifecycle, Locks, Money]
_Change: TypeAlias = tuple[Locks, Money, str, str]
_Key: TypeAlias = tuple[Money, bool, str]
_Way: TypeAlias = tuple[At, Money, str, str]


def columns(whole: Whole) -> frozenset[StrEnum]:
    """The states of the matrix that a line is in; where it has no lock or debt, none of their columns."""
    return _columns(*_line(whole))


def _line(whole: Whole) -> _Line:
    at = whole.at or whole.notice
    state = at.case.state if at else None
    return state if state in _SEEN else None, whole.lifecycle, whole.locks, whole.money


@cache
def _columns(state: State | None, lifecycle: Lifecycle, locks: Locks, money: Money) -> frozenset[StrEnum]:
    seen = _SEEN[state] if state else operations.Lifecycle(lifecycle)
    found = {_COLUMNS[lock] for lock in locks if lock in _COLUMNS}
    return frozenset({seen, *found, *([_OF_MONEY[money]] if money in _OF_MONEY else [])})


def may(operation: Operation, whole: Whole) -> bool:
    """Whether the matrix has nothing against an operation."""
    told = operations.told(operation, columns(whole))
    return told in (operations.ALLOWED, operations.INSTEAD.get(operation))


def walk(edges: Iterable[Edge], lift: Lift = lifted_by, follow: Follow = effect) -> list[Move]:
    """Every move from a new line on, breadth first. ``lift`` and ``follow`` are the rules that are proven."""
    rules = _Rules(_Cases(edges), lift, follow)
    start = rules.whole(None, Lifecycle.ACTIVE, frozenset(), Money.NOTHING)
    found: list[Move] = []
    waiting, seen = deque([start]), {start}
    while waiting:
        for move in rules.moves(waiting.popleft()):
            found.append(move)
            if move.end not in seen:
                seen.add(move.end)
                waiting.append(move.end)
    return found


def plain(at: At) -> At:
    """A case without why it is where it is, and since when."""
    return replace(at, case=replace(at.case, why="", since=_NOW))


class _Cases:
    """The ways of the machine by case and by what is open; why a case is where it is decides nothing."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self._known: dict[At, At] = {}
        self._plain: dict[At, At] = {}
        self._by_facts: defaultdict[At, defaultdict[_Key, dict[_Way, None]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self._always: defaultdict[At, dict[_Way, None]] = defaultdict(dict)
        self.starts = [self._simply(at) for at in starts()]
        for edge in edges:
            self._add(edge)

    def ways(self, at: At, money: Money, frozen: bool, beside: At | None = None) -> Iterator[_Way]:
        """Where a case goes, what is open then, by whom and why."""
        yield from self._by_facts[at][money, frozen, _beside(beside.case if beside else None)]
        for end, _, by, why in self._always[at]:
            yield end, money, by, why

    def _add(self, edge: Edge) -> None:
        end = self._simply(edge.end)
        start = self._simply(edge.start)
        if edge.by in ("customer", "lender", "heirs"):
            self._always[start][end, Money.NOTHING, edge.by, edge.after.why] = None
            return
        money = _money(edge.facts)
        if money is None:
            return
        cleared = edge.facts.clears_on is not None and edge.facts.clears_on <= edge.facts.today
        left = Money.NOTHING if cleared else money
        key = (money, edge.facts.legal_freeze, _beside(edge.facts.beside))
        self._by_facts[start][key][end, left, edge.by, edge.after.why] = None

    def _simply(self, at: At) -> At:
        """One object for all cases that are equal but for that."""
        if at not in self._plain:
            simple = plain(at)
            self._plain[at] = self._known.setdefault(simple, simple)
        return self._plain[at]


def _beside(case: Exit | None) -> str:
    """What a case is to a notice on the same line."""
    if case is None:
        return "nothing"
    if not is_proven(case):
        return "unproven"
    return "estate" if case.kind is Kind.ESTATE else "proven"


def _money(facts: Facts) -> Money | None:
    """What is open in an edge's facts, where it is one thing."""
    open_ = {
        Money.OWED: facts.owed_minor > 0,
        Money.HELD: facts.held_minor > 0,
        Money.DISPUTED: facts.disputed_minor > 0,
        Money.UNCLEARED: facts.clears_on is not None,
    }
    named = [money for money, there in open_.items() if there]
    if len(named) > 1:
        return None
    return named[0] if named else Money.NOTHING


class _Rules:
    """What may happen to a line and its case."""

    def __init__(self, cases: _Cases, lift: Lift, follow: Follow) -> None:
        self._cases, self._lift, self._follow = cases, lift, follow
        self._wholes: dict[tuple[int, Lifecycle, Locks, Money, int], Whole] = {}
        self._of_line: dict[_Line, list[_Change]] = {}

    def whole(
        self, at: At | None, lifecycle: Lifecycle, locks: Locks, money: Money, notice: At | None = None
    ) -> Whole:
        """The one object for a line with its cases, which are one object each, too."""
        key = (id(at), lifecycle, locks, money, id(notice))
        if key not in self._wholes:
            self._wholes[key] = Whole(at, lifecycle, locks, money, notice)
        return self._wholes[key]

    def moves(self, whole: Whole) -> Iterator[Move]:
        """Everything that may happen next."""
        if whole.notice is not None:
            yield from self._by_notice(whole, whole.notice)
            if whole.at is not None and is_proven(whole.at.case):
                # What that does to the notice is done in the same transaction: nothing comes in between.
                return
        if whole.at is not None:
            yield from self._by_case(whole, whole.at)
        elif whole.lifecycle is not Lifecycle.CLOSED:
            yield from self._begun(whole)
        key = _line(whole)
        if key not in self._of_line:
            self._of_line[key] = [*self._by_locks(whole), *_by_money(whole)]
        for locks, money, by, event in self._of_line[key]:
            end = self.whole(whole.at, whole.lifecycle, locks, money, whole.notice)
            yield Move(whole, end, by, event)

    def _by_notice(self, whole: Whole, notice: At) -> Iterator[Move]:
        """What becomes of a notice: it ends the line, or is called off."""
        for end, money, by, why in self._cases.ways(notice, whole.money, ORDER in whole.locks, whole.at):
            without = self.whole(whole.at, whole.lifecycle, whole.locks, money)
            if not end.case.has_ended:
                found = self._follow(State.NOTICE, end.case.state, whole.lifecycle)
                without = self._after(without, end, money, found)
            yield Move(whole, without, by, why)

    def _by_case(self, whole: Whole, at: At) -> Iterator[Move]:
        """What is due on the case, and what desk, customer, lender and heirs may do about it."""
        before = at.case.state
        for end, money, by, why in self._cases.ways(at, whole.money, ORDER in whole.locks):
            after = end.case.state
            found = self._follow(before, after, whole.lifecycle) if before is not after else Effect()
            yield Move(whole, self._after(whole, end, money, found), by, why)

    def _begun(self, whole: Whole) -> Iterator[Move]:
        """A case begins where none is open, or a notice where none runs."""
        for at in self._cases.starts:
            operation, by = _BEGINS[at.case.kind]
            if not may(operation, whole):
                continue
            begun = self._follow(None, at.case.state, whole.lifecycle)
            end = self._after(whole, at, whole.money, begun)
            if at.case.state is State.NOTICE:
                end = self.whole(None, end.lifecycle, end.locks, end.money, at)
            yield Move(whole, end, by, "begins")

    def _after(self, whole: Whole, at: At, money: Money, found: Effect) -> Whole:
        """The line after a step. Raises ValueError for a way that no lifecycle goes."""
        locks = whole.locks
        if found.sets:
            locks = _with(locks, _BY_WHOM[found.sets])
        if found.lifts:
            kind, party = found.lifts
            lifted = self._lift(party, LockGround.GENERAL, [one for one in locks if one.kind is kind], _NOW)
            locks -= {lifted} if isinstance(lifted, Lock) else frozenset[Lock]()
        if found.to and found.to not in ROADS[whole.lifecycle]:
            raise ValueError(f"no line goes from {whole.lifecycle} to {found.to}")
        on = None if at.case.has_ended else at
        return self.whole(on, found.to or whole.lifecycle, locks, money, whole.notice)

    def _by_locks(self, whole: Whole) -> Iterator[_Change]:
        """Whoever sets a lock or lifts one, and those that end by themselves."""
        locks, money = whole.locks, whole.money
        for operation, lock, by in _LOCKS:
            if may(operation, whole):
                yield _with(locks, lock), money, by, "locks"
        yield _with(locks, ORDER), money, "money or law", "locks"
        for party, by in _PARTIES.items():
            # The stop of leaving is lifted by what ends the case, and by no word besides.
            for kind in {lock.kind for lock in locks} - {LockKind.EXIT}:
                same = [lock for lock in locks if lock.kind is kind]
                for ground in {lock.ground for lock in same}:
                    lifted = self._lift(party, ground, same, _NOW)
                    if isinstance(lifted, Lock):
                        yield locks - {lifted}, money, by, "lifts"
        for lock in locks:
            if lock.is_over(_END):
                by = "own lock" if lock.party is Party.CUSTOMER else "time"
                yield locks - {lock}, money, by, "lock ends"


def _with(locks: Locks, lock: Lock) -> Locks:
    """One that stands already only gets longer."""
    whose = (lock.kind, lock.party, lock.ground)
    stands = any((each.kind, each.party, each.ground) == whose for each in locks)
    return locks if stands else locks | {lock}


def _by_money(whole: Whole) -> Iterator[_Change]:
    for operation, before, after, by in _AFTERWARDS if whole.lifecycle is Lifecycle.CLOSED else _MONEY:
        if whole.money is before and may(operation, whole):
            yield whole.locks, after, by, operation
