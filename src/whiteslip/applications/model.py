"""Applications, the facts in them and what came of them. Amounts are minor units of ``currency``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from whiteslip.decisions import Tables
from whiteslip.decisions.scoring import Model
from whiteslip.identity import Vault
from whiteslip.packs import Pack


class State(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    OFFERED = "offered"
    REFERRED = "referred"
    DECLINED = "declined"
    IN_REVIEW = "in_review"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


OPEN: Final = frozenset({State.OFFERED, State.REFERRED, State.IN_REVIEW})
WAITS_FOR_DESK: Final = frozenset({State.REFERRED, State.IN_REVIEW})


class Outcome(StrEnum):
    """What the table ``application-limit`` or a person answered."""

    APPROVE = "approve"
    COUNTER_OFFER = "counter_offer"
    DECLINE = "decline"
    REFER = "refer"


class Source(StrEnum):
    """Where a fact comes from."""

    STATED = "stated"
    IMPORTED = "imported"
    BUREAU_FILE = "bureau_file"


class Channel(StrEnum):
    """How somebody applied."""

    PORTAL = "portal"
    API = "api"
    WORLD = "world"


@dataclass(frozen=True, slots=True)
class Lender:
    """What decides, by which law and in whose name. ``scorecard`` scores while no champion does;
    ``agency`` is the credit bureau whose files are read, as letters name it.
    """

    tables: Tables
    vault: Vault
    issuer_name: str
    pack: Pack
    scorecard: Model
    agency: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an applicant gives besides who they are.

    Income and debt service are a month's, after tax. ``past_due_elsewhere`` counts accounts past due in
    the last 24 months by a bureau's file and is None where no file was read. ``sources`` names where a
    fact comes from; what it does not name was stated.
    """

    net_income_minor: int
    debt_service_minor: int
    lenders_elsewhere: int
    wanted_minor: int
    past_due_elsewhere: int | None = None
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])

    @property
    def values(self) -> dict[str, int]:
        """The facts that are known, by name."""
        known = {
            "net_income_minor": self.net_income_minor,
            "debt_service_minor": self.debt_service_minor,
            "lenders_elsewhere": self.lenders_elsewhere,
            "wanted_minor": self.wanted_minor,
        }
        if self.past_due_elsewhere is not None:
            known["past_due_elsewhere"] = self.past_due_elsewhere
        return known

    def source(self, name: str) -> Source:
        """Where a fact comes from. Only a bureau's file tells of accounts past due elsewhere."""
        return self.sources.get(name, Source.BUREAU_FILE if name == "past_due_elsewhere" else Source.STATED)


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as it was given."""

    name: str
    value: int
    source: Source
    at: datetime


@dataclass(frozen=True, slots=True)
class Application:
    """An application. ``limit_minor`` is what is offered; ``reasons`` are the principal ones, ranked.

    ``customer`` is the applicant until they are proven, then the customer they turned out to be.
    ``due_at`` is the state's deadline: for the code, for the acceptance, or for the desk.
    ``decided_by`` is ``system`` or who at the desk decided last. ``raises`` is the line whose limit it is
    about, for a customer who asks for more and not for a line.
    """

    id: UUID
    reference: str
    customer: UUID
    pack: str
    currency: str
    channel: Channel
    language: str
    state: State
    consent_version: str
    applied_at: datetime
    due_at: datetime | None
    proven_at: datetime | None = None
    decision: UUID | None = None
    outcome: Outcome | None = None
    limit_minor: int = 0
    reasons: tuple[str, ...] = ()
    score: int | None = None
    scorecard_version: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    line: UUID | None = None
    raises: UUID | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for the applicant or for the desk."""
        return self.state in OPEN

    @property
    def waits_for_desk(self) -> bool:
        """Whether a person is to decide."""
        return self.state in WAITS_FOR_DESK


@dataclass(frozen=True, slots=True)
class Review:
    """A declined applicant's wish that a person looks. ``note`` is their view, sealed in the vault."""

    id: UUID
    application: UUID
    note: UUID | None
    requested_at: datetime
    due_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    outcome: Outcome | None = None
    why: str | None = None
