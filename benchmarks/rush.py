"""Five thousand customers leave at once while shops go on selling, reviewers review and letters go out.

Shops sell at a stated rate that does not wait for us: how far we fell behind it is a figure. One more round
has a shop that asks for the next purchases as soon as it is answered, and so takes what processor it gets.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from random import Random
from threading import Barrier, Event
from typing import Any, Final, LiteralString
from uuid import UUID

from benchmarks.bench import Bench, Measure
from benchmarks.book import SHOPS, buy, open_book
from whiteslip import exits, identity, lines, purchases
from whiteslip.app.wiring import settle
from whiteslip.base import Refusal
from whiteslip.day import Ports, every_violation, run_due, run_letters
from whiteslip.decisions import Tables
from whiteslip.exits import Office, desk
from whiteslip.exits.model import Channel, Identity, Path
from whiteslip.identity import Vault
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Purchase, Request
from whiteslip.store import Database
from whiteslip.world.population import person

LEAVERS: Final = 5_000
_DOORS: Final = 4
_REVIEWERS: Final = 2
# Purchases a second over all shops, whatever becomes of them, and how many come at a time.
_RATE: Final = 500
_BATCH: Final = 50
_KEY: Final = bytes(32)
# Of so many one was reached elsewhere last week, which a person looks at before the last step.
_TO_DESK: Final = 10
_PAUSE: Final = 0.05
_PATIENCE: Final = 900.0


def _ready(url: str, start: Barrier, size: int = 1) -> tuple[Database, Office]:
    """What a process keeps, settled as a server's is, once all of them are there."""
    database, office = Database(url, size), Office(Tables.load(), "Benchmark")
    settle()
    start.wait(60)
    return database, office


def _leave(url: str, start: Barrier, ids: Sequence[UUID]) -> list[float]:
    """Ask to leave, one after the other; seconds from the wish to the committed stop."""
    database, office = _ready(url, start)
    took: list[float] = []
    for line in ids:
        began = time.perf_counter()
        with database.transaction() as tx:
            now = datetime.now(UTC)
            case = exits.request(tx, office, line, Channel.API, "benchmark", now, Identity.VERIFIED)
        if isinstance(case, Refusal):
            raise RuntimeError(f"somebody was refused: {case.code}")
        took.append(time.perf_counter() - began)
    database.close()
    return took


@dataclass(frozen=True, slots=True)
class _Sold:
    """What shops sold: purchases granted, and the most seconds that an answer came later than it was due."""

    granted: int
    seconds: float
    behind: float


def _sell(url: str, start: Barrier, ids: Sequence[UUID], stop: Event, rate: int | None) -> _Sold:
    """Authorise until everybody has left: so many a second whatever comes of it, or as many as it can."""
    database, office = _ready(url, start)
    dice, granted, behind = Random(7), 0, 0.0
    began = time.perf_counter()
    due = began
    while not stop.is_set():
        if rate:
            time.sleep(max(0.0, due - time.perf_counter()))
        asked = [Request(line, f"shop-{dice.randrange(SHOPS)}", 500) for line in dice.sample(ids, _BATCH)]
        with database.transaction() as tx:
            answers = purchases.authorise(tx, office.tables, asked, "benchmark", datetime.now(UTC))
        granted += sum(isinstance(answer, Purchase) for answer in answers)
        if rate:
            behind = max(behind, time.perf_counter() - due)
            due += _BATCH / rate
    database.close()
    return _Sold(granted, time.perf_counter() - began, behind)


def _review(url: str, start: Barrier, actor: str, stop: Event) -> list[UUID]:
    """Take the next case and let it go on, until there is none and none will come; whom it was for."""
    database, office = _ready(url, start)
    seen: list[UUID] = []
    while True:
        last = stop.is_set()
        with database.transaction() as tx:
            now = datetime.now(UTC)
            case = desk.take_next(tx, actor, now)
            if case:
                made = desk.choose(tx, office, case.id, Path.RUN_OFF, ["called_back"], actor, now)
                if isinstance(made, Refusal):
                    raise RuntimeError(f"a reviewer was refused: {made.code}")
                seen.append(case.id)
        if case is None:
            if last:
                break
            time.sleep(_PAUSE)
    database.close()
    return seen


