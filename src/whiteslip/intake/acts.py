"""Import a file: batch by batch, each in one transaction with the place the run has come to."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

import psycopg

from whiteslip.identity import Vault
from whiteslip.intake import booking, mapping, plan, reading, report, rows, store
from whiteslip.intake.fault import IntakeError
from whiteslip.intake.mapping import Chosen
from whiteslip.intake.model import History, Options, Rejected, Report, Takeover
from whiteslip.intake.plan import Calendar
from whiteslip.intake.reading import Line, LineError, Source
from whiteslip.intake.rows import Header
from whiteslip.intake.store import Run
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.lines.acts import customers_by_reference
from whiteslip.store import Database, Entry, Tx

_FIRST_REJECTED: Final = 100


@dataclass(slots=True)
class _Batch:
    """Rows read together, and where the file goes on after them."""

    histories: list[History] = field(default_factory=list[History])
    planned: dict[int, Takeover] = field(default_factory=dict[int, Takeover])
    rejected: list[Rejected] = field(default_factory=list[Rejected])
    blank: int = 0
    unended: int = 0
    next_byte: int = 0
    next_line: int = 2

    @property
    def rows(self) -> int:
        return len(self.histories) + len(self.rejected)


@dataclass(frozen=True, slots=True)
class _Job:
    """What stays the same while a file is imported."""

    database: Database
    vault: Vault | None
    chosen: Chosen
    source: Source
    header: Header
    calendar: Calendar
    options: Options
    now: datetime


def run(
    database: Database,
    vault: Vault | None,
    mapping_name: str,
    file_path: Path,
    options: Options,
    now: datetime,
    tell: Callable[[int], None] = lambda _bytes: None,
) -> Report:
    """Import a portfolio file, or go on with one that was interrupted.

    ``mapping_name`` is a shipped mapping or the path of one; ``tell`` is told the bytes done.
    A customer whose reference is known is left alone, so the same file again loads nothing
    twice. Raises IntakeError when the file or the mapping as a whole cannot be used.
    """
    began = time.perf_counter()
    chosen = mapping.load(mapping_name)
    if chosen.mapping.columns.person and vault is None:
        raise IntakeError("mapping.needs_vault", f"mapping {chosen.name} names people, but no vault is open")
    source = reading.inspect(file_path)
    if options.rejected_report and _is_same(options.rejected_report, file_path):
        message = f"the report would replace {file_path}, which is imported; give another path"
        raise IntakeError("report.unwritable", message)
    with source.path.open("rb") as file:
        header, first_row = _header(file, chosen)
        job = _Job(database, vault, chosen, source, header, Calendar(chosen.mapping), options, now)
        going = _begin(job, first_row)
        continued = going.next_line if going.next_line > 2 else None
        limit = options.at_most
        with closing(_loaded(file, job, going)) as loaded:
            for moved in loaded:
                going = moved
                tell(going.next_byte)
                _stop_if_hopeless(job, going)
        if limit is None or going.next_byte >= source.bytes:
            going = _finish(job, going)
    return _report(job, going, continued, time.perf_counter() - began)


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def _header(file: BinaryIO, chosen: Chosen) -> tuple[Header, int]:
    """The header and the byte after it."""
    line = next(reading.lines(file))
    try:
        names = reading.cells(line, chosen.mapping.encoding, chosen.mapping.delimiter)
    except LineError as bad:
        mend = rows.MENDING[bad.code]
        message = f"line 1: the header cannot be read: found {bad.found}; {mend}"
        raise IntakeError("file.header_unreadable", message) from None
    return rows.read_header(chosen.mapping, names), line.end


def _begin(job: _Job, first_row: int) -> Run:
    """The run to go on with, or a new one."""
    with job.database.transaction() as tx:
        _refuse_wrong_day(tx, job)
        going = store.open_run(tx, job.source, job.chosen)
        if going:
            return going
        going = store.start_run(tx, job.source, job.chosen, first_row, job.now)
        data = {"mapping": job.chosen.name, "version": job.chosen.version, "bytes": job.source.bytes}
        tx.record(Entry(job.now, "import.started", "import", going.id, job.options.actor, data))
        return going


def _refuse_wrong_day(tx: Tx, job: _Job) -> None:
    """The file's months are past, and today is open for booking."""
    asked = job.chosen.mapping
    today = asked.agreement.today(job.now)
    last = asked.statement_on(len(asked.months) - 1)
    if last > today:
        message = (
            f"the file's last statement is of {last}, but it is {today}; "
            "a portfolio is taken over after its last statement: wait, or set the clock"
        )
        raise IntakeError("file.in_future", message)
    sealed = last_sealed_day(tx)
    if sealed and sealed >= today:
        message = f"{today} is sealed and takes no bookings; import on the next day"
        raise IntakeError("day.sealed", message)


def _loaded(file: BinaryIO, job: _Job, going: Run) -> Generator[Run]:
    """Load batch after batch; while the database works on one, the next is read and planned."""
    with ThreadPoolExecutor(1, "intake") as loader:
        working: Future[Run] | None = None
        for batch in _batches(file, job, going):
            _plan(job, batch)
            if working:
                going = working.result()
                yield going
            working = loader.submit(_load, job, going, batch)
        if working:
            yield working.result()


def _plan(job: _Job, batch: _Batch) -> None:
    """Plan what is new. A customer who is known by now is so when the batch is loaded."""
    with job.database.transaction() as tx:
        known = customers_by_reference(tx, [history.reference for history in batch.histories])
    for history in batch.histories:
        if history.reference not in known:
            batch.planned[history.row] = plan.make(history, job.calendar)


