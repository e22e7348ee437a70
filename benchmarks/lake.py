"""A night's snapshot and figures of a large book: here, in plain PostgreSQL, and in Polars.

Each piece of work runs in a process of its own, so that its memory is its own: the peak of the process,
and for what PostgreSQL does the peak of the server's processes together. All give the same figures, or
nothing is measured.

=======  ==========================================  =================================  ================
Work     Here                                        PostgreSQL                         Polars
=======  ==========================================  =================================  ================
export   eight tables to Parquet by ADBC, ids        the same queries by COPY to CSV    the same queries
         hashed, synced, added up again and          files                              by ADBC to
         compared with the ledger                                                       Parquet
night    all measures from the snapshot              all measures from the live views,  nine of them,
                                                     ``lake.sql``                       ``frames.py``
ecl      expected losses alone                       the same                           the same
=======  ==========================================  =================================  ================
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
# The temporary tables that a measure of ``lake.sql`` is made from.
_MADE: Final = ("settled", "seen", "flows", "losses")

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Run:
    """What one piece of work took: seconds, MiB of its own process at the peak, MiB of the server."""

    seconds: float
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


def snapshots(bench: Bench) -> list[Measure]:
    """All work at a million receivables, in turn, round by round; once more at ten million."""
    found = _at(bench, SMALL, max(_ROUNDS, min(bench.rounds, 5)))
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < LARGE * _BYTES_EACH:
        print(
            f"{LARGE:,} receivables are left out: {free >> 30} GiB free, {LARGE * _BYTES_EACH >> 30} wanted"
        )
        return found
    large = _at(bench, LARGE, 1)
    for small, big in zip(found, large, strict=True):
        grown = big.ours[0] / (sum(small.ours) / len(small.ours))
        big.notes["ten times the receivables take ours"] = f"{grown:.1f} times as long"
    return found + large


def _at(bench: Bench, receivables: int, rounds: int) -> list[Measure]:
    with _book(bench, receivables) as (place, rows):
        done = [_round(bench, place) for _ in range(rounds)]
    runs = {name: [one[name] for one in done] for name in done[0]}
    size = f"{receivables // 1_000_000} M receivables"
    compared = [
        ("export", "COPY of the same queries to CSV", "export ours", "export postgresql"),
        ("export", "Polars: ADBC to Parquet, nothing hashed or checked", "export ours", "export polars"),
        (f"all {len(portfolio.MEASURES)} measures", "plain PostgreSQL SQL", "night ours", "night postgresql"),
        (f"{len(frames.MEASURES)} measures", "Polars", "some ours", "some polars"),
        ("ECL", "plain PostgreSQL SQL", "ecl ours", "ecl postgresql"),
        ("ECL", "Polars", "ecl ours", "ecl polars"),
    ]
    return [
        Measure(
            f"lake {what}, {size}, against {against.split(':')[0].split(' of ')[0]}", "s", against, "s",
            [run.seconds for run in runs[ours]],
            [run.seconds for run in runs[theirs]],
            notes=_notes(runs[ours], runs[theirs], rows, what),
        )
        for what, against, ours, theirs in compared
    ]  # fmt: skip


def _notes(ours: Sequence[Run], theirs: Sequence[Run], rows: dict[str, int], what: str) -> dict[str, Any]:
    notes: dict[str, Any] = {"ratio below one": "ours is quicker"}
    for who, runs in (("ours", ours), ("theirs", theirs)):
        own, server = max(run.own for run in runs), max(run.server for run in runs)
        notes[f"peak MiB of {who}"] = {"process": own, "server": server}
    if what == "export":
        notes["rows"] = rows
        notes["seconds of ours are"] = ours[-1].found["parts"]
    else:
        notes["figures"] = "the same to the minor unit"
    if what.startswith(str(len(frames.MEASURES))):
        notes["measures"] = ", ".join(frames.MEASURES)
    return notes


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
        "ecl postgresql": _alone(bench, _asked, place, ("ecl",)),
        "ecl polars": _alone(bench, _scanned, place, ("ecl",)),
        "ecl ours": _alone(bench, _measured, place, ("ecl",)),
    }
    rows = done["export ours"].found["rows"]
    assert rows == done["export postgresql"].found == done["export polars"].found, rows
    for ours, theirs in (
        ("night", "postgresql"),
        ("some", "polars"),
        ("ecl", "postgresql"),
        ("ecl", "polars"),
    ):
        _same(done[f"{ours} ours"].found, done[f"{ours} {theirs}"].found)
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


def _exported(place: Place) -> dict[str, Any]:
    shutil.rmtree(place.lake.folder, ignore_errors=True)
    database = Database(place.url, 1)
    took = time.perf_counter()
    taken = lake.export(database, place.lake, END, _UNTIL, ZONE, _UNTIL)
    took = time.perf_counter() - took
    database.close()
    assert isinstance(taken, Snapshot), taken
    return {"rows": {name: file.rows for name, file in taken.manifest.files.items()}, "parts": round(took, 1)}


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


def _scanned(place: Place, names: Sequence[str]) -> Rows:
    return frames.measure(_taken(place).folder, _points(), names)


def _taken(place: Place) -> Snapshot:
    found = lake.newest(place.lake)
    assert isinstance(found, Snapshot), found
    return found


def _points() -> list[date]:
    # The first line was opened on the day after the first of them.
    return points_until(END, END - timedelta(days=364))


def _asked(place: Place, names: Sequence[str]) -> Rows:
    asked, found = queries("lake.sql"), dict[str, Any]()
    given = {"days": _points()}
    made = _MADE if len(names) > 1 else ("settled", "seen", "losses")
    with psycopg.connect(place.url) as conn:
        conn.execute("SET work_mem = '512MB'")
        conn.execute("SET temp_buffers = '256MB'")
        conn.execute("SET jit = off")
        for table in made:
            conn.execute(_filled(asked[table], given).encode())
            conn.execute(f"ANALYZE {table}".encode())
        for name in names:
            cursor = conn.execute(_filled(asked[name], given).encode())
            columns = [column.name for column in cursor.description or ()]
            found[name] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return found


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
    with _watching(bench) as peak:
        process.start()
        process.join()
    if process.exitcode or answers.empty():
        raise RuntimeError(f"{work.__name__} failed")
    seconds, own, found = answers.get()
    return Run(seconds, own, peak[0], found)


def _tell(answers: Any, work: Callable[..., Any], *given: Any) -> None:
    began = time.perf_counter()
    found = work(*given)
    seconds = time.perf_counter() - began
    status = Path("/proc/self/status").read_text()
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak
    answers.put((seconds, int(peak[1]) // _MIB, found))


@contextmanager
def _watching(bench: Bench) -> Generator[list[int]]:
    """The most memory of the server's processes together, MiB, shared pages counted once."""
    postmaster = int((bench.server.data / "postmaster.pid").read_text().split()[0])
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
