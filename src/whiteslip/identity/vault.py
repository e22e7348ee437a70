"""The vault: personal data under envelope encryption.

A master key, in a file of its own, wraps one data key per person; the data key seals the record.
Both use AES-GCM-SIV (RFC 8452), which forgives a repeated nonce. What is sealed is bound to the
person's id, so rows cannot be swapped. Look-ups use HMAC-SHA256 under a key derived from the
master key: equality can be asked without decrypting anything.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import stat
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from whiteslip.base import Refusal
from whiteslip.identity import rules
from whiteslip.identity.model import Person, Ticks
from whiteslip.store import Entry, Tx, load_queries
from whiteslip.store.database import Row
from whiteslip.store.files import write_once

_queries = load_queries(__file__)
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
# Stands in where somebody has no ID number to be checked.
_NO_NUMBER: Final = "NONE0"
# Changes of contact data closer to each other than this are one row of changes.
_SETTLED_AFTER: Final = timedelta(days=30)


class VaultError(RuntimeError):
    """The vault cannot be opened, or a record does not open with its key. Says what to do."""


def new_key_file(path: Path) -> Path:
    """Where the key is that takes the place of the one in ``path``, while that goes on."""
    return path.with_name(f"{path.name}.new")


def _read_key(path: Path) -> bytes:
    """The master key in a file. Raises VaultError, which says what to do."""
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise VaultError(f"others may read the master key {path}; run: chmod 600 {path}")
        text = path.read_bytes()
    except OSError as error:
        raise VaultError(f"the master key {path} cannot be read: {error.strerror}") from None
    try:
        return base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise VaultError(f"{path} holds no master key: it is not base64") from None


class Vault:
    """The master key and what is derived from it.

    While the key is rotated there is a ``former`` one, whose rows are read and found too. ``region`` is the
    country (ISO 3166) whose phone numbers may be written without its code; empty: none may.
    """

    def __init__(self, master: bytes, former: Vault | None = None, region: str = "") -> None:
        if len(master) != _KEY_BYTES:
            raise VaultError(f"a master key has {_KEY_BYTES} bytes, this one has {len(master)}")
        self._master = AESGCMSIV(master)
        self._index = HKDF(SHA256(), _KEY_BYTES, None, b"whiteslip/index").derive(master)
        self._codes = HKDF(SHA256(), _KEY_BYTES, None, b"whiteslip/codes").derive(master)
        self.former, self.region = former, region
        self.master_id = hashlib.sha256(b"whiteslip/master" + master).hexdigest()[:12]

    @classmethod
    def create(cls, path: Path) -> Vault:
        """Make a master key and keep it in ``path`` (0600). An existing file is never replaced."""
        key = secrets.token_bytes(_KEY_BYTES)
        try:
            # What is sealed under a key that a power cut took, or a full disk, is lost.
            write_once(path, base64.b64encode(key).decode() + "\n")
        except FileExistsError:
            raise VaultError(f"there is a master key in {path} already; it is never replaced") from None
        return cls(key)

    @classmethod
    def open(cls, path: Path, region: str = "") -> Vault:
        """Open the vault by its key file, which nobody else may read, and a new one beside it."""
        former, new = cls(_read_key(path), None, region), new_key_file(path)
        return cls(_read_key(new), former, region) if new.exists() else former

    def of(self, master_id: str) -> Vault:
        """The vault that a row says it is of. Raises VaultError where its key is not here."""
        for vault in (self, self.former):
            if vault and vault.master_id == master_id:
                return vault
        raise VaultError(f"this record is of the vault {master_id}, the key is of {self.master_id}")

    def index(self, kind: str, value: str) -> bytes:
        """The look-up value of ``value``; the same for equal values of a ``kind``, and only then."""
        # Half characters are let through: whoever asks for one shall find nobody, not an error.
        return hmac.digest(self._index, f"{kind}\0{value}".encode(errors="surrogatepass"), "sha256")

    def code_hash(self, subject: UUID, purpose: str, code: str) -> bytes:
        """What is stored of a one-time code."""
        return hmac.digest(self._codes, f"{subject}\0{purpose}\0{code}".encode(), "sha256")

    def seal(self, subject: UUID, person: Person, data_key: bytes) -> bytes:
        """Encrypt a record under its person's key."""
        fields = [person.full_name, person.id_number, person.phone, person.email]
        return encrypt(AESGCMSIV(data_key), msgspec.json.encode(fields), subject.bytes + b"record")

    def unseal(self, subject: UUID, wrapped: bytes, sealed: bytes) -> Person:
        """Decrypt a record. Raises VaultError when it was altered or another key sealed it."""
        data_key = self.unwrap(subject, wrapped)
        fields = decrypt(AESGCMSIV(data_key), sealed, subject.bytes + b"record")
        return Person(*msgspec.json.decode(fields, type=list[str]))

    def wrap(self, subject: UUID, data_key: bytes) -> bytes:
        """Encrypt a person's key under the master key."""
        return encrypt(self._master, data_key, subject.bytes + b"key")

    def unwrap(self, subject: UUID, wrapped: bytes) -> bytes:
        """Decrypt a person's key."""
        return decrypt(self._master, wrapped, subject.bytes + b"key")


