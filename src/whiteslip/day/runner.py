"""Run a night to its seal, and resume one that was cut off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from whiteslip.base import Refusal, end_of_day
from whiteslip.day.model import Night, Ports, Sealed, Stage
from whiteslip.day.stages import STAGES
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.store import Database, load_queries

_queries = load_queries(__file__)

Told = Callable[[date, str, int], None]


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
    a night that was cut off goes on where it stopped, and sealing a sealed day changes nothing.
    ``tell(day, stage, done)`` is called after each batch. Raises InvariantError when the books do
    not agree. Refusal: ``day.not_over``.
    """
    if now < end_of_day(day, timezone):
        return Refusal("day.not_over", {"day": day.isoformat()})
    with database.transaction() as tx:
        last = last_sealed_day(tx)
    if last and day <= last:
        return Sealed(day, already=True)
    step = last + timedelta(days=1) if last else day
    sealed = Sealed(day)
    while step <= day:
        sealed = Sealed(step, _night(database, ports, step, end_of_day(step, timezone), tell))
        step += timedelta(days=1)
    return sealed


def _night(database: Database, ports: Ports, day: date, at: datetime, tell: Told | None) -> dict[str, int]:
    with database.transaction() as tx:
        known = {row["stage"]: row for row in _queries.progress(tx.conn, day=day)}
    done: dict[str, int] = {}
    for stage in STAGES:
        row = known.get(stage.name)
        before = row["done"] if row else 0
        if row and row["finished_at"]:
            done[stage.name] = before
        else:
            done[stage.name] = _stage(
                database, ports, stage, day, at, row["cursor"] if row else None, before, tell
            )
    return done


def _stage(
    database: Database,
    ports: Ports,
    stage: Stage,
    day: date,
    at: datetime,
    cursor: str | None,
    done: int,
    tell: Told | None,
) -> int:
    more = True
    while more:
        with database.transaction() as tx:
            batch = stage.run(Night(database, tx, ports, day, at, cursor))
            done, more, cursor = done + batch.done, batch.more, batch.cursor
            _queries.save_progress(
                tx.conn,
                day=day,
                stage=stage.name,
                cursor=cursor,
                done=done,
                finished_at=None if more else at,
            )
        if tell:
            tell(day, stage.name, done)
    return done
