"""What a pack demands that people are told, and whether every path of the machine sends exactly that. Pure.

A pack says its demands in parameters ``told.GROUP``: "event letter, event letter, …" in the order of a
path; *none* is an event of which nobody is written to. ``telling`` decides by what a step changes; here
it is asked at each point of each path what whoever stands there must have been told by then. The two
meet in :func:`unserved`: nothing missing, nothing twice, nothing else.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from whiteslip.exits import telling
from whiteslip.exits.machine import Asked, Edge, starts, walk
from whiteslip.exits.model import Ground, Kind, State
from whiteslip.exits.rules import Clocks
from whiteslip.exits.telling import ACTS, HELP, At, Heirs, Once, Sent, To
from whiteslip.notices.facts import KINDS
from whiteslip.notices.words import LANGUAGES, texts
from whiteslip.packs import Pack

Script: TypeAlias = Mapping[str, Mapping[str, str | None]]
Told: TypeAlias = tuple[str, To]
Teller: TypeAlias = Callable[[At | None, At], Iterable[Sent]]

_NONE: Final = "none"
_CASES: Final[Mapping[str, tuple[str, ...]]] = {
    "close": ("asked", "held", "run_off", "closed", "lapsed", "cancelled", "rejected"),
    "withdraw": ("asked", "held", "run_off", "closed"),
    "termination": ("notice", "run_off", "held", "closed", "called_off", "asked_first", "estate"),
    "inactivity": ("notice", "run_off", "held", "closed", "called_off", "asked_first", "estate"),
    "estate": ("asked", "balance", "held", "run_off", "closed", "undone", "ended"),
    "users": ("stopped", "resumed"),
    "former": ("held", "rejected", "estate_asked", "estate_held"),
}


def events() -> dict[str, tuple[str, ...]]:
    """What a pack must say a letter of, or *none*, by group."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    found["hardship"].append("offered")
    for act in ACTS:
        group, event = act.split(".")
        found[group].append(event)
    return {**_CASES, **{group: tuple(names) for group, names in found.items()}}


def script(pack: Pack) -> Script:
    """A pack's demands by group and event. Raises ValueError for what is no script."""
    return {group: _read(pack.text(f"told.{group}")) for group in events()}


