"""Events of Chinese credit agreements (授信协议), corrections (更正) and objections (异议). Pure.

The second-generation system of the People's Bank keeps the agreement apart from the account drawn
under it, so an agreement that ends is told of as an event of its own, by the next day. What was told
of it and is known otherwise since is told again as a correction. An objection is marked while it is
looked into (征信业管理条例 article 25), and its answer is told with the months that it puts right.
The shapes are common practice and were not found in a public text: check them with the adopter's
reporting manual (``verified`` is false in every event).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from whiteslip.base.ids import public
from whiteslip.bureau.model import Facts, Objection, Outcome
from whiteslip.bureau.rules import balance, late, month_ends

# Why an agreement ended, by the kind of the exit that ended it.
REASONS: Final = {
    "close": "consumer_request",
    "termination": "lender_notice",
    "inactivity": "not_used",
    "estate": "consumer_died",
}


class Kind(StrEnum):
    """What happened. A closing that was told of may be called off, or be known otherwise since; an
    objection is marked, and then either puts the record right or does not.
    """

    CLOSED = "agreement_closed"
    CALLED_OFF = "closing_called_off"
    CORRECTED = "agreement_corrected"
    MARKED = "objection_marked"
    PUT_RIGHT = "record_corrected"
    STAYS = "objection_rejected"


@dataclass(frozen=True, slots=True)
class Happened:
    """An event before it is told. ``balance_minor`` runs off after the agreement has ended: as owed when it
    is told, by what is known now. ``exit_kind`` is that of the exit which ended it; ``deceased``: the
    consumer is said to have died.
    """

    line: UUID
    exit: UUID
    kind: Kind
    exit_kind: str
    opened_on: date
    happened_on: date
    limit_minor: int
    balance_minor: int
    currency: str
    deceased: bool = False


@dataclass(frozen=True, slots=True)
class AgreementEvent:
    """An event as it is told: one JSON line. ``agreement`` is the line's public identifier."""

    event: Kind
    agreement: str
    opened_on: date
    limit_minor: int
    currency: str
    closed_on: date
    reason: str
    balance_to_run_off_minor: int
    deceased: bool
    report_by: date
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """The end of an agreement as it is known now. ``corrects`` names what was told otherwise."""

    event: Kind
    agreement: str
    corrected_on: date
    corrects: Sequence[str]
    closed_on: date
    reason: str
    balance_to_run_off_minor: int
    deceased: bool
    report_by: date
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Month:
    """How the account stood at the end of a month, once it was put right."""

    month: str
    balance_minor: int
    past_due_minor: int
    days_past_due: int


@dataclass(frozen=True, slots=True)
class ObjectionEvent:
    """An objection that is marked, or its answer; ``month`` is the one objected to, none for all until then.
    ``restated`` are the months that an answer in the consumer's favour changes.
    """

    event: Kind
    agreement: str
    objection: str
    part: str
    month: str | None
    opened_on: date
    answered_on: date | None
    restated: Sequence[Month]
    report_by: date
    verified: bool = False


Event: TypeAlias = AgreementEvent | Correction | ObjectionEvent
SHAPES: Final[Mapping[Kind, type[Event]]] = {
    Kind.CLOSED: AgreementEvent,
    Kind.CALLED_OFF: AgreementEvent,
    Kind.CORRECTED: Correction,
    Kind.MARKED: ObjectionEvent,
    Kind.PUT_RIGHT: ObjectionEvent,
    Kind.STAYS: ObjectionEvent,
}
# What of a closing may come to be known otherwise: a payment or refund of an earlier value date, a dispute
# that the consumer won, a death that was reported, or reported in error.
_MAY_CHANGE: Final = ("closed_on", "reason", "balance_to_run_off_minor", "deceased")


def told(happened: Happened, report_days: int) -> AgreementEvent:
    """The event as it is told, due ``report_days`` after its day."""
    return AgreementEvent(
        event=happened.kind,
        agreement=public("line", happened.line),
        opened_on=happened.opened_on,
        limit_minor=happened.limit_minor,
        currency=happened.currency,
        closed_on=happened.happened_on,
        reason=REASONS[happened.exit_kind],
        balance_to_run_off_minor=happened.balance_minor,
        deceased=happened.deceased,
        report_by=happened.happened_on + timedelta(days=report_days),
    )


def correction(
    said: AgreementEvent | Correction, happened: Happened, today: date, report_days: int
) -> Correction | None:
    """What is told of a closing that was told before, where it is known otherwise now; else None."""
    now = told(happened, report_days)
    differing = [name for name in _MAY_CHANGE if getattr(now, name) != getattr(said, name)]
    if not differing:
        return None
    return Correction(
        event=Kind.CORRECTED,
        agreement=now.agreement,
        corrected_on=today,
        corrects=differing,
        closed_on=now.closed_on,
        reason=now.reason,
        balance_to_run_off_minor=now.balance_to_run_off_minor,
        deceased=now.deceased,
        report_by=today + timedelta(days=report_days),
    )


def marked(objection: Objection, report_days: int) -> ObjectionEvent:
    """An objection that begins to be looked into."""
    return _of_objection(Kind.MARKED, objection, None, (), objection.opened_on, report_days)


def answered(objection: Objection, on: date, facts: Facts | None, report_days: int) -> ObjectionEvent:
    """The answer of ``on``. ``facts`` are the line's, where the answer is for the consumer."""
    if objection.outcome is not Outcome.CORRECTED or facts is None:
        return _of_objection(Kind.STAYS, objection, on, (), on, report_days)
    return _of_objection(Kind.PUT_RIGHT, objection, on, _restated(objection, facts, on), on, report_days)


def _of_objection(
    kind: Kind, objection: Objection, answered_on: date | None, restated: Sequence[Month], on: date, days: int
) -> ObjectionEvent:
    return ObjectionEvent(
        event=kind,
        agreement=public("line", objection.line),
        objection=public("objection", objection.id),
        part=objection.field,
        month=f"{objection.month:%Y-%m}" if objection.month else None,
        opened_on=objection.opened_on,
        answered_on=answered_on,
        restated=restated,
        report_by=on + timedelta(days=days),
    )


def _restated(objection: Objection, facts: Facts, on: date) -> tuple[Month, ...]:
    """The month ends before ``on`` that look otherwise for the objection having been upheld."""
    without = replace(facts, objections=[each for each in facts.objections if each.id != objection.id])
    found: list[Month] = []
    for day in reversed(month_ends(on)):
        stands = late(facts, day, on)
        if day >= facts.opened_on and stands != late(without, day, on):
            found.append(Month(f"{day:%Y-%m}", max(0, balance(facts, day)), stands.minor, stands.days))
    return tuple(found)


def json_line(event: Event) -> str:
    """The event as one line of JSON, without the line's end."""
    return msgspec.json.encode(event).decode()
