"""Portfolios on a real database: whole, balanced, once, and again after a kill."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from whiteslip import billing, identity, intake, ledger, lines
from whiteslip.base import Refusal, local_day
from whiteslip.exits import arrears
from whiteslip.identity import Vault
from whiteslip.intake import IntakeError, Options, Report, booking, report, sample
from whiteslip.store import Database
from whiteslip.store.database import verify_journal

NOW: Final = datetime(2025, 7, 1, 4, tzinfo=UTC)
UCI_NOW: Final = datetime(2005, 10, 1, 4, tzinfo=UTC)
UCI: Final = Path(__file__).parents[2].parent / "shared" / "data" / "uci_credit_card.csv"
SLICE: Final = 500

needs_uci = pytest.mark.skipif(not UCI.exists(), reason="the public data set is not here")


@pytest.fixture
def vault() -> Vault:
    return Vault(b"k" * 32)


def load(db: Database, vault: Vault, path: Path = sample.PATH, options: Options | None = None) -> Report:
    return intake.run(db, vault, "whiteslip-sample", path, options or Options(), NOW)


def written(folder: Path, content: str | bytes, name: str = "portfolio.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def count(db: Database, table: str) -> int:
    with db.transaction() as tx:
        row = tx.conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone()  # type: ignore[arg-type]
        assert row
        return row["n"]


def assert_sound(db: Database) -> None:
    """Every invariant, and: at each statement the ledger's debt less credit is what was reported."""
    with db.transaction() as tx:
        assert ledger.violations(tx) == []
        assert billing.violations(tx) == []
        assert ledger.is_balanced(ledger.trial_balance(tx))
        assert verify_journal(tx) == []
        assert tx.conn.execute(
            """
            WITH moved AS (
                SELECT a.owner AS line, t.value_on, t.amount AS minor
                FROM ledger.transfer AS t JOIN ledger.account AS a ON a.id = t.debit_account
                UNION ALL
                SELECT a.owner, t.value_on, -t.amount
                FROM ledger.transfer AS t JOIN ledger.account AS a ON a.id = t.credit_account
            )
            SELECT r.line, r.statement_on, r.balance_minor, sum(m.minor) AS ledger
            FROM intake.v_reported AS r
            LEFT JOIN moved AS m ON m.line = r.line AND m.value_on <= r.statement_on
            GROUP BY r.line, r.statement_on, r.balance_minor
            HAVING coalesce(sum(m.minor), 0) <> r.balance_minor
            """
        ).fetchall() == []  # fmt: skip
        assert tx.conn.execute(
            """
            SELECT b.id FROM billing.bill AS b
            LEFT JOIN intake.v_reported AS r ON r.line = b.line AND r.statement_on = b.statement_on
            WHERE r.balance_minor IS DISTINCT FROM b.balance_minor
            """
        ).fetchall() == []  # fmt: skip


def test_the_sample_is_what_its_generator_makes():
    assert sample.PATH.read_text("utf-8") == sample.make()


def test_the_sample_loads_whole_and_balanced(db: Database, vault: Vault):
    done = load(db, vault)
    assert (done.customers_loaded, done.customers_rejected, done.customers_known) == (60, 0, 0)
    assert (done.rows, done.statements, done.finished, done.rejected) == (60, 360, True, [])
    assert count(db, "billing.payment") == done.payments
    assert count(db, "billing.bill") == done.bills
    assert count(db, "purchases.purchase") == done.purchases
    assert {"opening.rolled_back", "purchase.derived", "balance.adjusted", "balance.credit"} <= set(
        done.rules
    )
    assert_sound(db)


def test_people_go_to_the_vault_and_nowhere_else(db: Database, vault: Vault):
    load(db, vault)
    with db.transaction() as tx:
        found = identity.find(tx, vault, phone="+447700900000")
        customer = lines.get_customer(tx, found[0])
        assert not isinstance(customer, Refusal)
        assert (customer.reference, customer.language) == ("S-0000", "en")
        person = identity.peek(tx, vault, customer.id)
        assert not isinstance(person, Refusal)
        assert person.full_name == "Sample Jia-Zi"
        journal = tx.conn.execute("SELECT count(*) AS n FROM store.journal WHERE data::text ~ 'Sample'")
        assert journal.fetchone() == {"n": 0}


