"""Run a night to its seal, and resume one that was cut off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import date, datetime, timedelta
from types import TracebackType
from typing import Final

from whiteslip.base import Refusal, end_of_day
from whiteslip.day.model import Night, Ports, Sealed, Stage
from whiteslip.day.stages import AFTER_SEAL, STAGES
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.store import Database, Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)
# A batch that did this much is committed at once; a crash loses less than that.
_LARGE: Final = 100
_NEW: Final[Row] = {"done": 0, "cursor": None, "finished_at": None}

Told = Callable[[date, str, int], None]
Opened = Callable[[], AbstractContextManager[Tx]]


def seal(
    database: Database,
    ports: Ports,
    day: date,
    timezone: str,
    now: datetime,
    tell: Told | None = None,
) -> Sealed | Refusal:
    """Close ``day``: every stage in order, then the seal.

    Days that were left out before it are sealed first. Each batch commits with its checkpoint, so
    a night that was cut off goes on where it stopped, also after its seal, and sealing a sealed day
    changes nothing.
    Who else seals meanwhile, a worker or a request that was sent again, waits and finds it done.
    ``tell(day, stage, done)`` is called after each batch. Raises InvariantError when the books do
    not agree. Refusal: ``day.not_over``.
    """
    if now < end_of_day(day, timezone):
        return Refusal("day.not_over", {"day": day.isoformat()})
    with database.alone("night") as opened:
        with opened() as tx:
            last = last_sealed_day(tx)
            was_cut_off = last is not None and not _is_whole(tx, last)
        if last and was_cut_off:
            _night(database, opened, ports, last, timezone, AFTER_SEAL, None)
        if last and day <= last:
            return Sealed(day, already=True)
        step = last + timedelta(days=1) if last else day
        sealed = Sealed(day)
        while step <= day:
            sealed = Sealed(step, _night(database, opened, ports, step, timezone, STAGES, tell))
            step += timedelta(days=1)
        return sealed


def _is_whole(tx: Tx, day: date) -> bool:
    """Whether every stage after the seal of ``day`` is done."""
    finished = {row["stage"] for row in _queries.progress(tx.conn, day=day) if row["finished_at"]}
    return all(stage.name in finished for stage in AFTER_SEAL)


def _night(
    database: Database,
    opened: Opened,
    ports: Ports,
    day: date,
    timezone: str,
    stages: Sequence[Stage],
    tell: Told | None,
) -> dict[str, int]:
    """Small batches share a transaction; each commits together with its checkpoint."""
    done, at = dict[str, int](), end_of_day(day, timezone)
    with _Commits(opened, day) as commits:
        known: dict[str, Row] = {r["stage"]: r for r in _queries.progress(commits.tx.conn, day=day)}
        for stage in stages:
            row = known.get(stage.name, _NEW)
            count, cursor, more = row["done"], row["cursor"], row["finished_at"] is None
            while more:
                if stage.alone:
                    commits.commit()
                batch = stage.run(Night(database, commits.tx, ports, day, at, cursor, timezone))
                count, more, cursor = count + batch.done, batch.more, batch.cursor
                commits.reached[stage.name] = (cursor, count, None if more else at)
                if batch.done >= _LARGE:
                    commits.commit()
                if tell:
                    tell(day, stage.name, count)
            done[stage.name] = count
    return done


class _Commits:
    """One transaction after the other; what is open at an error is rolled back.

    ``reached`` is the checkpoint of each stage since the last commit: cursor, done, finished at.
    """

    def __init__(self, opened: Opened, day: date) -> None:
        self._opened, self._day = opened, day
        self._stack = ExitStack()
        self.reached: dict[str, tuple[str | None, int, datetime | None]] = {}

    def __enter__(self) -> _Commits:
        self.tx = self._stack.enter_context(self._opened())
        return self

    def commit(self) -> None:
        """Commit what is done with its checkpoints, and go on in a new transaction."""
        self._keep()
        self._stack.close()
        self.tx = self._stack.enter_context(self._opened())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if error is None:
            self._keep()
        return self._stack.__exit__(kind, error, trace)

    def _keep(self) -> None:
        if self.reached:
            cursors, done, finished = zip(*self.reached.values(), strict=True)
            _queries.save_progress(
                self.tx.conn,
                day=self._day,
                stage=list(self.reached),
                cursor=list(cursors),
                done=list(done),
                finished_at=list(finished),
            )
            self.reached = {}
