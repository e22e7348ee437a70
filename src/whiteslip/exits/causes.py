"""Which reasons the books themselves can tell, and whether they do.

A reason that the books deny is no objective one (Directive (EU) 2023/2225 article 28; the principal
reasons of Regulation B, 12 CFR 1002.9, are those that apply). The same look that refuses a false reason
ends a restriction whose reason is over.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from whiteslip import packs
from whiteslip.base import Refusal
from whiteslip.base.ids import NO_ID
from whiteslip.exits.model import Cause
from whiteslip.lines import Line
from whiteslip.packs import Pack
from whiteslip.store import Tx, load_queries

# Inactivity is told by the books too, but it is no reason to restrict.
TOLD_BY_BOOKS: Final = frozenset({Cause.PAST_DUE, Cause.RETURNED_PAYMENTS})
# Reasons that a lender learns from a credit bureau.
_FROM_BUREAU: Final = frozenset({Cause.DEBT_ELSEWHERE, Cause.INSOLVENCY})
_RETURNED: Final = timedelta(days=60)
_queries = load_queries(__file__)


def borne(tx: Tx, lines: Collection[UUID], now: datetime) -> set[tuple[UUID, Cause]]:
    """Which of the reasons that the books tell hold for which lines: a bill is past due, or a payment came
    back in the last 60 days.
    """
    rows = _queries.borne_reasons(tx.conn, lines=list(lines), now=now, returned_since=now - _RETURNED)
    return {(row["line"], Cause(row["reason"])) for row in rows}


def untrue(
    tx: Tx, line: Line, reasons: Sequence[Cause], now: datetime, but: UUID | None = None
) -> Refusal | None:
    """What the books deny of ``reasons``: ``cause.not_borne`` names the first, ``termination.not_inactive``
    the pack's months. ``but`` is the proposal to end that gives them; another one was a sign of life.
    """
    if Cause.INACTIVITY in reasons:
        months = packs.load(line.pack).months("issuer.inactivity_months")
        if not _is_inactive(tx, line, months, now, but):
            return Refusal("termination.not_inactive", {"months": months})
    told = [reason for reason in reasons if reason in TOLD_BY_BOOKS]
    bears = borne(tx, [line.id], now) if told else set[tuple[UUID, Cause]]()
    denied = [reason for reason in told if (line.id, reason) not in bears]
    return Refusal("cause.not_borne", {"reason": denied[0]}) if denied else None


def report(pack: Pack, agency: str, reasons: Sequence[Cause]) -> dict[str, Any]:
    """The facts of an adverse letter: its reasons, and where a report came from (FCRA section 615(a))."""
    used = bool(_FROM_BUREAU & set(reasons))
    return {
        "reasons": list(reasons),
        "free_report_days": pack.days("bureau.free_report_days") if used else 0,
        "agency": agency if used else "",
        "pack": pack.name,
    }


def unnamed(pack: Pack, agency: str, reasons: Sequence[Cause]) -> Refusal | None:
    """``cause.agency_unnamed`` where a pack's own law has the letter name the bureau that reported, and
    nobody has said which that is.
    """
    owed = pack.says("bureau.free_report_days") and _FROM_BUREAU & set(reasons)
    return Refusal("cause.agency_unnamed") if owed and not agency else None


def _is_inactive(tx: Tx, line: Line, months: int, now: datetime, but: UUID | None) -> bool:
    rows = _queries.inactive(
        tx.conn, pack=line.pack, months=months, now=now, after=NO_ID, line=line.id, but=but, count=1
    )
    return any(True for _ in rows)


def ended(tx: Tx, now: datetime) -> list[UUID]:
    """Restricted lines whose reasons are all told by the books, and are over; in order of id."""
    rows = list(_queries.restricted_by_books(tx.conn, told=[str(reason) for reason in TOLD_BY_BOOKS]))
    bears = borne(tx, [row["line"] for row in rows], now)
    return [
        row["line"] for row in rows if not any((row["line"], Cause(why)) in bears for why in row["reasons"])
    ]
