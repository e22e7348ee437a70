"""A vault, a person who does not exist, and an hour to start from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from whiteslip import identity
from whiteslip.base import TestClock
from whiteslip.identity import Person, Vault
from whiteslip.store import Database

ZHANG = Person("张三丰", "11010519491231002X", "+8613912345678", "zhang@example.com")


@pytest.fixture
def vault() -> Vault:
    return Vault(bytes(range(32)), region="CN")


@pytest.fixture
def clock() -> TestClock:
    return TestClock(datetime(2026, 3, 1, 9, tzinfo=UTC))


@pytest.fixture
def zhang() -> Person:
    return ZHANG


@pytest.fixture
def enrolled(db: Database, vault: Vault, clock: TestClock) -> Callable[[Person], UUID]:
    """Puts a person into the vault and gives their id."""

    def enrol(person: Person = ZHANG) -> UUID:
        subject = uuid4()
        with db.transaction() as tx:
            identity.enrol_many(tx, vault, [(subject, person)], "test", clock.now())
        return subject

    return enrol
