"""Rows of billing to and from its model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from whiteslip.billing import rules
from whiteslip.billing.model import Bill, BookTotal, Debt, NewPlan, OpenItem, Part, Payment, Record
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)


def add_plans(tx: Tx, plans: Sequence[NewPlan]) -> None:
    """Store plans with their schedules, set-based."""
    if not plans:
        return
    _queries.add_plans(
        tx.conn,
        id=[p.id for p in plans],
        line=[p.line for p in plans],
        purchase=[p.purchase for p in plans],
        kind=[p.kind for p in plans],
        principal_minor=[sum(r.principal_minor for r in p.rows) for p in plans],
        instalments=[len(p.rows) for p in plans],
        monthly_fee_bps=[p.product.monthly_fee_bps for p in plans],
        apr_bps=[p.product.apr_bps for p in plans],
        opened_on=[p.opened_on for p in plans],
    )
    flat = [(p, r) for p in plans for r in p.rows]
    _queries.add_instalments(
        tx.conn,
        plan=[p.id for p, _ in flat],
        no=[r.no for _, r in flat],
        line=[p.line for p, _ in flat],
        bill_on=[r.bill_on for _, r in flat],
        due_on=[r.due_on for _, r in flat],
        principal_minor=[r.principal_minor for _, r in flat],
        interest_minor=[r.interest_minor for _, r in flat],
        fee_minor=[r.fee_minor for _, r in flat],
    )


def open_items(tx: Tx, lines: Sequence[UUID]) -> dict[UUID, list[OpenItem]]:
    """Open instalments by line, by due day; every line asked for is present."""
    found: dict[UUID, list[OpenItem]] = {line: [] for line in lines}
    for row in _queries.open_instalments(tx.conn, lines=list(lines)):
        found[row["line"]].append(OpenItem(**row))
    return found


def schedule(tx: Tx, line: UUID) -> list[Row]:
    """Every instalment of a line, paid or not: plan, no, days, sums, what is settled, kind."""
    return list(_queries.schedule(tx.conn, line=line))


def settle(tx: Tx, line: UUID, source: UUID, kind: str, parts: Sequence[Part], day: date) -> None:
    """Count ``parts`` against their instalments and keep them as the trace of ``source``."""
    settle_many(tx, [(line, source, kind, part, day) for part in parts])


def settle_many(tx: Tx, rows: Sequence[tuple[UUID, UUID, str, Part, date]]) -> None:
    """:func:`settle` for many lines: rows of (line, source, kind, part, day)."""
    if not rows:
        return

    def column(component: str) -> list[int]:
        return [p.amount_minor if p.component == component else 0 for _, _, _, p, _ in rows]

    _queries.settle(
        tx.conn,
        plan=[p.plan for _, _, _, p, _ in rows],
        no=[p.no for _, _, _, p, _ in rows],
        principal=column("principal"),
        interest=column("interest"),
        fee=column("fee"),
    )
    _queries.record_settlements(
        tx.conn,
        source=[source for _, source, _, _, _ in rows],
        line=[line for line, _, _, _, _ in rows],
        plan=[p.plan for _, _, _, p, _ in rows],
        no=[p.no for _, _, _, p, _ in rows],
        component=[p.component for _, _, _, p, _ in rows],
        amount_minor=[p.amount_minor for _, _, _, p, _ in rows],
        kind=[kind for _, _, kind, _, _ in rows],
        on_day=[day for _, _, _, _, day in rows],
    )


def settlements_of(tx: Tx, source: UUID) -> list[Part]:
    """What is still settled by a payment, refund or credit; waivers it led to included."""
    return [
        Part(row["component"], row["amount_minor"], row["plan"], row["no"])
        for row in _queries.settlements_of(tx.conn, source=source)
    ]


def debts(tx: Tx, lines: Sequence[UUID], day: date) -> dict[UUID, Debt]:
    """Debts of lines with open instalments, on ``day``."""
    return {
        row["line"]: rules.debt_on(
            day, row["past_due_since"], row["past_due_minor"], row["billed_minor"], row["unbilled_minor"]
        )
        for row in _queries.debts(tx.conn, lines=list(lines), day=day)
    }


def lines_to_bill(tx: Tx, day: date, count: int) -> list[UUID]:
    """Up to ``count`` lines with something that falls into a bill by ``day``."""
    return [row["line"] for row in _queries.lines_to_bill(tx.conn, day=day, count=count)]


def issue_bills(tx: Tx, day: date, lines: Sequence[UUID], ids: Sequence[UUID]) -> list[Bill]:
    """One bill per line from what falls into it."""
    return [Bill(**row) for row in _queries.issue_bills(tx.conn, day=day, lines=list(lines), ids=list(ids))]


def bills(tx: Tx, line: UUID) -> list[Bill]:
    """The bills of a line, oldest first."""
    return [Bill(**row) for row in _queries.bills(tx.conn, line=line)]


def lines_for_late_fee(tx: Tx, day: date) -> list[UUID]:
    """Lines that owe a late fee on ``day`` by their terms."""
    return [row["id"] for row in _queries.lines_for_late_fee(tx.conn, day=day)]


def _columns(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "line": payment.line,
        "reference": payment.reference,
        "method": payment.method,
        "amount_minor": payment.amount_minor,
        "value_on": payment.value_on,
        "clears_on": payment.clears_on,
    }


def add_payment(tx: Tx, payment: Payment) -> None:
    """Store a payment."""
    _queries.add_payment(tx.conn, now=payment.received_at, **_columns(payment))


def add_payments(tx: Tx, payments: Sequence[Payment]) -> None:
    """Store payments, set-based."""
    if payments:
        rows = [_columns(p) | {"received_at": p.received_at} for p in payments]
        _queries.add_payments(tx.conn, **{key: [row[key] for row in rows] for key in rows[0]})


def payment(tx: Tx, payment_id: UUID) -> Payment | None:
    """A payment by id, locked."""
    row = _queries.payment(tx.conn, id=payment_id)
    return Payment(**row) if row else None


def payment_by_reference(tx: Tx, line: UUID, reference: str) -> Payment | None:
    """A line's payment by the payer's reference."""
    row = _queries.payment_by_reference(tx.conn, line=line, reference=reference)
    return Payment(**row) if row else None


def payments(tx: Tx, line: UUID) -> list[Payment]:
    """A line's payments by value date."""
    return [Payment(**row) for row in _queries.payments(tx.conn, line=line)]


def mark_returned(tx: Tx, payment_id: UUID, now: datetime) -> None:
    """Note that a payment came back."""
    _queries.return_payment(tx.conn, id=payment_id, now=now)


def record(tx: Tx, line: UUID, day: date, since: date, returned_since: datetime) -> Record:
    """The payment record of a line: sums since ``since``, returns since ``returned_since``."""
    row = _queries.record(tx.conn, line=line, day=day, since=since, returned_since=returned_since)
    return Record(**row)


def take_book_total(tx: Tx, day: date, npl_after: int) -> None:
    """Keep the whole book's sums for ``day``; non-performing is more than ``npl_after`` days late."""
    _queries.take_book_total(tx.conn, day=day, npl_after=npl_after)


def book_total(tx: Tx, currency: str, day: date) -> BookTotal | None:
    """The newest sums kept on or before ``day``."""
    row = _queries.book_total(tx.conn, currency=currency, day=day)
    return BookTotal(**row) if row else None


def violations(tx: Tx) -> list[str]:
    """Offending rows of billing's invariants, in words."""
    return [f"{row['invariant']}: {row['detail']}" for row in _queries.violations(tx.conn)]
