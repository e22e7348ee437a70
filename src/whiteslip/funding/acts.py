"""Load deals, fill pools, and make every night's borrowing base with its proof. None commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from whiteslip.base import Refusal, new_id
from whiteslip.billing import pledges
from whiteslip.funding import covenants, deals, eligibility, rules, store
from whiteslip.funding.model import (
    Base,
    Covenant,
    Deal,
    Facility,
    Gap,
    Performance,
    Phase,
    Position,
    Proof,
    Remedy,
    RemedyKind,
    Rule,
    Test,
    Verdict,
)
from whiteslip.store import Entry, Tx

History: TypeAlias = Sequence[tuple[date, Sequence[Covenant]]]
NIGHT: Final = "night"
TREASURY: Final = "treasury"
SUBJECT: Final = "facility"
HORIZONS: Final = (30, 60, 90)
# A pool that does badly ends the revolving phase at once; what treasury can cure it has days for.
_CURABLE: Final = frozenset({Test.BORROWING_BASE, Test.RESERVE, Test.MINIMUM_USE})


@dataclass(frozen=True, slots=True)
class Statement:
    """What a kept night says, as a funder is told it; ``why`` it stands in for the day asked for.

    ``lost_minor`` of ``pledged_minor``: net, since the deal began; nothing where it has no schedule of that.
    """

    deal: Deal
    version: str
    day: date
    base: Base
    position: Position
    performance: Performance
    covenants: Sequence[Covenant]
    receivables: int
    sha256: str
    lost_minor: int = 0
    pledged_minor: int = 0
    why: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A facility at an instant: the base, its proof, covenants with their trend, and what is coming."""

    facility: Facility
    day: date
    base: Base
    proof: Proof
    performance: Performance
    figures: covenants.Figures
    covenants: Sequence[Covenant]
    gaps: Sequence[Gap]


def load(tx: Tx, deal: Deal, actor: str, now: datetime) -> str | Refusal:
    """Put a version of a deal in force; the same again changes nothing. Returns the version.

    Refusal: ``funding.currency_fixed`` where the facility lends in another currency.
    """
    facility, version = deals.facility_id(deal.name), deals.version_of(deal)
    known = store.facilities(tx, deal.name)
    if known and known[0].deal.currency != deal.currency:
        return Refusal("funding.currency_fixed", {"currency": known[0].deal.currency})
    if known and known[0].version == version:
        return version
    store.add_deal(tx, deal, actor, now)
    data = {"name": deal.name, "version": version}
    tx.record(Entry(now, "funding.deal_loaded", SUBJECT, facility, actor, data))
    return version


def find(tx: Tx, name: str, lock: bool = False) -> Facility | Refusal:
    """A facility by its deal's name. Refusal: ``funding.not_found``."""
    if lock:
        store.lock(tx, deals.facility_id(name))
    found = store.facilities(tx, name)
    return found[0] if found else Refusal("funding.not_found")


def state_position(tx: Tx, name: str, position: Position, actor: str, now: datetime) -> Facility | Refusal:
    """Treasury states what was drawn and what the accounts hold. Refusal: ``funding.not_found``."""
    found = find(tx, name, lock=True)
    if isinstance(found, Refusal):
        return found
    store.add_position(tx, found.id, position, actor, now)
    data = msgspec.structs.asdict(position)
    tx.record(Entry(now, "funding.position_stated", SUBJECT, found.id, actor, data))
    return _again(tx, name)


def fill(tx: Tx, name: str, up_to_minor: int, day: date, actor: str, now: datetime) -> int | Refusal:
    """Pledge eligible receivables that nobody lends against, the oldest first, up to an amount.

    Returns the principal pledged. Refusals: ``funding.not_found``, ``funding.amortising``,
    ``funding.matured``.
    """
    found = find(tx, name, lock=True)
    if isinstance(found, Refusal):
        return found
    current = rules.phase(found.deal, day, found.amortising_since)
    if current is Phase.MATURED:
        return Refusal("funding.matured", {"ends_on": found.deal.ends_on.isoformat()})
    if current is Phase.AMORTISING:
        return Refusal("funding.amortising")
    free = store.receivables(tx, found, day, candidates=True)
    chosen: list[UUID] = []
    total = 0
    for each in sorted(free, key=lambda one: (one.opened_on, one.plan.bytes)):
        good = eligibility.ineligible(found.deal, found.id, each, day) is None
        if good and total + each.principal_minor <= up_to_minor:
            chosen.append(each.plan)
            total += each.principal_minor
    done = pledges.pledge(tx, chosen, found.id, actor, now)
    if isinstance(done, Refusal):
        return done
    data = {"plans": done, "principal_minor": total}
    tx.record(Entry(now, "funding.pool_filled", SUBJECT, found.id, actor, data))
    return total


