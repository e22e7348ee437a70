"""Who misses a payment hears of it, and of the help there is, whether they leave or stay. None commits.

The night writes. A letter covers what was past due when it was written: while anything of that is open it
is not written again, but where the pack says so, when more payments are missed or months have passed
(Consumer Credit Act 1974, sections 86B and 86C). Once that is paid, what is late next is told anew.
Nobody is written to whose debt was charged off or sold, is settled by an estate, or is before a court in
insolvency: they hear of it otherwise; nor whom the vault does not know. What is disputed is not past due.
What was late already when a portfolio was taken over was told by the lender who had it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from whiteslip import notices, packs
from whiteslip.base import add_months
from whiteslip.base.ids import spoken
from whiteslip.exits import telling
from whiteslip.exits.telling import Act
from whiteslip.notices import NewNotice
from whiteslip.packs import Pack
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)
BATCH: Final = 500


def tell_late(tx: Tx, issuer_name: str, day: date, now: datetime, batch: int = BATCH) -> int:
    """Write to up to ``batch`` customers of whom something is past due at the end of ``day`` and who have
    not heard of it. Returns how many; call again, in a new transaction, while that is ``batch``.
    """
    laws = [packs.load(name) for name in packs.names()]
    found: list[Row] = list(
        _queries.in_arrears(
            tx.conn,
            day=day,
            count=batch,
            pack=[law.name for law in laws],
            due_before=[day - timedelta(days=law.days("arrears.first_days") - 1) for law in laws],
            missed=[law.count("arrears.missed_payments") for law in laws],
            told_before=[_told_before(law, day) for law in laws],
        )
    )
    if not found:
        return 0
    keys = ("line", "since", "missed", "past_due_minor")
    _queries.add_arrears_letters(tx.conn, day=day, **{key: [row[key] for row in found] for key in keys})
    notices.queue(tx, [_letter(row, issuer_name, day) for row in found], now)
    for row in found:
        data = {key: row[key] for key in keys[1:]}
        tx.record(Entry(now, "debt.arrears_told", "line", row["line"], "system", data))
    return len(found)


def told_elsewhere(tx: Tx, lines: Sequence[UUID], day: date) -> None:
    """What is past due of lines that are taken over on ``day`` was told by the lender who had them."""
    _queries.told_elsewhere(tx.conn, lines=list(lines), day=day)


def last_told(tx: Tx, line: UUID) -> date | None:
    """When somebody was last told that a payment is late."""
    return _queries.last_arrears_letter(tx.conn, line=line)


def _told_before(law: Pack, day: date) -> date:
    """Who was told of the same debt on this day or before is told of it again."""
    months = law.months("arrears.repeat_months")
    return add_months(day, -months) if months else date.min


def _letter(row: Row, issuer_name: str, day: date) -> NewNotice:
    kind, line = telling.of(Act.LATE), row["line"]
    due: list[dict[str, Any]] = [
        {"due_on": on, "amount_minor": minor} for on, minor in zip(row["due_on"], row["minor"], strict=True)
    ]
    facts = {
        "reference": spoken("LN", line),
        "timezone": row["timezone"],
        "currency": row["currency"],
        "issuer_name": issuer_name,
        "past_due_minor": row["past_due_minor"],
        "late_since": row["since"],
        "schedule": due,
        "late_fee_minor": row["late_fee_minor"],
        "late_fee_days": row["late_fee_days"],
        "again_months": packs.load(row["pack"]).months("arrears.repeat_months"),
        "pack": row["pack"],
    }
    return NewNotice(
        kind=kind,
        subject_kind="line",
        subject=line,
        recipient=row["customer"],
        language=row["language"],
        facts=facts,
        dedupe=f"{kind}:{line}:{day.isoformat()}",
    )
