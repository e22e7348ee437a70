"""A backup and the way back, when something is wrong with the file, the keys, the place or the moment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from errno import EIO
from pathlib import Path
from typing import IO
from uuid import uuid4

import psycopg
import pytest
from app.test_cli import empty

from whiteslip.app import backups, cli
from whiteslip.app.settings import load
from whiteslip.app.wiring import opened
from whiteslip.identity import Person
from whiteslip.identity.vault import enrol_contact
from whiteslip.store import embedded
from whiteslip.store.timers import present

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def home(
    fresh_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> Path:
    """An installation with somebody in it."""
    monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", fresh_url())
    assert cli.run(["init"]) == 0
    person = Person("人", "11010119491231002X", "+8613900000001", "p@example.com")
    with opened(load(os.environ)) as platform, platform.database.transaction() as tx:
        enrol_contact(tx, platform.ports.vault, uuid4(), person, "test", present(tx))
    capsys.readouterr()
    return tmp_path / "home"


@pytest.fixture
def other(
    home: Path, fresh_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Path]:
    """Moves to another home, over a database that is empty."""

    def move() -> Path:
        monkeypatch.setenv("WHITESLIP_HOME", str(tmp_path / "other"))
        monkeypatch.setenv("WHITESLIP_DATABASE_URL", empty(fresh_url()))
        (tmp_path / "other").mkdir()
        return tmp_path / "other"

    return move


def run(capture: Capture, *tokens: str) -> tuple[int, str]:
    capture.readouterr()
    code = cli.run(tokens)
    return code, capture.readouterr().err


def backed_up(home: Path, capsys: Capture) -> str:
    file = str(home.with_name("all.backup"))
    assert run(capsys, "backup", file)[0] == 0
    return file


def holds(url: str) -> bool:
    with psycopg.connect(url) as conn:
        return conn.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'store'").fetchone() is not None


def test_people_who_are_restored_get_no_key_but_their_own(
    home: Path, other: Callable[[], Path], capsys: Capture
):
    file, new = backed_up(home, capsys), other()
    code, said = run(capsys, "restore", file)
    assert code == 5
    assert f"put {new / 'master.key'} and {new / 'web.secret'} back" in said
    assert list(new.iterdir()) == [], "no key that opens nobody's record"
    for name in ("master.key", "web.secret"):
        shutil.copy(home / name, new)
    assert run(capsys, "audit", "verify")[0] == 0


def test_the_key_of_another_home_is_said_to_be_wrong(
    home: Path, other: Callable[[], Path], capsys: Capture, monkeypatch: pytest.MonkeyPatch
):
    file, new = backed_up(home, capsys), other()
    assert cli.run(["init"]) == 0
    empty(os.environ["WHITESLIP_DATABASE_URL"])
    code, said = run(capsys, "restore", file)
    assert (code, f"{new / 'master.key'} does not open every record" in said) == (5, True)


def test_a_restore_that_is_cut_off_leaves_nothing_and_is_done_again(
    home: Path, other: Callable[[], Path], capsys: Capture, monkeypatch: pytest.MonkeyPatch
):
    file, new = backed_up(home, capsys), other()

    def nothing(_: Path) -> dict[str, object]:
        return {}

    def cut_off(dump: IO[bytes], into: IO[bytes]) -> None:
        whole = dump.read()
        into.write(whole[: len(whole) * 9 // 10])
        raise OSError(EIO, os.strerror(EIO))

    for name in ("master.key", "web.secret"):
        shutil.copy(home / name, new)
    with monkeypatch.context() as patched:
        patched.setattr(backups.shutil, "copyfileobj", cut_off)
        # The list of its migrations is read first.
        patched.setattr(backups, "verify", nothing)
        assert run(capsys, "restore", file)[0] == 1
    assert not holds(os.environ["WHITESLIP_DATABASE_URL"])
    assert run(capsys, "restore", file)[0] == 0
    assert run(capsys, "audit", "verify")[0] == 0


def test_a_backup_of_a_newer_version_is_refused_before_anything_is_touched(
    home: Path, other: Callable[[], Path], capsys: Capture
):
    with psycopg.connect(os.environ["WHITESLIP_DATABASE_URL"]) as conn:
        conn.execute("INSERT INTO store.migration VALUES ('lines-9999', repeat('0', 64))")
    file = backed_up(home, capsys)
    other()
    for more in ([], ["--check-only"]):
        code, said = run(capsys, "restore", file, *more)
        assert (code, "made by a newer version, with lines-9999" in said) == (5, True)
    assert not holds(os.environ["WHITESLIP_DATABASE_URL"])


def test_a_database_of_an_older_version_is_backed_up_before_it_is_migrated(home: Path, capsys: Capture):
    with psycopg.connect(os.environ["WHITESLIP_DATABASE_URL"]) as conn:
        conn.execute("DELETE FROM _yoyo_migration WHERE migration_id = 'day'")
    code, said = run(capsys, "user", "list")
    assert (code, "try: whiteslip backup FILE && whiteslip init" in said) == (5, True)
    assert run(capsys, "backup", str(home / "before"))[0] == 0


def test_a_database_of_somebody_else_is_left_alone(home: Path, other: Callable[[], Path], capsys: Capture):
    file = backed_up(home, capsys)
    other()
    with psycopg.connect(os.environ["WHITESLIP_DATABASE_URL"]) as conn:
        conn.execute("CREATE TABLE public.theirs (x int)")
    code, said = run(capsys, "restore", file)
    assert (code, "the database is not empty" in said) == (4, True)
    assert not holds(os.environ["WHITESLIP_DATABASE_URL"])


def test_who_may_make_no_roles_restores_as_well(
    home: Path,
    server: embedded.Server,
    other: Callable[[], Path],
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
):
    file, new = backed_up(home, capsys), other()
    for name in ("master.key", "web.secret"):
        shutil.copy(home / name, new)
    url = os.environ["WHITESLIP_DATABASE_URL"]
    role, database = f"lender_{os.getpid()}", url.rpartition("/")[2]
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'plain' IN ROLE whiteslip_app")  # type: ignore[arg-type]
        conn.execute(f"ALTER DATABASE {database} OWNER TO {role}")  # type: ignore[arg-type]
    monkeypatch.setenv("WHITESLIP_DATABASE_URL", f"postgresql://{role}:plain@{url.rpartition('@')[2]}")
    assert run(capsys, "restore", file) == (0, "")
    assert run(capsys, "audit", "verify")[0] == 0


def test_a_backup_goes_to_stdout_and_a_full_disk_there_is_said(home: Path, tmp_path: Path, capsys: Capture):
    def to(place: str) -> tuple[int, str]:
        with Path(place).open("wb") as out:
            done = subprocess.run(
                [Path(sys.executable).with_name("whiteslip"), "backup", "-"],
                stdout=out,
                stderr=subprocess.PIPE,
                check=False,
            )
        return done.returncode, done.stderr.decode()

    assert to(str(tmp_path / "stream"))[0] == 0
    assert run(capsys, "restore", str(tmp_path / "stream"), "--check-only")[0] == 0
    code, said = to("/dev/full")
    assert (code, said) == (1, "whiteslip: - cannot be written: No space left on device\n")