def picture(tx: Tx, facility: Facility, day: date) -> Picture:
    """A facility as it stands now, aged to ``day``. Reads only."""
    deal = facility.deal
    proof = rules.prove(deal, facility.id, store.receivables(tx, facility, day), day)
    kept = [night for night in store.nights(tx, facility.id) if night.day < day]
    collected, earned, recovered = store.flows(tx, facility, day)
    figures = covenants.figures(deal, proof, collected, earned, day, recovered)
    pledged = store.pledged(tx, facility.id) if deal.triggers.cumulative_loss else 0
    performance = covenants.performance(deal, [*(night.figures for night in kept), figures], proof, pledged)
    base = rules.base_of(
        deal,
        proof,
        facility.position,
        rules.phase(deal, day, facility.amortising_since),
        performance.vintage_loss_bps,
    )
    found = covenants.tests(deal, base, facility.position, performance)
    trend = covenants.with_trend(found, [(night.day, night.headroom) for night in kept], day)
    gaps = [_gap(tx, facility, base, day, days) for days in HORIZONS]
    return Picture(facility, day, base, proof, performance, figures, trend, gaps)


def _gap(tx: Tx, facility: Facility, base: Base, day: date, days: int) -> Gap:
    due, leavers = store.falling_due(tx, facility.id, day, days)
    return Gap(days, due, leavers, base.pool_minor - leavers)


def statement(tx: Tx, name: str, day: date | None = None) -> Statement | Refusal:
    """The newest kept night of a facility, or that of a day.

    Refusals: ``funding.not_found``, ``funding.no_night``.
    """
    found = find(tx, name)
    if isinstance(found, Refusal):
        return found
    kept = [night for night in store.nights(tx, found.id) if day is None or night.day <= day]
    if not kept or day not in (None, kept[-1].day):
        return Refusal("funding.no_night")
    *before, night = kept
    deal = store.deal_of(tx, found.id, night.version)
    tested = covenants.tests(deal, night.base, night.position, night.performance)
    in_all = bool(deal.triggers.cumulative_loss)
    return Statement(
        deal=deal,
        version=night.version,
        day=night.day,
        base=night.base,
        position=night.position,
        performance=night.performance,
        covenants=covenants.with_trend(tested, [(n.day, n.headroom) for n in before], night.day),
        receivables=night.receivables,
        sha256=night.sha256.hex(),
        lost_minor=covenants.net_loss([each.figures for each in kept]) if in_all else 0,
        pledged_minor=store.pledged(tx, found.id) if in_all else 0,
    )


def history(tx: Tx, name: str, until: date, most: int) -> History:
    """The covenants of the last nights of a facility, each by the version in force then; oldest first."""
    facility = deals.facility_id(name)
    kept = [night for night in store.nights(tx, facility) if night.day <= until][-most:]
    known = {version: store.deal_of(tx, facility, version) for version in {night.version for night in kept}}
    return [
        (night.day, covenants.tests(known[night.version], night.base, night.position, night.performance))
        for night in kept
    ]


def run_night(tx: Tx, day: date, now: datetime) -> int:
    """Keep the base of every facility for a day, propose remedies, and ring where money is missing.

    A day that is kept stays as it is, and one before the newest that is kept is refused: the clock went
    back. Returns how many facilities were done.
    """
    done = 0
    for found in store.facilities(tx):
        store.lock(tx, found.id)
        newest = store.last_night(tx, found.id)
        if newest is not None and day < newest:
            # The books have gone on: what they say now is not what they said at the end of that day.
            if not store.proof(tx, found.id, day):
                data = {"facility": found.deal.name, "day": day, "newest": newest}
                tx.record(Entry(now, "funding.night_refused", SUBJECT, found.id, NIGHT, data))
        elif found.deal.begins_on <= day and newest != day:
            _keep(tx, _again(tx, found.deal.name), day, now)
            done += 1
    return done


def _keep(tx: Tx, facility: Facility, day: date, now: datetime) -> None:
    before = store.nights(tx, facility.id)
    seen = picture(tx, facility, day)
    store.add_night(tx, facility, seen.base, seen.performance, seen.figures, seen.covenants, seen.proof)
    was: Mapping[str, int] = before[-1].headroom if before else {}
    broken = [each for each in seen.covenants if each.is_breached]
    for covenant in broken:
        if was.get(covenant.test, 0) >= 0:
            data = {"test": covenant.test, "actual": covenant.actual, "limit": covenant.limit, "day": day}
            tx.record(Entry(now, "funding.covenant_breached", SUBJECT, facility.id, NIGHT, data))
    _tell_term(tx, seen, before[-1] if before else None, now)
    if seen.base.phase is Phase.MATURED:
        if seen.base.debt_minor:
            _propose(tx, facility, seen.proof, day, now)
        else:
            _let_go(tx, facility, seen.proof, day, now)
        return
    deficient = _deficiency(tx, seen, now)
    late = deficient is not None and (day - deficient).days >= facility.deal.cure_days
    amortising = facility.amortising_since
    if amortising is None and (late or any(each.test not in _CURABLE for each in broken)):
        amortising = day
        data = {"day": day, "why": "deficient" if late else "trigger"}
        tx.record(Entry(now, "funding.amortisation_began", SUBJECT, facility.id, NIGHT, data))
    store.set_state(tx, facility.id, deficient, amortising)
    _propose(tx, facility, seen.proof, day, now)


