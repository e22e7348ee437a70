"""What ends an import as a whole writes nothing; what is said of a row runs nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from whiteslip import intake, ledger
from whiteslip.identity import Vault
from whiteslip.intake import IntakeError, Options, Report, rows, sample
from whiteslip.intake.model import Rejected
from whiteslip.store import Database

NOW: Final = datetime(2025, 7, 1, 4, tzinfo=UTC)


@pytest.fixture
def vault() -> Vault:
    return Vault(b"k" * 32)


def load(db: Database, vault: Vault, path: Path = sample.PATH, options: Options | None = None) -> Report:
    return intake.run(db, vault, "whiteslip-sample", path, options or Options(), NOW)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "portfolio.csv"
    path.write_bytes(content)
    return path


def count(db: Database, table: str) -> int:
    with db.transaction() as tx:
        row = tx.conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone()  # type: ignore[arg-type]
        assert row
        return row["n"]


def assert_nothing(db: Database) -> None:
    """No customer, line, money or person came of it."""
    for table in ("lines.customer", "lines.line", "ledger.transfer", "billing.plan", "identity.person"):
        assert count(db, table) == 0, table


def test_a_mapping_with_people_needs_a_vault(db: Database):
    with pytest.raises(IntakeError, match="no vault is open"):
        intake.run(db, None, "whiteslip-sample", sample.PATH, Options(), NOW)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (b"customer,limit\n", "file.header_missing"),
        (sample.make(1).replace("limit,", "limit,limit,", 1).encode(), "file.header_duplicated"),
        (b"x" * 200_000, "file.header_unreadable"),
        ("customer;limit\n".encode("utf-16"), "file.not_csv"),
        (b"cust\x00omer,limit\n", "file.header_unreadable"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_writes_nothing(
    db: Database, vault: Vault, tmp_path: Path, content: bytes, code: str
):
    with pytest.raises(IntakeError) as caught:
        load(db, vault, written(tmp_path, content))
    assert caught.value.code == code
    assert_nothing(db)
    assert count(db, "intake.run") == 0


def test_a_file_from_the_future_is_refused(db: Database, vault: Vault):
    with pytest.raises(IntakeError, match="wait, or set the clock"):
        intake.run(db, vault, "whiteslip-sample", sample.PATH, Options(), NOW - timedelta(days=30))
    assert_nothing(db)


def test_a_sealed_day_takes_no_portfolio(db: Database, vault: Vault):
    with db.transaction() as tx:
        ledger.seal(tx, NOW.date(), NOW)
    with pytest.raises(IntakeError, match="import on the next day"):
        load(db, vault)
    assert_nothing(db)


def test_a_report_that_cannot_be_written_says_what_to_do(db: Database, vault: Vault, tmp_path: Path):
    with pytest.raises(IntakeError, match="give another path"):
        load(db, vault, options=Options(rejected_report=tmp_path / "absent" / "rejected.csv"))


def test_the_report_never_replaces_the_file_that_is_imported(db: Database, vault: Vault, tmp_path: Path):
    path = tmp_path / "portfolio.csv"
    path.write_text(sample.make(3))
    with pytest.raises(IntakeError, match="would replace"):
        load(db, vault, path, Options(rejected_report=path))
    assert path.read_text() == sample.make(3)
    assert_nothing(db)


def test_a_rejection_says_where_what_and_how_to_mend_it():
    found = rows.rejected(12, "S-1", "limit", "amount.negative", "'-5'")
    assert found == Rejected(
        12,
        "S-1",
        "limit",
        "amount.negative",
        "line 12, column limit: found '-5'; a limit or payment cannot be negative; "
        "a credit balance is a negative balance",
    )
