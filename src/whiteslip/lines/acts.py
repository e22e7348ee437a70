"""Open, look up, lock and close lines. None commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from whiteslip import ledger
from whiteslip.base import Refusal, new_id
from whiteslip.base.ids import NO_ID
from whiteslip.ledger import Account
from whiteslip.ledger.recipes import HOUSE_CODES, House
from whiteslip.lines.locks import part_of
from whiteslip.lines.model import (
    ROADS,
    Agreement,
    Customer,
    Lifecycle,
    Line,
    LockKind,
    NewLine,
    Part,
    Terms,
)
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)
_known_terms: Final[dict[str, Terms]] = {}
_UNLOCKED: Final = (frozenset[LockKind](), frozenset[Part]())


def open_house(tx: Tx, currency: str) -> House:
    """The house's accounts in ``currency``, opened on first use."""
    house = House.of(currency)
    ids = astuple(house)
    ledger.open_accounts(
        tx, [Account(one, code, None, currency) for one, code in zip(ids, HOUSE_CODES, strict=True)]
    )
    return house


def open_customers(tx: Tx, customers: Sequence[Customer], now: datetime) -> None:
    """Register customers. A ``reference`` that is taken raises psycopg.errors.UniqueViolation."""
    _queries.open_customers(
        tx.conn,
        id=[c.id for c in customers],
        reference=[c.reference for c in customers],
        language=[c.language for c in customers],
        now=now,
    )
    for customer in customers:
        tx.record(Entry(now, "customer.registered", "customer", customer.id, "system"))


def open_lines(tx: Tx, agreement: Agreement, lines: Sequence[NewLine], actor: str, now: datetime) -> None:
    """Open lines under one agreement, each with its four ledger accounts."""
    books: list[list[Account]] = [
        [
            Account(new_id(now), "line.principal", n.id, agreement.currency, n.limit_minor, credit_limit=0),
            Account(new_id(now), "line.interest", n.id, agreement.currency, credit_limit=0),
            Account(new_id(now), "line.fee", n.id, agreement.currency, credit_limit=0),
            Account(new_id(now), "line.credit", n.id, agreement.currency, debit_limit=0),
        ]
        for n in lines
    ]
    ledger.open_accounts(tx, [account for book in books for account in book])
    version = agreement.terms.version
    _queries.keep_terms(tx.conn, version=version, terms=Jsonb(msgspec.to_builtins(agreement.terms)))
    _queries.open_lines(
        tx.conn,
        pack=agreement.pack,
        currency=agreement.currency,
        timezone=agreement.timezone,
        terms_version=version,
        id=[n.id for n in lines],
        customer=[n.customer for n in lines],
        limit_minor=[n.limit_minor for n in lines],
        statement_day=[n.statement_day for n in lines],
        opened_on=[n.opened_on for n in lines],
        informed=[n.informed for n in lines],
        principal=[book[0].id for book in books],
        interest=[book[1].id for book in books],
        fee=[book[2].id for book in books],
        credit=[book[3].id for book in books],
    )
    for n in lines:
        data = {"customer": n.customer, "limit_minor": n.limit_minor, "terms": version}
        tx.record(Entry(now, "line.opened", "line", n.id, actor, data))


def _lines(tx: Tx, rows: Iterable[Row]) -> list[Line]:
    """Lines with their terms, which are the same for thousands: a version is read once and never changes."""
    found = list(rows)
    terms = terms_of(tx, {row["terms_version"] for row in found})
    return [_line(row, terms[row["terms_version"]]) for row in found]


def terms_of(tx: Tx, versions: set[str]) -> Mapping[str, Terms]:
    """Terms by version, at least of those asked for."""
    if missing := versions - _known_terms.keys():
        kept = _queries.terms(tx.conn, versions=list(missing))
        _known_terms.update((row["version"], msgspec.convert(row["terms"], Terms)) for row in kept)
    return _known_terms


def _line(row: Row, terms: Terms) -> Line:
    row["terms"] = terms
    row["lifecycle"] = Lifecycle(row["lifecycle"])
    row["locks"], row["locked_parts"] = locks_of(row["locks"])
    return Line(**row)


def locks_of(standing: Sequence[str] | None) -> tuple[frozenset[LockKind], frozenset[Part]]:
    """Locks on all drawing, and on parts of it, from the texts by which the views name them."""
    if not standing:
        return _UNLOCKED
    kinds = frozenset(LockKind(text) for text in standing if ":" not in text)
    return kinds, frozenset(part_of(text) for text in standing if ":" in text)


def lock_lines(tx: Tx, ids: Sequence[UUID]) -> None:
    """Hold lines until the transaction ends. Always in id order; unknown ids are passed over."""
    _queries.lock_rows(tx.conn, ids=ids)


