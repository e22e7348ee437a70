"""Another day of the month for later bills: what moves, what stays, and what it costs, which is nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import DAY, buy, items, open_line

from whiteslip.base import Money
from whiteslip.billing.model import OpenItem
from whiteslip.billing.payday import DAYS, moved
from whiteslip.billing.schedule import make_schedule
from whiteslip.lines.model import Product
from whiteslip.store import Database

DAY_OF_MONTH = st.integers(DAYS[0], DAYS[-1])


@st.composite
def schedules(draw: st.DrawFn) -> list[OpenItem]:
    """The open items of a purchase of any kind, the first few of them billed."""
    count, apr = draw(st.integers(1, 24)), draw(st.sampled_from([0, 1_800]))
    bought = draw(st.dates(date(2024, 1, 1), date(2028, 12, 31)))
    billed, plan, line = draw(st.integers(0, count)), uuid4(), uuid4()
    product, due_days = Product(count, apr_bps=apr), draw(st.integers(0, 40))
    rows = make_schedule(Money(100_000, "CNY"), product, bought, draw(DAY_OF_MONTH), due_days)
    return [
        OpenItem(
            plan, row.no, line, row.bill_on, row.due_on, row.no <= billed, row.no <= billed,
            row.principal_minor, row.interest_minor, row.fee_minor,
            row.interest_minor, row.fee_minor, 100_000, bought,
        )
        for row in rows
    ]  # fmt: skip


@given(schedules(), DAY_OF_MONTH)
def test_no_instalment_moves_earlier_none_changes_its_sum_and_each_gets_the_day(
    schedule: list[OpenItem], day: int
):
    unbilled = [item for item in schedule if not item.billed]
    after = moved(schedule, day)
    assert [row.no for row in after] == [item.no for item in unbilled], "what is billed keeps its day"
    assert [row.open_minor for row in after] == [item.total_minor for item in unbilled]
    for item, row in zip(unbilled, after, strict=True):
        assert row.bill_on.day == day
        assert timedelta(0) <= row.bill_on - item.bill_on < timedelta(days=31), "the next such day, no later"
        assert row.due_on - row.bill_on == item.due_on - item.bill_on, "as many days to pay"
        assert row.was_due_on == item.due_on <= row.due_on
    months = [(row.bill_on.year, row.bill_on.month) for row in after]
    assert len(set(months)) == len(months), "still one bill a month"
    again = [item for item in schedule if item.bill_on.day == day and not item.billed]
    assert [row.due_on for row in moved(again, day)] == [item.due_on for item in again], "twice is once"


@pytest.mark.parametrize(
    "change",
    ["bill_on = bill_on - 1, due_on = due_on - 1", "due_on = due_on + 1", "bill_on = bill_on + 1"],
)
def test_the_database_lets_no_day_move_back_and_no_time_to_pay_change(db: Database, change: LiteralString):
    line = open_line(db)
    buy(db, line, 30_000, 3)
    before = items(db, line)
    with pytest.raises(psycopg.DatabaseError, match="does not change"), db.transaction() as tx:
        tx.conn.execute(f"UPDATE billing.instalment SET {change} WHERE line = %s", (line,))
    assert items(db, line) == before
    assert before[0].due_on > DAY
