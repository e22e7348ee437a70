"""Letters and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

_LONG: Final = timedelta(hours=1)


class State(StrEnum):
    """``UNKNOWN``: a crash or a silent server came between sending and its proof; it is not sent again."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A letter to queue. ``facts`` are those of its kind; ``dedupe`` makes it unique for ever.

    ``to_former``: it goes where the recipient was reached before that was changed last.
    """

    kind: str
    subject_kind: str
    subject: UUID
    recipient: UUID
    language: str
    facts: Mapping[str, Any]
    dedupe: str
    to_former: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """A letter and where it stands."""

    id: UUID
    kind: str
    subject_kind: str
    subject: UUID
    recipient: UUID
    language: str
    facts: Mapping[str, Any]
    state: State
    attempts: int
    queued_at: datetime
    sent_at: datetime | None
    to_former: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many letters are still to be sent, and since when the oldest is."""

    letters: int
    since: datetime | None

    def is_long(self, now: datetime) -> bool:
        """Whether they pile up: a server that does well takes each within seconds."""
        return self.since is not None and now - self.since > _LONG


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who a letter goes to. Supplied when it is written, never stored with it."""

    full_name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter in words, before it is set as e-mail or PDF.

    ``panel`` are labels and values; ``table`` has a head and rows, when there is one;
    ``certificate`` is a second page with its own title.
    """

    language: str
    issuer: str
    greeting: str
    title: str
    panel: Sequence[tuple[str, str]]
    paragraphs: Sequence[str]
    table: Sequence[Sequence[str]] = ()
    certificate_title: str = ""
    certificate: Sequence[str] = ()
    closing: str = ""
    dated: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A letter on its way out. ``body`` is the text without the greeting; ``pdf`` is for who takes one."""

    id: UUID
    recipient: UUID
    addressee: Addressee = field(repr=False)
    title: str
    greeting: str = field(repr=False)
    body: str
    pdf: bytes | None = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side answered when it took a message."""

    reply: str
    message_id: str
