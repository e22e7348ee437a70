"""The API over a real database, as a client sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import Response
from litestar.testing import TestClient

from whiteslip import packs
from whiteslip.base.ids import parse_public
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.identity import Vault, access
from whiteslip.identity.model import Role, Staff
from whiteslip.lake import Lake
from whiteslip.notices import DemoPhone
from whiteslip.notices.mailers import on_phone
from whiteslip.packs import Pack
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.web.api import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app
from whiteslip.webhooks import Courier

NOW = datetime(2026, 10, 22, 6, 3, 22, tzinfo=UTC)


def application(db: Database, pack: str | Pack = "cn", lake: Lake | None = None) -> Any:
    """The shell with the API door alone, under a pack, or under one whose terms the lender wrote."""
    agreed = packs.load(pack) if isinstance(pack, str) else pack
    office, courier = Office(Tables.load(), "Test"), Courier(bytes(32), allow_internal=True)
    vault = Vault(bytes(32), region=agreed.country)
    ports = Ports(db, vault, office, DemoPhone(db), agreed, courier, lake)
    return create_app(routers, WebSettings(secret=bytes(32), default_language="en"), ports)


@dataclass
class Api:
    """A client with a key."""

    db: Database
    client: TestClient[Any]
    secret: str
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """One request with the key."""
        known = {"Authorization": f"Bearer {self.secret}", "Accept-Language": "en"}
        sent = known | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, path, json=body, headers=sent)

    def get(self, path: str) -> Any:
        """A good answer to GET."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, status: int = 201, **headers: str) -> Any:
        """An answer to POST with the status that is wanted."""
        answer = self.ask("POST", path, body, **headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def customer(self, **changes: Any) -> str:
        """A new customer's id."""
        person = {
            "full_name": "欧阳明远",
            "id_number": "11010119900307803X",
            "phone": "+8613900000021",
            "email": "a@example.com",
        }
        return self.post("/v1/customers", person | changes)["id"]

    def prove(self, customer: str) -> None:
        """The customer proves who they are: name, ID number and the code on their phone."""
        self.post("/v1/identity-checks", {"customer": customer})
        subject = parse_public("cus", customer)
        assert subject
        with self.db.transaction() as tx:
            rows = on_phone(tx, subject)
        codes = [found[0] for row in rows if (found := re.findall(r"\b\d{6}\b", row["body"]))]
        typed = {"full_name": "欧阳明远", "id_number": "11010119900307803X", "code": codes[0]}
        self.post(f"/v1/identity-checks/{customer}/verify", typed, 200)

    def line(self, limit_minor: int = 100_000, customer: str | None = None) -> str:
        """A new line's id."""
        body = {"customer": customer or self.customer(), "limit_minor": limit_minor}
        return self.post("/v1/lines", body)["id"]


def with_key(db: Database, *scopes: str, owner: str | None = None) -> str:
    """A key with scopes, of a reviewer called ``owner`` or of somebody new; the clock stands still."""
    with db.transaction() as tx:
        StoredClock(tx).set(NOW)
        name = owner or f"reviewer {len(access.all_staff(tx)) + 1}"
        who = access.staff_named(tx, name) or access.create_staff(tx, name, Role.REVIEWER, None, NOW)
        assert isinstance(who, Staff)
        return access.create_key(tx, "test", scopes or ("read", "write"), NOW, who.id)


@pytest.fixture
def api(db: Database) -> Iterator[Api]:
    with TestClient(application(db)) as client:
        yield Api(db, client, with_key(db))


@pytest.fixture
def key(db: Database) -> Callable[..., str]:
    return lambda *scopes, **owner: with_key(db, *scopes, **owner)
