"""Decisions are kept with all they need to be made again, and come out the same again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
import worlds

from whiteslip.decisions import (
    Decision,
    FactError,
    TableError,
    Tables,
    decide,
    decide_batch,
    decisions_about,
    replay,
)
from whiteslip.decisions.model import Contract, Table
from whiteslip.store import Database

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
TABLES = Tables.load()
NAME = "purchase-authorisation"
FACTS = worlds.PURCHASE_FACTS


def keep(db: Database, subject: UUID, now: datetime = NOW, **changed: object) -> Decision:
    with db.transaction() as tx:
        return decide(tx, TABLES, NAME, subject, FACTS | changed, now)


def edited(tables: Tables, meaning: str) -> Tables:
    """The same policy in another version: only what its contract says about itself differs."""
    table = tables[NAME]
    contract = msgspec.structs.replace(table.contract, meaning=meaning)
    return Tables([Table.of(NAME, table.content, contract)])


def test_what_was_decided_is_read_back_whole_and_oldest_first(db: Database):
    subject = uuid4()
    declined = keep(db, subject, LATER, lock="customer")
    allowed = keep(db, subject, NOW)
    keep(db, uuid4())
    with db.transaction() as tx:
        assert decisions_about(tx, subject) == [allowed, declined]
    assert declined.reasons == ("line.locked",)
    assert declined.trace == [{"node": "purchase authorisation", "rules": ["customer_lock"]}]
    assert declined.version == TABLES[NAME].version


def test_a_batch_answers_in_its_order_and_is_kept_without_trace(db: Database):
    subjects = [uuid4() for _ in range(3)]
    amounts = (1, 600_000, 2)
    batch = [(s, FACTS | {"amount_minor": a}) for s, a in zip(subjects, amounts, strict=True)]
    with db.transaction() as tx:
        answers = decide_batch(tx, TABLES, NAME, batch, NOW)
        assert [d.outcome["allow"] for d in answers] == [True, False, True]
        assert [d.subject for d in answers] == subjects
        assert [decisions_about(tx, s) for s in subjects] == [[d] for d in answers]
    assert [d.trace for d in answers] == [None] * 3


def test_an_empty_batch_decides_nothing(db: Database):
    with db.transaction() as tx:
        assert decide_batch(tx, TABLES, NAME, [], NOW) == []
        assert replay(tx).decisions == 0


def test_one_bad_fact_in_a_batch_keeps_nothing_of_it(db: Database):
    batch = [(uuid4(), FACTS), (uuid4(), FACTS | {"dpd_days": -1})]
    with db.transaction() as tx:
        with pytest.raises(FactError, match=r"dpd_days: expected integer of days from 0"):
            decide_batch(tx, TABLES, NAME, batch, NOW)
        assert replay(tx).decisions == 0


def test_a_table_that_does_not_exist_is_named(db: Database):
    with (
        db.transaction() as tx,
        pytest.raises(TableError, match="no table 'luck'; there are app"),
    ):
        decide(tx, TABLES, "luck", uuid4(), FACTS, NOW)


def test_a_version_is_kept_once_and_a_new_one_beside_it(db: Database):
    keep(db, uuid4())
    keep(db, uuid4())
    newer = edited(TABLES, "The same, said otherwise.")
    with db.transaction() as tx:
        decide(tx, newer, NAME, uuid4(), FACTS, NOW)
        rows = tx.conn.execute("SELECT version FROM decisions.table_version").fetchall()
        assert {row["version"] for row in rows} == {TABLES[NAME].version, newer[NAME].version}
        assert len(rows) == 2
        assert replay(tx).is_same


def test_replay_decides_by_the_version_of_the_day_and_not_by_the_one_in_use(db: Database):
    keep(db, uuid4(), velocity_24h=19)
    text = msgspec.json.encode(TABLES[NAME].content).decode()
    strict = Table.of(NAME, msgspec.json.decode(text.replace(">= 20", ">= 1")), TABLES[NAME].contract)
    with db.transaction() as tx:
        again = decide(tx, Tables([strict]), NAME, uuid4(), FACTS | {"velocity_24h": 19}, NOW)
        assert again.reasons == ("purchase.too_many",)
        found = replay(tx)
    assert (found.decisions, found.differing, found.is_same) == (2, 0, True)


def test_replay_starts_at_the_instant_it_is_given(db: Database):
    keep(db, uuid4(), NOW)
    keep(db, uuid4(), LATER)
    with db.transaction() as tx:
        assert [replay(tx, since).decisions for since in (None, NOW, LATER)] == [2, 2, 1]
        assert replay(tx, LATER + timedelta(microseconds=1)).decisions == 0


def test_replay_streams_more_rows_than_it_fetches_at_once(db: Database):
    batch = [(uuid4(), FACTS | {"amount_minor": amount}) for amount in range(1, 2102)]
    with db.transaction() as tx:
        decide_batch(tx, TABLES, NAME, batch, NOW)
        assert replay(tx).decisions == 2101


def tamper(url: str, *statements: str) -> None:
    """Edit as the owner who took the guard away: the application cannot."""
    with psycopg.connect(url) as owner:
        owner.execute("ALTER TABLE decisions.decision DISABLE TRIGGER append_only")
        owner.execute("ALTER TABLE decisions.table_version DISABLE TRIGGER append_only")
        for statement in statements:
            owner.execute(statement)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("statement", "fault", "altered"),
    [
        (
            """UPDATE decisions.decision SET outcome = '{"allow": true, "code": null, "reasons": []}'""",
            "the outcome differs",
            False,
        ),
        ("UPDATE decisions.decision SET reasons = '{}'", "the reasons differ", False),
        ("UPDATE decisions.decision SET facts = facts - 'lock'", "expected text", False),
        ("""UPDATE decisions.decision SET facts = facts || '{"lock": "none"}'""", "outcome differs", False),
        ("DELETE FROM decisions.table_version", "missing or altered", False),
        ("UPDATE decisions.table_version SET content = '{}'", "missing or altered", True),
        ("UPDATE decisions.table_version SET contract = '[]'", "missing or altered", True),
    ],
)
def test_replay_finds_what_was_tampered_with(
    fresh_url: Callable[[], str], statement: str, fault: str, altered: bool
):
    url = fresh_url()
    db = Database(url, size=1)
    kept = keep(db, uuid4(), lock="legal")
    tamper(url, statement)
    with db.transaction() as tx:
        found = replay(tx)
    db.close()
    assert not found.is_same
    assert (found.decisions, found.differing) == (1, 1)
    assert found.differences[0].decision == kept.id
    assert fault in found.differences[0].fault
    assert found.altered == ((TABLES[NAME].key,) if altered else ())


@pytest.mark.parametrize("table", ["decision", "table_version"])
@pytest.mark.parametrize("verb", ["DELETE FROM decisions.{}", "UPDATE decisions.{} SET version = version"])
def test_the_application_cannot_change_what_was_decided(db: Database, table: str, verb: str):
    keep(db, uuid4())
    with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction() as tx:
        tx.conn.execute(verb.format(table))  # type: ignore[arg-type]


def test_a_version_does_not_depend_on_the_order_of_keys():
    table = TABLES[NAME]
    turned = dict(reversed(list(table.content.items())))
    kept = msgspec.to_builtins(table.contract)
    assert Table.of(NAME, turned, table.contract).version == table.version
    assert Table.of(NAME, table.content, msgspec.convert(kept, Contract)).version == table.version