def _batches(file: BinaryIO, job: _Job, going: Run) -> Generator[_Batch]:
    """The rows from where the run stands, in batches."""
    left = job.options.at_most
    batch = _Batch(next_byte=going.next_byte, next_line=going.next_line)
    for line in reading.lines(file, going.next_byte, going.next_line):
        if left == 0:
            break
        read = _read(job, line)
        match read:
            case History():
                batch.histories.append(read)
                batch.unended += not line.is_ended
            case Rejected():
                batch.rejected.append(read)
            case None:
                batch.blank += 1
        if left is not None and read is not None:
            left -= 1
        batch.next_byte, batch.next_line = line.end, line.number + 1
        if batch.rows + batch.blank >= job.options.batch:
            yield batch
            batch = _Batch(next_byte=line.end, next_line=line.number + 1)
    if batch.rows or batch.blank:
        yield batch


def _read(job: _Job, line: Line) -> History | Rejected | None:
    """A line of the file; None for a blank one."""
    asked = job.chosen.mapping
    try:
        cells = reading.cells(line, asked.encoding, asked.delimiter)
    except LineError as bad:
        code = bad.code if line.is_ended or bad.code not in ("row.quotes", "row.encoding") else "row.cut_off"
        return rows.rejected(line.number, None, None, code, bad.found)
    return rows.read_row(asked, job.header, cells, line.number, line.is_ended) if cells else None


def _load(job: _Job, going: Run, batch: _Batch) -> Run:
    """Book a batch and remember how far the run has come: together, or not at all."""
    try:
        with job.database.transaction() as tx:
            stands = store.take_turn(tx, going.id)
            if (stands.next_byte, stands.state) != (going.next_byte, "running"):
                message = (
                    f"another import of {job.source.path.name} is at work; let it finish, then try again"
                )
                raise IntakeError("file.being_imported", message)
            fresh, doubled, known = _sort_out(tx, job, batch.histories)
            takeovers = [batch.planned[history.row] for history in fresh]
            done = booking.book(tx, job.vault, going.id, takeovers, job.calendar, job.options.actor, job.now)
            refused = sorted([*batch.rejected, *doubled], key=lambda each: each.row)
            store.add_rejected(tx, going.id, refused)
            done.rows, done.customers_known = batch.rows, known
            done.customers_rejected = len(refused)
            for rule, count in (("row.blank", batch.blank), ("row.no_line_break", batch.unended)):
                if count:
                    done.rules[rule] = count
            moved = Run(
                going.id,
                going.file_name,
                going.state,
                batch.next_byte,
                batch.next_line,
                going.counts.plus(done),
            )
            store.advance(tx, moved)
            return moved
    except psycopg.errors.UniqueViolation:
        message = "a customer of the file was registered by somebody else just now; import the file again"
        raise IntakeError("file.overtaken", message) from None


def _sort_out(tx: Tx, job: _Job, histories: Sequence[History]) -> tuple[list[History], list[Rejected], int]:
    """Split histories: new ones, references that stand twice in the file, and how many are known."""
    references = [history.reference for history in histories]
    known = customers_by_reference(tx, references)
    loaded = store.rows_of_file(tx, job.source.sha256, list(known))
    column = job.chosen.mapping.columns.reference
    fresh: dict[str, History] = {}
    doubled: list[Rejected] = []
    for history in histories:
        reference = history.reference
        first = fresh[reference].row if reference in fresh else loaded.get(reference)
        if first is not None and first != history.row:
            found = f"{rows.shown(reference)}, which line {first} has"
            doubled.append(rows.rejected(history.row, reference, column, "reference.duplicated", found))
        elif reference not in known:
            fresh[reference] = history
    return list(fresh.values()), doubled, len(histories) - len(fresh) - len(doubled)


def _stop_if_hopeless(job: _Job, going: Run) -> None:
    """A wrong mapping refuses every row; a hostile file never ends. Neither should fill the database."""
    if going.counts.customers_rejected > job.options.max_rejected:
        with job.database.transaction() as tx:
            last = store.rejected(tx, going.id, going.next_line - 2, 1) or store.rejected(tx, going.id, 0, 1)
        message = (
            f"stopped at line {going.next_line - 1}: {going.counts.customers_rejected:,} rows were rejected, "
            f"such as {last[0].text}; check the mapping, or allow more rejected rows and import again"
        )
        raise IntakeError("file.too_many_rejected", message)


def _finish(job: _Job, going: Run) -> Run:
    with job.database.transaction() as tx:
        store.finish(tx, going, job.now)
        data = {
            "rows": going.counts.rows,
            "customers_loaded": going.counts.customers_loaded,
            "customers_rejected": going.counts.customers_rejected,
            "customers_known": going.counts.customers_known,
        }
        tx.record(Entry(job.now, "import.finished", "import", going.id, job.options.actor, data))
    return Run(going.id, going.file_name, "finished", going.next_byte, going.next_line, going.counts)


def _report(job: _Job, going: Run, continued: int | None, seconds: float) -> Report:
    with job.database.transaction() as tx:
        first = store.rejected(tx, going.id, 0, _FIRST_REJECTED)
        if job.options.rejected_report:
            report.write(tx, going.id, job.options.rejected_report)
    return Report(
        run=going.id,
        file=going.file_name,
        mapping=job.chosen.name,
        mapping_version=job.chosen.version,
        finished=going.state == "finished",
        continued_from_row=continued,
        columns_unused=job.header.unused,
        rejected=first,
        seconds=round(seconds, 3),
        **asdict(going.counts),
    )
