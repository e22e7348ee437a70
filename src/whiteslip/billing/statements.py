"""Monthly statements, as they were made: what each asked for, what came in since the one before.

All of it is read from rows that never change, so a statement is the same whenever it is read, also of a
line that was closed long ago.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

from whiteslip.base.ids import spoken
from whiteslip.billing import earlier, store
from whiteslip.billing.model import Bill
from whiteslip.lines import Line
from whiteslip.lines.model import Terms
from whiteslip.notices import NewNotice
from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a plan that fell into a statement, as scheduled. ``kind`` is the plan's."""

    kind: str
    opened_on: date
    no: int
    instalments: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A bill with what it is made of.

    ``settled_minor`` of its items had been paid or given up before it was made. ``received`` are payments
    booked since the statement before: value date and amount, whether or not they came back later.
    ``bought`` are purchases captured since then. ``terms`` are those on which its purchases were made.
    """

    bill: Bill
    terms: Sequence[Terms]
    items: Sequence[Item]
    received: Sequence[tuple[date, int]]
    bought: Sequence[tuple[date, int]]

    @property
    def settled_minor(self) -> int:
        """What of its items was not asked for any more."""
        return sum(item.amount_minor for item in self.items) - self.bill.demanded_minor


def find(tx: Tx, bill_id: UUID) -> Bill | None:
    """A bill by id."""
    row = _queries.bill(tx.conn, id=bill_id)
    return Bill(**row) if row else None


def statement(tx: Tx, line: Line, bill: Bill) -> Statement:
    """What a bill of ``line`` is made of."""
    former = [each.statement_on for each in store.bills(tx, line.id) if each.statement_on < bill.statement_on]
    since = max(former, default=date.min)
    period = {"line": line.id, "since": since, "until": bill.statement_on}
    return Statement(
        bill=bill,
        terms=earlier.of_bill(tx, line, bill.id),
        items=[Item(**row) for row in _queries.statement_items(tx.conn, line=line.id, bill=bill.id)],
        received=[
            (row["value_on"], row["amount_minor"])
            for row in _queries.statement_payments(tx.conn, timezone=line.timezone, **period)
        ],
        bought=[
            (row["opened_on"], row["amount_minor"]) for row in _queries.statement_purchases(tx.conn, **period)
        ],
    )


def letter(made: Statement, line: Line, language: str, issuer_name: str) -> NewNotice:
    """The statement as a letter, for ``notices.acts.draft``: written when it is wanted, never queued."""
    bill = made.bill
    return NewNotice(
        kind="statement.monthly",
        subject_kind="line",
        subject=line.id,
        recipient=line.customer,
        language=language,
        facts={
            "reference": spoken("LN", line.id),
            "timezone": line.timezone,
            "currency": line.currency,
            "issuer_name": issuer_name,
            "statement_on": bill.statement_on,
            "due_on": bill.due_on,
            "demanded_minor": bill.demanded_minor,
            "balance_minor": max(0, bill.balance_minor),
            "in_credit_minor": max(0, -bill.balance_minor),
            "settled_minor": made.settled_minor,
            "late_fee_minor": max(each.late_fee_minor for each in made.terms),
            "late_fee_days": max(each.late_fee_grace_days for each in made.terms),
            "items": [asdict(item) for item in made.items],
            "received": _dated(made.received),
            "bought": _dated(made.bought),
        },
        dedupe=f"statement.monthly:{bill.id}",
    )


def _dated(rows: Sequence[tuple[date, int]]) -> list[dict[str, object]]:
    return [{"due_on": on, "amount_minor": minor} for on, minor in rows]
