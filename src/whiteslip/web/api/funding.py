"""What funders lend against: borrowing base and covenants, of the newest night or as it stands."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from litestar.params import FromPath, FromQuery
from msgspec import Struct

from whiteslip import funding
from whiteslip.base import local_day
from whiteslip.funding.model import Base, Covenant, Gap
from whiteslip.funding.serving import refused_deal, serve
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.store import Tx
from whiteslip.web.api.access import get, read
from whiteslip.web.kit.cookies import WebRequest, ports_of
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.problems import granted, problem_responses

AsOf = Literal["night", "now"]


class Part(Struct):
    """A part of a base: what a rule kept out, or what a limit of the deal took."""

    name: str
    amount_minor: int


class BaseShape(Struct):
    """A borrowing base. ``proof_sha256`` is that of the kept night's proof.

    ``why`` is the code of why ``day`` stands in for the day that was sealed last. ``refused_deal``: what is
    wrong with the last deal file, where it was refused and the version before it is in force.
    """

    facility: str
    as_of: AsOf
    day: date
    currency: str
    phase: str
    pool_minor: int
    eligible_minor: int
    excess_minor: int
    held_back_minor: int
    advance_bps: int
    cash_minor: int
    base_minor: int
    debt_minor: int
    available_minor: int
    deficiency_minor: int
    ineligible: list[Part]
    excesses: list[Part]
    proof_sha256: str | None
    why: str | None = None
    refused_deal: list[str] = []


class CovenantShape(Struct):
    """A test; ``actual`` and ``headroom`` are null until there is enough to tell."""

    test: str
    unit: Literal["minor", "bps"]
    actual: int | None
    limit: int
    headroom: int | None
    is_breached: bool
    days_to_breach: int | None


class GapShape(Struct):
    """Principal falling due within ``days``; ``leavers_minor`` of it will not be borrowed again."""

    days: int
    due_minor: int
    leavers_minor: int
    pool_minor: int


class CovenantsShape(Struct):
    """The covenants of a facility, and what leaving does to its replenishment from here.

    ``why`` is the code of why ``day`` stands in for the day that was sealed last.
    """

    facility: str
    as_of: AsOf
    day: date
    covenants: list[CovenantShape]
    replenishment: list[GapShape]
    why: str | None = None


def _base(name: str, as_of: AsOf, day: date, currency: str, base: Base, sha256: str | None) -> BaseShape:
    return BaseShape(
        facility=name,
        as_of=as_of,
        day=day,
        currency=currency,
        phase=base.phase,
        pool_minor=base.pool_minor,
        eligible_minor=base.eligible_minor,
        excess_minor=base.excess_minor,
        held_back_minor=base.held_back_minor,
        advance_bps=base.advance_bps,
        cash_minor=base.cash_minor,
        base_minor=base.base_minor,
        debt_minor=base.debt_minor,
        available_minor=base.available_minor,
        deficiency_minor=base.deficiency_minor,
        ineligible=[Part(rule, minor) for rule, minor in base.ineligible],
        excesses=[Part(str(number), minor) for number, minor in base.excesses],
        proof_sha256=sha256,
    )


def _covenant(found: Covenant) -> CovenantShape:
    return CovenantShape(
        test=found.test,
        unit="bps" if found.unit == "bps" else "minor",
        actual=found.actual,
        limit=found.limit,
        headroom=found.headroom,
        is_breached=found.is_breached,
        days_to_breach=found.days_to_breach,
    )


def _gap(found: Gap) -> GapShape:
    return GapShape(found.days, found.due_minor, found.leavers_minor, found.pool_minor)


@get(
    "/funding/{facility:str}/borrowing_base",
    summary="The borrowing base of a facility",
    responses=problem_responses(401, 403, 404, 422),
)
def borrowing_base(
    request: WebRequest, facility: FromPath[str], as_of: FromQuery[AsOf] = "night"
) -> BaseShape:
    """Of the newest kept night; with ``as_of=now`` as it stands, which is kept nowhere."""
    timezone = ports_of(request, Ports).pack.timezone

    def question(tx: Tx, now: datetime) -> BaseShape:
        if as_of == "night":
            today = local_day(now, timezone)
            told = granted(serve(tx, facility, today, last_sealed_day(tx)))
            made = _base(facility, as_of, told.day, told.deal.currency, told.base, told.sha256)
            made.why = told.why and told.why.code
            made.refused_deal = list(refused_deal(tx, facility))
            return made
        found = granted(funding.find(tx, facility))
        seen = funding.picture(tx, found, local_day(now, timezone))
        return _base(facility, as_of, seen.day, found.deal.currency, seen.base, None)

    return read(request, question)


@get(
    "/funding/{facility:str}/covenants",
    summary="The covenants of a facility",
    responses=problem_responses(401, 403, 404, 422),
)
def covenants(
    request: WebRequest, facility: FromPath[str], as_of: FromQuery[AsOf] = "night"
) -> CovenantsShape:
    """Headroom and days to breach; replenishment is always forecast from now."""
    timezone = ports_of(request, Ports).pack.timezone

    def question(tx: Tx, now: datetime) -> CovenantsShape:
        found = granted(funding.find(tx, facility))
        seen = funding.picture(tx, found, local_day(now, timezone))
        gaps = [_gap(each) for each in seen.gaps]
        if as_of == "now":
            tested = [_covenant(each) for each in seen.covenants]
            return CovenantsShape(facility, as_of, seen.day, tested, gaps)
        told = granted(serve(tx, facility, local_day(now, timezone), last_sealed_day(tx)))
        tested, why = [_covenant(each) for each in told.covenants], told.why and told.why.code
        return CovenantsShape(facility, as_of, told.day, tested, gaps, why)

    return read(request, question)


handlers: list[Any] = [borrowing_base, covenants]