def _work(url: str, start: Barrier, stop: Event) -> int:
    """The worker: what reviewers chose is carried out, beside that letters go out. How many timers ran."""
    database, office = _ready(url, start, 4)
    ports = Ports(office, Vault(_KEY), DemoPhone(database))

    def repeat(task: Callable[[], int]) -> int:
        done = 0
        while not stop.is_set():
            if not (some := task()):
                time.sleep(_PAUSE)
            done += some
        return done

    with ThreadPoolExecutor(2) as both:
        now = partial(datetime.now, UTC)
        letters = both.submit(repeat, lambda: run_letters(database, ports, lambda _: now(), stop.is_set))
        timers = both.submit(repeat, lambda: run_due(database, ports, now()))
        done = letters.result() + timers.result()
    database.close()
    return done


def _town(database: Database, leavers: int) -> list[UUID]:
    """Lines of people whom the vault knows, twice as many as leave; a tenth has bought something."""
    ids = open_book(database, 2 * leavers)
    dice, vault = Random(11), Vault(_KEY)
    with database.transaction() as tx:
        found = lines.get_lines(tx, ids)
        people = [(found[line].customer, person(dice, n)) for n, line in enumerate(ids)]
        identity.enrol_many(tx, vault, people, "benchmark", datetime.now(UTC))
        for n, (customer, _) in enumerate(people[1:leavers:_TO_DESK]):
            identity.change_contact(tx, vault, customer, None, f"n{n}@example.com", "x", datetime.now(UTC))
    buy(database, Tables.load(), [Request(line, "shop-0", 900) for line in ids[::10]])
    return ids


@dataclass(frozen=True, slots=True)
class _Rush:
    """What a round saw; seconds from the first wish on. ``stops`` are those of each stop, in order."""

    stops: Sequence[float]
    stopped: float
    routed: int
    reviewed: float
    acknowledged: float
    caught_up: float
    waits: Sequence[float]
    sold: _Sold
    timers: int
    deadlocks: int


def _one(database: Database, query: LiteralString) -> int:
    with database.transaction() as tx:
        row = tx.conn.execute(query).fetchone()
    return row["count"] if row else 0


_ROUTED: Final = (
    "SELECT count(DISTINCT subject) AS count FROM store.journal WHERE kind = 'exit.review_opened'"
)
_IN_QUEUE: Final = """
    SELECT count(*) AS count FROM exits.exit AS e
    WHERE NOT EXISTS (SELECT FROM exits.pending WHERE exit = e.id)
        AND ((state = 'held' AND ground = 'identity')
            OR (state = 'confirmed' AND route = 'desk' AND path IS NULL))
"""
_UNSENT: Final = (
    "SELECT count(*) AS count FROM notices.notice WHERE state <> 'sent' AND kind = 'exit.acknowledged'"
)
_LEFT: Final = """
    SELECT (SELECT count(*) FROM notices.notice WHERE state <> 'sent') + (SELECT count(*) FROM exits.pending)
        AS count
"""
_DEADLOCKS: Final = "SELECT deadlocks AS count FROM pg_stat_database WHERE datname = current_database()"


def _until_none(database: Database, query: LiteralString, began: float, busy: Sequence[Future[Any]]) -> float:
    """Wait until a count is zero; seconds since ``began``. Raises what a process of ``busy`` failed by, and
    RuntimeError when it takes too long.
    """
    while _one(database, query):
        for each in busy:
            if each.done():
                each.result()
        if time.perf_counter() - began > _PATIENCE:
            raise RuntimeError(f"not caught up after {_PATIENCE:.0f} s")
        time.sleep(_PAUSE)
    return time.perf_counter() - began


def _rush(url: str, database: Database, ids: Sequence[UUID], leavers: int, rate: int | None) -> _Rush:
    """Everybody at once: those who leave at four doors, shops, two reviewers and a worker."""
    context = multiprocessing.get_context("spawn")
    crew = _DOORS + 1 + _REVIEWERS + 1
    with context.Manager() as manager, ProcessPoolExecutor(crew, context) as pool:
        all_left, all_done, start = manager.Event(), manager.Event(), manager.Barrier(crew + 1)
        selling = pool.submit(_sell, url, start, ids, all_left, rate)
        working = pool.submit(_work, url, start, all_done)
        reviewing = [pool.submit(_review, url, start, f"reviewer {n}", all_left) for n in range(_REVIEWERS)]
        leaving = [pool.submit(_leave, url, start, ids[n:leavers:_DOORS]) for n in range(_DOORS)]
        try:
            start.wait(60)
            began = time.perf_counter()
            stops = sorted(seconds for each in leaving for seconds in each.result())
            stopped = time.perf_counter() - began
            all_left.set()
            routed = _one(database, _ROUTED)
            reviewed = _until_none(database, _IN_QUEUE, began, reviewing)
            acknowledged = _until_none(database, _UNSENT, began, [working])
            caught_up = _until_none(database, _LEFT, began, [working])
        finally:
            all_left.set()
            all_done.set()
        seen = [case for each in reviewing for case in each.result()]
        if not routed == len(seen) == len(set(seen)):
            raise RuntimeError(f"{routed} cases were routed to the desk; {len(seen)} were seen there")
        return _Rush(
            stops=stops,
            stopped=stopped,
            routed=routed,
            reviewed=reviewed,
            acknowledged=acknowledged,
            caught_up=caught_up,
            waits=_waits(database),
            sold=selling.result(),
            timers=working.result(),
            deadlocks=_one(database, _DEADLOCKS),
        )


