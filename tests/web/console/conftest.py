"""Somebody in front of the desk, without a screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from random import Random
from typing import Any

import pytest
import worlds
from httpx import Response
from litestar.testing import TestClient

from whiteslip import exits, identity, packs
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Exit, Office
from whiteslip.exits import desk as exits_desk
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity
from whiteslip.identity import Vault, access
from whiteslip.identity.model import Role, Staff
from whiteslip.notices import DemoPhone
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock
from whiteslip.web.console import routers
from whiteslip.web.kit.ports import Ports
from whiteslip.web.kit.settings import WebSettings
from whiteslip.web.kit.shell import create_app
from whiteslip.world.population import person

NOW = worlds.at(worlds.DAY)
PASSWORD = "a long password"


@dataclass
class Desk:
    """A browser at the desk."""

    db: Database
    ports: Ports
    client: TestClient[Any]

    def get(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path, headers={"Accept-Language": "en"})
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, to: str, page: str | None = None, **fields: str) -> Response:
        """Post a form with the token of the page it stands on."""
        token = re.search(r'name="form_token" value="([^"]+)"', self.get(page or to))
        assert token
        data = {"form_token": token[1]} | fields
        return self.client.post(to, data=data, headers={"Accept-Language": "en"}, follow_redirects=False)

    def staff(self, role: Role = Role.REVIEWER) -> Staff:
        with self.db.transaction() as tx:
            made = access.create_staff(tx, role.value, role, PASSWORD, NOW)
        assert isinstance(made, Staff)
        return made

    def sign_in(self, role: Role = Role.REVIEWER) -> Staff:
        staff = self.staff(role)
        answer = self.post("/console/sign-in", name=staff.name, password=PASSWORD)
        assert answer.status_code == 303, answer.text
        return staff

    def held(self, owed_minor: int = 0, days: int = 0) -> Exit:
        """A customer whose proof failed: a case that waits for a person."""
        line = worlds.open_line(self.db)
        if owed_minor:
            worlds.buy(self.db, line, owed_minor, 3)
        with self.db.transaction() as tx:
            customer = worlds.locked(tx, line).customer
            one = person(Random(int(customer) % 1000), 7)
            identity.enrol_many(tx, self.ports.vault, [(customer, one)], "test", NOW)
            now = NOW + timedelta(days=days)
            case = exits.request(
                tx, self.ports.office, line, Channel.PORTAL, "customer", now, Identity.DOUBTED
            )
        assert not isinstance(case, Refusal)
        return case

    def confirmed(self) -> Exit:
        """A case that waits for the desk before it goes on: much was drawn and a payment came back."""
        start = worlds.DAY - timedelta(days=65)
        line = worlds.open_line(self.db, statement_day=5, day=start)
        worlds.buy(self.db, line, 3_000, day=start)
        worlds.night(self.db, date(2025, 12, 5))
        paid = worlds.pay(self.db, line, 3_000, date(2025, 12, 20))
        worlds.buy(self.db, line, 90_000, day=worlds.DAY - timedelta(days=1))
        worlds.give_back(self.db, paid, worlds.DAY - timedelta(days=1))
        with self.db.transaction() as tx:
            case = exits.request(
                tx, self.ports.office, line, Channel.PORTAL, "customer", NOW, Identity.VERIFIED
            )
        assert not isinstance(case, Refusal)
        assert case.waits_for_desk, case
        return case

    def half_a_minute_later(self, *cases: Exit) -> None:
        """What was chosen is carried out, as the worker would."""
        with self.db.transaction() as tx:
            for case in cases:
                exits_desk.carry_out(tx, self.ports.office, case.id, NOW + exits_desk.UNDO)

    def sign_out(self) -> None:
        self.client.cookies.clear()

    def case(self, case: Exit) -> Exit:
        with self.db.transaction() as tx:
            found = exits_store.find(tx, case.id)
        assert found
        return found


@pytest.fixture
def desk(db: Database) -> Iterator[Desk]:
    office = Office(Tables.load(), "Test")
    ports = Ports(db, Vault(bytes(32)), office, DemoPhone(db), packs.load("cn"))
    with db.transaction() as tx:
        StoredClock(tx).set(NOW.astimezone(UTC))
    app = create_app(routers, WebSettings(secret=bytes(32), default_language="en"), ports)
    with TestClient(app) as client:
        yield Desk(db, ports, client)
