"""What people gave us, sealed: words of a complaint, pictures of papers.

A document is encrypted under its person's key before it reaches the database, and bound to its own
id and media type, so that rows cannot be swapped. It is never on disk unencrypted. Who opens one, and
why, goes into the journal; it is deleted when its clock runs out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from whiteslip.base import Refusal, new_id
from whiteslip.identity.vault import Vault, decrypt, encrypt
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


def peek_document(tx: Tx, vault: Vault, document: UUID) -> Document | Refusal:
    """A document, for the person themselves. Refusal: ``document.not_found``.

    When anybody else looks, it is :func:`open_document`.
    """
    row = _queries.document(tx.conn, id=document)
    if row is None:
        return Refusal("document.not_found")
    cipher = AESGCMSIV(vault.of(row["master"]).unwrap(row["subject"], bytes(row["wrapped"])))
    content = decrypt(cipher, bytes(row["sealed"]), _bound(document, row["media_type"]))
    return Document(document, row["subject"], row["kind"], row["media_type"], content)


def open_document(
    tx: Tx, vault: Vault, document: UUID, purpose: str, actor: str, now: datetime
) -> Document | Refusal:
    """Open a document for somebody to see; who looked and why is journalled.

    Refusal: ``document.not_found``.
    """
    found = peek_document(tx, vault, document)
    if not isinstance(found, Refusal):
        data = {"document": document, "purpose": purpose}
        tx.record(Entry(now, "document.opened", "customer", found.subject, actor, data))
    return found


def documents_of(tx: Tx, subject: UUID, kind: str | None = None) -> list[Row]:
    """A person's documents, the newest first: id, kind, media_type, kept_at, keep_until."""
    return list(_queries.documents(tx.conn, subject=subject, kind=kind))


def keep_longer(tx: Tx, document: UUID, until: datetime) -> None:
    """Set the clock of a document that is used once more to the later of the two days."""
    _queries.keep_longer(tx.conn, id=document, until=until)


def delete_document(tx: Tx, document: UUID, now: datetime) -> bool:
    """Delete a document that nothing needs any more. False for one that is gone already."""
    return _deleted(tx, _queries.drop_document(tx.conn, id=document), now) > 0


def delete_expired(tx: Tx, now: datetime) -> int:
    """Delete documents whose clock has run out. Returns how many."""
    return _deleted(tx, _queries.drop_documents(tx.conn, subject=None, now=now), now)


def forget_expired(tx: Tx, subject: UUID, now: datetime) -> int:
    """The same for one person, who asks for it. Returns how many."""
    return _deleted(tx, _queries.drop_documents(tx.conn, subject=subject, now=now), now)


def _deleted(tx: Tx, rows: Iterable[Row], now: datetime) -> int:
    gone = list(rows)
    for row in gone:
        data = {"document": row["id"]}
        tx.record(Entry(now, "document.deleted", "customer", row["subject"], "system", data))
    return len(gone)
