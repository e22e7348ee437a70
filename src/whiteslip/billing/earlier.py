"""What was bought before a line's terms changed keeps the terms it was bought on: its schedule is fixed
anyway, and when it is late, late fees are those of then. None commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from whiteslip.lines import Line
from whiteslip.lines.acts import terms_of
from whiteslip.lines.model import Terms
from whiteslip.store import Tx, load_queries

_queries = load_queries(__file__)


def keep(tx: Tx, line: Line) -> None:
    """The line's terms are about to change: everything bought so far is noted with those it has."""
    _queries.keep_earlier(tx.conn, line=line.id, version=line.terms_version)


def note(tx: Tx, plans: Sequence[tuple[UUID, UUID, str]]) -> None:
    """Plans, each with its line and a version of terms: of purchases that were made before a change and are
    captured after it.
    """
    if plans:
        _queries.note_earlier(
            tx.conn,
            plan=[plan for plan, _, _ in plans],
            line=[line for _, line, _ in plans],
            version=[version for _, _, version in plans],
        )


def of_plans(tx: Tx, line: UUID) -> dict[UUID, Terms]:
    """The terms of the plans of a line that are on earlier ones."""
    rows = list(_queries.earlier_of_line(tx.conn, line=line))
    known = terms_of(tx, {row["version"] for row in rows})
    return {row["plan"]: known[row["version"]] for row in rows}


def grace_days(tx: Tx, line: UUID) -> dict[UUID, int]:
    """Days of grace of the plans of a line that are on earlier terms."""
    return {plan: terms.late_fee_grace_days for plan, terms in of_plans(tx, line).items()}


def of_bill(tx: Tx, line: Line, bill: UUID) -> Sequence[Terms]:
    """The terms on which what a bill asks for was bought, those of the line if nothing was bought."""
    found = [
        row["version"]
        for row in _queries.versions_of_bill(tx.conn, line=line.id, bill=bill, present=line.terms_version)
    ]
    known: Mapping[str, Terms] = terms_of(tx, set(found))
    return [known[version] for version in found] or [line.terms]
