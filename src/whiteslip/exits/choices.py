"""What people at the desk do with a case: take it, propose, choose, agree with advice. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from whiteslip.exits.model import Ground, Path, Reason, State


class Only(NamedTuple):
    """Which cases a list is of; None narrows nothing. ``sent_by``: the rule that sent them to the desk."""

    state: State | None = None
    reason: Reason | None = None
    sent_by: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A hold or a rejection that one person proposed and another is to decide."""

    id: UUID
    exit: UUID
    path: Path
    ground: Ground | None
    reasons: tuple[str, ...]
    proposed_by: str
    proposed_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """Who works on a case; nobody else does until then."""

    actor: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody at the desk chose and may take back until it is carried out at ``due_at``.

    ``proposal`` is the one that this choice approves. ``letter_sha256`` is the hash of the letter
    they read before choosing; None where none goes out.
    """

    exit: UUID
    path: Path
    reasons: tuple[str, ...]
    actor: str
    chosen_at: datetime
    due_at: datetime
    ground: Ground | None = None
    proposal: UUID | None = None
    letter_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often reviewers chose what the table had advised: with the advice hidden, and shown."""

    blind: int
    blind_agreed: int
    seen: int
    seen_agreed: int
