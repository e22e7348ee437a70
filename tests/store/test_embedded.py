"""The embedded server is started by several processes at once and survives being killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from whiteslip.store import embedded

START = """
import sys, pathlib
from whiteslip.store import embedded
print(embedded.start(pathlib.Path(sys.argv[1])).port)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    embedded.remove(tmp_path / "home")


def postmaster(server: embedded.Server) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def test_processes_that_start_it_at_once_share_one_server(home: Path):
    starts = [
        subprocess.Popen([sys.executable, "-c", START, str(home)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ports = {process.communicate(timeout=60)[0].strip() for process in starts}
    assert len(ports) == 1
    assert ports.pop().isdigit()


def test_it_recovers_from_kill_9_with_all_that_was_committed(home: Path):
    server = embedded.start(home)
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    os.kill(postmaster(server), signal.SIGKILL)
    again = embedded.start(home)
    with psycopg.connect(again.url()) as conn:
        assert conn.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_it_waits_for_a_query_that_has_not_noticed_yet_that_its_server_was_killed(home: Path):
    server = embedded.start(home)
    conn = psycopg.connect(server.url())
    backend, log = conn.info.backend_pid, server.data / "server.log"

    def notice() -> None:
        """End, but not before a start was refused because of it."""
        end = time.monotonic() + 60
        while "is still in use" not in log.read_text() and time.monotonic() < end:
            time.sleep(0.05)
        os.kill(backend, signal.SIGKILL)

    os.kill(backend, signal.SIGSTOP)
    os.kill(postmaster(server), signal.SIGKILL)
    noticing = threading.Thread(target=notice)
    noticing.start()
    try:
        again = embedded.start(home)
    finally:
        noticing.join()
        conn.close()
    assert "is still in use" in log.read_text()
    with psycopg.connect(again.url()) as fresh:
        assert fresh.execute("SELECT 1").fetchone() == (1,)


def test_a_home_killed_during_initdb_is_made_again(home: Path):
    (home / "postgres.half").mkdir(parents=True)
    (home / "postgres.half" / "PG_VERSION").write_text("18")
    server = embedded.start(home)
    with psycopg.connect(server.url()) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def open_to_others(folder: Path) -> list[str]:
    """What below a folder others may read, write or enter."""
    found = [path for path in folder.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077]
    return [str(path.relative_to(folder)) for path in found]


def test_it_leaves_no_open_permissions_behind(home: Path):
    home.parent.chmod(0o700)
    before = os.umask(0)
    try:
        server = embedded.start(home)
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("CREATE TABLE written AS SELECT 1 AS n")
    finally:
        os.umask(before)
    assert home.parent.stat().st_mode & 0o777 == 0o700
    assert home.stat().st_mode & 0o022 == 0
    assert server.data.stat().st_mode & 0o077 == 0
    assert len(list(server.data.rglob("*"))) > 500, "the data is looked at, not an empty folder"
    assert open_to_others(home) + open_to_others(server.data) == []


def recovering(data: Path) -> int | None:
    """The process that replays the log, while it does."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        parent = (data / "postmaster.pid").read_text().split()[0]
        for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            if b"startup" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return int(pid)
    return None


def test_a_recovery_that_takes_long_is_waited_for_and_told(home: Path, monkeypatch: pytest.MonkeyPatch):
    """The process that replays the log is held until both who start it have told that they wait."""
    monkeypatch.setattr(embedded, "PATIENCE_SECONDS", 0.0)
    first: list[str] = []
    server = embedded.start(home, {"fsync": "off"}, first.append)
    assert first == [embedded.MAKING]
    monkeypatch.setattr(embedded, "PATIENCE_SECONDS", 0.3)
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(
            "CREATE TABLE kept AS SELECT n, repeat('x', 200) AS x FROM generate_series(1, 100000) AS n"
        )
    os.kill(postmaster(server), signal.SIGKILL)
    told: list[str] = []
    started: list[embedded.Server] = []

    def start() -> None:
        started.append(embedded.start(home, {"fsync": "off"}, told.append))

    starting = [threading.Thread(target=start) for _ in range(2)]
    for thread in starting:
        thread.start()
    held, end = None, time.monotonic() + 60
    while held is None and time.monotonic() < end and any(thread.is_alive() for thread in starting):
        held = recovering(server.data)
    assert held, "the recovery was over before it was seen"
    os.kill(held, signal.SIGSTOP)
    while len(told) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    waiting = [thread.is_alive() for thread in starting]
    os.kill(held, signal.SIGCONT)
    for thread in starting:
        thread.join()
    assert (told, waiting) == ([embedded.REPLAYING] * 2, [True, True])
    assert len(started) == 2
    with psycopg.connect(started[0].url()) as conn:
        assert conn.execute("SELECT count(*) FROM kept").fetchone() == (100_000,)


def test_a_server_that_somebody_else_made_is_theirs_and_it_is_said_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    """Root at a plain user's home, and a plain user at root's: neither leaves anything behind."""
    home.mkdir()
    made, us = home / "postgres.json", os.geteuid()
    made.write_text('{"port": 1}')
    if us == 0:
        os.chown(made, 65534, -1)
        with pytest.raises(
            embedded.EmbeddedError, match="belongs to nobody, and you are root; run this as nobody"
        ):
            embedded.start(home)
        os.chown(made, us, -1)
    monkeypatch.setattr(os, "geteuid", lambda: us + 12_345)
    for act in (embedded.start, embedded.stop):
        with pytest.raises(embedded.EmbeddedError, match=r"run this as .* or set WHITESLIP_HOME to a folder"):
            act(home)
    monkeypatch.undo()
    assert list(home.iterdir()) == [made]
    made.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("act", [embedded.start, embedded.stop], ids=["start", "stop"])
def test_a_plain_user_at_a_closed_home_of_root_is_told_what_to_do(home: Path, act: Callable[[Path], object]):
    home.mkdir(mode=0o700)
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            act(home)
        except BaseException as error:
            os.write(writes, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writes)
    os.waitpid(child, 0)
    said = os.read(reads, 1000).decode()
    os.close(reads)
    assert said.startswith("EmbeddedError")
    assert "run this as the owner of" in said
    assert list(home.iterdir()) == []


def test_a_wrong_password_is_refused(home: Path):
    server = embedded.start(home)
    url = server.url().replace(server.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_stopping_it_twice_is_harmless(home: Path):
    embedded.start(home)
    assert embedded.stop(home)
    assert not embedded.stop(home)


def test_stopping_one_that_was_just_killed_is_harmless(home: Path):
    server = embedded.start(home)
    os.kill(postmaster(server), signal.SIGKILL)
    embedded.stop(home)
    with psycopg.connect(embedded.start(home).url()) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_database_is_never_made_anew_over_one_that_is_there(home: Path):
    server = embedded.start(home)
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 1 AS n")
    (home / "postgres.json").unlink()
    found = embedded.start(home)
    assert found.port == server.port
    embedded.stop(home)
    (home / "postgres.json").write_text("")
    with pytest.raises(embedded.EmbeddedError, match=r"cannot be read: it was changed"):
        embedded.start(home)
    (home / "postgres.json").unlink()
    secret = (home / "postgres.secret").read_text()
    (home / "postgres.secret").unlink()
    with pytest.raises(embedded.EmbeddedError, match="put it back"):
        embedded.start(home)
    (home / "postgres.secret").write_text(secret)
    with psycopg.connect(embedded.start(home).url()) as conn:
        assert conn.execute("SELECT n FROM kept").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="root runs the server as somebody else")
def test_a_home_that_was_closed_later_is_told_how_to_open_and_keeps_its_database():
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to the server's user
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        server = embedded.start(home)
        embedded.stop(home)
        home.chmod(0o700)
        with pytest.raises(embedded.EmbeddedError, match=r"chmod o\+x"):
            embedded.start(home)
        home.chmod(0o755)
        assert embedded.start(home).data == server.data
        embedded.remove(home)
