"""Payments beyond what was asked for by then, and what became of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from whiteslip.billing import store
from whiteslip.billing.model import Payment
from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a payment settled, by the due day it had; what became credit; interest and fees that never
    arise because it came early; and what its line owes yet by due day, as agreed. Minor units.
    """

    settled: Sequence[tuple[date, int]]
    credit_minor: int
    spared_minor: int
    left: Sequence[tuple[date, int]]


def early(tx: Tx, line: UUID) -> list[Payment]:
    """Payments of a line that settled, and still do, what no statement had asked for; the newest first."""
    return [Payment(**row) for row in _queries.early_payments(tx.conn, line=line)]


def applied(tx: Tx, payment: Payment) -> Applied:
    """How a payment was applied, and what remains."""
    due = {(row["plan"], row["no"]): row["due_on"] for row in store.schedule(tx, payment.line)}
    settled: defaultdict[date, int] = defaultdict(int)
    credit_minor = spared_minor = 0
    for each in store.settlements_of(tx, payment.id):
        part = each.part
        if each.kind == "unearned":
            spared_minor += part.amount_minor
        elif each.kind == "payment" and part.plan and part.no:
            settled[due[part.plan, part.no]] += part.amount_minor
        elif each.kind == "payment":
            credit_minor += part.amount_minor
    left: defaultdict[date, int] = defaultdict(int)
    for item in store.open_items(tx, [payment.line])[payment.line]:
        left[item.due_on] += item.total_minor
    return Applied(sorted(settled.items()), credit_minor, spared_minor, sorted(left.items()))
