"""Default as capital rules count it: days in a row on which what is past due matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from worlds import DAY, TERMS, buy, line_of, night, open_line, pay

from whiteslip import billing
from whiteslip.billing import store
from whiteslip.billing.defaults import Change, Default, count, material_days
from whiteslip.store import Database

LEAST_MINOR, LEAST_BPS = 10_000, 100
NO_LATE_FEE = replace(TERMS, late_fee_minor=0)
END = date(2026, 6, 20)
LATE_FROM = date(2026, 2, 26)  # billed on the fifth of February, due on the 25th
MONTHS = range(2, 7)


def days(*changes: tuple[int, int, int], until: int = 200) -> int:
    """Days after ``DAY``, what is past due more, what is owed more."""
    told = [Change(DAY + timedelta(days=n), late, owed) for n, late, owed in changes]
    return material_days(told, DAY + timedelta(days=until), LEAST_MINOR, LEAST_BPS)


def test_days_count_only_while_more_than_both_thresholds_is_past_due():
    bought = (0, 0, 50_000)
    assert days(bought, (10, 10_001, 0), until=10) == 1
    assert days(bought, (10, 10_000, 0)) == 0, "an amount that does not matter"
    assert days((0, 0, 10_000_000), (10, 100_000, 0)) == 0, "a share that does not"
    assert days(bought, (10, 10_001, 0), until=100) == 91
    assert days(bought, (10, 15_000, 0), (40, 15_000, 0), (60, -5_000, -5_000), until=100) == 91
    assert days(bought, (10, 15_000, 0), (60, -5_000, -5_000), (61, 5_000, 0), until=100) == 40, "anew"
    assert days(bought, (10, 15_000, 0), until=9) == 0, "what is to come is not counted"


@given(st.dictionaries(st.integers(0, 60), st.tuples(st.integers(-30_000, 30_000), st.integers(0, 900_000))))
def test_the_count_is_that_of_who_looks_every_day(changes: dict[int, tuple[int, int]]):
    found = past_due = owed = 0
    for day in range(71):
        late, more = changes.get(day, (0, 0))
        past_due, owed = past_due + late, owed + more
        matters = past_due > LEAST_MINOR and past_due > owed * LEAST_BPS / 10_000
        found = found + 1 if matters else 0
    assert days(*((n, *changes[n]) for n in sorted(changes)), until=70) == found


def lived(db: Database, minor: int, instalments: int = 1) -> UUID:
    line = open_line(db, terms=NO_LATE_FEE)
    buy(db, line, minor, instalments)
    return line


def counted(db: Database, line: UUID) -> Default:
    """The count at the end; what is past due is the sum of its changes."""
    with db.transaction() as tx:
        debt = billing.debt(tx, line, END)
        changes = store.changes(tx, line, END)
        assert sum(late for _, late, _ in changes) == debt.past_due_minor
        assert sum(owed for _, _, owed in changes) == debt.owed_minor
        return count(tx, line_of(db, line), debt, END)


def test_a_trifle_is_no_default_however_old_and_who_is_always_one_part_late_is_in_default(db: Database):
    trifle, late, slow = lived(db, 9_000), lived(db, 60_000), lived(db, 120_000, 6)
    for month in MONTHS:
        night(db, date(2026, month, 5))
        if 2 < month < 6:  # the part of the month before, on the first day on which the next one is late
            pay(db, slow, 20_720, date(2026, month, 26))
    with db.transaction() as tx:
        seen = {line: billing.debt(tx, line, END).days_past_due for line in (trifle, late, slow)}
    whole = (END - LATE_FROM).days + 1
    assert seen == {trifle: whole, late: whole, slow: seen[slow]}
    assert counted(db, trifle) == Default(0, is_default=False)
    assert counted(db, late) == Default(whole, is_default=True)
    assert seen[slow] < 31
    assert counted(db, slow) == Default(whole, is_default=True)
