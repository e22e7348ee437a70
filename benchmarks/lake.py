"""A night's snapshot and figures of a large book: here, in plain PostgreSQL, and in Polars.

Each piece of work runs in a process of its own, so that its memory is its own: the peak of the process,
and for what PostgreSQL does the peak of the server's processes together. All give the same figures, or
nothing is measured.

=======  ==========================================  =================================  ================
Work     Here                                        PostgreSQL                         Polars
=======  ==========================================  =================================  ================
export   ten tables to Parquet by ADBC, ids          the same queries by COPY to CSV    the same queries
         hashed, synced, added up again and          files                              by ADBC to
         compared with the ledger                                                       Parquet
night    all measures from the snapshot              all measures from the live views,  nine of them,
                                                     ``lake.sql``                       ``frames.py``
ecl      expected losses alone                       until it has them, first           until it has
                                                                                        them, first
=======  ==========================================  =================================  ================
"""

from __future__ import annotations

import math
import multiprocessing
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks import frames
from benchmarks.bench import Bench, Measure
from benchmarks.receivables import END, ZONE, fill, queries
from whiteslip import lake, portfolio
from whiteslip.base import Refusal, end_of_day
from whiteslip.lake import TABLES, Lake, Snapshot
from whiteslip.lake.store import reading
from whiteslip.portfolio.book import points_until
from whiteslip.store import Database

SMALL: Final = 1_000_000
LARGE: Final = 10_000_000
_ROUNDS: Final = 3
# Measured: a receivable takes this much disk as tables, snapshot, CSV and temporary files together.
_BYTES_EACH: Final = 4_000
_UNTIL: Final = end_of_day(END, ZONE)
_MIB: Final = 1024

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Run:
    """What one piece of work took: seconds, CPU seconds of its process and the server's, MiB of its process
    at the peak and of the server's.
    """

    seconds: float
    cpu: float
    own: int
    server: int
    found: Any


@dataclass(frozen=True)
class Place:
    """A book in PostgreSQL, and a folder for what is written of it."""

    url: str
    folder: Path

    @property
    def lake(self) -> Lake:
        """Where our snapshot goes."""
        return Lake(self.folder / "lake", bytes(32))


def snapshots(bench: Bench, large: bool = True) -> list[Measure]:
    """All work at a million receivables, in turn, round by round; with ``large`` once more at ten million."""
    found = _at(bench, SMALL, _ROUNDS)
    if not large:
        return found
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < LARGE * _BYTES_EACH:
        print(
            f"{LARGE:,} receivables are left out: {free >> 30} GiB free, {LARGE * _BYTES_EACH >> 30} wanted"
        )
        return found
    more = _at(bench, LARGE, 1)
    for small, big in zip(found, more, strict=True):
        grown = big.ours[0] / (sum(small.ours) / len(small.ours))
        big.notes["ten times the receivables take ours"] = f"{grown:.1f} times as long"
    return found + more


def _at(bench: Bench, receivables: int, rounds: int) -> list[Measure]:
    with _book(bench, receivables) as (place, rows):
        done = [_round(bench, place) for _ in range(rounds)]
    runs = {name: [one[name] for one in done] for name in done[0]}
    size = f"{receivables // 1_000_000} M receivables"
    whole, some = f"all {len(portfolio.MEASURES)} measures", f"{len(frames.MEASURES)} measures"
    sql, polars = "plain PostgreSQL SQL", "Polars"
    return [
        _compared(f"export of {size}", "COPY of the same queries to CSV", runs, "export", "postgresql", rows),
        _compared(f"export of {size}", "Polars: ADBC to Parquet, ids plain", runs, "export", "polars", rows),
        _compared(f"{whole} of {size}", sql, runs, "night", "postgresql", rows),
        _compared(f"{some} of {size}", polars, runs, "some", "polars", rows),
        _compared(f"expected loss of {size}", sql, runs, "ecl", "postgresql", rows),
        _compared(f"expected loss of {size}", polars, runs, "ecl", "polars", rows),
    ]


