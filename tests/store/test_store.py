"""Journal, timers and idempotency keys on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from whiteslip.base import Refusal
from whiteslip.store import Database, Entry
from whiteslip.store.database import journal_after, verify_journal
from whiteslip.store.timers import answer_key, claim_key, finish_timer, pop_timer, set_timer

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def write_entries(db: Database, count: int) -> None:
    with db.transaction() as tx:
        for number in range(count):
            tx.record(Entry(NOW, "line.opened", "line", uuid4(), "system", {"n": number}))


def test_an_untouched_journal_verifies(db: Database):
    write_entries(db, 5)
    write_entries(db, 3)
    with db.transaction() as tx:
        assert verify_journal(tx) == []
        assert [row["seq"] for row in journal_after(tx, 2)] == [3, 4, 5, 6, 7, 8]


def test_an_act_that_fails_leaves_no_journal_row(db: Database):
    def act() -> None:
        with db.transaction() as tx:
            tx.record(Entry(NOW, "line.opened", "line", uuid4(), "system"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    with db.transaction() as tx:
        assert journal_after(tx, 0) == []


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        ("UPDATE store.journal SET data = '{\"n\": 9}' WHERE seq = 2", "content does not match"),
        ("DELETE FROM store.journal WHERE seq = 2", "a row is missing"),
        ("DELETE FROM store.journal WHERE seq = 4", "should end with row 4"),
        ("UPDATE store.journal SET previous = hash WHERE seq = 3", "link to the row before"),
    ],
)
def test_tampering_is_found(fresh_url: Callable[[], str], tampering: str, fault: str):
    url = fresh_url()
    db = Database(url, size=1)
    write_entries(db, 4)
    with psycopg.connect(url) as owner:
        owner.execute("ALTER TABLE store.journal DISABLE TRIGGER append_only")
        owner.execute(tampering)  # type: ignore[arg-type]
    with db.transaction() as tx:
        assert any(fault in found for found in verify_journal(tx))
    db.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE store.journal SET kind = 'x'",
        "DELETE FROM store.journal",
        "INSERT INTO store.journal SELECT * FROM store.journal",
        "UPDATE store.journal_head SET seq = 0",
        "UPDATE store.v_journal_head SET seq = 0",
        "DELETE FROM store.v_journal_head",
        "UPDATE store.guarded_table SET erased_by = 'id' WHERE name = 'ledger.transfer'",
        "INSERT INTO store.guarded_table (name, erased_by) VALUES ('ledger.account', 'id')",
        "DELETE FROM store.migration",
        "SET session_replication_role = replica",
        "ALTER TABLE store.journal DISABLE TRIGGER append_only",
    ],
)
def test_the_application_cannot_change_the_journal_or_what_guards_it(db: Database, statement: str):
    write_entries(db, 1)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction() as tx:
        tx.conn.execute(statement)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("setting", "statement"),
    [
        ("", "TRUNCATE store.journal"),
        ("store.erasing = 'store.journal'", "DELETE FROM store.journal"),
        ("session_replication_role = replica", "UPDATE store.journal SET kind = 'x'"),
        ("session_replication_role = replica", "TRUNCATE ledger.transfer"),
        ("", "DELETE FROM ledger.account"),
        ("", "TRUNCATE ledger.account"),
    ],
)
def test_even_the_owner_cannot_change_what_is_append_only_by_accident(
    fresh_url: Callable[[], str], setting: str, statement: str
):
    with psycopg.connect(fresh_url()) as owner, pytest.raises(psycopg.Error, match="append-only"):
        owner.execute(f"SET {setting}; {statement}" if setting else statement)  # type: ignore[arg-type]


def test_what_was_not_declared_to_be_erased_is_not(db: Database):
    with pytest.raises(psycopg.Error, match="is never erased"), db.transaction() as tx:
        tx.conn.execute("SELECT store.erase('ledger.transfer', ARRAY[]::uuid[])")


def test_the_application_writes_through_no_view(db: Database):
    with db.transaction() as tx:
        found = tx.conn.execute(
            "SELECT table_schema || '.' || table_name AS name FROM information_schema.views "
            "WHERE has_table_privilege(format('%I.%I', table_schema, table_name), 'INSERT, UPDATE, DELETE') "
            "AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
    assert found == []


def test_who_only_reads_locks_no_row_and_writes_nothing_and_the_next_may_again(fresh_url: Callable[[], str]):
    database = Database(fresh_url(), size=1)
    for statement in ("SELECT FROM store.timer FOR UPDATE", "SELECT FROM store.timer FOR SHARE"):
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), database.reading() as tx:
            tx.conn.execute(statement)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), database.reading() as tx:
        tx.record(Entry(NOW, "line.closed", "line", uuid4(), "test", {}))
    with database.transaction() as tx:
        tx.record(Entry(NOW, "line.closed", "line", uuid4(), "test", {}))
    with database.reading() as tx:
        assert [row["kind"] for row in journal_after(tx, 0)] == ["line.closed"]
    database.close()


def test_timers_are_popped_in_order_and_only_when_due(db: Database):
    first, second, later = uuid4(), uuid4(), uuid4()
    with db.transaction() as tx:
        set_timer(tx, "exit.lapse", second, NOW + timedelta(hours=2), NOW)
        set_timer(tx, "exit.lapse", first, NOW + timedelta(hours=1), NOW)
        set_timer(tx, "exit.lapse", later, NOW + timedelta(days=9), NOW)
    popped: list[object] = []
    with db.transaction() as tx:
        while timer := pop_timer(tx, NOW + timedelta(days=1)):
            popped.append(timer.subject)
            finish_timer(tx, timer, NOW)
    assert popped == [first, second]


def test_timers_due_at_one_instant_are_popped_in_the_order_in_which_they_were_set(db: Database):
    subjects = [uuid4() for _ in range(9)]
    for subject in [subjects[-1], *subjects]:  # the last was set before, and again
        with db.transaction() as tx:
            set_timer(tx, "exit.lapse", subject, NOW, NOW)
    popped: list[object] = []
    with db.transaction() as tx:
        while timer := pop_timer(tx, NOW):
            popped.append(timer.subject)
            finish_timer(tx, timer, NOW)
    assert popped == subjects


def test_setting_a_timer_again_moves_it(db: Database):
    subject = uuid4()
    with db.transaction() as tx:
        set_timer(tx, "exit.lapse", subject, NOW, NOW)
        set_timer(tx, "exit.lapse", subject, NOW + timedelta(days=2), NOW)
        assert pop_timer(tx, NOW + timedelta(days=1)) is None


def test_a_repeated_request_gets_the_first_answer_and_another_body_is_refused(db: Database):
    with db.transaction() as tx:
        assert claim_key(tx, "api", "k1", {"amount": 1}, NOW) is None
        answer_key(tx, "api", "k1", {"id": "p1"})
    with db.transaction() as tx:
        assert claim_key(tx, "api", "k1", {"amount": 1}, NOW) == {"id": "p1"}
        assert claim_key(tx, "api", "k1", {"amount": 2}, NOW) == Refusal("request.key_reused", {"key": "k1"})
