"""The one place that opens a transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

import aiosql
import msgspec
import psycopg
from aiosql.adapters.pyformat import PyFormatAdapter
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from whiteslip.store.arrays import ListDumper

Row: TypeAlias = dict[str, Any]
Connection: TypeAlias = psycopg.Connection[Row]


_ROWS_AT_ONCE: Final = 1_000


class _Connection(psycopg.Connection[Row]):
    """Keeps one cursor for results that are read at once: making it is a quarter of a small statement."""

    kept: psycopg.Cursor[Row] | None = None


class _Adapter(PyFormatAdapter):
    """aiosql's for psycopg, which reads rows by the thousand and makes no cursor for each statement."""

    def _cursor(self, conn: psycopg.Connection[Row]) -> psycopg.Cursor[Row]:
        if not isinstance(conn, _Connection):
            return conn.cursor()
        if conn.kept is None:
            conn.kept = conn.cursor()
        return conn.kept

    def select(
        self,
        conn: psycopg.Connection[Row],
        query_name: str,
        sql: Any,
        parameters: Any,
        record_class: object = None,
    ) -> Generator[Row]:
        """The rows of a query, which is sent when the first is asked for."""
        del query_name, record_class
        cursor = self._cursor(conn)
        cursor.execute(sql, parameters)
        if cursor.rowcount <= _ROWS_AT_ONCE:
            yield from cursor.fetchall()
            return
        if isinstance(conn, _Connection):
            conn.kept = None  # the next statement must not take away what is still to be read
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield from rows

    def select_one(
        self,
        conn: psycopg.Connection[Row],
        query_name: str,
        sql: Any,
        parameters: Any,
        record_class: object = None,
    ) -> Row | None:
        """The first row of a query."""
        del query_name, record_class
        return self._cursor(conn).execute(sql, parameters).fetchone()

    def select_value(
        self, conn: psycopg.Connection[Row], query_name: str, sql: Any, parameters: Any
    ) -> object:
        """The first value of the first row of a query; None without a row."""
        del query_name
        found = self._cursor(conn).execute(sql, parameters).fetchone()
        row = cast("Row | tuple[object, ...] | None", found)
        if row is None:
            return None
        return row[0] if isinstance(row, tuple) else next(iter(row.values()))

    def insert_update_delete(
        self, conn: psycopg.Connection[Row], query_name: str, sql: Any, parameters: Any
    ) -> int:
        """Run a statement; how many rows it touched."""
        del query_name
        return self._cursor(conn).execute(sql, parameters).rowcount


@cache
def _parsed(file: Path) -> Any:
    return aiosql.from_path(file, _Adapter, mandatory_parameters=False)


