"""On what ground an authority's order stands, and of which the customer must not hear by us."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)


class Order(StrEnum):
    """On what ground an authority's order stands."""

    COURT_ORDER = "court_order"
    ATTACHMENT = "attachment"
    INSOLVENCY = "insolvency"
    SANCTIONS = "sanctions"
    INVESTIGATION = "investigation"


# Directive (EU) 2023/2225 article 28: the consumer is informed, unless other law forbids it.
UNTOLD: Final = frozenset({Order.SANCTIONS, Order.INVESTIGATION})


def is_untold(tx: Tx, line: UUID) -> bool:
    """Whether an order stands on a line of which its customer must not hear by us."""
    row = _queries.freeze_of_line(tx.conn, line=line)
    return bool(row and row["placed_at"] and row["ground"] in UNTOLD)


def untold(tx: Tx, lines: Sequence[UUID]) -> set[UUID]:
    """Those of ``lines`` with an order, proposed, standing or lifted, of which nobody may be told."""
    rows = _queries.lines_untold(tx.conn, lines=list(lines), grounds=sorted(UNTOLD))
    return {row["line"] for row in rows}