def get_lines(tx: Tx, ids: Iterable[UUID], lock: bool = False) -> dict[UUID, Line]:
    """Lines by id; unknown ids are absent. ``lock`` holds them until the transaction ends."""
    read = _queries.locked_lines if lock else _queries.lines
    return {line.id: line for line in _lines(tx, read(tx.conn, ids=list(ids)))}


def opened_between(tx: Tx, first: date, after: date, count: int) -> list[UUID]:
    """Lines that were opened from ``first`` on and before ``after``, at most ``count``."""
    return [row["id"] for row in _queries.opened_between(tx.conn, first=first, next=after, count=count)]


def lines_ending_in(tx: Tx, tail: bytes) -> list[UUID]:
    """Lines whose identifiers end in these five bytes: one, but for a rare pair."""
    return [row["id"] for row in _queries.lines_ending_in(tx.conn, tail=tail)]


def get_line(tx: Tx, line: UUID, lock: bool = False) -> Line | Refusal:
    """One line, or ``line.not_found``."""
    found = _lines(tx, (_queries.locked_line if lock else _queries.line)(tx.conn, id=line))
    return found[0] if found else Refusal("line.not_found")


def lines_of(tx: Tx, customer: UUID) -> list[Line]:
    """A customer's lines, oldest first."""
    return _lines(tx, _queries.lines_of_customer(tx.conn, customer=customer))


def page_of_lines(tx: Tx, after: UUID | None, count: int) -> list[Line]:
    """Up to ``count`` lines with ids above ``after``."""
    return _lines(tx, _queries.page(tx.conn, after=after or NO_ID, count=count))


def get_customer(tx: Tx, customer: UUID) -> Customer | Refusal:
    """One customer, or ``customer.not_found``."""
    row = _queries.customer(tx.conn, id=customer)
    return Customer(**row) if row else Refusal("customer.not_found")


def forget_reference(tx: Tx, customer: UUID) -> None:
    """Take the lender's own reference off a customer who is erased."""
    _queries.forget_reference(tx.conn, id=customer)


def page_of_customers(tx: Tx, after: UUID | None, count: int) -> list[Customer]:
    """Up to ``count`` customers with ids above ``after``."""
    return [Customer(**row) for row in _queries.customers(tx.conn, after=after or NO_ID, count=count)]


def customers_by_reference(tx: Tx, references: Sequence[str]) -> dict[str, UUID]:
    """Ids of the customers that carry the lender's references."""
    rows = _queries.customers_by_reference(tx.conn, references=list(references))
    return {row["reference"]: row["id"] for row in rows}


def change_limit(tx: Tx, line: Line, limit_minor: int, actor: str, now: datetime) -> None:
    """Set the limit. Below what is drawn it only stops further drawing; nothing falls due.

    What the customer is told is ``Line.advised_limit_minor``, which falls with repayments.
    """
    _queries.set_limit(tx.conn, id=line.id, limit_minor=limit_minor)
    ledger.set_debit_limit(tx, line.principal, limit_minor)
    data = {"from_minor": line.limit_minor, "to_minor": limit_minor}
    tx.record(Entry(now, "line.limit_changed", "line", line.id, actor, data))


def change_statement_day(tx: Tx, line: Line, statement_day: int) -> None:
    """Set the day of the month, 1 to 28, on which bills are made; billing moves what is open, and says so."""
    _queries.set_statement_day(tx.conn, id=line.id, statement_day=statement_day)


def move(tx: Tx, line: Line, to: Lifecycle, ground: str, actor: str, now: datetime) -> None:
    """Change the lifecycle along ``ROADS``. The line is locked.

    Raises ValueError for any other way, for a close with debt or holds, and for a line that has
    moved since it was read: bugs all. The database refuses the first two by itself.
    """
    if to not in ROADS[line.lifecycle]:
        raise ValueError(f"no line goes from {line.lifecycle} to {to}")
    if to is Lifecycle.CLOSED and (line.owed_minor or line.held_minor):
        raise ValueError("a line closes only when nothing is owed or held")
    closed_on: date | None = line.today(now) if to is Lifecycle.CLOSED else None
    if not _queries.set_lifecycle(
        tx.conn, id=line.id, lifecycle=to, before=line.lifecycle, closed_on=closed_on
    ):
        raise ValueError(f"line {line.id} is not {line.lifecycle} any more")
    if to is Lifecycle.CLOSED:
        tx.record(Entry(now, "line.closed", "line", line.id, actor, {"ground": ground}))
    else:
        data = {"from": line.lifecycle, "to": to, "ground": ground}
        tx.record(Entry(now, "line.moved", "line", line.id, actor, data))
