"""Events of Chinese credit agreements (授信协议). Pure.

The second-generation system of the People's Bank keeps the agreement apart from the account drawn
under it, so an agreement that ends is told of as an event of its own, by the next day. That is
common practice and was not found in a public text: the shape below is to be checked with the
adopter's reporting manual (``verified`` is false in every event).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from whiteslip.base.ids import public

# Why an agreement ended, by the kind of the exit that ended it.
REASONS: Final = {
    "close": "consumer_request",
    "termination": "lender_notice",
    "inactivity": "not_used",
    "estate": "consumer_died",
}


class Kind(StrEnum):
    """What happened to an agreement. A closing that was told of may be called off."""

    CLOSED = "agreement_closed"
    CALLED_OFF = "closing_called_off"


@dataclass(frozen=True, slots=True)
class Happened:
    """An event before it is told. ``balance_minor`` runs off after the agreement has ended;
    ``exit_kind`` is that of the exit which ended it.
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
    report_by: date
    verified: bool = False


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
        report_by=happened.happened_on + timedelta(days=report_days),
    )


def json_line(event: AgreementEvent) -> str:
    """The event as one line of JSON, without the line's end."""
    return msgspec.json.encode(event).decode()
