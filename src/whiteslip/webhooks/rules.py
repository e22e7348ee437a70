"""When to try again, when to leave a server alone, when to stop. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

from whiteslip.store.database import Row
from whiteslip.webhooks.events import EVERYBODY, PUBLISHED, TESTED
from whiteslip.webhooks.model import Answer, Endpoint, NewDelivery

# Standard Webhooks 1.0, "Deliverability and reliability": at once and nine more times, over three days.
PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
LONGEST_WAIT: Final = PAUSES[-1]
# A server that is ill is asked by one delivery for all, so that it costs us one time-out per rest.
RESTS: Final = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=5))
# The tenth attempt of a delivery comes after 75 hours: by then nothing has been taken for three days.
PATIENCE: Final = timedelta(days=3)
ROTATION: Final = timedelta(hours=24)
_JITTER_PERCENT: Final = 10
_GONE: Final = 410
_THROTTLES: Final = frozenset({429, 502, 503, 504})


class Verdict(StrEnum):
    """What an answer means."""

    DELIVERED = "delivered"
    GONE = "gone"
    ILL = "ill"
    REFUSED = "refused"


def verdict(answer: Answer) -> Verdict:
    """2xx is delivered, 410 is gone. No answer, 429 and 5xx are a server that is ill; the rest said no.

    A redirect is a no: nobody is followed to an address that was not checked.
    """
    status = answer.status
    if status is None or status in _THROTTLES or status >= 500:
        return Verdict.ILL
    if 200 <= status < 300:
        return Verdict.DELIVERED
    return Verdict.GONE if status == _GONE else Verdict.REFUSED


def asked_to_wait(answer: Answer) -> timedelta:
    """How long a server that throttles asks us to wait; a day at most."""
    if answer.status not in _THROTTLES or not answer.retry_after:
        return timedelta()
    return min(timedelta(seconds=answer.retry_after), LONGEST_WAIT)


def pause(delivery: UUID, failed: int, answer: Answer) -> timedelta | None:
    """How long to wait after ``failed`` attempts; None gives up.

    Up to a tenth is added, always the same for a delivery and an attempt, so that what failed
    together does not come back together.
    """
    if failed > len(PAUSES):
        return None
    digest = hashlib.sha256(delivery.bytes + failed.to_bytes(2, "big")).digest()
    scheduled = PAUSES[failed - 1]
    jitter = scheduled * (digest[0] * _JITTER_PERCENT) / (255 * 100)
    return max(scheduled + jitter, asked_to_wait(answer))


def rest(endpoint: Endpoint, answer: Answer) -> timedelta:
    """How long an endpoint is left alone after one more failure; nothing where it merely said no."""
    if verdict(answer) is not Verdict.ILL:
        return timedelta()
    return max(RESTS[min(endpoint.failures, len(RESTS) - 1)], asked_to_wait(answer))


def is_hopeless(endpoint: Endpoint, now: datetime) -> bool:
    """Whether nothing was taken for so long that the endpoint is switched off."""
    return endpoint.failing_since is not None and now - endpoint.failing_since >= PATIENCE


def lane(endpoint: UUID, about: UUID) -> UUID:
    """What must stay in order: the events about one thing, usually a line, for one endpoint."""
    return uuid5(endpoint, str(about))


def wanted(
    rows: Sequence[Row], endpoints: Sequence[Endpoint], lines: Mapping[UUID, UUID]
) -> list[NewDelivery]:
    """What journal rows make for whom. ``lines`` is the line of each exit.

    Exits stand in the lane of their line, so that a line's stop comes before its exit's review.
    """
    found: list[NewDelivery] = []
    for row in rows:
        kind, seq = row["kind"], row["seq"]
        about = lines.get(row["subject"], row["subject"])
        for each in endpoints:
            if kind == TESTED and row["subject"] in (each.id, EVERYBODY):
                found.append(NewDelivery(each.id, seq, row["data"]["kind"], lane(each.id, each.id), False))
            elif kind in PUBLISHED and each.wants(kind) and seq > each.after_seq:
                found.append(NewDelivery(each.id, seq, kind, lane(each.id, about), False))
    return found


def again(row: Row, endpoints: Sequence[Endpoint], lines: Mapping[UUID, UUID]) -> list[NewDelivery]:
    """One row once more, for whoever wants its kind now, however old it is."""
    kind, about = row["kind"], lines.get(row["subject"], row["subject"])
    return [
        NewDelivery(each.id, row["seq"], kind, lane(each.id, about), True)
        for each in endpoints
        if each.wants(kind)
    ]


def lines_of_exits(rows: Sequence[Mapping[str, Any]]) -> dict[UUID, UUID]:
    """The line of each exit, as the row of its request has it."""
    return {row["subject"]: UUID(row["data"]["line"]) for row in rows if row["kind"] == "exit.requested"}
