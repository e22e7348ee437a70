"""A night's snapshot and figures of a large book: here, in plain PostgreSQL, and in Polars.

Each piece of work runs in a process of its own (``alone.py``), so that its memory is its own, and so is the
server's of that time. All give the same figures, or nothing is measured.

=======  ==========================================  =================================  ================
Work     Here                                        PostgreSQL                         Polars
=======  ==========================================  =================================  ================
export   ten tables to Parquet by ADBC, ids          the same queries by COPY to CSV    the same queries
         hashed, synced, added up again and          files                              by ADBC, streamed
         compared with the ledger                                                       to Parquet
night    all measures from the snapshot              all measures from the live views,  all measures from
                                                     ``lake.sql``                       the snapshot,
                                                                                        ``frames``
ecl      expected losses alone                       until it has them, first           until it has
                                                                                        them, first
=======  ==========================================  =================================  ================
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import polars as pl
import psycopg
from polars.io.plugins import register_io_source

from benchmarks.alone import Run, alone
from benchmarks.bench import Bench, Measure
from benchmarks.frames import Work
from benchmarks.receivables import END, ZONE, fill, queries
from whiteslip import lake, portfolio
from whiteslip.base import Refusal, end_of_day
from whiteslip.lake import TABLES, Lake, Snapshot
from whiteslip.lake.store import reading
from whiteslip.portfolio.book import points_until
from whiteslip.store import Database

SMALL: Final = 1_000_000
LARGE: Final = 10_000_000
_ROUNDS: Final = 2
# Measured: a receivable takes this much disk as tables, snapshot, CSV and temporary files together.
_BYTES_EACH: Final = 4_000
_UNTIL: Final = end_of_day(END, ZONE)

Rows = dict[str, list[dict[str, Any]]]


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
    _grown(found, more)
    return found + more


def _grown(small: Sequence[Measure], large: Sequence[Measure]) -> None:
    """Note how much longer each takes at the larger size, by the medians."""
    for few, many in zip(small, large, strict=True):
        grown = [
            median(now) / median(then) for now, then in ((many.ours, few.ours), (many.theirs, few.theirs))
        ]
        many.notes["ten times the receivables take"] = {
            name: f"{times:.1f} times as long" for name, times in zip(("ours", "theirs"), grown, strict=True)
        }


def _at(bench: Bench, receivables: int, rounds: int) -> list[Measure]:
    with _book(bench, receivables) as (place, rows):
        done = [_round(bench, place) for _ in range(rounds)]
    runs = {name: [one[name] for one in done] for name in done[0]}
    size = f"{receivables // 1_000_000} M receivables"
    whole = f"all {len(portfolio.MEASURES)} measures"
    sql, polars = "plain PostgreSQL SQL", "Polars"
    return [
        _compared(f"export of {size}", "COPY of the same queries to CSV", runs, "export", "postgresql", rows),
        _compared(f"export of {size}", "Polars: ADBC to Parquet, ids plain", runs, "export", "polars", rows),
        _compared(f"{whole} of {size}", sql, runs, "night", "postgresql", rows),
        _compared(f"{whole} of {size}", polars, runs, "night", "polars", rows),
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
        notes[f"CPU seconds of {name}"] = [round(run.cpu, 1) for run in some]
    notes["rows"] = rows
    notes["results"] = "the same" if work == "export" else "the same to the minor unit"
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
    everything = tuple(portfolio.MEASURES)
    done = {
        "export postgresql": _last(bench, _copied, place),
        "export polars": _last(bench, _framed, place),
        "export ours": _last(bench, _exported, place),
    }
    # Both have the expected loss first, and tell it then.
    done["ecl postgresql"], done["night postgresql"] = alone(bench.server, _asked, place, everything)
    done["ecl polars"], done["night polars"] = alone(bench.server, _scanned, place, everything)
    done["night ours"] = _last(bench, _measured, place, everything)
    done["ecl ours"] = _last(bench, _measured, place, ("ecl",))
    rows = done["export ours"].found
    assert rows == done["export postgresql"].found == done["export polars"].found, rows
    for work in ("night", "ecl"):
        for who in ("postgresql", "polars"):
            _same(done[f"{work} ours"].found, done[f"{work} {who}"].found)
    return done


def _last(bench: Bench, work: Callable[..., Iterator[Any]], *given: Any) -> Run:
    return alone(bench.server, work, *given)[-1]


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


def _exported(place: Place) -> Iterator[dict[str, int]]:
    shutil.rmtree(place.lake.folder, ignore_errors=True)
    database = Database(place.url, 1)
    taken = lake.export(database, place.lake, END, _UNTIL, ZONE, _UNTIL)
    database.close()
    assert isinstance(taken, Snapshot), taken
    yield {name: file.rows for name, file in taken.manifest.files.items()}


def _copied(place: Place) -> Iterator[dict[str, int]]:
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
    yield found


def _framed(place: Place) -> Iterator[dict[str, int]]:
    found: dict[str, int] = {}
    with reading(place.url, END, _UNTIL, ZONE) as reader:
        for table in TABLES:
            path = place.folder / f"{table}.parquet"
            _streamed(reader.table(table)).sink_parquet(path, compression="zstd", sync_on_close="data")
            found[table] = pl.scan_parquet(path).select(pl.len()).collect().item()
            path.unlink()
    yield found


def _streamed(batches: Any) -> pl.LazyFrame:
    """Record batches as they arrive, as a lazy frame."""

    def source(*_: object) -> Iterator[pl.DataFrame]:
        for batch in batches:
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield frame

    empty = pl.from_arrow(batches.schema.empty_table())
    assert isinstance(empty, pl.DataFrame)
    return register_io_source(source, schema=empty.schema)


def _measured(place: Place, names: Sequence[str]) -> Iterator[Rows]:
    taken = _taken(place)
    for kept in taken.folder.glob("figures-*"):
        shutil.rmtree(kept)
    found = portfolio.compute_all(place.lake, names=names)
    assert not isinstance(found, Refusal), found
    yield {result.measure: result.records() for result in found}


def _scanned(place: Place, names: Sequence[str]) -> Iterator[Rows]:
    work = Work(_taken(place).folder, _points())
    first = work.measure(["ecl"])
    yield first
    yield first | work.measure([name for name in names if name != "ecl"])


def _taken(place: Place) -> Snapshot:
    found = lake.newest(place.lake)
    assert isinstance(found, Snapshot), found
    return found


def _points() -> list[date]:
    # The first line was opened on the day after the first of them.
    return points_until(END, END - timedelta(days=364))


def _asked(place: Place, names: Sequence[str]) -> Iterator[Rows]:
    queries_of, given, found = queries("lake.sql"), {"days": _points()}, Rows()
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
        yield dict(found)
        make("flows")
        for name in names:
            if name != "ecl":
                ask(name)
        yield found


def _filled(text: str, given: dict[str, list[date]]) -> str:
    """Days as a constant, which the planner sees."""
    days = ", ".join(f"DATE '{day}'" for day in given["days"])
    return text.replace("%(days)s", f"ARRAY[{days}]")
