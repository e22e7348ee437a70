"""The day of the month on which bills are made, and so fall due, is moved at the customer's wish.

What is billed keeps its day; every later instalment goes to the new day next after its own, never before
it, with the sums it had: the days in between cost nothing. The database holds the same. None commits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from whiteslip import packs
from whiteslip.base import Refusal, add_months, new_id
from whiteslip.billing import chargeoff, sales, store
from whiteslip.billing.model import OpenItem
from whiteslip.billing.schedule import next_statement
from whiteslip.lines import Line
from whiteslip.lines.acts import change_statement_day
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Entry, Tx, load_queries

# Every month has them.
DAYS: Final = range(1, 29)
_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Moved:
    """An instalment and its days after the move; ``open_minor`` of it is unpaid."""

    plan: UUID
    no: int
    open_minor: int
    was_due_on: date
    bill_on: date
    due_on: date


def moved(items: Iterable[OpenItem], statement_day: int) -> list[Moved]:
    """What is not billed yet, on a new day of the month. Pure."""
    found: list[Moved] = []
    for item in items:
        if item.billed:
            continue
        bill_on = next_statement(item.bill_on - timedelta(days=1), statement_day)
        due_on = bill_on + (item.due_on - item.bill_on)
        found.append(Moved(item.plan, item.no, item.total_minor, item.due_on, bill_on, due_on))
    return found


def first_due(line: Line, items: Iterable[OpenItem], statement_day: int, today: date) -> date:
    """When the next bill falls due after a move: of what is open, or else of what is bought today."""
    days = [each.due_on for each in moved(items, statement_day)]
    return min(days, default=next_statement(today, statement_day) + timedelta(days=line.terms.due_days))


def fault(tx: Tx, line: Line, now: datetime) -> Refusal | None:
    """Why no day can be chosen now. Refusals: ``payday.nothing_to_move``, ``payday.too_soon``."""
    lost = chargeoff.of_line(tx, line.id)
    given_up = (lost is not None and lost.on_day is not None) or bool(sales.done(tx, line.id))
    if line.lifecycle is Lifecycle.CLOSED or given_up:
        return Refusal("payday.nothing_to_move")
    last = _queries.last_payday(tx.conn, line=line.id)
    if last:
        again_on = add_months(last, packs.load(line.pack).months("payday.once_in_months"))
        if line.today(now) < again_on:
            return Refusal("payday.too_soon", {"on": again_on.isoformat()})
    return None


def move(tx: Tx, line: Line, statement_day: int, actor: str, now: datetime) -> list[Moved] | Refusal:
    """Make bills on ``statement_day`` from now on; what is open and not billed goes along.

    The line is locked. Refusals: those of :func:`fault`, ``payday.day_invalid``, ``payday.same_day``.
    """
    if statement_day not in DAYS:
        return Refusal("payday.day_invalid", {"last": DAYS[-1]})
    if statement_day == line.statement_day:
        return Refusal("payday.same_day", {"day": statement_day})
    refused = fault(tx, line, now)
    if refused:
        return refused
    rows = moved(store.open_items(tx, [line.id])[line.id], statement_day)
    today = line.today(now)
    _queries.move_days(
        tx.conn,
        plan=[row.plan for row in rows],
        no=[row.no for row in rows],
        bill_on=[row.bill_on for row in rows],
        due_on=[row.due_on for row in rows],
    )
    change_statement_day(tx, line, statement_day)
    _queries.add_payday(
        tx.conn,
        id=new_id(now),
        line=line.id,
        from_day=line.statement_day,
        to_day=statement_day,
        on_day=today,
        now=now,
    )
    data = {"from_day": line.statement_day, "to_day": statement_day, "instalments": len(rows)}
    tx.record(Entry(now, "line.payday_moved", "line", line.id, actor, data))
    return rows