def _compared(
    what: str, against: str, runs: dict[str, list[Run]], work: str, who: str, rows: dict[str, int]
) -> Measure:
    ours, theirs = runs[f"{work} ours"], runs[f"{work} {who}"]
    notes: dict[str, Any] = {"a ratio below one": "ours is quicker"}
    for name, some in (("ours", ours), ("theirs", theirs)):
        own, server = max(run.own for run in some), max(run.server for run in some)
        notes[f"peak MiB of {name}"] = {"process": own, "server": server}
        if all(map(math.isfinite, (run.cpu for run in some))):
            notes[f"CPU seconds of {name}"] = [round(run.cpu, 1) for run in some]
    notes["rows"] = rows
    notes["results"] = "the same" if work == "export" else "the same to the minor unit"
    if work == "some":
        notes["measures"] = ", ".join(frames.MEASURES)
    return Measure(
        f"lake: {what}, against {who}", "s", against, "s",
        [run.seconds for run in ours], [run.seconds for run in theirs], notes=notes,
    )  # fmt: skip


@contextmanager
def _book(bench: Bench, receivables: int) -> Generator[tuple[Place, dict[str, int]]]:
    url = bench.whiteslip("lake")
    folder = Path(tempfile.mkdtemp(prefix="whiteslip-bench-lake-"))
    try:
        yield Place(url, folder), fill(url, receivables)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        bench.database("lake")


def _round(bench: Bench, place: Place) -> dict[str, Run]:
    """Each piece of work once, yardsticks first; stops where two engines differ."""
    everything, some = tuple(portfolio.MEASURES), frames.MEASURES
    done = {
        "export postgresql": _alone(bench, _copied, place),
        "export polars": _alone(bench, _framed, place),
        "export ours": _alone(bench, _exported, place),
        "night postgresql": _alone(bench, _asked, place, everything),
        "night ours": _alone(bench, _measured, place, everything),
        "some polars": _alone(bench, _scanned, place, some),
        "some ours": _alone(bench, _measured, place, some),
        "ecl ours": _alone(bench, _measured, place, ("ecl",)),
    }
    # Both have the expected loss first, and say when.
    for who, work in (("postgresql", "night"), ("polars", "some")):
        run = done[f"{work} {who}"]
        lap, cpu = run.found["lap"]
        done[f"{work} {who}"] = replace(run, found=run.found["rows"])
        done[f"ecl {who}"] = replace(run, seconds=lap, cpu=cpu, found={"ecl": run.found["rows"]["ecl"]})
    rows = done["export ours"].found
    assert rows == done["export postgresql"].found == done["export polars"].found, rows
    for work, who in (("night", "postgresql"), ("some", "polars"), ("ecl", "postgresql"), ("ecl", "polars")):
        _same(done[f"{work} ours"].found, done[f"{work} {who}"].found)
    return done


def _same(ours: Rows, theirs: Rows) -> None:
    """Stop unless the other engine's rows and columns are among ours, to the minor unit."""
    assert ours.keys() == theirs.keys()
    for name, rows in theirs.items():
        columns = sorted(rows[0])
        given = [tuple(_cell(row[column]) for column in columns) for row in ours[name]]
        wanted = [tuple(_cell(row[column]) for column in columns) for row in rows]
        if sorted(given, key=str) != sorted(wanted, key=str):
            raise RuntimeError(f"{name} is not the same: {set(given) ^ set(wanted)}")


def _cell(value: Any) -> Any:
    return round(value, 9) if isinstance(value, float) else value


# The work ----------------------------------------------------------------------------------------


def _exported(place: Place) -> dict[str, int]:
    shutil.rmtree(place.lake.folder, ignore_errors=True)
    database = Database(place.url, 1)
    taken = lake.export(database, place.lake, END, _UNTIL, ZONE, _UNTIL)
    database.close()
    assert isinstance(taken, Snapshot), taken
    return {name: file.rows for name, file in taken.manifest.files.items()}


def _copied(place: Place) -> dict[str, int]:
    found: dict[str, int] = {}
    with reading(place.url, END, _UNTIL, ZONE) as reader, psycopg.connect(place.url) as conn:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for table in TABLES:
            path = place.folder / f"{table}.csv"
            with conn.cursor() as cursor, path.open("wb") as file:
                text = reader.text(table).rstrip().rstrip(";")
                with cursor.copy(f"COPY ({text}) TO STDOUT (FORMAT csv)".encode()) as rows:
                    for block in rows:
                        file.write(block)
                found[table] = cursor.rowcount
                os.fsync(file.fileno())
            path.unlink()
    return found


