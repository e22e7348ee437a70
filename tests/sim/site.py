"""An installation that is killed again and again, and a client that does not give up.

Server, database and commands are real processes in a home of their own. Whoever asks repeats the
request, with the same ``Idempotency-Key``, until there is an answer; what is dead is started again.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import psycopg
from psycopg.rows import dict_row

from whiteslip.store import embedded

Victim = Literal["server", "database", "command"]
PATIENCE_SECONDS: Final = 120
_COMMAND: Final = Path(sys.executable).with_name("whiteslip")


@dataclass
class Site:
    """One installation in ``home``; ``close`` removes it."""

    home: Path
    key: str = ""
    _server: subprocess.Popen[bytes] | None = None
    _running: subprocess.Popen[bytes] | None = None
    _mending: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WHITESLIP_")}
        self.env = kept | {"WHITESLIP_HOME": str(self.home), "WHITESLIP_PORT": str(self.port)}
        self.command("init")
        self._data = embedded.start(self.home).data
        (self.home / "demo").touch()  # letters and codes are shown on the demonstration phone
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)

    # What is done ----------------------------------------------------------------------------

    def command(self, *words: str) -> str:
        """Type a command until it ends by itself; its output. A refusal fails the test."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            self._running = subprocess.Popen(
                [_COMMAND, *words], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            printed, told = self._running.communicate()
            if self._running.returncode == 0:
                return printed.decode().strip()
            # 5 is unhealthy: its database died under it. Below zero: it was killed itself.
            assert self._running.returncode < 0 or _is_about_the_database(told), told.decode()
            self.mend()
        raise AssertionError(f"{words} never ended")

    def ask(self, method: str, path: str, body: object = None, once: str | None = None) -> tuple[int, Any]:
        """Send a request until it is answered; status and body."""
        headers = {"Authorization": f"Bearer {self.key}"} | ({"Idempotency-Key": once} if once else {})
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            try:
                answer = self.client.request(method, f"/v1/{path}", json=body, headers=headers)
            except httpx.TransportError:
                self.mend()
                continue
            if answer.status_code < 500:
                return answer.status_code, answer.json()
            self.mend()
        raise AssertionError(f"{method} {path} was never answered")

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What a query finds."""
        while True:
            url = embedded.start(self.home).url("whiteslip")
            # It may be killed between any two of our steps.
            with suppress(psycopg.OperationalError), psycopg.connect(url) as conn:
                return conn.cursor(row_factory=dict_row).execute(query.encode()).fetchall()

    # What is killed, and started again -------------------------------------------------------

    def kill(self, victim: Victim) -> Victim:
        """Kill -9; who it was. A command that has ended already cannot be: the database is, instead."""
        if victim == "command" and self._running and self._running.poll() is None:
            self._running.kill()
            return "command"
        if victim == "server" and self._server:
            os.killpg(self._server.pid, signal.SIGKILL)
            return "server"
        os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        return "database"

    def mend(self) -> None:
        """Start what does not run, as often as it takes, and wait until it answers."""
        with self._mending:
            end = time.monotonic() + PATIENCE_SECONDS
            while not self._is_up():
                assert time.monotonic() < end, (self.home / "serve.log").read_text()[-3_000:]
                time.sleep(0.05)

    def _is_up(self) -> bool:
        embedded.start(self.home)
        if not self._server or self._server.poll() is not None:
            with (self.home / "serve.log").open("ab") as log:
                self._server = subprocess.Popen(
                    [_COMMAND, "serve"], env=self.env, stdout=log, stderr=log, start_new_session=True
                )
        return self._ready()

    def _ready(self) -> bool:
        with suppress(httpx.TransportError):
            return self.client.get("/readyz").status_code == 200
        return False

    def close(self) -> None:
        """End everything and remove it."""
        self.client.close()
        if self._server:
            self.kill("server")
            self._server.wait()
        embedded.remove(self.home)


def _is_about_the_database(told: bytes) -> bool:
    return any(word in told for word in (b"database", b"psycopg", b"PostgreSQL"))
