"""On what ground an authority's order stands, of which the customer must not hear by us, and who sees one.

Who may handle an order sees it. Everybody else sees what a shop does, that drawing stands still, and what
a webhook tells, that a case is held; of no order that it is one: an untold one must look like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from whiteslip.exits.model import Exit, State
from whiteslip.lines import Line
from whiteslip.lines.model import LockKind
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


# Why a case goes on that was held, on whichever ground.
_RELEASED: Final = frozenset({"legal_freeze_lifted", "desk_was_satisfied", "held_too_long"})


def shown_locks(line: Line, handles: bool) -> list[LockKind]:
    """The kinds of lock that stand on a line, for who ``handles`` orders or does not."""
    return sorted(line.locks if handles else line.locks - {LockKind.LEGAL})


def shown_case(case: Exit, handles: bool) -> Exit:
    """A case for who ``handles`` orders, or without why it is held, on what ground and until when."""
    if handles:
        return case
    if case.state is State.HELD:
        return replace(case, why="held", ground=None, due_at=None)
    return replace(case, why="hold_ended") if case.why in _RELEASED else case


def is_untold(tx: Tx, line: UUID) -> bool:
    """Whether an order stands on a line of which its customer must not hear by us."""
    row = _queries.freeze_of_line(tx.conn, line=line)
    return bool(row and row["placed_at"] and row["ground"] in UNTOLD)


def untold(tx: Tx, lines: Sequence[UUID]) -> set[UUID]:
    """Those of ``lines`` with an order, proposed, standing or lifted, of which nobody may be told."""
    rows = _queries.lines_untold(tx.conn, lines=list(lines), grounds=sorted(UNTOLD))
    return {row["line"] for row in rows}
