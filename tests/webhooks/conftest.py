"""A receiver as others write one: a real server on loopback that verifies every signature."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook
from worlds import DAY, at

from whiteslip import day, webhooks
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.database import Row
from whiteslip.webhooks import Courier, Endpoint, store
from whiteslip.webhooks.model import Delivery

KEY = bytes(range(32))
COURIER = Courier(KEY, allow_internal=True)
NOON = at(DAY)


@dataclass
class Receiver:
    """What arrived, verified with ``secret`` where one is set; ``answers`` are given in turn, then 204."""

    port: int
    secret: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list[tuple[int, dict[str, str]]])
    came: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    refuses: Callable[[dict[str, Any]], bool] = lambda _: False

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hooks?from=whiteslip"

    @property
    def types(self) -> list[str]:
        """The kinds that arrived, refused ones too."""
        return [each["body"]["type"] for each in self.came]

    @property
    def ids(self) -> list[str]:
        """The ids that arrived."""
        return [each["headers"]["webhook-id"] for each in self.came]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        """Verify, remember, and answer."""
        if self.secret:
            Webhook(self.secret).verify(body, headers)
        known: dict[str, Any] = {"path": path, "headers": headers, "raw": body, "body": json.loads(body)}
        self.came.append(known)
        if self.refuses(known["body"]):
            return 500, {}
        return self.answers.pop(0) if self.answers else (204, {})


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more = receiver.take(self.path, headers, body)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            del code, size

    return Handler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver(0)
    with HTTPServer(("127.0.0.1", 0), _handler(found)) as server:
        found.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@dataclass
class Scene:
    """An installation with endpoints, and the hand that moves its clock."""

    db: Database
    now: datetime = NOON
    ports: day.Ports = field(init=False)

    def __post_init__(self) -> None:
        self.ports = day.Ports(Office(Tables.load(), "Test"), Vault(bytes(32)), DemoPhone(self.db), COURIER)

    def endpoint(self, url: str, *kinds: str) -> tuple[Endpoint, str]:
        """A new endpoint and its secret."""
        with self.db.transaction() as tx:
            made = webhooks.create(tx, COURIER, url, kinds, "test", self.now)
        assert not isinstance(made, Refusal), made
        return made

    def hears(self, receiver: Receiver, *kinds: str) -> Endpoint:
        """A new endpoint at the receiver, which knows its secret."""
        made, receiver.secret = self.endpoint(receiver.url, *kinds)
        return made

    def run(self, step: timedelta = timedelta()) -> None:
        """Let time pass, and send what is due."""
        self.now += step
        day.run_webhooks(self.db, self.ports, self.now)

    def endpoint_now(self, endpoint: UUID) -> Endpoint:
        """How an endpoint is now."""
        with self.db.transaction() as tx:
            found = store.find(tx, endpoint)
        assert found
        return found

    def deliveries(self, endpoint: UUID) -> list[Delivery]:
        """Deliveries to an endpoint, oldest first."""
        with self.db.transaction() as tx:
            return store.deliveries(tx, endpoint, store.NEWEST, 200)[::-1]

    def rows(self, kind: str) -> list[Row]:
        """The journal's rows of a kind."""
        with self.db.transaction() as tx:
            found = tx.conn.execute("SELECT * FROM store.journal WHERE kind = %s ORDER BY seq", [kind])
            return found.fetchall()


@pytest.fixture
def scene(db: Database) -> Scene:
    return Scene(db)
