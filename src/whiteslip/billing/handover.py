"""What a buyer of debts is handed: sums and days of what was sold, and references; nobody's name.

Whoever buys a debt learns from the lender whom to ask, by a way the lender answers for; this file goes
through terminals and mailboxes, so a line is named by its reference alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date
from typing import Final
from uuid import UUID

from whiteslip.base import Refusal
from whiteslip.base.ids import public
from whiteslip.base.spreadsheet import csv_text
from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)
_PREFIXES: Final = {"sale": "sale", "line": "line"}


@dataclass(frozen=True, slots=True)
class SoldRow:
    """What fell due on a day of a debt that was sold. ``sale`` and ``line`` are public references; the sale's
    identifier is also the event of its transfers in the ledger. Its rows sum to ``face_minor``.
    """

    sale: str
    line: str
    sold_on: date
    currency: str
    price_minor: int
    face_minor: int
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int


def sold_to(tx: Tx, buyer: UUID, since: date) -> list[SoldRow] | Refusal:
    """What a buyer bought since a day, a row for each due day. Refusal: ``buyer.not_found``."""
    if not _queries.is_buyer(tx.conn, id=buyer):
        return Refusal("buyer.not_found")
    rows = _queries.sold_to(tx.conn, buyer=buyer, since=since)
    return [
        SoldRow(**(row | {name: public(prefix, row[name]) for name, prefix in _PREFIXES.items()}))
        for row in rows
    ]


def as_csv(rows: Sequence[SoldRow]) -> str:
    """The rows as CSV (RFC 4180) with a head; sums in minor units."""
    return csv_text([field.name for field in fields(SoldRow)], (astuple(row) for row in rows))
