"""People, what was checked about them, and who may come in. ``repr`` never shows personal data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID


class IdKind(StrEnum):
    """Whose scheme an ID number follows."""

    CN_RIC = "cn_ric"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Person:
    """What names a person. Phone in E.164; the ID number as the document has it."""

    full_name: str = field(repr=False)
    id_number: str = field(repr=False)
    phone: str = field(repr=False)
    email: str = field(repr=False)

    @property
    def phone_ends(self) -> str:
        """The last two digits of the phone: all that a page may show of it."""
        return self.phone[-2:]


@dataclass(frozen=True, slots=True)
class Ticks:
    """Which of the facts typed agree with the vault."""

    name: bool
    id_number: bool

    @property
    def all(self) -> bool:
        """Whether everything agrees."""
        return self.name and self.id_number


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code to deliver. It is stored as a hash only and cannot be read again."""

    text: str = field(repr=False)
    expires_at: datetime = field()


class Role(StrEnum):
    """What a member of staff may do."""

    ADMIN = "admin"
    REVIEWER = "reviewer"
    ANALYST = "analyst"
    AUDITOR = "auditor"


class Kind(StrEnum):
    """Whose link or session it is."""

    CUSTOMER = "customer"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff."""

    id: UUID
    name: str
    role: Role


# Whose word counts where two people are needed.
DECIDES: Final = frozenset({Role.ADMIN, Role.REVIEWER})


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in."""

    id: UUID
    kind: Kind
    subject: UUID
    started_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A machine's key. ``scopes`` are ``read`` and ``write``; ``owner`` answers for what takes a person."""

    id: UUID
    name: str
    scopes: frozenset[str]
    owner: Staff | None = None
