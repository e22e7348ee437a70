"""Rows of this room, and what it reads of lower rooms through their views."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

import msgspec

from whiteslip.base import new_id
from whiteslip.base.ids import NO_ID
from whiteslip.bureau import cn
from whiteslip.bureau.model import Account, Asked, ClosedBy, Closing, Facts, Objection, Paid, Previous
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)

Told = tuple[UUID, Account, bytes]


def page(
    tx: Tx,
    pack: str,
    currency: str,
    timezone: str,
    as_of: date,
    after: UUID | None,
    count: int,
    only: UUID | None = None,
) -> list[tuple[Facts, Previous | None]]:
    """Up to ``count`` lines above ``after`` that were open by ``as_of``, or one, with the file before."""
    rows = list(
        _queries.page(
            tx.conn,
            month=as_of.replace(day=1),
            after=after or NO_ID,
            pack=pack,
            currency=currency,
            as_of=as_of,
            count=count,
            only=only,
        )
    )
    lines = [row["line"] for row in rows]
    asked, paid = _asked(tx, lines), _paid(tx, lines, timezone)
    movements = _pairs(_queries.movements(tx.conn, lines=lines), "day")
    bills = _pairs(_queries.bills(tx.conn, lines=lines), "statement_on")
    found: dict[UUID, list[Objection]] = defaultdict(list)
    for objection in objections_of(tx, lines):
        found[objection.line].append(objection)
    return [
        (
            Facts(
                line=row["line"],
                customer=row["customer"],
                opened_on=row["opened_on"],
                limit_minor=row["limit_minor"],
                due_days=row["due_days"],
                movements=movements[row["line"]],
                asked=asked[row["line"]],
                paid=paid[row["line"]],
                bills=bills[row["line"]],
                closing=_closing(row),
                objections=found[row["line"]],
                never_made=row["never_made"],
                bill_disputed=row["bill_disputed"],
                account_disputed=row["account_disputed"],
                deceased=row["deceased"],
                charged_off_minor=row["charged_off_minor"],
                charged_off_on=row["charged_off_on"],
                settled_on=row["debt_settled_on"],
                sold_on=row["sold_on"],
                relief=row["relief"],
                relief_due_on=row["first_due_on"],
            ),
            _previous(row),
        )
        for row in rows
    ]


def _closing(row: Row) -> Closing | None:
    if row["closed_by"] is None:
        return None
    return Closing(ClosedBy(row["closed_by"]), row["drawing_ended_on"], row["settled_on"])


def _previous(row: Row) -> Previous | None:
    if row["made_at"] is None:
        return None
    return Previous(
        row["made_at"],
        row["status"],
        row["compliance"],
        row["first_delinquent_on"],
        row["told_closed_on"],
        row["special_comment"],
    )


def _pairs(rows: Sequence[Row], day: str) -> dict[UUID, list[tuple[date, int]]]:
    found: dict[UUID, list[tuple[date, int]]] = defaultdict(list)
    for row in rows:
        found[row["line"]].append((row[day], row["minor"]))
    return found


def _asked(tx: Tx, lines: Sequence[UUID]) -> dict[UUID, list[Asked]]:
    settled: dict[tuple[UUID, int], list[tuple[date, int]]] = defaultdict(list)
    for row in _queries.settled(tx.conn, lines=lines):
        settled[row["plan"], row["no"]].append((row["counts_from"], row["minor"]))
    found: dict[UUID, list[Asked]] = defaultdict(list)
    for row in _queries.asked(tx.conn, lines=lines):
        found[row["line"]].append(
            Asked(row["statement_on"], row["due_on"], row["minor"], settled[row["plan"], row["no"]])
        )
    return found


def _paid(tx: Tx, lines: Sequence[UUID], timezone: str) -> dict[UUID, list[Paid]]:
    found: dict[UUID, list[Paid]] = defaultdict(list)
    for row in _queries.paid(tx.conn, lines=lines, timezone=timezone):
        found[row["line"]].append(Paid(row["value_on"], row["amount_minor"], row["returned_on"]))
    return found


def add_submission(tx: Tx, month: date, as_of: date, actor: str, now: datetime) -> UUID:
    """Begin a file; returns its id."""
    made = new_id(now)
    _queries.add_submission(tx.conn, id=made, month=month, as_of=as_of, now=now, actor=actor)
    return made


def add_records(tx: Tx, submission: UUID, told: Sequence[Told]) -> None:
    """Keep what a file said: (line, account, hash of the record without the person) each."""
    if told:
        _queries.add_records(
            tx.conn,
            submission=submission,
            line=[line for line, _, _ in told],
            status=[account.status for _, account, _ in told],
            compliance=[account.compliance for _, account, _ in told],
            first_delinquent_on=[account.first_delinquent_on for _, account, _ in told],
            closed_on=[account.closed_on for _, account, _ in told],
            account=[msgspec.json.encode(account).decode() for _, account, _ in told],
            sha256=[digest for _, _, digest in told],
        )


def told_of_line(tx: Tx, line: UUID) -> list[Row]:
    """What files said of a line, oldest first: month, as_of, made_at, status, compliance, closed_on,
    account and sha256.
    """
    return list(_queries.told_of_line(tx.conn, line=line))


def to_tell(tx: Tx, pack: str, since: date, now: datetime) -> list[cn.Happened]:
    """Ends of agreements since a day, and ends called off, that were not told yet."""
    rows = list(_queries.to_tell(tx.conn, pack=pack, since=since, now=now))
    return [_happened(row) for row in rows if row["said"] is None]


def _happened(row: Row) -> cn.Happened:
    given: Row = {name: row[name] for name in cn.Happened.__slots__}
    given["kind"] = cn.Kind(row["kind"])
    return cn.Happened(**given)


def closings_to_follow(tx: Tx) -> list[tuple[cn.Happened, int, cn.AgreementEvent | cn.Correction]]:
    """Closings that were told and stand, and to which something has happened since this was asked last: each
    as it is known now, with what was told last and its number.
    """
    mark = _queries.followed(tx.conn)
    found: list[tuple[cn.Happened, int, cn.AgreementEvent | cn.Correction]] = []
    for row in _queries.told_closings(tx.conn, until=mark["until"], head=mark["head"]):
        shape = cn.AgreementEvent if row["said_as"] == cn.Kind.CLOSED else cn.Correction
        found.append((_happened(row), row["no"], msgspec.convert(row["said"], shape)))
    _queries.follow(tx.conn, head=mark["head"])
    return found


def objections_to_tell(tx: Tx, pack: str, since: date) -> list[tuple[Objection, str, bool, bool]]:
    """Objections opened or answered since a day: each with its line's currency, and whether it was told as
    marked, and as answered.
    """
    return [
        (_objection(row), row["currency"], row["marked"], row["answered"])
        for row in _queries.objections_to_tell(tx.conn, pack=pack, since=since)
    ]


def told_since(tx: Tx, pack: str, since: date) -> list[cn.Event]:
    """Events of a day and later, as they were told."""
    return [
        msgspec.convert(row["said"], cn.SHAPES[cn.Kind(row["kind"])])
        for row in _queries.told_since(tx.conn, pack=pack, since=since)
    ]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to keep: of which line, from what (an exit or an objection), its number and its day."""

    line: UUID
    source: UUID
    event: cn.Event
    happened_on: date
    no: int = 0


