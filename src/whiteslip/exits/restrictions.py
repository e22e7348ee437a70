"""The lender restricts drawing: for objective reasons, with a letter at once and an end in sight.

Directive (EU) 2023/2225 article 28 lets a lender end the right to draw for objectively justified
reasons and asks it to say so before or at once after; Regulation B, 12 CFR 1002.9, asks for the
principal reasons. A restriction takes nothing back, calls nothing in and keeps nobody from leaving.
None commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from whiteslip import lines, notices, packs
from whiteslip.base import Refusal, end_of_day, ids, new_id
from whiteslip.exits import causes, store, telling
from whiteslip.exits.model import ONLY_WITH_NOTICE, Cause, Restriction
from whiteslip.exits.telling import Act
from whiteslip.exits.work import Office
from whiteslip.lines import Line
from whiteslip.lines.acts import change_limit
from whiteslip.lines.letters import to_customer
from whiteslip.lines.model import Feature, Lifecycle, LockGround, LockKind, Part, Party
from whiteslip.store import Entry, Tx
from whiteslip.store.timers import cancel_timer, set_timer

PAUSABLE: Final = (Feature.CASH, Feature.INSTALMENTS, Feature.NIGHT)


class Measure(StrEnum):
    """What a restriction does. None takes anything back or calls anything in."""

    STOP = "stop"
    LOWER_CAP = "lower_cap"
    PAUSE_FEATURE = "pause_feature"


@dataclass(frozen=True, slots=True)
class Limits:
    """A measure, with the ``feature`` it pauses or the ``cap_minor`` it sets. A cap below what is
    drawn creates nothing due: the limit that is told falls with repayments.
    """

    measure: Measure = Measure.STOP
    feature: str | None = None
    cap_minor: int | None = None

    @property
    def part(self) -> Part | None:
        """What is locked; None for all drawing."""
        return Part(Feature(self.feature)) if self.feature else None


_STOP: Final = Limits()


def fault(tx: Tx, line: Line, limits: Limits, reasons: Sequence[Cause], now: datetime) -> Refusal | None:
    """Why a line cannot be restricted so. Refusals: ``line.not_active``,
    ``restriction.reasons_invalid``, ``restriction.measure_invalid``, ``restriction.other_stands``,
    ``cause.not_borne`` where the books deny a reason.
    """
    if line.lifecycle is not Lifecycle.ACTIVE:
        return Refusal("line.not_active", {"lifecycle": line.lifecycle})
    most = packs.load(line.pack).count("issuer.principal_reasons")
    if not 1 <= len(set(reasons)) == len(reasons) <= most or ONLY_WITH_NOTICE & set(reasons):
        return Refusal("restriction.reasons_invalid", {"most": most})
    standing = store.restriction_of_line(tx, line.id)
    if standing and (standing.measure, standing.feature, standing.cap_minor) != (
        limits.measure,
        limits.feature,
        limits.cap_minor,
    ):
        return Refusal("restriction.other_stands")
    pauses = limits.measure is Measure.PAUSE_FEATURE
    lowers = limits.measure is Measure.LOWER_CAP
    if (
        pauses != (limits.feature in PAUSABLE)
        or (limits.feature is not None and not pauses)
        or lowers != (limits.cap_minor is not None)
        or (limits.cap_minor is not None and standing is None and not 0 < limits.cap_minor < line.limit_minor)
    ):
        return Refusal("restriction.measure_invalid")
    return causes.untrue(tx, line, reasons, now)


def restrict(
    tx: Tx,
    office: Office,
    line_id: UUID,
    reasons: Sequence[Cause],
    actor: str,
    now: datetime,
    limits: Limits = _STOP,
) -> Restriction | Refusal:
    """Restrict drawing on a line and write to the customer in the same transaction.

    Doors ask ``proposals.propose``, which asks a table whether a second person must agree.

    ``reasons`` are the principal ones, the weightiest first: one to as many as the pack allows. Where a
    restriction stands it is renewed with these reasons and a new day, and the customer is written to
    again. Refusals: ``line.not_found``, those of :func:`fault`, and ``cause.agency_unnamed``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    pack = packs.load(line.pack)
    refused = fault(tx, line, limits, reasons, now) or causes.unnamed(pack, office.agency, reasons)
    if refused:
        return refused
    review_on = line.today(now) + timedelta(days=pack.days("issuer.restriction_review_days"))
    standing = store.restriction_of_line(tx, line.id)
    if standing:
        found = replace(standing, reasons=tuple(reasons), review_on=review_on)
        store.renew_restriction(tx, found)
    else:
        reference = ids.new_reference("LR")
        found = Restriction(
            new_id(now),
            reference,
            line.id,
            tuple(reasons),
            actor,
            now,
            review_on,
            limits.measure,
            limits.feature,
            limits.cap_minor,
            line.limit_minor if limits.cap_minor is not None else None,
        )
        store.add_restriction(tx, found)
        _take_effect(tx, line, limits, found.reference, actor, now)
    data = {
        "restriction": found.id,
        "measure": limits.measure,
        "reasons": list(reasons),
        "review_on": review_on,
    }
    tx.record(Entry(now, "line.restricted", "line", line.id, actor, data))
    set_timer(tx, "restriction.review", found.id, end_of_day(review_on, line.timezone), now)
    tell_reasons(tx, office, line, found, _ACTS[limits.measure], now)
    return found


