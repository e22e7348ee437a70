"""What the doors reach the rooms below through. The room ``app`` makes it once per process."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from whiteslip.applications import Lender
from whiteslip.applications.scorecard import shipped
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.lake import Lake
from whiteslip.notices import Mailer
from whiteslip.packs import Pack
from whiteslip.store import Database, Tx
from whiteslip.webhooks import Courier


@dataclass(frozen=True, slots=True)
class Ports:
    """The database, the vault, the desk's policy tables, the way out for codes, the pack, webhooks, lake."""

    database: Database
    vault: Vault
    office: Office
    mailer: Mailer
    pack: Pack
    courier: Courier | None = None
    lake: Lake | None = None
    lake_engine: str = ""

    def opened(self, method: str, noted: bool = False) -> AbstractContextManager[Tx]:
        """The transaction in which a request of an HTTP method is answered: to GET nothing is written, unless
        it is ``noted`` that somebody looked.
        """
        only_reads = method in {"GET", "HEAD"} and not noted
        return self.database.reading() if only_reads else self.database.transaction()

    @property
    def lender(self) -> Lender:
        """Who decides about applications, under the installation's pack."""
        office = self.office
        return Lender(office.tables, self.vault, office.issuer_name, self.pack, shipped(), office.agency)
