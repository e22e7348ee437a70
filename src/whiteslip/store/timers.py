"""Timers and idempotency keys: rows, so that they commit or vanish with the act that made them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from whiteslip.base import Refusal, SystemClock
from whiteslip.base.ids import new_ids
from whiteslip.store.database import Tx, load_queries

_queries = load_queries(__file__)
# How far back a clock is set by who keeps it right. More was wrong before, and time must go on.
_SET_BACK: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that falls due for ``subject`` at ``due_at``."""

    id: UUID
    kind: str
    subject: UUID
    due_at: datetime
    attempts: int


def set_timer(tx: Tx, kind: str, subject: UUID, due_at: datetime, now: datetime) -> None:
    """Set, or move, the open timer of this kind for this subject."""
    set_timers(tx, kind, [subject], due_at, now)


def set_timers(tx: Tx, kind: str, subjects: Sequence[UUID], due_at: datetime, now: datetime) -> None:
    """:func:`set_timer` for several subjects, each named once."""
    _queries.timers_set(
        tx.conn,
        id=new_ids(now, len(subjects)),
        kind=kind,
        subject=list(subjects),
        due_at=due_at,
        now=now,
    )


def cancel_timer(tx: Tx, kind: str, subject: UUID, now: datetime) -> None:
    """Cancel the open timer, if there is one."""
    _queries.timer_cancel(tx.conn, kind=kind, subject=subject, now=now)


def pop_timer(tx: Tx, now: datetime, kinds: Collection[str] | None = None) -> Timer | None:
    """Claim the timer that is longest due, of some kinds or of any; None when none is due.

    Other workers skip it until we commit.
    """
    row = _queries.timer_pop(tx.conn, now=now, kinds=None if kinds is None else sorted(kinds))
    return Timer(**row) if row else None


def take_timer(tx: Tx, now: datetime, kinds: Collection[str]) -> Timer | None:
    """:func:`pop_timer`, and it is done: for work that a rollback would not undo."""
    row = _queries.timer_take(tx.conn, now=now, kinds=sorted(kinds))
    return Timer(**row) if row else None


def finish_timer(tx: Tx, timer: Timer, now: datetime) -> None:
    """Mark a claimed timer done."""
    _queries.timer_done(tx.conn, id=timer.id, now=now)


def retry_timer(tx: Tx, timer: Timer, due_at: datetime) -> None:
    """Put a claimed timer back to ``due_at``, also one that is done already, and count the attempt."""
    _queries.timer_retry(tx.conn, id=timer.id, due_at=due_at)


def next_timer(tx: Tx, kinds: Collection[str] | None = None) -> datetime | None:
    """When the next open timer is due, of some kinds or of any."""
    return _queries.timer_next(tx.conn, kinds=None if kinds is None else sorted(kinds))


def claim_key(tx: Tx, scope: str, key: str, request: object, now: datetime) -> Any | Refusal | None:
    """Claim an idempotency key for ``request``.

    None: the key is new, go on and call :func:`answer_key` in this transaction. Anything else is
    the answer given before. The same key with another request is refused with
    ``request.key_reused``. A second request with a key that is still being worked on waits for
    the first to end.
    """
    digest = hashlib.sha256(msgspec.json.encode(request, order="deterministic")).digest()
    if _queries.idempotency_claim(tx.conn, scope=scope, key=key, request_hash=digest, now=now):
        return None
    row = _queries.idempotency_read(tx.conn, scope=scope, key=key)
    if bytes(row["request_hash"]) != digest:
        return Refusal("request.key_reused", {"key": key})
    return row["response"]


def answer_key(tx: Tx, scope: str, key: str, response: object) -> None:
    """Keep the answer that a repeated request will get."""
    _queries.idempotency_answer(tx.conn, scope=scope, key=key, response=Jsonb(msgspec.to_builtins(response)))


class StoredClock:
    """The clock kept in the database: it stands where the demo or the test put it."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    def read(self) -> datetime | None:
        """The frozen instant, or None when the machine's clock applies."""
        return _queries.clock_read(self._tx.conn)

    def set(self, at: datetime) -> bool:
        """Move the clock forward to ``at``; False when that would be backwards."""
        return _queries.clock_write(self._tx.conn, at=at) > 0


def present(tx: Tx) -> datetime:
    """The instant it is for this installation: the stored clock where one is set, else the machine's.

    Doors ask it once per request and hand it on; nothing below them reads a clock. A machine whose clock is
    set back a little makes time stand, not go backwards: what was done first was done no later.
    """
    row = _queries.clock_and_last(tx.conn)
    if row["frozen_at"]:
        return row["frozen_at"]
    now, last = SystemClock().now(), row["last_at"]
    return last if last and now < last <= now + _SET_BACK else now