_ACTS: Final = {
    Measure.STOP: Act.STOPPED,
    Measure.LOWER_CAP: Act.LIMIT_CUT,
    Measure.PAUSE_FEATURE: Act.FEATURE_PAUSED,
}


def tell_reasons(
    tx: Tx,
    office: Office,
    line: Line,
    found: Restriction,
    act: Act,
    now: datetime,
    also: Mapping[str, object] | None = None,
) -> None:
    """Write the principal reasons, and where a report came from (Regulation B, 12 CFR 1002.9; FCRA
    section 615(a)). Whether it was sent within the pack's days is watched
    by ``lateletters``.
    """
    pack = packs.load(line.pack)
    facts: dict[str, object] = {
        "restricted_at": found.set_at,
        "review_on": found.review_on,
        "answer_days": pack.days("issuer.objection_days"),
        **causes.report(pack, office.agency, found.reasons),
        **(also or {}),
    }
    if found.cap_minor is not None:
        drawn = line.principal_minor + line.held_minor
        facts["limit_minor"] = max(found.cap_minor, drawn)
    if found.feature:
        facts["feature"] = found.feature
    _tell(tx, office, line, found, act, facts, now)


_LOCK: Final = (LockKind.ISSUER, Party.ISSUER, LockGround.RESTRICTION)


def _take_effect(tx: Tx, line: Line, limits: Limits, reference: str, actor: str, now: datetime) -> None:
    if limits.cap_minor is not None:
        change_limit(tx, line, limits.cap_minor, actor, now)
    else:
        kind, party, ground = _LOCK
        lines.set_lock(tx, line.id, kind, party, reference, actor, now, limits.part, ground=ground)


def _give_back(tx: Tx, line: Line, found: Restriction, actor: str, now: datetime) -> Refusal | None:
    """Undo what a restriction did, also of a line that is being left: its customer may yet stay. A limit that
    was changed since, by the customer say, stays.
    """
    if found.cap_minor is None:
        part = Part(Feature(found.feature)) if found.feature else None
        kind, party, ground = _LOCK
        return lines.lift_lock(tx, line.id, kind, party, actor, now, part, ground)
    untouched = line.lifecycle is not Lifecycle.CLOSED and line.limit_minor == found.cap_minor
    if untouched and found.before_minor is not None:
        change_limit(tx, line, found.before_minor, actor, now)
    return None


def lift(tx: Tx, office: Office, line_id: UUID, why: str, actor: str, now: datetime) -> Line | Refusal:
    """End the restriction that stands on a line, and say so to a customer who may draw again. None standing
    is fine.

    Refusal: ``line.not_found``.
    """
    line = lines.get_line(tx, line_id, lock=True)
    if isinstance(line, Refusal):
        return line
    found = store.restriction_of_line(tx, line.id)
    if found is None:
        return line
    store.lift_restriction(tx, found.id, why, now)
    cancel_timer(tx, "restriction.review", found.id, now)
    refused = _give_back(tx, line, found, actor, now)
    if refused:
        return refused
    data = {"restriction": found.id, "why": why}
    tx.record(Entry(now, "line.restriction_lifted", "line", line.id, actor, data))
    done = lines.get_line(tx, line.id)
    # Not where a debt that was charged off or sold keeps the line from drawing: the letter says it may.
    if (
        not isinstance(done, Refusal)
        and done.lifecycle is Lifecycle.ACTIVE
        and LockKind.ISSUER not in done.locks
    ):
        _tell(tx, office, line, found, Act.RESTRICTION_LIFTED, {"lifted_at": now}, now)
    return done


def end(tx: Tx, office: Office, restriction_id: UUID, now: datetime) -> datetime | None:
    """The day of review is over: a restriction that nobody renewed with reasons ends by itself.

    When to look again, where it was renewed.
    """
    found = store.restriction(tx, restriction_id)
    line = lines.get_line(tx, found.line, lock=True) if found else None
    found = store.restriction(tx, restriction_id)
    if found is None or line is None or isinstance(line, Refusal):
        return None
    ends_at = end_of_day(found.review_on, line.timezone)
    if ends_at > now:
        return ends_at
    lift(tx, office, line.id, "not_renewed", "system", now)
    return None


def _tell(
    tx: Tx,
    office: Office,
    line: Line,
    found: Restriction,
    act: Act,
    facts: Mapping[str, object],
    now: datetime,
) -> None:
    letter = to_customer(
        tx,
        line.customer,
        line,
        office.issuer_name,
        telling.of(act),
        ("line", line.id),
        {"reference": found.reference, **facts},
        f"{found.id}:{found.review_on}",
    )
    notices.queue(tx, [letter], now)