def _read(text: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for part in text.split(","):
        words = part.split()
        if len(words) != 2 or words[0] in found:
            raise ValueError(f"{part.strip()!r} is not one event and its letter")
        found[words[0]] = None if words[1] == _NONE else words[1]
    return found


def form_faults(pack: Pack) -> list[str]:
    """Faults of a pack's demands before any path is walked, in words: events that are missing or that
    nobody knows, and letters that there is no text for in every language.
    """
    faults: list[str] = []
    for group, names in events().items():
        try:
            said = _read(pack.text(f"told.{group}"))
        except ValueError as error:
            faults.append(f"told.{group}: {error}")
            continue
        faults += [f"told.{group} says nothing of {name}" for name in names if name not in said]
        faults += [f"told.{group} knows {name}, which never happens" for name in said if name not in names]
        for letter in filter(None, said.values()):
            missing = [language for language in LANGUAGES if letter not in texts(language)["kinds"]]
            if missing or letter not in KINDS:
                where = " or ".join(missing or LANGUAGES)
                faults.append(f"told.{group} demands {letter}, which is not written in {where}")
    faults += [
        f"deferred.information demands {part}, which is not written in {language}"
        for part in pack.text("deferred.information").split()
        for language in LANGUAGES
        if part != _NONE and part not in texts(language)["information"]
    ]
    return [f"{pack.name}: {fault}" for fault in faults]


def act_faults(pack: Pack) -> list[str]:
    """Acts besides a case of leaving that send another letter than the pack demands."""
    said = script(pack)
    sent = {"hardship.offered": HELP, **{str(act): letter for act, letter in ACTS.items()}}
    return [
        f"{pack.name}: {act} sends {letter or _NONE}, and {said[group][event] or _NONE} is demanded"
        for act, letter in sent.items()
        for group, event in [act.split(".")]
        if said[group][event] != letter
    ]


def check(packs: Iterable[Pack]) -> list[str]:
    """Faults of what packs demand, in words; of paths that are not served the three shortest of each.

    Packs whose clocks make the same machine, and that demand the same, are served on the same paths.
    """
    faults: list[str] = []
    walked: list[tuple[Asked, Ways]] = []
    proven: list[tuple[Ways, Script]] = []
    for pack in packs:
        if form := form_faults(pack):
            faults += form
            continue
        faults += act_faults(pack)
        known, said = _known_ways(walked, Clocks.of(pack)), script(pack)
        if (known, said) in proven:
            continue
        wrong = list(islice(unserved(pack, known), 3))
        faults += wrong
        if not wrong:
            proven.append((known, said))
    return faults


def _known_ways(walked: list[tuple[Asked, Ways]], clocks: Clocks) -> Ways:
    """The machine under these clocks: one that was walked, where they answer alike, or one that is now."""
    for asked, known in walked:
        if asked.is_answered_by(clocks):
            return known
    asked = Asked(clocks)
    walked.append((asked, ways(walk(asked))))
    return walked[-1][1]


@dataclass(frozen=True, slots=True)
class Ways:
    """The machine's points by number, where its cases begin, and from each where they go, and what by."""

    points: Sequence[At]
    starts: Sequence[int]
    onwards: Sequence[Mapping[int, str]]


def ways(edges: Iterable[Edge]) -> Ways:
    """The edges of a walk as paths are followed."""
    begun = starts()
    numbers = {at: number for number, at in enumerate(begun)}
    onwards: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for edge in edges:
        before = numbers.setdefault(edge.start, len(numbers))
        after = numbers.setdefault(edge.end, len(numbers))
        if after not in onwards[before]:
            onwards[before][after] = _called(edge)
    return Ways(list(numbers), range(len(begun)), [onwards[number] for number in range(len(numbers))])


@dataclass(frozen=True, slots=True)
class _Node:
    """A point of a path, with what was sent so far and can be sent once only, and what was owed."""

    at: int
    sent: frozenset[Told] = frozenset()
    had: frozenset[str] = frozenset()


def unserved(pack: Pack, ways: Ways, told: Teller = telling.told) -> Iterator[str]:
    """Where some path sends other letters than the pack demands, in words, the shortest paths first.

    ``told`` decides what a step sends. A path with a fault is not followed further.
    """
    said = script(pack)
    waiting: deque[tuple[_Node | None, int, tuple[str, ...]]] = deque(
        (None, at, (f"{ways.points[at].case.kind} begins",)) for at in ways.starts
    )
    seen: set[_Node] = set()
    while waiting:
        before, at, path = waiting.popleft()
        node, wrong = _step(said, ways.points, before, at, told)
        yield from (f"{pack.name}: {fault} after {' > '.join(path)}" for fault in wrong)
        if not wrong and node not in seen:
            seen.add(node)
            waiting.extend((node, end, (*path, why)) for end, why in ways.onwards[at].items())


def _called(edge: Edge) -> str:
    if edge.start.heirs is not edge.end.heirs:
        return f"estate {edge.end.heirs}"
    if edge.before.state is edge.after.state:
        return f"{edge.by} acts"
    return f"{edge.after.state} ({edge.after.why})"


def _step(
    said: Script, points: Sequence[At], before: _Node | None, at: int, told: Teller
) -> tuple[_Node, list[str]]:
    """Where a step leads to, and what is wrong with the letters it sends."""
    last, here = points[before.at] if before else None, points[at]
    known = _still_known(before.sent, last, here) if before and last else frozenset[Told]()
    sent: list[Told] = []
    for each in told(last, here):
        key = (each.letter, each.to)
        if each.once is Once.EACH or key not in known:
            sent.append(key)
        if each.once is not Once.EACH:
            known |= {key}
    owed, had = _owed(said, here, before.had if before else frozenset())
    if sorted(owed) == sorted(sent):
        return _Node(at, known, had), []
    missing, over = Counter(owed) - Counter(sent), Counter(sent) - Counter(owed)
    wrong = [f"{letter} to {to} is missing" for letter, to in missing]
    wrong += [
        f"{letter} to {to} is sent {'twice' if (letter, to) in owed else 'and not demanded'}"
        for letter, to in over
    ]
    return _Node(at, known, had), wrong


def _still_known(sent: frozenset[Told], last: At, at: At) -> frozenset[Told]:
    """What ``notices.queue`` would leave out: a new hold is told anew, and so is a new person in it."""
    before, case = last.case, at.case
    same = case.state is State.HELD and (before.state, before.ground) == (case.state, case.ground)
    return frozenset(
        (letter, to)
        for letter, to in sent
        if not letter.endswith(".held") or (same and (to is not To.HEIRS or at.heirs is Heirs.KNOWN))
    )


def _owed(said: Script, at: At, had: frozenset[str]) -> tuple[list[Told], frozenset[str]]:
    """What is owed at this point and was not owed before on the path; with what was, from now on."""
    had = frozenset(once for once in had if _lasts(once, at))
    owed: list[Told] = []
    for once, group, event, to in _must(at, had):
        letter = said[group][event]
        key = f"{once} {letter}" if once.startswith("held") else once
        if key in had:
            continue
        had |= {key}
        if letter is not None:
            owed.append((letter, to))
            if _goes_to_former(said, at, group, event, letter):
                owed.append((letter, To.FORMER))
    # A report that turned out to be an error is over; another would be told anew.
    return owed, had if at.whose is Kind.ESTATE else had - {"estate", "ended"}


def _lasts(once: str, at: At) -> bool:
    """How long something need not be told again: a hold, a person, a report of a death."""
    if once.startswith("held"):
        ground, to = once.split()[1:3]
        here = at.case.state is State.HELD and at.case.ground == ground
        return here and (to != To.HEIRS or at.heirs is Heirs.KNOWN)
    return once != "balance" or at.heirs is Heirs.KNOWN


def _must(at: At, had: frozenset[str]) -> Iterator[tuple[str, str, str, To]]:
    """What whoever stands here must have been told: a name for it, group, event and whom."""
    case, whose = at.case, at.whose
    if whose is Kind.ESTATE:
        yield "estate", "estate", "asked", To.CUSTOMER
    elif whose is Kind.WITHDRAW:
        yield "withdraw", "withdraw", "asked", To.CUSTOMER
    else:
        first = "asked" if whose is Kind.CLOSE else "notice"
        yield "begun", whose, first, To.CUSTOMER
    if whose is not Kind.ESTATE and "estate" in had:
        yield "ended", "estate", "ended", To.CUSTOMER
    if at.heirs is Heirs.KNOWN:
        yield "balance", "estate", "balance", To.HEIRS
    if case.is_open:
        yield "stopped", "users", "stopped", To.USERS
    match case.state:
        case State.HELD if not case.is_satisfied:
            yield f"held {case.ground} {at.to}", whose, "held", at.to
        case State.RUN_OFF:
            yield f"run_off {whose}", whose, "run_off", at.to
            if whose is not Kind.ESTATE:
                yield "help", "hardship", "offered", To.IN_ARREARS
        case State.CLOSED | State.LAPSED:
            yield "end", whose, case.state, at.to
        case State.REJECTED:
            yield "end", whose, "rejected", at.to
        case State.CANCELLED:
            yield "end", whose, _cancelled(at), at.to
            if "stopped" in had:
                yield "resumed", "users", "resumed", To.USERS
        case _:
            pass


def _cancelled(at: At) -> str:
    match at.whose:
        case Kind.ESTATE:
            return "undone"
        case Kind.TERMINATION | Kind.INACTIVITY:
            first = {"customer_asked_first": "asked_first", "estate_is_settled": "estate"}
            return first.get(at.case.why, "called_off")
        case _:
            return "cancelled"


def _goes_to_former(said: Script, at: At, group: str, event: str, letter: str) -> bool:
    """Whether somebody else may have asked, so that the customer is told where they were reached before."""
    if at.to is not To.CUSTOMER or (event == "held" and at.case.ground is Ground.LEGAL):
        return False
    name = f"estate_{event}" if group == "estate" else event
    return said["former"].get(name) == letter
