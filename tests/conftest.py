"""A real PostgreSQL for every test: one server for the run, a fresh database per test."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from hypothesis import settings

from whiteslip.app.schema import migrate_all
from whiteslip.store import Database, embedded

# Test modules import the shared world as ``from worlds import ...``; importlib mode adds no paths.
sys.path.insert(0, str(Path(__file__).parent))

# Slow machines are not failures, and a failure must be repeatable from what it printed.
settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")

_serial = itertools.count()
_ROOM_BYTES: Final = 4 << 30
# Tests of minutes begin first: at the end nobody could take over what stands behind one.
_LONG: Final = ("test_world.py", "test_examples.py", "test_kill.py", "test_commands.py", "test_gallery.py")


def _home(run: str) -> Path:
    """In memory where there is room: a database per test is a thousand small files, made and removed."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).total > _ROOM_BYTES
    return (memory if roomy else Path(tempfile.gettempdir())) / f"whiteslip-tests-{os.getuid()}-{run}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, each file in its own order."""
    items.sort(key=lambda item: item.path.name not in _LONG)


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> embedded.Server:
    """The server of this test run, shared by all workers. Throw-away, so without fsync."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"single{os.getpid()}")[:16]
    home = _home(run)
    home.mkdir(mode=0o755, exist_ok=True)
    with (home / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = embedded.start(home, {"fsync": "off", "full_page_writes": "off", "max_connections": "300"})
        with psycopg.connect(server.url(), autocommit=True) as conn:
            found = conn.execute("SELECT 1 FROM pg_database WHERE datname = 'template'").fetchone()
            if found is None:
                conn.execute("DROP DATABASE IF EXISTS raw")
                conn.execute("CREATE DATABASE raw")
                migrate_all(server.url("raw"))
                conn.execute("ALTER DATABASE raw RENAME TO template")
    return server


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The controller (or the only process) removes the server when the run ends."""
    if hasattr(session.config, "workerinput"):
        return
    run = getattr(session.config, "_whiteslip_run", f"single{os.getpid()}")
    home = _home(run)
    if home.exists():
        embedded.remove(home)
        shutil.rmtree(home, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Remember the run's id, which xdist gives to its workers."""
    node.config._whiteslip_run = node.workerinput["testrunuid"][:16]  # type: ignore[attr-defined]


@pytest.fixture
def fresh_url(server: embedded.Server) -> Iterator[Callable[[], str]]:
    """Makes URLs of new, migrated databases; they are dropped after the test."""
    made: list[str] = []

    def make() -> str:
        name = f"t{os.getpid()}_{next(_serial)}"
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY FILE_COPY")  # type: ignore[arg-type]
        made.append(name)
        return server.url(name)

    yield make
    with psycopg.connect(server.url(), autocommit=True) as conn:
        for name in made:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture
def db(fresh_url: Callable[[], str]) -> Iterator[Database]:
    """A migrated database of this test's own."""
    database = Database(fresh_url(), size=4)
    yield database
    database.close()
