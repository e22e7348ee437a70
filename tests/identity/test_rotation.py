"""The master key is changed: everybody is read and found before, between and after."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from whiteslip import identity
from whiteslip.base import TestClock
from whiteslip.identity import Person, Vault, rotation
from whiteslip.identity.vault import VaultError, enrol_contact, new_key_file
from whiteslip.store import Database

PEOPLE = 30
# Wraps one person after the other in a process of its own, and says so after each.
SLOWLY = """
import sys, time
from pathlib import Path
from whiteslip.identity import rotation
from whiteslip.store import Database
db, after = Database(sys.argv[1], size=1), None
vault = rotation.begin(Path(sys.argv[2]))
while True:
    with db.transaction() as tx:
        after, _ = rotation.rewrap(tx, vault, after, 1)
    print("one", flush=True)
    time.sleep(0.05)
"""


def numbered(no: int) -> Person:
    return Person(f"人{no}", f"1101051949123{no:04d}X", f"+86139000{no:05d}", f"p{no}@example.com")


@pytest.fixture
def people(db: Database, tmp_path: Path, clock: TestClock) -> list[UUID]:
    vault = Vault.create(tmp_path / "master.key")
    found = [uuid4() for _ in range(PEOPLE)]
    with db.transaction() as tx:
        identity.enrol_many(
            tx, vault, [(who, numbered(no)) for no, who in enumerate(found)], "test", clock.now()
        )
    return found


def all_are_there(db: Database, key: Path, people: list[UUID]) -> None:
    vault = Vault.open(key)
    with db.transaction() as tx:
        for no, who in enumerate(people):
            assert identity.peek(tx, vault, who) == numbered(no)
            assert identity.find(tx, vault, phone=numbered(no).phone) == [who]


def masters(db: Database) -> set[str]:
    with db.transaction() as tx:
        return {row["master"] for row in tx.conn.execute("SELECT DISTINCT master FROM identity.person")}


def rotated(db: Database, key: Path, clock: TestClock, page: int = 7) -> Path:
    vault, after = rotation.begin(key), None
    while True:
        with db.transaction() as tx:
            after, _ = rotation.rewrap(tx, vault, after, page)
        if after is None:
            break
    with db.transaction() as tx:
        return rotation.finish(tx, vault, key, "staff:1", clock.now())


def test_a_rotation_that_is_killed_half_way_goes_on_and_everybody_is_there_all_the_time(
    db: Database, tmp_path: Path, people: list[UUID], clock: TestClock
):
    key = tmp_path / "master.key"
    old = Vault.open(key)
    process = subprocess.Popen([sys.executable, "-c", SLOWLY, db.url, str(key)], stdout=subprocess.PIPE)
    assert process.stdout
    for _ in range(3):
        process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    assert len(masters(db)) == 2, "it was half-way"
    all_are_there(db, key, people)
    assert Vault.open(key).former
    newcomer = uuid4()
    with db.transaction() as tx:
        identity.enrol_many(tx, Vault.open(key), [(newcomer, numbered(PEOPLE))], "test", clock.now())
    kept = rotated(db, key, clock)
    new = Vault.open(key)
    assert new.former is None
    assert masters(db) == {new.master_id}
    assert new.master_id != old.master_id
    all_are_there(db, key, [*people, newcomer])
    assert Vault.open(kept).master_id == old.master_id, "backups made before open with it"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert not new_key_file(key).exists()
    with db.transaction() as tx, pytest.raises(VaultError):
        identity.peek(tx, old, people[0])


def test_a_change_of_contact_in_the_middle_is_found_at_once_and_afterwards(
    db: Database, tmp_path: Path, zhang: Person, clock: TestClock
):
    key, who = tmp_path / "master.key", uuid4()
    Vault.create(key)
    with db.transaction() as tx:
        identity.enrol(tx, Vault.open(key), who, zhang, "test", clock.now())
    vault = rotation.begin(key)
    with db.transaction() as tx:
        identity.change_contact(tx, vault, who, "+8613912345679", None, "test", clock.now())
        assert identity.find(tx, vault, phone="+8613912345679") == [who]
    rotated(db, key, clock)
    with db.transaction() as tx:
        assert identity.find(tx, Vault.open(key), phone="+8613912345679") == [who]


def test_who_is_only_written_to_is_found_by_nothing_after_it_either(
    db: Database, tmp_path: Path, people: list[UUID], clock: TestClock
):
    key, heir = tmp_path / "master.key", uuid4()
    who = Person("张三丰", "", "+8613912345678", "zhang@example.com")
    with db.transaction() as tx:
        enrol_contact(tx, Vault.open(key), heir, who, "desk", clock.now())
    rotated(db, key, clock)
    with db.transaction() as tx:
        assert identity.find(tx, Vault.open(key), phone=who.phone) == []
        found = identity.peek(tx, Vault.open(key), heir)
    assert isinstance(found, Person)
    assert found.phone == who.phone


def test_a_row_of_a_vault_whose_key_is_gone_keeps_the_rotation_from_ending(
    db: Database, tmp_path: Path, people: list[UUID], clock: TestClock
):
    key = tmp_path / "master.key"
    with db.transaction() as tx:
        identity.enrol_many(tx, Vault(bytes(32)), [(uuid4(), numbered(99))], "test", clock.now())
    with pytest.raises(VaultError):
        rotated(db, key, clock)
    all_are_there(db, key, people)