class _Queries:
    """The named queries of a file, which is read when the first is asked for.

    Parsing all files takes longer than most commands do.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        found = getattr(_parsed(self._file), name)
        setattr(self, name, found)
        return found


def load_queries(room: str) -> Any:
    """The named queries in ``queries.sql`` beside ``room`` (pass ``__file__``)."""
    return _Queries(Path(room).with_name("queries.sql"))


_queries = load_queries(__file__)


def columns_of(kept: Any) -> dict[str, Any]:
    """A row out of a dataclass. Values stay as they are; ``asdict`` would take nested ones apart."""
    return {field.name: getattr(kept, field.name) for field in fields(kept)}


class Entry(msgspec.Struct, frozen=True):
    """A journal row: at ``at``, ``actor`` made ``kind`` (past tense) happen to a subject.

    ``data`` holds ids, codes and amounts in minor units; never personal data.
    """

    at: datetime
    kind: str
    subject_kind: str
    subject: UUID
    actor: str
    data: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])


@dataclass(slots=True)
class Tx:
    """A unit of work: one connection, one transaction, journal rows written at its end.

    Acts take it and never commit. ``record`` buffers: the journal's head stays locked only from
    the last statement to the commit, so transactions overlap up to that point.
    """

    conn: Connection
    entries: list[Entry] = field(default_factory=list[Entry])

    def record(self, entry: Entry) -> None:
        """Write a journal row in this transaction."""
        self.entries.append(entry)

    def flush(self) -> None:
        """Append the buffered rows. Called at the end of the transaction, or by a reader of them."""
        if self.entries:
            _queries.journal_append(self.conn, rows=msgspec.json.encode(self.entries).decode())
            self.entries.clear()


# Rooms ask about three hundred different questions; each is parsed once per connection.
_PREPARED_AFTER: Final = 2
_MOST_PREPARED: Final = 500
# Plans are made for prepared statements whose cost is never worth a compiler, on disks without arms.
_OPTIONS: Final = "-c timezone=UTC -c jit=off -c random_page_cost=1.1"
_PATIENCE_SECONDS: Final = 30.0
# Where one connection was waited for in vain, the database is away: who comes next does not wait as long.
_MOMENT_SECONDS: Final = 0.1
# The pool tries anew so long, ever more slowly, and then again for whoever asks: an outage of an hour is over
# for us when it is over.
_RECONNECT_SECONDS: Final = 5.0
_FAST: Final = "-c synchronous_commit=off -c plan_cache_mode=force_generic_plan"


class Database:
    """A pool of connections to one PostgreSQL database. Thread-safe.

    With ``durable`` off a commit does not wait for the disk: a crash of the machine may lose the
    last moments, though never a part of a transaction. Good for worlds that can be made again; they
    ask the same small questions tens of thousands of times, so their statements are planned once.
    A transaction waits for a connection for ``patience`` seconds; then the pool raises PoolTimeout.
    """

    def __init__(
        self, url: str, size: int = 8, durable: bool = True, patience: float = _PATIENCE_SECONDS
    ) -> None:
        self.url = url
        self._patience, self._is_away = patience, False
        options = _OPTIONS if durable else f"{_OPTIONS} {_FAST}"
        self.pool: ConnectionPool[_Connection] = ConnectionPool(
            url,
            connection_class=_Connection,
            kwargs={"row_factory": dict_row, "options": options, "autocommit": True},
            min_size=1,
            max_size=size,
            open=True,
            configure=_configure,
            reconnect_timeout=_RECONNECT_SECONDS,
        )

    @contextlib.contextmanager
    def connection(self) -> Generator[_Connection]:
        """A connection out of the pool."""
        with contextlib.ExitStack() as lent:
            try:
                timeout = _MOMENT_SECONDS if self._is_away else self._patience
                conn = lent.enter_context(self.pool.connection(timeout))
            except PoolTimeout:
                self._is_away = True
                raise
            self._is_away = False
            yield conn

    @contextlib.contextmanager
    def transaction(self) -> Generator[Tx]:
        """Everything inside commits together, or nothing does."""
        with self.connection() as conn, _transaction(conn) as tx:
            yield tx

    @contextlib.contextmanager
    def reading(self) -> Generator[Tx]:
        """A transaction in which PostgreSQL refuses to write, and to lock a row. BEGIN says so."""
        with self.connection() as conn:
            conn.read_only = True
            try:
                with _transaction(conn) as tx:
                    yield tx
            finally:
                if not conn.broken:
                    conn.read_only = None

    @contextlib.contextmanager
    def alone(self, what: str) -> Generator[Callable[[], contextlib.AbstractContextManager[Tx]]]:
        """Transactions, one after the other, while no other process is alone with ``what``: we wait for it.

        The lock is the connection's: it outlives each transaction, and goes when we die.
        """
        with self.connection() as conn:
            _queries.lock_alone(conn, what=what)
            try:
                yield partial(_transaction, conn)
            finally:
                if not conn.broken:
                    _queries.unlock_alone(conn, what=what)

    @contextlib.contextmanager
    def dry_run(self) -> Generator[Tx]:
        """A transaction that is rolled back at its end, for ``validate_only`` and previews."""
        with self.connection() as conn, conn.transaction(force_rollback=True):
            yield Tx(conn)

    def close(self) -> None:
        """Give the connections back."""
        self.pool.close()


@contextlib.contextmanager
def _transaction(conn: _Connection) -> Generator[Tx]:
    with conn.transaction():
        tx = Tx(conn)
        yield tx
        tx.flush()


def _configure(conn: Connection) -> None:
    """Fast ways in and out, and the role that cannot edit the ledger or the journal, where it exists."""
    conn.adapters.register_dumper(list, ListDumper)
    conn.prepare_threshold, conn.prepared_max = _PREPARED_AFTER, _MOST_PREPARED
    set_json_loads(msgspec.json.decode, conn)
    if _queries.app_role_exists(conn):
        conn.execute("SET ROLE whiteslip_app")


def journal_of(tx: Tx, subjects: Sequence[UUID]) -> list[Row]:
    """Journal rows about any of ``subjects``, oldest first."""
    tx.flush()
    return list(_queries.journal_of(tx.conn, subjects=list(subjects)))


def journal_after(tx: Tx, after: int, count: int = 100, kinds: Sequence[str] | None = None) -> list[Row]:
    """The outbox: up to ``count`` rows numbered above ``after``, without gaps but for ``kinds`` left out."""
    only = None if kinds is None else list(kinds)
    return list(_queries.journal_after(tx.conn, after=after, count=count, kinds=only))


def journal_head(tx: Tx) -> tuple[int, bytes]:
    """Number and hash of the last journal row; what a seal pins."""
    tx.flush()
    row = _queries.journal_head(tx.conn)
    return int(row["seq"]), bytes(row["hash"])


def verify_journal(tx: Tx, kept: tuple[int, bytes] | None = None) -> list[str]:
    """Faults of the hash chain in words; empty when every row is whole and none is missing.

    ``kept`` is a head that was written down elsewhere: the chain must still pass through it. Without one
    the chain proves nothing against who can rewrite it whole, which the owner of the tables can.
    """
    faults = [f"row {row['seq']}: {row['fault']}" for row in _queries.journal_faults(tx.conn)]
    head, last = _queries.journal_head(tx.conn), _queries.journal_last(tx.conn)
    if (last["seq"] if last else 0) != head["seq"]:
        faults.append(f"the journal should end with row {head['seq']}")
    elif last and last["hash"] != head["hash"]:
        faults.append(f"row {head['seq']}: the head holds another hash")
    if kept and _queries.journal_hash(tx.conn, seq=kept[0]) != kept[1]:
        faults.append(f"row {kept[0]}: it does not end with the hash that was kept")
    return faults
