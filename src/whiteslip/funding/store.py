"""Deals, positions, nights and remedies in the database; receivables through the views below."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec

from whiteslip.funding import deals
from whiteslip.funding.covenants import Figures
from whiteslip.funding.model import (
    Base,
    Covenant,
    Deal,
    Facility,
    Performance,
    Position,
    Receivable,
    Remedy,
    Verdict,
)
from whiteslip.store import Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)
_FIRST_DAY: Final = date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Kept:
    """A night as it was kept. ``headroom`` by test, of those that could be told."""

    day: date
    version: str
    position: Position
    base: Base
    performance: Performance
    figures: Figures
    headroom: Mapping[str, int]
    receivables: int
    sha256: bytes


def add_deal(tx: Tx, deal: Deal, actor: str, now: datetime) -> None:
    """Keep a version of a deal; the first one makes the facility."""
    facility = deals.facility_id(deal.name)
    _queries.add_facility(tx.conn, id=facility, name=deal.name, currency=deal.currency)
    _queries.add_deal(
        tx.conn,
        facility=facility,
        version=deals.version_of(deal),
        content=msgspec.json.encode(deal).decode(),
        now=now,
        actor=actor,
    )


def facilities(tx: Tx, name: str | None = None) -> list[Facility]:
    """Facilities by name, or the one of a name."""
    return [_facility(row) for row in _queries.facilities(tx.conn, name=name)]


def _facility(row: Row) -> Facility:
    return Facility(
        id=row["id"],
        deal=msgspec.convert(row["content"], Deal),
        version=row["version"],
        position=Position(row["debt_minor"], row["cash_minor"], row["reserve_minor"]),
        deficient_since=row["deficient_since"],
        amortising_since=row["amortising_since"],
    )


def lock(tx: Tx, facility: UUID) -> None:
    """Hold a facility until the transaction ends."""
    _queries.lock_facility(tx.conn, id=facility)


def deal_of(tx: Tx, facility: UUID, version: str) -> Deal:
    """A version of a deal that was kept."""
    return msgspec.convert(_queries.deal(tx.conn, facility=facility, version=version), Deal)


def versions(tx: Tx, facility: UUID) -> list[Row]:
    """Versions of a deal, oldest first: version, loaded_at and actor."""
    return list(_queries.versions(tx.conn, facility=facility))


def add_position(tx: Tx, facility: UUID, position: Position, actor: str, now: datetime) -> None:
    """State what was drawn and what the accounts hold."""
    _queries.add_position(
        tx.conn, facility=facility, now=now, actor=actor, **msgspec.structs.asdict(position)
    )


def receivables(tx: Tx, facility: Facility, day: date, candidates: bool = False) -> list[Receivable]:
    """What is pledged to a facility as it stands now, aged to ``day``; or what could be."""
    rows = _queries.receivables(
        tx.conn, facility=facility.id, currency=facility.deal.currency, day=day, candidates=candidates
    )
    return [Receivable(**row) for row in rows]


def outstanding(tx: Tx, plan: UUID) -> int | None:
    """What is left of a plan's principal; None for one that does not exist."""
    row = _queries.receivable(tx.conn, plan=plan)
    return row["principal_minor"] if row else None


def flows(tx: Tx, facility: Facility, day: date) -> tuple[int, int, int]:
    """Principal, interest and fees of a day, and the principal paid on what was as late as a charge-off."""
    late = facility.deal.eligibility.charged_off_from_days
    row = _queries.flows(tx.conn, facility=facility.id, day=day, charged_off_from=late)
    return row["collected_minor"], row["yield_minor"], row["recovered_minor"]


def pledged(tx: Tx, facility: UUID) -> int:
    """All principal that was ever pledged to a facility, what it let go again too."""
    return _queries.pledged(tx.conn, facility=facility)


def dilution(tx: Tx, facility: UUID, day: date) -> list[tuple[UUID, int]]:
    """Pledged plans of which shops gave principal back on a day, and how much."""
    return [(row["plan"], row["minor"]) for row in _queries.dilution(tx.conn, facility=facility, day=day)]


def falling_due(tx: Tx, facility: UUID, day: date, days: int) -> tuple[int, int]:
    """Principal that falls due within some days, and how much of it who has left owes."""
    row = _queries.falling_due(tx.conn, facility=facility, day=day, days=days)
    return row["due_minor"], row["leavers_minor"]


