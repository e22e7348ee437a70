"""Who comes in: staff, one-time links, sessions, and keys of machines."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from whiteslip.base import Refusal, new_id
from whiteslip.identity.model import ApiKey, Kind, Role, Session, Staff
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
_hasher: Final = PasswordHasher()
FAILURES: Final = 10
LOCKED: Final = timedelta(minutes=15)
SHORTEST_PASSWORD: Final = 12


def _hash(secret: str) -> bytes:
    """Secrets of 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def create_staff(tx: Tx, name: str, role: Role, password: str | None, now: datetime) -> Staff | Refusal:
    """Add a member of staff, who signs in by link until they have a password.

    Refusals: ``staff.exists``, ``staff.password_short``.
    """
    if password is not None and len(password) < SHORTEST_PASSWORD:
        return Refusal("staff.password_short", {"least": SHORTEST_PASSWORD})
    staff = Staff(new_id(now), name, role)
    hashed = _hasher.hash(password) if password else None
    if not _queries.add_staff(tx.conn, id=staff.id, name=name, role=role, password=hashed, now=now):
        return Refusal("staff.exists")
    tx.record(Entry(now, "staff.created", "staff", staff.id, "system", {"role": role}))
    return staff


def set_password(tx: Tx, staff: Staff, password: str, now: datetime) -> Refusal | None:
    """Choose a password. Refusal: ``staff.password_short``."""
    if len(password) < SHORTEST_PASSWORD:
        return Refusal("staff.password_short", {"least": SHORTEST_PASSWORD})
    _queries.set_password(tx.conn, id=staff.id, password=_hasher.hash(password))
    tx.record(Entry(now, "staff.password_set", "staff", staff.id, f"staff:{staff.id}"))
    return None


def sign_in(tx: Tx, name: str, password: str, now: datetime) -> Staff | Refusal:
    """Check a password. A wrong one is counted, so the caller commits also when refused.

    Refusals: ``staff.sign_in_failed`` whatever was wrong, ``staff.locked_out`` after ten failures.
    """
    row = _queries.staff_by_name(tx.conn, name=name)
    if row and row["locked_until"] and row["locked_until"] > now:
        left = row["locked_until"] - now
        return Refusal("staff.locked_out", {"minutes": -(-left // timedelta(minutes=1))})
    try:
        _hasher.verify(row["password"] if row and row["password"] else _nobodys(), password)
        right = bool(row and row["password"])
    except (VerificationError, InvalidHashError):
        right = False
    if right:
        _queries.note_failures(tx.conn, id=row["id"], failures=0, locked_until=None)
        by = {"by": "password"}
        tx.record(Entry(now, "staff.signed_in", "staff", row["id"], f"staff:{row['id']}", by))
        return Staff(row["id"], row["name"], Role(row["role"]))
    if row:
        failures = row["failures"] + 1
        locked = now + LOCKED if failures >= FAILURES else None
        _queries.note_failures(tx.conn, id=row["id"], failures=0 if locked else failures, locked_until=locked)
        tx.record(Entry(now, "staff.sign_in_failed", "staff", row["id"], "unknown"))
    return Refusal("staff.sign_in_failed")


def staff(tx: Tx, staff_id: UUID) -> Staff | None:
    """A member of staff."""
    row = _queries.staff_by_id(tx.conn, id=staff_id)
    return Staff(row["id"], row["name"], Role(row["role"])) if row else None


def staff_named(tx: Tx, name: str) -> Staff | None:
    """A member of staff by name."""
    return next((each for each in all_staff(tx) if each.name == name), None)


def all_staff(tx: Tx) -> list[Staff]:
    """All staff by name."""
    return [Staff(row["id"], row["name"], Role(row["role"])) for row in _queries.all_staff(tx.conn)]


def make_link(tx: Tx, kind: Kind, subject: UUID, minutes: int, now: datetime) -> str:
    """A secret that signs somebody in once, within ``minutes``."""
    token = secrets.token_urlsafe(32)
    expires_at = now + timedelta(minutes=minutes)
    _queries.add_link(tx.conn, hash=_hash(token), kind=kind, subject=subject, expires_at=expires_at)
    return token


def use_link(tx: Tx, token: str, now: datetime) -> tuple[Kind, UUID] | Refusal:
    """Who a link signs in. Refusals: ``link.unknown``, ``link.used``, ``link.expired``."""
    row = _queries.link(tx.conn, hash=_hash(token))
    if row is None:
        return Refusal("link.unknown")
    if row["used_at"]:
        return Refusal("link.used")
    if row["expires_at"] <= now:
        return Refusal("link.expired")
    _queries.use_link(tx.conn, hash=_hash(token), now=now)
    kind, subject = Kind(row["kind"]), row["subject"]
    if kind is Kind.STAFF:
        tx.record(Entry(now, "staff.signed_in", "staff", subject, f"staff:{subject}", {"by": "link"}))
    return kind, subject


def start_session(tx: Tx, kind: Kind, subject: UUID, minutes: int, now: datetime) -> tuple[Session, str]:
    """Sign somebody in for ``minutes``; the token is for their cookie and is not kept."""
    token = secrets.token_urlsafe(32)
    session = Session(new_id(now), kind, subject, now, now + timedelta(minutes=minutes))
    _queries.add_session(
        tx.conn,
        id=session.id,
        hash=_hash(token),
        kind=kind,
        subject=subject,
        now=now,
        expires_at=session.expires_at,
    )
    return session, token


def session(tx: Tx, token: str, now: datetime) -> Session | None:
    """The session of a cookie, while it lasts."""
    row = _queries.session(tx.conn, hash=_hash(token), now=now)
    return Session(**(row | {"kind": Kind(row["kind"])})) if row else None


def end_session(tx: Tx, token: str, now: datetime) -> None:
    """Sign out."""
    _queries.end_session(tx.conn, hash=_hash(token), now=now)


def create_key(tx: Tx, name: str, scopes: Iterable[str], now: datetime, owner: UUID | None = None) -> str:
    """A key for a machine, shown once: ``sk_…``. Without an ``owner`` it cannot do what takes a person."""
    secret = f"sk_{secrets.token_urlsafe(32)}"
    key_id = new_id(now)
    _queries.add_key(
        tx.conn, id=key_id, name=name, hash=_hash(secret), scopes=sorted(scopes), owner=owner, now=now
    )
    data = {"scopes": sorted(scopes), "owner": owner}
    tx.record(Entry(now, "key.created", "key", key_id, "system", data))
    return secret


def key(tx: Tx, secret: str) -> ApiKey | None:
    """The key behind a secret."""
    row = _queries.key(tx.conn, hash=_hash(secret))
    if row is None:
        return None
    owner = Staff(row["owner"], row["owner_name"], Role(row["owner_role"])) if row["owner"] else None
    return ApiKey(row["id"], row["name"], frozenset(row["scopes"]), owner)


def revoke_key(tx: Tx, key_id: UUID, now: datetime) -> bool:
    """Make a key useless. False when it was already."""
    done = bool(_queries.revoke_key(tx.conn, id=key_id, now=now))
    if done:
        tx.record(Entry(now, "key.revoked", "key", key_id, "system"))
    return done


@cache
def _nobodys() -> str:
    """The password of somebody unknown, who costs as much time as somebody known."""
    return _hasher.hash(secrets.token_urlsafe(16))
