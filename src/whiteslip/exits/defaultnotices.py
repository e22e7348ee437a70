"""Notice of default: a breach may be put right before a debt is taken as lost or an agreement ends for it.

Consumer Credit Act 1974, sections 87 and 88: what is past due, by which day it is to be paid, what follows if
it is not. Paid in time, the breach counts as never made, and another one needs another notice. A pack
without days for it demands none. None commits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from whiteslip import billing, lines, packs
from whiteslip.base import Refusal, new_id
from whiteslip.billing import chargeoff
from whiteslip.exits import telling
from whiteslip.exits.helping import tell
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.lines import Line
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
_PAGE = 200


@dataclass(frozen=True, slots=True)
class DefaultNotice:
    """A notice of what was past due on ``given_on``, to be put right by the end of ``remedy_by``."""

    id: UUID
    line: UUID
    given_on: date
    remedy_by: date
    past_due_minor: int


def standing(tx: Tx, line: Line, now: datetime) -> DefaultNotice | None:
    """The newest notice whose breach was not put right since."""
    row = _queries.last_default_notice(tx.conn, line=line.id)
    since = billing.debt(tx, line.id, line.today(now)).past_due_since
    return DefaultNotice(**row) if row and since and since <= row["given_on"] else None


def give(tx: Tx, office: Office, line_id: UUID, actor: str, now: datetime) -> DefaultNotice | Refusal:
    """Give notice of default in writing; while one stands it is that one.

    Refusals: ``line.not_found``, ``default_notice.not_due`` (nothing is past due, or the pack knows no such
    notice).
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    days, today = packs.load(line.pack).days("debt.default_notice_days"), line.today(now)
    past_due_minor = billing.debt(tx, line.id, today).past_due_minor
    if not days or not past_due_minor:
        return Refusal("default_notice.not_due")
    if known := standing(tx, line, now):
        return known
    made = DefaultNotice(new_id(now), line.id, today, today + timedelta(days=days), past_due_minor)
    _queries.add_default_notice(tx.conn, **asdict(made))
    facts = {"given_on": today, "past_due_minor": past_due_minor, "remedy_by": made.remedy_by}
    tell(tx, office.issuer_name, line, telling.of(Act.DEFAULTED), facts, str(made.id), now)
    data = {"past_due_minor": past_due_minor, "remedy_by": made.remedy_by}
    tx.record(Entry(now, "debt.default_notice_given", "line", line.id, actor, data))
    return made


def missing(tx: Tx, line: Line, now: datetime) -> Refusal | None:
    """Why a breach may not have its consequence yet, where the pack demands a notice before it.

    ``default_notice.not_given``; ``default_notice.runs`` while it can still be put right.
    """
    if not packs.load(line.pack).days("debt.default_notice_days"):
        return None
    known = standing(tx, line, now)
    if known is None:
        return Refusal("default_notice.not_given")
    if line.today(now) <= known.remedy_by:
        return Refusal("default_notice.runs", {"until": known.remedy_by.isoformat()})
    return None


def give_proposed(tx: Tx, office: Office, now: datetime) -> int:
    """Give notice on every charge-off that the night has just proposed. Returns how many."""
    after: UUID | None = None
    count = 0
    while found := chargeoff.proposals(tx, after, _PAGE):
        after = found[-1].line
        fresh = [one.line for one in found if one.proposed_at == now]
        count += sum(isinstance(give(tx, office, line, "system", now), DefaultNotice) for line in fresh)
    return count