def encrypt(cipher: AESGCMSIV, plain: bytes, bound_to: bytes) -> bytes:
    """Seal bytes that open only with what they are bound to; a fresh nonce stands in front."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, bound_to)


def decrypt(cipher: AESGCMSIV, sealed: bytes, bound_to: bytes) -> bytes:
    """Open what :func:`encrypt` sealed. Raises VaultError when it was altered."""
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError):  # ValueError: too short to have a nonce
        raise VaultError("a record of the vault was altered, or sealed under another key") from None


def enrol(tx: Tx, vault: Vault, subject: UUID, person: Person, actor: str, now: datetime) -> Person | Refusal:
    """Put a person into the vault; returns them as kept. Refusals: those of ``rules.normalise``."""
    kept = rules.normalise(person, vault.region)
    if not isinstance(kept, Refusal):
        enrol_many(tx, vault, [(subject, kept)], actor, now)
    return kept


def enrol_contact(
    tx: Tx, vault: Vault, subject: UUID, person: Person, actor: str, now: datetime
) -> Person | Refusal:
    """Put somebody into the vault who is only written to, such as the person who settles an estate.

    They have no ID number here and are found by nothing, so nobody signs in as them. Refusals:
    ``identity.name_invalid``, ``identity.phone_invalid``, ``identity.email_invalid``.
    """
    kept = rules.normalise(replace(person, id_number=_NO_NUMBER), vault.region)
    if isinstance(kept, Refusal):
        return kept
    kept, key = replace(kept, id_number=""), AESGCMSIV.generate_key(256)
    nobody = [vault.index("contact", str(subject))]
    _queries.enrol(
        tx.conn,
        master=vault.master_id,
        now=now,
        subject=[subject],
        wrapped=[vault.wrap(subject, key)],
        sealed=[vault.seal(subject, kept, key)],
        id_number=nobody,
        phone=nobody,
        email=nobody,
    )
    tx.record(Entry(now, "identity.enrolled", "contact", subject, actor))
    return kept


def enrol_many(
    tx: Tx, vault: Vault, people: Sequence[tuple[UUID, Person]], actor: str, now: datetime
) -> None:
    """Put people into the vault who are in normal form already, set-based."""
    keys = [AESGCMSIV.generate_key(256) for _ in people]
    _queries.enrol(
        tx.conn,
        master=vault.master_id,
        now=now,
        subject=[subject for subject, _ in people],
        wrapped=[vault.wrap(subject, key) for (subject, _), key in zip(people, keys, strict=True)],
        sealed=[vault.seal(subject, one, key) for (subject, one), key in zip(people, keys, strict=True)],
        id_number=[vault.index("id_number", one.id_number) for _, one in people],
        phone=[vault.index("phone", one.phone) for _, one in people],
        email=[vault.index("email", one.email) for _, one in people],
    )
    for subject, _ in people:
        tx.record(Entry(now, "identity.enrolled", "customer", subject, actor))


def peek(tx: Tx, vault: Vault, subject: UUID) -> Person | Refusal:
    """The person, for a letter to themselves or their own page. Refusal: ``identity.not_found``.

    When a member of staff looks, it is :func:`reveal`.
    """
    row = _queries.record(tx.conn, subject=subject)
    return Refusal("identity.not_found") if row is None else _read(vault, row)


def former(tx: Tx, vault: Vault, subject: UUID) -> Person | Refusal:
    """The person as they were reached before that was changed last, or before the first of several
    changes in a row. Refusal: ``identity.not_found``.
    """
    row = _queries.former(tx.conn, subject=subject)
    return Refusal("identity.not_found") if row is None else _read(vault, row)


def reveal(tx: Tx, vault: Vault, subject: UUID, purpose: str, actor: str, now: datetime) -> Person | Refusal:
    """The person, for somebody else to see; who looked and why goes into the journal."""
    person = peek(tx, vault, subject)
    if not isinstance(person, Refusal):
        tx.record(Entry(now, "identity.revealed", "customer", subject, actor, {"purpose": purpose}))
    return person


def find(
    tx: Tx,
    vault: Vault,
    *,
    id_number: str | None = None,
    phone: str | None = None,
    email: str | None = None,
) -> list[UUID]:
    """Whoever has all of what is given, which is put in normal form first. Nothing is decrypted."""
    e164 = rules.normal_phone(phone, vault.region) if phone else None
    if phone and e164 is None:
        return []
    wanted = {
        "id_number": rules.normal_id_number(id_number) if id_number else None,
        "phone": e164,
        "email": rules.normal_email(email) if email else None,
    }
    found: set[UUID] = set()
    for each in filter(None, (vault, vault.former)):
        indexes = {kind: each.index(kind, value) if value else None for kind, value in wanted.items()}
        found.update(row["subject"] for row in _queries.find(tx.conn, **indexes))
    return sorted(found)


def change_contact(
    tx: Tx,
    vault: Vault,
    subject: UUID,
    phone: str | None,
    email: str | None,
    actor: str,
    now: datetime,
) -> Person | Refusal:
    """Change where a person is reached; None leaves a part as it is.

    What comes out the same is no change and leaves no trace: it must not look like a takeover.
    Refusals: ``identity.not_found`` and the invalid ones.
    """
    row = _queries.record_to_change(tx.conn, subject=subject)
    if row is None:
        return Refusal("identity.not_found")
    old = _read(vault, row)
    wished = Person(
        old.full_name,
        old.id_number,
        old.phone if phone is None else phone,
        old.email if email is None else email,
    )
    new = rules.normalise(wished, vault.region)
    if isinstance(new, Refusal) or new == old:
        return new
    own = vault.of(row["master"])
    _queries.change(
        tx.conn,
        subject=subject,
        sealed=own.seal(subject, new, own.unwrap(subject, bytes(row["wrapped"]))),
        phone=own.index("phone", new.phone),
        email=own.index("email", new.email),
        settled=now - _SETTLED_AFTER,
        now=now,
    )
    tx.record(Entry(now, "identity.contact_changed", "customer", subject, actor))
    return new


def _read(vault: Vault, row: Row) -> Person:
    return vault.of(row["master"]).unseal(row["subject"], bytes(row["wrapped"]), bytes(row["sealed"]))


def contact_changed_at(tx: Tx, subject: UUID) -> datetime | None:
    """When phone or e-mail were last changed; None when they never were."""
    return _queries.contact_changed_at(tx.conn, subject=subject)


def erase(tx: Tx, subject: UUID, now: datetime) -> bool:
    """Erase a person with the key that only they had. Backups made before still hold both.

    Their codes, links and sessions go too. False for somebody the vault does not know.
    """
    forget_traces(tx, subject, now)
    _queries.end_all_sessions(tx.conn, subject=subject)
    known = _queries.erase(tx.conn, subject=subject) > 0
    if known:
        tx.record(Entry(now, "identity.erased", "customer", subject, "system"))
    return known


def forget_traces(tx: Tx, subject: UUID, now: datetime) -> int:
    """Erase the traces of coming and going that are of no more use: sessions and links that are
    over, codes that were used or ran out, wrong attempts. Returns how many went."""
    return _queries.forget_traces(tx.conn, subject=subject, now=now)


def compare(tx: Tx, vault: Vault, subject: UUID, full_name: str, id_number: str) -> Ticks:
    """Whether a name and an ID number are this person's; neither, for somebody unknown."""
    person = peek(tx, vault, subject)
    return Ticks(False, False) if isinstance(person, Refusal) else rules.compare(person, full_name, id_number)
