"""A night, its stages and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.lake import Lake
from whiteslip.notices import Mailer
from whiteslip.store import Database, Tx
from whiteslip.webhooks import Courier


@dataclass(frozen=True, slots=True)
class Ports:
    """What the night and the timers reach out through.

    Without a courier no webhook is sent; without a lake no snapshot is taken.
    """

    office: Office
    vault: Vault
    mailer: Mailer
    courier: Courier | None = None
    lake: Lake | None = None


@dataclass(frozen=True, slots=True)
class Night:
    """One batch of one stage: as of ``now``, the last microsecond of ``day``.

    ``cursor`` is where the batch before ended, None at the start. A stage that works through
    transactions of its own first calls ``commit``, which ends ``tx``.
    """

    database: Database
    tx: Tx
    ports: Ports
    day: date
    now: datetime
    cursor: str | None
    timezone: str
    commit: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch did. ``more`` asks for another one, from ``cursor``."""

    done: int
    more: bool
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A named step of the night. Running it twice does no harm."""

    name: str
    run: Callable[[Night], Batch]


class InvariantError(Exception):
    """The books do not agree, so the day is not sealed. ``offences`` says where, in words."""

    def __init__(self, day: date, offences: list[str]) -> None:
        shown = "; ".join(offences[:5])
        super().__init__(f"{day} is not sealed, {len(offences)} invariants are broken: {shown}")
        self.offences = offences


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed day and what each stage did. ``already`` when it had been sealed before."""

    day: date
    stages: Mapping[str, int] = field(default_factory=dict[str, int])
    already: bool = False
