"""The server, the workers and the arithmetic that all benchmarks share."""

from __future__ import annotations

import multiprocessing
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.synchronize import Barrier
from statistics import median
from typing import Any, Final
from uuid import UUID

import psycopg

from whiteslip.app.schema import migrate_all
from whiteslip.store import embedded

# As many as each likes best on two cores: while one waits for the disk another works.
CLIENTS: Final = 8
THREADS: Final = 2
WORKERS: Final = 4
SCALE: Final = 10

# Works on ids for seconds; what it did, and the seconds that each batch took.
Work = Callable[[str, Sequence[UUID], float], tuple[int, list[float]]]


@dataclass(frozen=True)
class Measure:
    """One subject over all rounds: its figures, its yardstick's, and their ratios."""

    name: str
    unit: str
    yardstick: str
    yardstick_unit: str
    ours: list[float]
    theirs: list[float]
    aim: float | None = None
    notes: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def ratios(self) -> list[float]:
        """Ours over the yardstick's, round by round."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    def lines(self) -> list[str]:
        """For people: each figure as median (lowest to highest)."""
        aim = f", aim {self.aim:g}" if self.aim else ""
        notes = [f"  {key}: {value}" for key, value in self.notes.items()]
        return [
            f"{self.name}: {spread(self.ours)} {self.unit}",
            f"  {self.yardstick}: {spread(self.theirs)} {self.yardstick_unit}",
            f"  ratio: {spread(self.ratios)}{aim}",
            *notes,
        ]

    def record(self) -> dict[str, Any]:
        """For machines: everything, unrounded."""
        return asdict(self) | {"ratios": self.ratios, "median_ratio": median(self.ratios)}


def spread(figures: Sequence[float]) -> str:
    """Median and range of ``figures``, in as many digits as mean something."""

    def shown(figure: float) -> str:
        return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"

    return f"{shown(median(figures))} ({shown(min(figures))} to {shown(max(figures))})"


class Bench:
    """A server with a database for us and one for pgbench."""

    def __init__(self, server: embedded.Server, seconds: float, rounds: int) -> None:
        self.server, self.seconds, self.rounds = server, seconds, rounds
        self.database("pgbench")
        self._pgbench("-i", "-q", "-s", str(SCALE))

    def database(self, name: str) -> str:
        """A new empty database; returns its URL."""
        with psycopg.connect(self.server.url(), autocommit=True) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[arg-type]
            conn.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return self.server.url(name)

    def whiteslip(self, name: str) -> str:
        """A new database with our schema; returns its URL."""
        url = self.database(name)
        migrate_all(url)
        return url

    def _pgbench(self, *arguments: str) -> str:
        command = [str(self.server.bin / "pgbench"), *arguments, "pgbench"]
        done = subprocess.run(command, env=self.server.env(), check=True, capture_output=True, text=True)
        return done.stdout

    def tpc_b(self) -> float:
        """TPC-B-like transactions per second, prepared, with as many clients as it likes best here."""
        clients = ("-c", str(CLIENTS), "-j", str(THREADS), "-T", str(round(self.seconds)))
        found = re.search(r"tps = ([0-9.]+)", self._pgbench("-n", "-M", "prepared", *clients))
        if found is None:
            raise RuntimeError("pgbench printed no tps")
        return float(found[1])

    def lookups(self, count: int) -> float:
        """Seconds for so many prepared look-ups by key on one connection."""
        asked = ("-S", "-M", "prepared", "-c", "1", "-t", str(count))
        began = time.perf_counter()
        self._pgbench("-n", *asked)
        return time.perf_counter() - began

    def in_turn(self, work: Work, url: str, ids: Sequence[UUID]) -> tuple[list[float], list[float], str]:
        """(ours per second, pgbench's per second), one of each per round; how long a batch took."""
        ours: list[float] = []
        theirs: list[float] = []
        with Crew(work, url, ids) as crew:
            for _ in range(self.rounds):
                theirs.append(self.tpc_b())
                ours.append(crew.per_second(self.seconds))
            took = sorted(crew.took)
        middle, slow = took[len(took) // 2] * 1e3, took[-len(took) // 100] * 1e3
        return ours, theirs, f"{middle:.0f} ms, p99 {slow:.0f} ms, {WORKERS} at a time"


class Crew:
    """Worker processes that do the same work at the same time and count what they did."""

    def __init__(self, work: Work, url: str, ids: Sequence[UUID]) -> None:
        context = multiprocessing.get_context("spawn")
        self._start = context.Barrier(WORKERS + 1)
        self._orders: Any = context.Queue()
        self._counts: Any = context.Queue()
        self.took: list[float] = []
        self._workers = [
            # Each has its own share, as behind a queue that is partitioned by line.
            context.Process(
                target=_work, args=(work, url, ids[n::WORKERS], self._start, self._orders, self._counts)
            )
            for n in range(WORKERS)
        ]

    def __enter__(self) -> Crew:
        for worker in self._workers:
            worker.start()
        self.per_second(0.5)  # imports, connections, plans and caches
        self.took.clear()
        return self

    def per_second(self, seconds: float) -> float:
        """What all workers do in ``seconds``, per second of the clock on the wall."""
        for _ in self._workers:
            self._orders.put(seconds)
        self._start.wait(60)
        began = time.perf_counter()
        done = [self._counts.get(timeout=seconds + 60) for _ in self._workers]
        seconds = time.perf_counter() - began
        for _, took in done:
            self.took += took
        return sum(count for count, _ in done) / seconds

    def __exit__(self, *_: object) -> None:
        for _worker in self._workers:
            self._orders.put(None)
        for worker in self._workers:
            worker.join(60)


def _work(work: Work, url: str, ids: Sequence[UUID], start: Barrier, orders: Any, counts: Any) -> None:
    while (seconds := orders.get()) is not None:
        start.wait(60)
        counts.put(work(url, ids, seconds))