def pack_proof(proof: Sequence[Verdict]) -> tuple[bytes, bytes]:
    """A proof as it is kept, and its hash."""
    plain = msgspec.json.encode(proof)
    return zlib.compress(plain, 6), hashlib.sha256(plain).digest()


def add_night(
    tx: Tx,
    facility: Facility,
    base: Base,
    performance: Performance,
    figures: Figures,
    covenants: Sequence[Covenant],
    proof: Sequence[Verdict],
) -> None:
    """Keep a night."""
    packed, digest = pack_proof(proof)
    headroom = {each.test: each.headroom for each in covenants if each.headroom is not None}
    _queries.add_night(
        tx.conn,
        facility=facility.id,
        day=figures.day,
        version=facility.version,
        position=msgspec.json.encode(facility.position).decode(),
        base=msgspec.json.encode(base).decode(),
        performance=msgspec.json.encode(performance).decode(),
        pool_minor=figures.pool_minor,
        delinquent_minor=figures.delinquent_minor,
        charged_off_minor=figures.charged_off_minor,
        collected_minor=figures.collected_minor,
        yield_minor=figures.yield_minor,
        recovered_minor=figures.recovered_minor,
        headroom=msgspec.json.encode(headroom).decode(),
        receivables=len(proof),
        proof=packed,
        sha256=digest,
    )


def nights(tx: Tx, facility: UUID, after: date | None = None) -> list[Kept]:
    """The nights of a facility after a day, oldest first."""
    rows = _queries.nights(tx.conn, facility=facility, after=after or _FIRST_DAY)
    return [
        Kept(
            day=row["day"],
            version=row["version"],
            position=msgspec.convert(row["position"], Position),
            base=msgspec.convert(row["base"], Base),
            performance=msgspec.convert(row["performance"], Performance),
            figures=Figures(
                row["day"],
                row["pool_minor"],
                row["delinquent_minor"],
                row["charged_off_minor"],
                row["collected_minor"],
                row["yield_minor"],
                row["recovered_minor"],
            ),
            headroom=row["headroom"],
            receivables=row["receivables"],
            sha256=bytes(row["sha256"]),
        )
        for row in rows
    ]


def last_night(tx: Tx, facility: UUID) -> date | None:
    """The newest day that is kept."""
    return _queries.last_night(tx.conn, facility=facility)


def proof(tx: Tx, facility: UUID, day: date | None = None) -> tuple[date, bytes, bytes] | None:
    """The newest proof, or that of a day, as it was kept: the day, JSON, and its hash."""
    row = _queries.proof(tx.conn, facility=facility, day=day)
    return (row["day"], zlib.decompress(row["proof"]), bytes(row["sha256"])) if row else None


def set_state(tx: Tx, facility: UUID, deficient_since: date | None, amortising_since: date | None) -> None:
    """Write since when a facility is deficient and since when it amortises."""
    _queries.set_facility(
        tx.conn, id=facility, deficient_since=deficient_since, amortising_since=amortising_since
    )


def add_remedy(tx: Tx, remedy: Remedy) -> bool:
    """Keep a proposal; False where one like it waits."""
    made = _queries.add_remedy(
        tx.conn,
        id=remedy.id,
        facility=remedy.facility,
        kind=remedy.kind,
        plan=remedy.plan,
        instead=remedy.instead,
        price_minor=remedy.price_minor,
        why=remedy.why,
        proposed_by=remedy.proposed_by,
        proposed_at=remedy.proposed_at,
    )
    return made > 0


def remedies(tx: Tx, facility: UUID, open_only: bool = True) -> list[Remedy]:
    """Proposals of a facility, those that wait first."""
    rows = _queries.remedies(tx.conn, facility=facility, open_only=open_only)
    return [msgspec.convert(row, Remedy) for row in rows]


def lock_remedy(tx: Tx, remedy: UUID) -> Remedy | None:
    """A proposal, held until the transaction ends."""
    row = _queries.lock_remedy(tx.conn, id=remedy)
    return msgspec.convert(row, Remedy) if row else None


def save_remedy(tx: Tx, remedy: Remedy) -> None:
    """Write who endorsed and who decided a proposal."""
    _queries.save_remedy(
        tx.conn,
        id=remedy.id,
        price_minor=remedy.price_minor,
        endorsed_by=remedy.endorsed_by,
        outcome=remedy.outcome,
        decided_by=remedy.decided_by,
        decided_at=remedy.decided_at,
    )