def _let_go(tx: Tx, facility: Facility, proof: Sequence[Verdict], day: date, now: datetime) -> None:
    """What secured a debt that has matured and is repaid is the originator's again."""
    if proof:
        done = pledges.release(tx, [each.receivable.plan for each in proof], facility.id, NIGHT, now)
        left = sum(each.receivable.principal_minor for each in proof)
        data = {"day": day, "plans": done, "principal_minor": left}
        tx.record(Entry(now, "funding.pool_released", SUBJECT, facility.id, NIGHT, data))


def _tell_term(tx: Tx, seen: Picture, before: store.Kept | None, now: datetime) -> None:
    """What the calendar does to a facility: the agreed end of revolving, the end that nears, and the end.

    Who has to act is treasury, and by when is in each: the last day, or at once where it has passed.
    """
    deal, day, owed = seen.facility.deal, seen.day, seen.base.debt_minor
    subject, told = (
        seen.facility.id,
        {"facility": deal.name, "day": day, "ends_on": deal.ends_on, "who": TREASURY},
    )
    if seen.base.phase is Phase.MATURED:
        if before is None or before.base.phase is not Phase.MATURED:
            data = {"day": day, "ends_on": deal.ends_on, "unpaid_minor": owed}
            tx.record(Entry(now, "funding.matured", SUBJECT, subject, NIGHT, data))
        if owed:
            data = told | {"unpaid_minor": owed, "act_by": day}
            tx.record(Entry(now, "funding.unpaid_at_maturity", SUBJECT, subject, NIGHT, data))
        return
    turned = seen.base.phase is Phase.AMORTISING and seen.facility.amortising_since is None
    if turned and (before is None or before.base.phase is Phase.REVOLVING):
        data = {"day": day, "why": "agreed"}
        tx.record(Entry(now, "funding.amortisation_began", SUBJECT, subject, NIGHT, data))
    warned_on = rules.warned_on(deal)
    if day >= warned_on and (before is None or before.day < warned_on):
        data = told | {"debt_minor": owed, "act_by": deal.ends_on}
        tx.record(Entry(now, "funding.maturity_nears", SUBJECT, subject, NIGHT, data))


def _deficiency(tx: Tx, seen: Picture, now: datetime) -> date | None:
    """Since when more is drawn than the base bears; rings every night while it is so."""
    missing, since = seen.base.deficiency_minor, seen.facility.deficient_since
    if missing:
        data = {"facility": seen.facility.deal.name, "day": seen.day, "deficiency_minor": missing}
        tx.record(Entry(now, "funding.deficient", SUBJECT, seen.facility.id, NIGHT, data))
        return since or seen.day
    if since:
        tx.record(Entry(now, "funding.cured", SUBJECT, seen.facility.id, NIGHT, {"day": seen.day}))
    return None


def _propose(tx: Tx, facility: Facility, proof: Sequence[Verdict], day: date, now: datetime) -> None:
    """The originator pays for what shops gave back, and buys back what the deal does not want to hold."""
    wanted = [
        (RemedyKind.DEEMED_COLLECTION, plan, minor, f"refund {day}")
        for plan, minor in store.dilution(tx, facility.id, day)
    ]
    wanted += [
        (RemedyKind.REPURCHASE, each.receivable.plan, each.receivable.principal_minor, each.rule)
        for each in proof
        if each.rule is Rule.ACCOUNT_CLOSED
    ]
    for kind, plan, minor, why in wanted:
        remedy = Remedy(new_id(now), facility.id, kind, plan, None, minor, why, NIGHT, now)
        if store.add_remedy(tx, remedy):
            note_proposal(tx, remedy, now)


def note_proposal(tx: Tx, remedy: Remedy, now: datetime) -> None:
    """Journal a proposal."""
    data = {
        "remedy": remedy.id,
        "kind": remedy.kind,
        "plan": remedy.plan,
        "price_minor": remedy.price_minor,
        "why": remedy.why,
    }
    tx.record(Entry(now, "funding.remedy_proposed", SUBJECT, remedy.facility, remedy.proposed_by, data))


def check(tx: Tx, name: str, day: date | None = None) -> list[str] | Refusal:
    """Make a kept base again from its proof; returns what does not agree, in words.

    Refusals: ``funding.not_found``, ``funding.no_night``.
    """
    found = find(tx, name)
    if isinstance(found, Refusal):
        return found
    kept = store.proof(tx, found.id, day)
    if kept is None:
        return Refusal("funding.no_night")
    on, plain, digest = kept
    night = next(each for each in store.nights(tx, found.id) if each.day == on)
    proof = msgspec.json.decode(plain, type=list[Verdict])
    deal = store.deal_of(tx, found.id, night.version)
    again = rules.prove(deal, found.id, [each.receivable for each in proof], on)
    faults: list[str] = []
    if store.pack_proof(again)[1] != digest:
        faults.append(f"{on}: the proof does not give its hash")
    base = rules.base_of(deal, again, night.position, night.base.phase, night.performance.vintage_loss_bps)
    if base != night.base:
        faults.append(f"{on}: the proof does not give the base that was kept")
    return faults


def _again(tx: Tx, name: str) -> Facility:
    return store.facilities(tx, name)[0]
