"""What somebody wrote in their own words, sealed with their key: it goes when they are erased."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from whiteslip.base import Refusal, new_id
from whiteslip.identity.vault import Vault
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)


def keep_note(tx: Tx, vault: Vault, subject: UUID, text: str, now: datetime) -> UUID | Refusal:
    """Seal a text under its writer's key. Refusal: ``identity.not_found``."""
    row = _queries.record(tx.conn, subject=subject)
    if row is None:
        return Refusal("identity.not_found")
    note = new_id(now)
    sealed = vault.seal_text(subject, note, bytes(row["wrapped"]), text)
    _queries.add_note(tx.conn, id=note, subject=subject, sealed=sealed, now=now)
    return note


def read_note(tx: Tx, vault: Vault, note: UUID, purpose: str, actor: str, now: datetime) -> str | Refusal:
    """The text, for somebody else to read; who read it and why goes into the journal.

    Refusal: ``identity.not_found``, also for a note that was erased with its writer.
    """
    row = _queries.note(tx.conn, id=note)
    if row is None:
        return Refusal("identity.not_found")
    tx.record(Entry(now, "identity.revealed", "customer", row["subject"], actor, {"purpose": purpose}))
    return vault.unseal_text(row["subject"], note, bytes(row["wrapped"]), bytes(row["sealed"]))
