"""A statement of a payment that came early: what was paid, how it was applied, what remains. None commits.

Consumer Credit Act 1974, section 97A: who has paid a part early may ask for it, and has it within seven
working days. It is written at once; whether it was sent in time is watched by ``lateletters``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from whiteslip import lines, packs
from whiteslip.base import Refusal
from whiteslip.billing import partpayments, store
from whiteslip.billing.model import Payment
from whiteslip.exits import telling
from whiteslip.exits.helping import tell
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
DAYS: Final = "statement.part_payment_business_days"


@dataclass(frozen=True, slots=True)
class Early:
    """A payment that came early, and when a statement of it was asked for, if it was."""

    payment: Payment
    asked_at: datetime | None


def of_line(tx: Tx, line: UUID) -> list[Early]:
    """Payments of a line that came early, the newest first."""
    found = partpayments.early(tx, line)
    rows = _queries.part_statements(tx.conn, payments=[each.id for each in found]) if found else ()
    asked = {row["payment"]: row["queued_at"] for row in rows}
    return [Early(each, asked.get(each.id)) for each in found]


def ask(tx: Tx, office: Office, payment_id: UUID, actor: str, now: datetime) -> date | Refusal:
    """Write the statement of a payment, once. Returns the last day on which it is sent.

    Refusals: ``payment.not_found``, ``payment.not_early``.
    """
    payment = store.payment(tx, payment_id)
    line = lines.get_line(tx, payment.line, lock=True) if payment else None
    if payment is None or line is None or isinstance(line, Refusal):
        return Refusal("payment.not_found")
    known = next((each for each in of_line(tx, line.id) if each.payment.id == payment.id), None)
    if known is None:
        return Refusal("payment.not_early")
    if known.asked_at is None:
        facts = _facts(tx, line, payment)
        tell(tx, office.issuer_name, line, telling.of(Act.PART_PAID), facts, str(payment.id), now)
        tx.record(Entry(now, "payment.statement_asked", "line", line.id, actor, {"payment": payment.id}))
    return packs.load(line.pack).last_day(DAYS, line.today(known.asked_at or now))


def _facts(tx: Tx, line: Line, payment: Payment) -> dict[str, Any]:
    told = partpayments.applied(tx, payment)
    return {
        "paid_on": payment.value_on,
        "received_minor": payment.amount_minor,
        "settled": _dated(told.settled),
        "kept_minor": told.credit_minor,
        "spared_minor": told.spared_minor,
        "schedule": _dated(told.left),
        "left_minor": sum(minor for _, minor in told.left),
        "pack": line.pack,
    }


def _dated(rows: Sequence[tuple[date, int]]) -> list[dict[str, object]]:
    return [{"due_on": on, "amount_minor": minor} for on, minor in rows]
