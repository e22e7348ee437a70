"""A portfolio that was taken over is told of from its own history."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import metro2
from bureaus import REPORTER, VAULT
from worlds import at

import whiteslip
from whiteslip import billing, bureau, intake
from whiteslip.base import Refusal
from whiteslip.bureau.metro2 import account_number
from whiteslip.identity import Person
from whiteslip.intake import Options
from whiteslip.lines.acts import customers_by_reference, lines_of
from whiteslip.store import Database

INTAKE = Path(whiteslip.__file__).parent / "intake"
SAMPLE = INTAKE / "samples" / "portfolio.csv"
SOMEBODY = Person("Some Body", "123456789", "+15555550100", "a@example.com")


def test_the_sample_portfolio_is_told_of_as_its_file_reports_it(db: Database, tmp_path: Path):
    mapping, june = tmp_path / "us.toml", date(2025, 6, 30)
    ours = (INTAKE / "mappings" / "whiteslip-sample.toml").read_text()
    mapping.write_text(ours.replace('"cn"', '"us"').replace("CNY", "USD"))
    intake.run(db, VAULT, str(mapping), SAMPLE, Options(), at(date(2025, 7, 5)))
    parts: list[str] = []
    with db.transaction() as tx:
        made = bureau.report_month(
            tx, june, REPORTER, lambda _: SOMEBODY, parts.append, "test", at(date(2025, 7, 6))
        )
        assert not isinstance(made, Refusal)
        customers = customers_by_reference(tx, [row["customer"] for row in rows()])
        lines = {reference: lines_of(tx, customer)[0] for reference, customer in customers.items()}
        debts = billing.debts(tx, [line.id for line in lines.values()], june)
    records = metro2.read("".join(parts))
    assert len(records) == len(rows()) == 60
    for row in rows():
        line = lines[row["customer"]]
        record = records[account_number(line.id)]
        texts = record.texts
        assert record.numbers["current_balance"] == max(0, int(Decimal(row["balance_2025-06"])))
        assert record.days["date_opened"] == date.fromisoformat(row["opened_on"])
        assert "B" not in texts["payment_history"][:5], "five months of the file come before June"
        debt = debts.get(line.id)
        is_late = debt is not None and debt.days_past_due >= 30 and debt.past_due_minor >= 100
        assert (texts["account_status"] != "11") == is_late


def rows() -> list[dict[str, str]]:
    with SAMPLE.open() as file:
        return list(csv.DictReader(file))
