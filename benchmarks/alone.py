"""Work in a process of its own, and what it takes there and in the server: time, processor, memory."""

from __future__ import annotations

import multiprocessing
import os
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from whiteslip.store import embedded

_KIB: Final = 1024
_LOOK_SECONDS: Final = 0.5
_CALM_SECONDS: Final = 600
_CLIENTS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE backend_type IN ('client backend', 'parallel worker') AND pid <> pg_backend_pid()
"""

# Yields what it has found, stage by stage.
Work = Callable[..., Iterator[Any]]


@dataclass(frozen=True)
class Run:
    """What work took from its beginning until it had ``found`` this: seconds, CPU seconds of its process and
    of the server's together, MiB of its process at the peak and of the server's.
    """

    seconds: float
    cpu: float
    own: int
    server: int
    found: Any


@dataclass(frozen=True)
class Processes:
    """The server's processes, by the one that all others are children of."""

    postmaster: int

    @staticmethod
    def of(server: embedded.Server) -> Processes:
        """Those of a running server."""
        return Processes(int((server.data / "postmaster.pid").read_text().split()[0]))

    def cpu(self) -> float:
        """CPU seconds of all of them until now, of those that have ended and those that live."""
        while True:
            own, ended = self._ticks(self.postmaster)
            living = sum(self._ticks(child)[0] for child in self._children())
            if self._ticks(self.postmaster)[1] == ended:
                # Nobody ended meanwhile, who would be counted twice or not at all.
                return (own + ended + living) / os.sysconf("SC_CLK_TCK")

    def mib(self) -> int:
        """Their memory together, shared pages counted once."""
        total = 0
        for pid in (self.postmaster, *self._children()):
            try:
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.M)
            total += int(found[1]) if found else 0
        return total // _KIB

    def _children(self) -> list[int]:
        text = Path(f"/proc/{self.postmaster}/task/{self.postmaster}/children").read_text()
        return [int(pid) for pid in text.split()]

    @staticmethod
    def _ticks(pid: int) -> tuple[int, int]:
        """Clock ticks of a process, and of its children that have ended; none of one that is gone."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0, 0
        return sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))


def alone(server: embedded.Server, work: Work, *given: Any) -> list[Run]:
    """Run ``work`` in a new process once the server is calm; a run for each time that it yields."""
    context = multiprocessing.get_context("spawn")
    answers: Any = context.SimpleQueue()
    processes = Processes.of(server)
    process = context.Process(target=_tell, args=(answers, processes, work, *given))
    told = list[Any]()
    _calm(server)
    with _watching(processes) as seen:
        process.start()
        while (answer := answers.get()) is not None:
            told.append(answer)
        process.join()
    if told and isinstance(told[-1], str):
        raise RuntimeError(f"{work.__name__} failed: {told[-1]}")
    return [
        Run(seconds, cpu, own, max((mib for at, mib in seen if at <= moment), default=0), found)
        for moment, seconds, cpu, own, found in told
    ]


def _calm(server: embedded.Server) -> None:
    """Wait until no client is connected: one that has hung up may still drop its temporary tables."""
    until = time.monotonic() + _CALM_SECONDS
    with psycopg.connect(server.url(), autocommit=True) as conn:
        while (row := conn.execute(_CLIENTS).fetchone()) and row[0]:
            if time.monotonic() > until:
                raise RuntimeError("somebody else is connected to the server")
            time.sleep(0.1)


def _tell(answers: Any, processes: Processes, work: Work, *given: Any) -> None:
    began, cpu = time.perf_counter(), time.process_time() + processes.cpu()
    try:
        for found in work(*given):
            seconds = time.perf_counter() - began
            used = time.process_time() + processes.cpu() - cpu
            answers.put((time.monotonic(), seconds, used, _peak(), found))
    except BaseException as error:
        answers.put(repr(error))
        raise
    finally:
        answers.put(None)


def _peak() -> int:
    """The most memory that this process has had, MiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) // _KIB


@contextmanager
def _watching(processes: Processes) -> Generator[list[tuple[float, int]]]:
    """The server's memory, again and again: (moment, MiB)."""
    seen, over = list[tuple[float, int]](), threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            seen.append((time.monotonic(), processes.mib()))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    yield seen
    over.set()
    watcher.join()