def test_the_same_file_again_loads_nothing_twice(db: Database, vault: Vault):
    first = load(db, vault)
    before = count(db, "ledger.transfer")
    again = load(db, vault)
    assert (again.customers_loaded, again.customers_known, again.run != first.run) == (0, 60, True)
    assert count(db, "ledger.transfer") == before


def test_another_file_with_known_customers_adds_only_the_new_ones(db: Database, vault: Vault, tmp_path: Path):
    load(db, vault)
    more = load(db, vault, written(tmp_path, sample.make(80)))
    assert (more.customers_loaded, more.customers_known) == (20, 60)
    assert_sound(db)


def test_payments_bills_and_purchases_are_in_the_file_s_months(db: Database, vault: Vault):
    load(db, vault)
    reader = csv.DictReader(sample.make().splitlines())
    paid = dict.fromkeys(sample.MONTHS, 0)
    for row in reader:
        for month in sample.MONTHS:
            paid[month] += row[f"paid_{month}"] != "0.00"
    with db.transaction() as tx:
        found = tx.conn.execute(
            "SELECT to_char(value_on, 'YYYY-MM') AS month, count(*) AS n FROM billing.payment GROUP BY 1"
        )
        assert {row["month"]: row["n"] for row in found} == paid
        bills = tx.conn.execute("SELECT DISTINCT statement_on::text AS day FROM billing.bill ORDER BY 1")
        assert [row["day"] for row in bills] == [f"{month}-25" for month in sample.MONTHS]


def test_delinquency_is_derived_after_the_load(db: Database, vault: Vault):
    load(db, vault)
    with db.transaction() as tx:
        stopped = [
            row["line"]
            for row in tx.conn.execute("SELECT line FROM intake.v_taken_over WHERE defaulted").fetchall()
        ]
        found = billing.debts(tx, stopped, NOW.date())
    assert found
    assert all(debt.days_past_due >= 30 for debt in found.values() if debt.billed_minor)


def test_a_line_above_its_limit_keeps_the_reported_limit_and_draws_nothing(
    db: Database, vault: Vault, tmp_path: Path
):
    header, row = sample.make(2).splitlines()[::2]
    cells = row.split(",")
    cells[header.split(",").index("limit")] = "10.00"
    done = load(db, vault, written(tmp_path, f"{header}\n{','.join(cells)}\n"))
    assert done.rules["balance.over_limit"] == 1
    with db.transaction() as tx:
        found = tx.conn.execute("SELECT id FROM lines.line").fetchone()
        assert found
        line = lines.get_lines(tx, [found["id"]])[found["id"]]
        assert line.principal_minor > line.limit_minor == 1_000
        assert line.available_minor == 0
        assert ledger.accounts(tx, [line.principal])[line.principal].debit_limit == 1_000
    assert_sound(db)


def hostile() -> bytes:
    """A file with a good customer between rows of every bad kind."""
    header, *good = sample.make(12).splitlines()
    cells = [row.split(",") for row in good]
    cells[1][0] = "=cmd|' /C calc'!A0"
    cells[2][0] = cells[0][0]
    cells[3][6] = "2025-02-30"
    cells[5] = cells[5][:-3]
    texts = [",".join(row).encode() for row in cells]
    texts[4] = texts[4].replace("样".encode(), b"\xff")
    texts[6] = texts[6].replace(b"S-0006", b"S-\x000006")
    texts[7] = texts[7].replace(b"S-0007", b'"S-0007')
    texts[8] = b"x" * 100_000
    texts[11] = texts[11][:100]
    return b"\xef\xbb\xbf" + header.encode() + b"\r\n" + b"\r\n".join(texts)