def _waits(database: Database) -> list[float]:
    """Seconds from each wish to its acknowledgement on its way, in order."""
    with database.transaction() as tx:
        rows = tx.conn.execute(
            "SELECT extract(epoch FROM sent_at - queued_at)::float AS seconds FROM notices.notice"
            " WHERE kind = 'exit.acknowledged' ORDER BY seconds"
        ).fetchall()
    return [row["seconds"] for row in rows]


def _spread(ordered: Sequence[float]) -> str:
    """Median, 99 of 100 and the slowest, in words."""
    middle, slow = ordered[len(ordered) // 2], ordered[-max(1, len(ordered) // 100)]
    return f"median {middle:.2f} s, 99 of 100 within {slow:.2f} s, slowest {ordered[-1]:.2f} s"


def _told(seen: _Rush) -> dict[str, object]:
    late = sum(seconds > 1 for seconds in seen.stops)
    behind = f"; at most {seen.sold.behind:.2f} s behind their rate" if seen.sold.behind else ""
    return {
        "stops": f"all {len(seen.stops):,} within {seen.stopped:.1f} s; {_spread(seen.stops)}; "
        f"{late} over 1 s",
        "shops": f"{seen.sold.granted:,} purchases granted, "
        f"{seen.sold.granted / seen.sold.seconds:,.0f} a second, none after its line's stop; "
        f"who has left is declined{behind}",
        "desk": f"{seen.routed:,} cases routed, each to one reviewer; the queue empty after "
        f"{seen.reviewed:.1f} s, {seen.reviewed - seen.stopped:.1f} s after the last stop",
        "acknowledgements": f"all {len(seen.waits):,} sent after {seen.acknowledged:.1f} s, "
        f"{seen.acknowledged - seen.stopped:.1f} s after the last stop; {_spread(seen.waits)}",
        "everything": f"all letters sent and all choices carried out after {seen.caught_up:.1f} s "
        f"({seen.timers:,} timers)",
        "deadlocks": seen.deadlocks,
    }


def rushing(bench: Bench, most: int = 2 * LEAVERS) -> Measure:
    """Exits per second while shops, reviewers and letters go on; when the desk and the letters caught up.

    The last round, of a shop that never waits, is told in the notes only.

    ``most`` lines, of which half leave. Raises RuntimeError when an invariant breaks: that a purchase was
    authorised after its line's stop is one of them. A deadlock, a refusal, a case that two reviewers saw or
    none did, or a letter that is never sent ends the run.
    """
    leavers = min(LEAVERS, most // 2)
    ours: list[float] = []
    theirs: list[float] = []
    notes: dict[str, object] = {
        "leavers": leavers,
        "lines": 2 * leavers,
        "shops": f"{_RATE} purchases/s asked",
    }
    for number in range(1, min(bench.rounds, 3) + 1):
        theirs.append(bench.tpc_b())
        seen = _round(bench, leavers, _RATE)
        ours.append(leavers / seen.stopped)
        notes |= {f"round {number}, {name}": said for name, said in _told(seen).items()}
    greedy = _told(_round(bench, leavers, None))
    notes |= {f"a shop that never waits, {name}": said for name, said in greedy.items()}
    return Measure("rush", "exits/s", "pgbench TPC-B", "transactions/s", ours, theirs, None, notes)


def _round(bench: Bench, leavers: int, rate: int | None) -> _Rush:
    url = bench.whiteslip("rush")
    database = Database(url, 4)
    ids = _town(database, leavers)
    seen = _rush(url, database, ids, leavers, rate)
    with database.transaction() as tx:
        offences = every_violation(tx)
    database.close()
    if offences or seen.deadlocks:
        raise RuntimeError(f"the books broke in the rush: {[*offences, seen.deadlocks][0]}")
    return seen
