"""The embedded server is started by several processes at once and survives being killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
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
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "PG_VERSION").write_text("18")
    server = embedded.start(home)
    with psycopg.connect(server.url()) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_it_leaves_no_open_permissions_behind(home: Path):
    home.parent.chmod(0o700)
    server = embedded.start(home)
    assert home.parent.stat().st_mode & 0o777 == 0o700
    assert server.data.stat().st_mode & 0o077 == 0
    assert (home / "postgres.secret").stat().st_mode & 0o077 == 0


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
