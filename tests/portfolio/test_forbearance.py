"""What a hardship plan does to the figures: days stand still, and no class or stage is too good."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
import worlds
from worlds import DAY, TIMEZONE, at, buy, nights, open_line

from whiteslip import billing, lake, portfolio
from whiteslip.base import Refusal, end_of_day
from whiteslip.billing import hardship, rules
from whiteslip.billing.model import Hardship, Relief
from whiteslip.lake import Lake, Snapshot
from whiteslip.ledger.acts import seal
from whiteslip.store import Database

END = date(2026, 5, 31)


@pytest.fixture
def place(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", bytes(32))


@pytest.fixture
def three(db: Database, place: Lake) -> list[UUID]:
    """One agrees 23 days late and is late again, one before anything is due, one does not."""
    late, foreseen, plain = (open_line(db) for _ in range(3))
    buy(db, late, 120_000, 12)
    nights(db, DAY, date(2026, 3, 19))
    agree(db, late, Relief.LONGER, date(2026, 3, 20))
    nights(db, date(2026, 3, 20), date(2026, 5, 9))
    for line in (foreseen, plain):
        buy(db, line, 30_000, 3, date(2026, 5, 10))
    agree(db, foreseen, Relief.LONGER, date(2026, 5, 20))
    nights(db, date(2026, 5, 10), END)
    until = end_of_day(END, TIMEZONE)
    with db.transaction() as tx:
        seal(tx, END, until)
    taken = lake.export(db, place, END, until, TIMEZONE, until)
    assert isinstance(taken, Snapshot), taken
    assert taken.manifest.files["hardship"].rows == 2
    return [late, foreseen, plain]


def agree(db: Database, line: UUID, relief: Relief, day: date) -> None:
    with db.transaction() as tx:
        made = hardship.agree(tx, worlds.locked(tx, line), relief, "test", at(day), foreseen=True)
    assert isinstance(made, Hardship), made


def test_figures_of_restructured_debts_are_those_that_billing_gives(
    db: Database, place: Lake, three: list[UUID]
):
    assert lake.verify(place)[1] == []
    with db.transaction() as tx:
        debts = [billing.debt(tx, line, END) for line in three]
    # Frozen at 23, then late again since 25 April: 36 days more.
    assert [debt.days_past_due for debt in debts] == [23 + 36, 0, 0]
    found = portfolio.compute_all(place, names=["classes", "ecl", "dpd", "roll_rates", "excess_spread"])
    assert not isinstance(found, Refusal)
    classes, ecl, dpd, roll_rates, excess_spread = (result.records() for result in found)
    late, foreseen, plain = (debt.owed_minor for debt in debts)
    assert [rules.class_of(debt).value for debt in debts] == ["special_mention", "special_mention", "normal"]
    assert [(row["asset_class"], row["balance_minor"]) for row in classes] == [
        ("1_normal", plain),
        ("2_special_mention", late + foreseen),
    ]
    # What bore interest lost more than a hundredth of its value by the plan: distress.
    assert [rules.stage_of(debt) for debt in debts] == [3, 2, 1]
    assert [(row["stage"], row["drawn_minor"]) for row in ecl] == [(1, plain), (2, foreseen), (3, late)]
    # 34 days would have gone by on 31 March; they stood still at 23 instead.
    assert [row["dpd_30_minor"] for row in dpd][-3:] == [0, 0, late]
    moved = [(row["on_day"].month, row["from_bucket"], row["to_bucket"]) for row in roll_rates]
    assert moved[-2:] == [(4, "dpd_1_29", "dpd_1_29"), (5, "dpd_1_29", "dpd_30_59")]
    # Nobody paid: what was charged is what is owed beside principal, though a plan asks for it again.
    charged = sum(row["charged_minor"] for row in excess_spread)
    assert 0 < charged == sum(debt.owed_minor for debt in debts) - 180_000
