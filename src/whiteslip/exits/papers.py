"""What is asked of somebody as evidence: one thing, for one reason, by a day. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Wanted(StrEnum):
    """The only two papers that are ever asked for."""

    ID_DOCUMENT = "id_document"
    AUTHORITY = "authority"


class Why(StrEnum):
    """Why it is asked for; the letter says it."""

    NOT_PROVEN = "not_proven"
    CONTACT_CHANGED = "contact_changed"
    DETAILS_DIFFER = "details_differ"
    UNREADABLE = "unreadable"
    ESTATE = "estate"


@dataclass(frozen=True, slots=True)
class PaperRequest:
    """A paper that was asked for. ``document`` is the sealed one of the vault, once it is there.

    Until ``answer_by`` it can be handed in; afterwards the case has gone on without it.
    """

    id: UUID
    exit: UUID
    wanted: Wanted
    why: Why
    asked_by: str
    asked_at: datetime
    answer_by: datetime
    document: UUID | None = None
    handed_in_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether it can still be handed in."""
        return self.document is None and now < self.answer_by
