"""What people gave us, sealed: words of a complaint, pictures of papers.

A document is encrypted under its person's key before it reaches the database, and bound to its own
id and media type, so that rows cannot be swapped. It is never on disk unencrypted. Who opens one, and
why, goes into the journal; it is deleted when its clock runs out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from whiteslip.base import Refusal, new_id
from whiteslip.identity.vault import Vault, VaultError, decrypt, encrypt
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row

_queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was opened."""

    id: UUID
    subject: UUID
    kind: str
    media_type: str
    content: bytes = field(repr=False)


def _bound(document: UUID, media_type: str) -> bytes:
    return document.bytes + b"document" + media_type.encode()


def keep(
    tx: Tx,
    vault: Vault,
    subject: UUID,
    kind: str,
    media_type: str,
    content: bytes,
    keep_until: datetime,
    actor: str,
    now: datetime,
) -> UUID | Refusal:
    """Seal a document of a person. Refusal: ``identity.not_found``."""
    row = _queries.record(tx.conn, subject=subject)
    if row is None:
        return Refusal("identity.not_found")
    document = new_id(now)
    cipher = AESGCMSIV(vault.unwrap(subject, bytes(row["wrapped"])))
    _queries.add_document(
        tx.conn,
        id=document,
        subject=subject,
        kind=kind,
        media_type=media_type,
        sealed=encrypt(cipher, content, _bound(document, media_type)),
        now=now,
        keep_until=keep_until,
    )
    data = {"document": document, "kind": kind, "media_type": media_type, "keep_until": keep_until}
    tx.record(Entry(now, "document.kept", "customer", subject, actor, data))
    return document


def open_document(
    tx: Tx, vault: Vault, document: UUID, purpose: str, actor: str, now: datetime
) -> Document | Refusal:
    """Open a document for somebody to see; who looked and why is journalled.

    Refusal: ``document.not_found``.
    """
    row = _queries.document(tx.conn, id=document)
    if row is None:
        return Refusal("document.not_found")
    if row["master"] != vault.master_id:
        raise VaultError(f"this document is of the vault {row['master']}, the key is of {vault.master_id}")
    cipher = AESGCMSIV(vault.unwrap(row["subject"], bytes(row["wrapped"])))
    content = decrypt(cipher, bytes(row["sealed"]), _bound(document, row["media_type"]))
    data = {"document": document, "purpose": purpose}
    tx.record(Entry(now, "document.opened", "customer", row["subject"], actor, data))
    return Document(document, row["subject"], row["kind"], row["media_type"], content)


def documents_of(tx: Tx, subject: UUID, kind: str) -> list[Row]:
    """A person's documents of a kind, the newest first: id, kind, media_type, kept_at, keep_until."""
    return list(_queries.documents(tx.conn, subject=subject, kind=kind))


def delete_expired(tx: Tx, now: datetime) -> int:
    """Delete documents whose clock has run out. Returns how many."""
    gone = list(_queries.drop_documents(tx.conn, now=now))
    for row in gone:
        data = {"document": row["id"]}
        tx.record(Entry(now, "document.deleted", "customer", row["subject"], "system", data))
    return len(gone)
