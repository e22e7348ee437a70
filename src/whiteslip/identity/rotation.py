"""A new master key: every person's own key is wrapped anew, a page at a time.

The new key is made beside the old one. While both files are there a vault opens with both, reads under
either and writes under the new one, so that a rotation that was cut off goes on where it stopped and
nobody is unread meanwhile. Records and documents are sealed with the person's own key and stay as they are;
look-ups are keyed by the master key and are made anew.
"""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from whiteslip.base import new_id
from whiteslip.base.ids import NO_ID
from whiteslip.identity.vault import Vault, new_key_file
from whiteslip.store import Entry, Tx, load_queries

_queries = load_queries(__file__)
_KINDS: Final = ("id_number", "phone", "email")


def begin(path: Path) -> Vault:
    """Make a new master key beside the one in ``path``, unless a rotation is under way; opens both."""
    new = new_key_file(path)
    if not new.exists():
        made = new.with_name(f"{new.name}.{os.getpid()}")
        Vault.create(made)
        made.replace(new)  # whole or not at all
    return Vault.open(path)


def others_connected(tx: Tx) -> int:
    """Connections to the database besides this one: who was there before does not know the new key."""
    return _queries.others_connected(tx.conn)


def rewrap(tx: Tx, vault: Vault, after: UUID | None, count: int) -> tuple[UUID | None, int]:
    """Wrap up to ``count`` people's keys under the vault's present key, in order of their ids.

    Returns the last id, None when there were no more, and how many. Raises VaultError for a row of a vault
    whose key is not there: then nothing may be finished.
    """
    rows = list(_queries.under_another(tx.conn, master=vault.master_id, after=after or NO_ID, count=count))
    fields: dict[str, list[object]] = {name: [] for name in ("subject", "wrapped", *_KINDS)}
    for row in rows:
        old, subject = vault.of(row["master"]), row["subject"]
        key = old.unwrap(subject, bytes(row["wrapped"]))
        person = old.unseal(subject, bytes(row["wrapped"]), bytes(row["sealed"]))
        # Who is only written to is found by nothing.
        is_found = bytes(row["id_number_index"]) != old.index("contact", str(subject))
        fields["subject"].append(subject)
        fields["wrapped"].append(vault.wrap(subject, key))
        for kind in _KINDS:
            about = (kind, getattr(person, kind)) if is_found else ("contact", str(subject))
            fields[kind].append(vault.index(*about))
    if rows:
        _queries.rewrap(tx.conn, master=vault.master_id, **fields)
    return (rows[-1]["subject"] if len(rows) == count else None), len(rows)


def lacks_a_key(tx: Tx, vault: Vault) -> bool:
    """Whether somebody's record is under a master key that is not here."""
    here = [each.master_id for each in (vault, vault.former) if each]
    return _queries.any_under_another(tx.conn, masters=here)


def holds_people(tx: Tx) -> bool:
    """Whether there is anybody's record, under whatever key."""
    return _queries.any_under_another(tx.conn, masters=[""])


def finish(tx: Tx, vault: Vault, path: Path, actor: str, now: datetime) -> Path:
    """The new key takes the old one's place, which stays beside it under its id: backups made before need it.

    Returns where the old key is. Nobody may be under it any more; raises ValueError otherwise.
    """
    if vault.former is None or _queries.any_under_another(tx.conn, masters=[vault.master_id]):
        raise ValueError("somebody's key is wrapped by another master key still")
    kept = path.with_name(f"{path.name}.{vault.former.master_id}")
    tx.record(Entry(now, "identity.key_rotated", "vault", new_id(now), actor, {"master": vault.master_id}))
    tx.flush()
    with contextlib.suppress(FileExistsError):  # it was cut off between the two
        os.link(path, kept)
    new_key_file(path).replace(path)
    return kept
