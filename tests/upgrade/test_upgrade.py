"""From one version's schema to the next: data stays whole, and nothing is built on a file that was edited."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import worlds
from psycopg import sql

import whiteslip
from whiteslip.app import schema, wiring
from whiteslip.app.settings import load
from whiteslip.app.terminal import CommandError
from whiteslip.day import every_violation
from whiteslip.store import Database
from whiteslip.store.migrate import ChangedError, changed, migrate, missing

HOME = Path(whiteslip.__file__).parent
RELEASED = HOME / "released.sha256"


def test_files_that_were_released_are_what_they_were():
    """Empty until the first release; then a line per file, as ``sha256sum`` writes it (CONTRIBUTING)."""
    for line in RELEASED.read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((HOME / name).read_bytes()).hexdigest() == digest, (
            f"{name} was released and is edited: take that back, and write a new file beside it"
        )


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """The migrations as they are, to be added to and edited."""
    return [Path(shutil.copytree(folder, tmp_path / folder.parent.name)) for folder in schema.FOLDERS]


def of(folders: list[Path], room: str) -> Path:
    """The folder of a room."""
    return next(folder for folder in folders if folder.name == room)


def balances(db: Database) -> list[tuple[object, ...]]:
    """Every account and row of the world that must come through."""
    with db.transaction() as tx:
        return [
            tuple(row.values())
            for table in ("ledger.account", "ledger.transfer", "lines.line", "billing.instalment")
            for row in tx.conn.execute(
                sql.SQL("SELECT t::text AS row FROM {} AS t ORDER BY 1").format(
                    sql.Identifier(*table.split("."))
                )
            ).fetchall()
        ]


def test_a_new_migration_is_applied_once_and_what_was_there_is_whole(
    fresh_url: Callable[[], str], folders: list[Path]
):
    url = fresh_url()
    db = Database(url, size=2)
    line = worlds.open_line(db)
    worlds.buy(db, line, 90_000, 3)
    worlds.nights(db, worlds.DAY, worlds.DAY + timedelta(days=30))
    worlds.pay(db, line, 10_000, worlds.DAY + timedelta(days=31))
    before = balances(db)
    new = of(folders, "billing") / "billing-0002-note.sql"
    new.write_text(
        "-- A table that the next version needs.\n-- depends: billing\n"
        "CREATE TABLE billing.note (line uuid PRIMARY KEY, said text NOT NULL);\n"
        "INSERT INTO billing.note SELECT id, 'from before' FROM lines.line;\n"
    )
    assert missing(url, folders) == [new.stem]
    assert migrate(url, folders, schema.ROOMS) == [new.stem]
    assert migrate(url, folders, schema.ROOMS) == []
    assert (missing(url, folders), changed(url, folders)) == ([], [])
    assert balances(db) == before
    with db.transaction() as tx:
        # By the application's own role: its rights are those of the new schema.
        assert tx.conn.execute("SELECT line FROM billing.note").fetchall() == [{"line": line}]
        assert every_violation(tx) == []
    db.close()


def test_nothing_is_built_on_a_file_that_was_edited_since_it_was_applied(
    fresh_url: Callable[[], str], folders: list[Path]
):
    url = fresh_url()
    edited = of(folders, "lines") / "lines.sql"
    edited.write_text(edited.read_text() + "-- a word more\n")
    new = of(folders, "billing") / "billing-0002-note.sql"
    new.write_text("-- depends: billing\nCREATE TABLE billing.note (line uuid PRIMARY KEY);\n")
    with pytest.raises(ChangedError) as told:
        migrate(url, folders, schema.ROOMS)
    assert told.value.names == changed(url, folders) == ["lines"]
    assert missing(url, folders) == [new.stem], "and nothing was applied"


def test_a_database_of_a_time_before_texts_were_kept_is_refused(
    fresh_url: Callable[[], str], folders: list[Path]
):
    url = fresh_url()
    with psycopg.connect(url) as conn:
        conn.execute("DROP TABLE store.migration")
    assert len(changed(url, folders)) == len(schema.ROOMS)


def test_what_a_crash_left_unnoted_is_noted_when_it_is_next_migrated(
    fresh_url: Callable[[], str], folders: list[Path]
):
    url = fresh_url()
    with psycopg.connect(url) as conn:
        conn.execute("ALTER TABLE store.migration DISABLE TRIGGER append_only")
        conn.execute("DELETE FROM store.migration WHERE name = 'lines'")
    assert (changed(url, folders), migrate(url, folders, schema.ROOMS)) == ([], [])
    edited = of(folders, "lines") / "lines.sql"
    edited.write_text(edited.read_text() + "-- a word more\n")
    assert changed(url, folders) == ["lines"]


def test_whoever_opens_a_database_of_another_text_is_told_what_to_do(
    fresh_url: Callable[[], str], folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    edited = of(folders, "lines") / "lines.sql"
    edited.write_text(edited.read_text() + "-- a word more\n")
    settings = load({"WHITESLIP_HOME": str(tmp_path / "home"), "WHITESLIP_DATABASE_URL": fresh_url()})
    wiring.prepare_home(settings)
    with wiring.opened(settings):
        pass
    monkeypatch.setattr(schema, "FOLDERS", folders)
    for act in (lambda: wiring.opened(settings).__enter__(), lambda: wiring.create_database(settings)):
        with pytest.raises(CommandError) as told:
            act()
        assert "was made by another text of lines" in str(told.value)
        assert "whiteslip init" in str(told.value.hint)
