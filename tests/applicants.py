"""Applicants for tests: people who do not exist, and applications in a line of code."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from worlds import DAY, at

from whiteslip import applications, packs
from whiteslip.applications import Application, Asked, Lender, rules, store
from whiteslip.applications.model import Channel
from whiteslip.applications.scorecard import shipped
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.identity import Person, Vault
from whiteslip.store import Database

TABLES: Final = Tables.load()
VAULT: Final = Vault(bytes(32))
NOON: Final = at(DAY)
LENDER: Final = Lender(TABLES, VAULT, "Test Lender", packs.load("cn"), shipped())
PERSON: Final = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
CONSENT: Final = rules.consent("en")[1]
# 10,000 yuan a month, 1,000 of them owed elsewhere to one lender, and 5,000 wished for: approved.
SOUND: Final = Asked(1_000_000, 100_000, 1, 500_000)
# Six tenths of the income go into debt service.
BURDENED: Final = Asked(1_000_000, 600_000, 4, 2_000_000)


def lender(pack: str) -> Lender:
    """The test's lender under another law."""
    return replace(LENDER, pack=packs.load(pack))


def started(
    db: Database,
    asked: Asked = SOUND,
    person: Person = PERSON,
    now: datetime = NOON,
    by: Lender = LENDER,
) -> Application:
    """An application that waits for its code."""
    with db.transaction() as tx:
        made = applications.apply(tx, by, person, asked, Channel.PORTAL, "en", CONSENT, "form", now)
    assert isinstance(made, Application), made
    return made


def proven(
    db: Database, application: Application, now: datetime = NOON, by: Lender = LENDER
) -> Application | Refusal:
    """What becomes of it when the phone is proven."""
    with db.transaction() as tx:
        return applications.prove(tx, by, application.id, "customer", now)


def applied(
    db: Database,
    asked: Asked = SOUND,
    person: Person = PERSON,
    now: datetime = NOON,
    by: Lender = LENDER,
) -> Application:
    """An application that was decided."""
    done = proven(db, started(db, asked, person, now, by), now, by)
    assert isinstance(done, Application), done
    return done


def accepted(db: Database, application: Application, now: datetime = NOON, by: Lender = LENDER) -> UUID:
    """The line that acceptance opens."""
    with db.transaction() as tx:
        done = applications.accept(tx, by, application.id, "customer", now)
    assert isinstance(done, Application), done
    assert done.line
    return done.line


def again(db: Database, application: Application) -> Application:
    """The application as it stands now."""
    with db.transaction() as tx:
        found = store.get(tx, application.id)
    assert found
    return found
