"""Rows of intake to and from its model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from whiteslip.base import new_id
from whiteslip.intake.mapping import Chosen
from whiteslip.intake.model import Counts, Month, Rejected, Takeover
from whiteslip.intake.reading import Source
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Run:
    """A reading of a file, and how far it has come. ``next_line`` begins at ``next_byte``."""

    id: UUID
    file_name: str
    state: str
    next_byte: int
    next_line: int
    counts: Counts


def _run(row: Row) -> Run:
    counts: Row = {"counts": msgspec.convert(row["counts"], Counts)}
    return Run(**(row | counts))


def open_run(tx: Tx, source: Source, chosen: Chosen) -> Run | None:
    """The unfinished run of this content with this mapping."""
    row = _queries.open_run(tx.conn, sha256=source.sha256, mapping_version=chosen.version)
    return _run(row) if row else None


def start_run(tx: Tx, source: Source, chosen: Chosen, first_row: int, now: datetime) -> Run:
    """Begin to read a file whose first row starts at byte ``first_row``, on line 2."""
    run = Run(new_id(now), source.path.name, "running", first_row, 2, Counts())
    _queries.start_run(
        tx.conn,
        id=run.id,
        file_name=run.file_name,
        sha256=source.sha256,
        bytes=source.bytes,
        mapping=chosen.name,
        mapping_version=chosen.version,
        next_byte=run.next_byte,
        next_line=run.next_line,
        counts=Jsonb(msgspec.to_builtins(run.counts)),
        now=now,
    )
    return run


def take_turn(tx: Tx, run: UUID) -> Run:
    """The run as it stands; other imports wait until we commit."""
    _queries.take_turn(tx.conn)
    return _run(_queries.locked_run(tx.conn, id=run))


def advance(tx: Tx, run: Run) -> None:
    """Remember how far the run has come."""
    counts = Jsonb(msgspec.to_builtins(run.counts))
    _queries.advance_run(tx.conn, id=run.id, next_byte=run.next_byte, next_line=run.next_line, counts=counts)


def finish(tx: Tx, run: Run, now: datetime) -> None:
    """The file was read to its end."""
    _queries.finish_run(tx.conn, id=run.id, now=now, counts=Jsonb(msgspec.to_builtins(run.counts)))


def add_rejected(tx: Tx, run: UUID, rejected: Sequence[Rejected]) -> None:
    """Keep rows that were refused."""
    if rejected:
        _queries.add_rejected(
            tx.conn,
            run=run,
            row=[r.row for r in rejected],
            reference=[r.reference for r in rejected],
            column_name=[r.column for r in rejected],
            code=[r.code for r in rejected],
            text=[r.text for r in rejected],
        )


def rejected(tx: Tx, run: UUID, after: int, count: int) -> list[Rejected]:
    """Up to ``count`` refused rows below line ``after``, in the file's order."""
    rows = _queries.rejected(tx.conn, run=run, after=after, count=count)
    return [Rejected(r["row"], r["reference"], r["column_name"], r["code"], r["text"]) for r in rows]


def rows_of_file(tx: Tx, sha256: bytes, references: Sequence[str]) -> dict[str, int]:
    """The lines of this content from which customers were taken over already, by reference."""
    rows = _queries.rows_of_file(tx.conn, sha256=sha256, references=list(references))
    return {row["reference"]: row["row"] for row in rows}


def add_taken_over(
    tx: Tx, run: UUID, taken: Sequence[tuple[UUID, UUID, Takeover]], days: Sequence[object]
) -> None:
    """Keep where customers came from and what was reported: (customer, line, takeover) each."""
    _queries.add_taken_over(
        tx.conn,
        run=run,
        customer=[customer for customer, _, _ in taken],
        line=[line for _, line, _ in taken],
        row=[t.history.row for _, _, t in taken],
        reference=[t.history.reference for _, _, t in taken],
        defaulted=[t.history.defaulted for _, _, t in taken],
        schedule=[t.schedule.label for _, _, t in taken],
    )
    flat = list(_months(taken, days))
    _queries.add_reported(
        tx.conn,
        customer=[customer for customer, _, _ in flat],
        statement_on=[day for _, day, _ in flat],
        balance_minor=[month.balance_minor for _, _, month in flat],
        paid_minor=[month.paid_minor for _, _, month in flat],
        status=[month.status for _, _, month in flat],
    )


def _months(
    taken: Sequence[tuple[UUID, UUID, Takeover]], days: Sequence[object]
) -> Iterator[tuple[UUID, object, Month]]:
    for customer, _, takeover in taken:
        for day, month in zip(days, takeover.history.months, strict=True):
            yield customer, day, month


def reported(tx: Tx, customer: UUID) -> list[Row]:
    """What the file reported of a customer, by month."""
    return list(_queries.reported(tx.conn, customer=customer))
