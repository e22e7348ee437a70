"""Run a night to its seal, and resume one that was cut off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import date, datetime, timedelta
from types import TracebackType
from typing import Final

from whiteslip.base import Refusal, end_of_day
from whiteslip.day.model import InvariantError, Night, Ports, Sealed, Stage
from whiteslip.day.stages import AFTER_SEAL, SEND_LETTERS, STAGES
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
    *,
    with_letters: bool = False,
) -> Sealed | Refusal:
    """Close ``day``: every stage in order, then the seal.

    Days that were left out before it are sealed first. Each batch commits with its checkpoint, so
    a night that was cut off goes on where it stopped, also after its seal, and sealing a sealed day
    changes nothing.
    Who else seals meanwhile, a worker or a request that was sent again, waits and finds it done.
    ``tell(day, stage, done)`` is called after each batch. ``with_letters`` is for a clock that is stepped:
    the letters of a night go out after its seal, with its instant, before the next. Else nothing here waits
    for a mail server: ``run_letters`` sends them beside. Raises InvariantError when the books do not agree.
    Refusal: ``day.not_over``.
    """
    if now < end_of_day(day, timezone):
        return Refusal("day.not_over", {"day": day.isoformat()})
    with database.alone("night") as opened, _Commits(database, opened) as commits:
        known: defaultdict[date, dict[str, Row]] = defaultdict(dict)
        for row in (reached := list(_queries.reached(commits.tx.conn, day=day))):
            known[row["day"]][row["stage"]] = row
        last: date | None = reached[0]["sealed_on"]
        if last:
            _night(commits, ports, last, timezone, known[last], _of(AFTER_SEAL, with_letters))
        if last and day <= last:
            return Sealed(day, already=True)
        step = last + timedelta(days=1) if last else day
        sealed = Sealed(day)
        while step <= day:
            stages = _of(STAGES, with_letters)
            sealed = Sealed(step, _night(commits, ports, step, timezone, known[step], stages, tell))
            step += timedelta(days=1)
    return sealed


def _of(stages: Sequence[Stage], with_letters: bool) -> list[Stage]:
    return [stage for stage in stages if with_letters or stage.name != SEND_LETTERS.name]


def _night(
    commits: _Commits,
    ports: Ports,
    day: date,
    timezone: str,
    known: Mapping[str, Row],
    stages: Sequence[Stage],
    tell: Told | None = None,
) -> dict[str, int]:
    """Small batches share a transaction; each commits together with its checkpoint."""
    done, at = dict[str, int](), end_of_day(day, timezone)
    todo = [stage for stage in stages if not known.get(stage.name, _NEW)["finished_at"]]
    at_work: Row = _queries.at_work(commits.tx.conn, now=at) if todo else {}
    for stage in stages:
        row = known.get(stage.name, _NEW)
        count, cursor, more = row["done"], row["cursor"], stage in todo
        if more and not at_work.get(stage.name, True):
            commits.reached[day, stage.name] = (None, count, at)
            more = False
        while more:
            night = Night(commits.database, commits.tx, ports, day, at, cursor, timezone, commits.commit)
            batch = stage.run(night)
            count, more, cursor = count + batch.done, batch.more, batch.cursor
            commits.reached[day, stage.name] = (cursor, count, None if more else at)
            if batch.done >= _LARGE:
                commits.commit()
            if tell:
                tell(day, stage.name, count)
        done[stage.name] = count
    if commits.reached:
        commits.commit()
    return done


class _Commits:
    """One transaction after the other, each opened when it is asked for; an error rolls back what is open.

    ``reached`` is the checkpoint of each stage since the last commit: cursor, done, finished at.
    """

    def __init__(self, database: Database, opened: Opened) -> None:
        self.database, self._opened = database, opened
        self._stack = ExitStack()
        self._tx: Tx | None = None
        self.reached: dict[tuple[date, str], tuple[str | None, int, datetime | None]] = {}

    @property
    def tx(self) -> Tx:
        if self._tx is None:
            self._tx = self._stack.enter_context(self._opened())
        return self._tx

    def __enter__(self) -> _Commits:
        return self

    def commit(self) -> None:
        """Commit what is done with its checkpoints."""
        self._keep()
        self._stack.close()
        self._tx = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if isinstance(error, InvariantError):
            self.commit()  # what stages did before stays, for whoever looks into it
        return self._stack.__exit__(kind, error, trace)

    def _keep(self) -> None:
        if self.reached:
            days, stages = zip(*self.reached, strict=True)
            cursors, done, finished = zip(*self.reached.values(), strict=True)
            _queries.save_progress(
                self.tx.conn,
                day=list(days),
                stage=list(stages),
                cursor=list(cursors),
                done=list(done),
                finished_at=list(finished),
            )
            self.reached = {}