def add_events(tx: Tx, new: Sequence[NewEvent], now: datetime) -> None:
    """Keep events as they are told."""
    if new:
        _queries.add_events(
            tx.conn,
            line=[each.line for each in new],
            source=[each.source for each in new],
            kind=[each.event.event for each in new],
            no=[each.no for each in new],
            happened_on=[each.happened_on for each in new],
            said=[cn.json_line(each.event) for each in new],
            now=now,
        )


def _objection(row: Row) -> Objection:
    return msgspec.convert(row, Objection)


def add_objection(tx: Tx, objection: Objection) -> bool:
    """Store a new objection; False where one to that field of the line is open."""
    kept = asdict(objection)
    for name in ("outcome", "resolved_at", "resolved_on"):
        del kept[name]
    return _queries.add_objection(tx.conn, **kept) > 0


def objection(tx: Tx, objection_id: UUID) -> Objection | None:
    """An objection by id, not locked."""
    row = _queries.objection(tx.conn, id=objection_id)
    return _objection(row) if row else None


def lock_objection(tx: Tx, objection: UUID) -> Objection | None:
    """An objection, held until the transaction ends."""
    row = _queries.lock_objection(tx.conn, id=objection)
    return _objection(row) if row else None


def save_outcome(tx: Tx, objection: Objection) -> None:
    """Write how an objection ended."""
    _queries.resolve_objection(
        tx.conn,
        id=objection.id,
        outcome=objection.outcome,
        resolved_at=objection.resolved_at,
        resolved_on=objection.resolved_on,
    )


def objections_of(tx: Tx, lines: Sequence[UUID]) -> list[Objection]:
    """All objections to what is reported of lines, oldest first."""
    return [_objection(row) for row in _queries.objections_of(tx.conn, lines=list(lines))]


def objections(tx: Tx, open_only: bool, count: int) -> list[Objection]:
    """Objections: open ones first, the nearest deadline on top."""
    return [_objection(row) for row in _queries.objections(tx.conn, open_only=open_only, count=count)]


def add_never_made(tx: Tx, line: UUID, actor: str, now: datetime) -> bool:
    """Note that the agreement is deemed never made; False where that was noted before."""
    return _queries.add_never_made(tx.conn, line=line, actor=actor, now=now) > 0


def untold(tx: Tx, pack: str, before: date) -> list[UUID]:
    """Lines that were charged off before a day and in no file with a first delinquency since, up to 100."""
    return [row["line"] for row in _queries.untold(tx.conn, pack=pack, before=before)]
