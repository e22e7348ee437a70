"""Rows of what happened to a line, from which it is told again when something becomes known late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from whiteslip.billing.model import Part
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)


def add_unpriced(tx: Tx, line: UUID, purchases: Sequence[UUID], cause: UUID, now: datetime) -> set[UUID]:
    """Note that purchases of a line have no price, because of ``cause``; returns those that had one."""
    rows = _queries.add_unpriced(tx.conn, line=line, purchases=list(purchases), cause=cause, now=now)
    return {row["purchase"] for row in rows}


def unpriced(tx: Tx, line: UUID) -> dict[UUID, UUID]:
    """Purchases of a line that have no price, and why: the id of the lock that was told late."""
    return {row["purchase"]: row["cause"] for row in _queries.unpriced(tx.conn, line=line)}


def overtaken(tx: Tx, asked: Sequence[tuple[UUID, date]]) -> set[UUID]:
    """Lines on which something counts from the day that is given with them, or later."""
    if not asked:
        return set()
    rows = _queries.overtaken(tx.conn, lines=[line for line, _ in asked], on=[day for _, day in asked])
    return {row["line"] for row in rows}


def told_late(tx: Tx, line: UUID, day: date) -> date | None:
    """The first day from which something counts that was told late, on ``day`` or after it, or is disputed,
    or has no price, whenever that was told. None where all was known in time.
    """
    return _queries.told_late(tx.conn, line=line, day=day)


def all_instalments(tx: Tx, line: UUID) -> list[Row]:
    """Every instalment of a line as scheduled; ``statement_on`` is the day of its bill."""
    return list(_queries.all_instalments(tx.conn, line=line))


def all_settlements(tx: Tx, line: UUID) -> list[tuple[UUID, str, Part, date]]:
    """What settled a line's instalments: source, kind, part and the day it counts from."""
    return [
        (
            row["source"],
            row["kind"],
            Part(row["component"], row["amount_minor"], row["plan"], row["no"]),
            row["value_on"],
        )
        for row in _queries.all_settlements(tx.conn, line=line)
    ]


def told_on(tx: Tx, line: UUID) -> dict[UUID, date]:
    """The day on which each source settled something of a line first."""
    return {row["source"]: row["day"] for row in _queries.told_on(tx.conn, line=line)}


def add_suspension(
    tx: Tx, source: UUID, line: UUID, purchase: UUID, asked_minor: int, began_on: date, follows: bool
) -> None:
    """Note what a dispute asks to take out of what is owed, and from when; ``follows`` what becomes known."""
    _queries.add_suspension(
        tx.conn,
        source=source,
        line=line,
        purchase=purchase,
        asked_minor=asked_minor,
        began_on=began_on,
        follows=follows,
    )


def add_refund(tx: Tx, source: UUID, line: UUID, purchase: UUID) -> None:
    """Note whose purchase a shop gave money back for: it may have gone to others."""
    _queries.add_refund(tx.conn, source=source, line=line, purchase=purchase)


def refunds(tx: Tx, line: UUID) -> dict[UUID, UUID]:
    """Refunds on a line, and the purchase each was for."""
    return {row["source"]: row["purchase"] for row in _queries.refunds(tx.conn, line=line)}


def end_suspension(tx: Tx, source: UUID) -> None:
    """Note that a dispute has been resolved: what it took out does not change any more."""
    _queries.end_suspension(tx.conn, source=source)


def disputed_purchase(tx: Tx, source: UUID) -> UUID | None:
    """The purchase a dispute is about; none of a forced post."""
    return _queries.disputed_purchase(tx.conn, source=source)


def first_statement(tx: Tx, purchase: UUID) -> date | None:
    """The day of the first statement that asks for a purchase; None before it."""
    return _queries.first_statement(tx.conn, purchase=purchase)


def suspensions(tx: Tx, line: UUID) -> list[Row]:
    """Disputes of a line: source, purchase, asked_minor, began_on, open."""
    return list(_queries.suspensions(tx.conn, line=line))


def in_hardship_plans(tx: Tx, line: UUID, purchase: UUID) -> int:
    """Principal of a purchase that hardship plans took over, less what was refunded or disputed of it."""
    return max(0, _queries.in_hardship_plans(tx.conn, line=line, purchase=purchase))
