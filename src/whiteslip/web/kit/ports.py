"""What the doors reach the rooms below through. The room ``app`` makes it once per process."""

from __future__ import annotations

from dataclasses import dataclass

from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.notices import Mailer
from whiteslip.packs import Pack
from whiteslip.store import Database


@dataclass(frozen=True, slots=True)
class Ports:
    """The database, the vault, the desk's policy tables, the way out for codes, and the pack."""

    database: Database
    vault: Vault
    office: Office
    mailer: Mailer
    pack: Pack