def test_a_hostile_file_loads_what_is_sound_and_says_why_the_rest_is_not(
    db: Database, vault: Vault, tmp_path: Path
):
    path = tmp_path / "rejected.csv"
    done = load(db, vault, written(tmp_path, hostile()), Options(batch=4, rejected_report=path))
    assert [(each.row, each.code) for each in done.rejected] == [
        (3, "cell.formula"),
        (4, "reference.duplicated"),
        (5, "date.impossible"),
        (6, "row.encoding"),
        (7, "row.cell_count"),
        (8, "row.nul"),
        (9, "row.quotes"),
        (10, "row.too_long"),
        (13, "row.cut_off"),
    ]
    assert (done.customers_loaded, done.customers_rejected, done.rows) == (3, 9, 12)
    assert "which line 2 has" in done.rejected[1].text
    assert_sound(db)
    with path.open(encoding="utf-8-sig", newline="") as file:
        told = list(csv.reader(file))
    assert told[0] == list(report.COLUMNS)
    assert len(told) == 10
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for line in told for cell in line)


def test_a_file_cut_off_and_then_whole_loads_everybody_once(db: Database, vault: Vault, tmp_path: Path):
    whole = sample.make()
    cut = load(db, vault, written(tmp_path, whole.encode()[: len(whole) // 2]))
    assert cut.rejected[-1].code == "row.cut_off"
    rest = load(db, vault, written(tmp_path, whole))
    assert cut.customers_loaded + rest.customers_loaded == 60
    assert rest.customers_known == cut.customers_loaded
    assert_sound(db)


def test_a_last_row_without_a_line_break_counts_and_is_mentioned(db: Database, vault: Vault, tmp_path: Path):
    done = load(db, vault, written(tmp_path, sample.make(3).rstrip("\n") + ""))
    assert (done.customers_loaded, done.rules["row.no_line_break"]) == (3, 1)


def test_a_duplicate_in_a_later_batch_is_told_from_a_known_customer(
    db: Database, vault: Vault, tmp_path: Path
):
    text = sample.make(5)
    path = written(tmp_path, text + text.splitlines()[1] + "\n")
    for known in (0, 5):
        done = load(db, vault, path, Options(batch=2))
        assert [each.code for each in done.rejected] == ["reference.duplicated"]
        assert done.customers_known == known


def test_too_many_rejected_rows_stop_the_run_and_more_patience_goes_on(
    db: Database, vault: Vault, tmp_path: Path
):
    header, *good = sample.make(20).splitlines()
    bad = ["=1" + row for row in good[:10]]
    path = written(tmp_path, "\n".join([header, *bad, *good[10:]]) + "\n")
    with pytest.raises(IntakeError, match="check the mapping") as caught:
        load(db, vault, path, Options(batch=2, max_rejected=5))
    assert caught.value.code == "file.too_many_rejected"
    done = load(db, vault, path, Options(batch=2, max_rejected=10))
    assert (done.customers_loaded, done.customers_rejected) == (10, 10)
    assert done.continued_from_row


def test_a_batch_that_fails_leaves_nothing_and_the_run_goes_on_from_it(
    db: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
):
    check, calls = booking._check, iter(range(10))

    def fail_third(*args: object) -> None:
        check(*args)  # type: ignore[arg-type]
        if next(calls) == 2:
            raise MemoryError

    monkeypatch.setattr(booking, "_check", fail_third)
    with pytest.raises(MemoryError):
        load(db, vault, options=Options(batch=10))
    assert count(db, "lines.customer") == 20
    assert_sound(db)
    monkeypatch.undo()
    done = load(db, vault, options=Options(batch=10))
    assert (done.customers_loaded, done.customers_known, done.continued_from_row) == (60, 0, 22)
    assert_sound(db)


def test_a_part_can_be_read_now_and_the_rest_later(db: Database, vault: Vault):
    first = load(db, vault, options=Options(batch=7, at_most=25))
    assert (first.rows, first.finished) == (25, False)
    rest = load(db, vault)
    assert (rest.rows, rest.customers_loaded, rest.finished) == (60, 60, True)
    assert_sound(db)


_KILLED: Final = """
import sys
from datetime import datetime
from pathlib import Path
from whiteslip import intake
from whiteslip.identity import Vault
from whiteslip.store import Database

def tell(done):
    print(done, flush=True)

url, file, now = sys.argv[1:]
database = Database(url, size=4)
intake.run(database, Vault(b"k" * 32), "whiteslip-sample", Path(file), intake.Options(batch=20),
           datetime.fromisoformat(now), tell)
database.close()
"""


@pytest.mark.parametrize("batches", [1, 4, 9])
def test_killed_in_the_middle_it_goes_on_and_loads_everybody_once(
    fresh_url: Callable[[], str], vault: Vault, tmp_path: Path, batches: int
):
    url = fresh_url()
    path = written(tmp_path, sample.make(400))
    command = [sys.executable, "-c", _KILLED, url, str(path), NOW.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as importer:
        assert importer.stdout
        for _ in range(batches):
            assert importer.stdout.readline()
        os.kill(importer.pid, signal.SIGKILL)
    db = Database(url, size=4)
    done = load(db, vault, path)
    assert (done.customers_loaded, done.customers_known, done.customers_rejected) == (400, 0, 0)
    assert done.continued_from_row
    assert count(db, "lines.customer") == count(db, "lines.line") == 400
    assert_sound(db)
    db.close()


def reported_figures(at_most: int | None) -> tuple[dict[str, int], dict[str, int]]:
    """Payments and statement balances by month, in minor units, straight from the file."""
    months: dict[str, str] = {str(10 - month): f"{month:02d}" for month in range(4, 10)}
    paid, balance = dict.fromkeys(months.values(), 0), dict.fromkeys(months.values(), 0)
    with UCI.open(newline="") as file:
        for place, row in enumerate(csv.DictReader(file)):
            if place == at_most:
                break
            for number, month in months.items():
                paid[month] += int(float(row[f"PAY_AMT{number}"])) * 100
                balance[month] += int(float(row[f"BILL_AMT{number}"])) * 100
    return paid, balance


def assert_uci(db: Database, done: Report, customers: int, at_most: int | None) -> None:
    """All of it is on the books, in the right months, and nobody was enrolled."""
    assert (done.customers_loaded, done.customers_rejected, done.customers_known) == (customers, 0, 0)
    assert done.columns_unused == ["SEX", "EDUCATION", "MARRIAGE", "AGE"]
    assert done.statuses_agreeing > done.statuses * 8 // 10
    assert_sound(db)
    paid, balance = reported_figures(at_most)
    with db.transaction() as tx:
        found = tx.conn.execute(
            "SELECT to_char(value_on, 'MM') AS month, sum(amount_minor)::bigint AS minor "
            "FROM billing.payment GROUP BY 1"
        )
        assert {row["month"]: row["minor"] for row in found} == paid
        found = tx.conn.execute(
            "SELECT to_char(statement_on, 'MM') AS month, sum(balance_minor)::bigint AS minor "
            "FROM intake.v_reported GROUP BY 1"
        )
        assert {row["month"]: row["minor"] for row in found} == balance
    assert count(db, "identity.person") == 0


@needs_uci
def test_a_slice_of_the_public_data_set_loads_without_a_rejection(db: Database):
    done = intake.run(db, None, "uci-credit-card", UCI, Options(at_most=SLICE), UCI_NOW)
    assert_uci(db, done, SLICE, SLICE)


@needs_uci
@pytest.mark.skipif(
    "WHITESLIP_FULL_IMPORT" not in os.environ, reason="a minute or two: set WHITESLIP_FULL_IMPORT"
)
def test_the_whole_public_data_set_loads_without_a_rejection(db: Database):
    done = intake.run(db, None, "uci-credit-card", UCI, Options(), UCI_NOW)
    assert done.finished
    assert_uci(db, done, 24_000, None)


def test_who_is_late_at_the_takeover_was_told_by_the_lender_before(db: Database, vault: Vault):
    load(db, vault)
    today = local_day(NOW, "Asia/Shanghai")
    with db.transaction() as tx:
        late = tx.conn.execute("SELECT FROM billing.v_open WHERE billed AND due_on < %s", [today]).fetchall()
        assert late, "somebody in the sample is late"
        assert arrears.tell_late(tx, "Test Lender", today, NOW) == 0