def _framed(place: Place) -> dict[str, int]:
    found: dict[str, int] = {}
    with reading(place.url, END, _UNTIL, ZONE) as reader:
        for table in TABLES:
            path = place.folder / f"{table}.parquet"
            frame: Any = frames.pl.from_arrow(reader.table(table).read_all())
            with path.open("wb") as file:
                frame.write_parquet(file, compression="zstd")
                os.fsync(file.fileno())
            found[table] = frame.height
            path.unlink()
    return found


def _measured(place: Place, names: Sequence[str]) -> Rows:
    taken = _taken(place)
    for kept in taken.folder.glob("figures-*"):
        shutil.rmtree(kept)
    found = portfolio.compute_all(place.lake, names=names)
    assert not isinstance(found, Refusal), found
    return {result.measure: result.records() for result in found}


def _scanned(place: Place, names: Sequence[str]) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    work = frames.Work(_taken(place).folder, _points())
    first = work.measure(["ecl"])
    lap = time.perf_counter() - began, time.process_time() - cpu
    return {"lap": lap, "rows": first | work.measure([name for name in names if name != "ecl"])}


def _taken(place: Place) -> Snapshot:
    found = lake.newest(place.lake)
    assert isinstance(found, Snapshot), found
    return found


def _points() -> list[date]:
    # The first line was opened on the day after the first of them.
    return points_until(END, END - timedelta(days=364))


def _asked(place: Place, names: Sequence[str]) -> dict[str, Any]:
    queries_of, given, found = queries("lake.sql"), {"days": _points()}, dict[str, Any]()
    began = time.perf_counter()
    with psycopg.connect(place.url) as conn:
        conn.execute("SET work_mem = '512MB'")
        conn.execute("SET temp_buffers = '256MB'")
        conn.execute("SET jit = off")

        def make(*tables: str) -> None:
            for table in tables:
                conn.execute(_filled(queries_of[table], given).encode())
                conn.execute(f"ANALYZE {table}".encode())

        def ask(name: str) -> None:
            cursor = conn.execute(_filled(queries_of[name], given).encode())
            columns = [column.name for column in cursor.description or ()]
            found[name] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

        make("settled", "seen", "losses")
        ask("ecl")
        # Its processor time until here is not known: parallel workers are told of when they have ended.
        lap = time.perf_counter() - began, float("nan")
        make("flows")
        for name in names:
            if name != "ecl":
                ask(name)
    return {"lap": lap, "rows": found}


def _filled(text: str, given: dict[str, list[date]]) -> str:
    """Days as a constant, which the planner sees."""
    days = ", ".join(f"DATE '{day}'" for day in given["days"])
    return text.replace("%(days)s", f"ARRAY[{days}]")


# Time and memory ---------------------------------------------------------------------------------


def _alone(bench: Bench, work: Callable[..., Any], *given: Any) -> Run:
    """Run ``work`` in a new process; the server's memory is looked at meanwhile."""
    context = multiprocessing.get_context("spawn")
    answers: Any = context.SimpleQueue()
    process = context.Process(target=_tell, args=(answers, work, *given))
    postmaster = int((bench.server.data / "postmaster.pid").read_text().split()[0])
    before = _ended(postmaster)
    with _watching(postmaster) as peak:
        process.start()
        told = answers.get()
        process.join()
    # The server's process for this connection ends a moment later.
    time.sleep(0.5)
    if isinstance(told, str):
        raise RuntimeError(f"{work.__name__} failed: {told}")
    seconds, cpu, own, found = told
    return Run(seconds, cpu + _ended(postmaster) - before, own, peak[0], found)


def _tell(answers: Any, work: Callable[..., Any], *given: Any) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    try:
        found = work(*given)
    except BaseException as error:
        answers.put(repr(error))
        raise
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak
    answers.put((seconds, cpu, int(peak[1]) // _MIB, found))


def _ended(postmaster: int) -> float:
    """CPU seconds of the server's processes that have ended."""
    fields = Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _watching(postmaster: int) -> Generator[list[int]]:
    """The most memory of the server's processes together, MiB, shared pages counted once."""
    peak, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            peak[0] = max(peak[0], _proportional(postmaster))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    yield peak
    over.set()
    watcher.join()


def _proportional(postmaster: int) -> int:
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    total = 0
    for pid in children:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.M)
        total += int(found[1]) if found else 0
    return total // _MIB
