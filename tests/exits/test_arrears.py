"""Who misses a payment hears of it once, and of help, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from exits.test_freezes import ANN, BEN, place
from exits.test_restrictions import OFFICE
from worlds import TERMS, at, buy, night, open_line, open_lines, pay

from whiteslip import identity
from whiteslip.base import end_of_day
from whiteslip.exits import arrears, estates
from whiteslip.exits.model import Channel
from whiteslip.exits.orders import Order
from whiteslip.identity import Vault
from whiteslip.lines import Line
from whiteslip.lines.acts import get_line
from whiteslip.notices import of_subject
from whiteslip.store import Database
from whiteslip.world.population import person

BILLED, DUE = date(2026, 2, 5), date(2026, 2, 25)
TOLD = DUE + timedelta(days=3)


def tell(db: Database, day: date, batch: int = arrears.BATCH) -> int:
    with db.transaction() as tx:
        return arrears.tell_late(tx, "Test Lender", day, end_of_day(day, "Asia/Shanghai"), batch)


def told(db: Database, line: UUID) -> list[dict[str, Any]]:
    with db.transaction() as tx:
        return [dict(each.facts) for each in of_subject(tx, line) if each.kind == "debt.arrears"]


def named(db: Database, *lines: UUID) -> None:
    """Their customers are known to the vault, so that somebody can be written to."""
    with db.transaction() as tx:
        found = [get_line(tx, line) for line in lines]
        who = [line.customer for line in found if isinstance(line, Line)]
        people = [(customer, person(Random(n), n)) for n, customer in enumerate(who)]
        identity.enrol_many(tx, Vault(bytes(32)), people, "test", at(BILLED))


def owing(db: Database, pack: str = "cn", minor: int = 12_000) -> UUID:
    """A line on which a bill fell due on :data:`DUE`."""
    line = open_line(db, pack=pack, currency={"cn": "CNY", "uk": "GBP"}[pack])
    named(db, line)
    buy(db, line, minor)
    night(db, BILLED)
    return line


def test_who_is_some_days_late_is_told_once_what_is_late_since_when_and_what_it_costs(db: Database):
    line = owing(db)
    assert tell(db, TOLD - timedelta(days=1)) == 0
    assert [tell(db, TOLD + timedelta(days=n)) for n in range(40)] == [1, *[0] * 39]
    (letter,) = told(db, line)
    assert (letter["past_due_minor"], letter["late_since"]) == (12_000, DUE.isoformat())
    assert letter["schedule"] == [{"due_on": DUE.isoformat(), "amount_minor": 12_000}]
    assert (letter["late_fee_minor"], letter["late_fee_days"]) == (TERMS.late_fee_minor, 3)


def test_who_pays_in_time_is_told_nothing_and_who_pays_in_part_of_the_rest(db: Database):
    paid, part = owing(db), owing(db)
    pay(db, paid, 12_000, DUE)
    pay(db, part, 7_000, DUE + timedelta(days=2))
    assert tell(db, TOLD) == 1
    assert (told(db, paid), told(db, part)[0]["past_due_minor"]) == ([], 5_000)


def test_what_was_put_right_and_is_late_again_is_told_again(db: Database):
    line = owing(db)
    assert tell(db, TOLD) == 1
    pay(db, line, 12_000, TOLD + timedelta(days=1))
    buy(db, line, 4_000, day=date(2026, 3, 1))
    night(db, date(2026, 3, 5))
    assert [tell(db, date(2026, 3, 25) + timedelta(days=n)) for n in range(6)] == [0, 0, 0, 1, 0, 0]
    assert [each["past_due_minor"] for each in told(db, line)] == [12_000, 4_000]


def test_a_british_customer_is_told_at_the_first_and_second_missed_payment_and_every_six_months(db: Database):
    line, chinese = owing(db, "uk"), owing(db)
    assert tell(db, TOLD) == 2
    for each in (line, chinese):
        buy(db, each, 4_000, day=date(2026, 3, 1))
    night(db, date(2026, 3, 5))
    assert tell(db, date(2026, 3, 25)) == 0
    assert [tell(db, date(2026, 3, day)) for day in (26, 27, 28)] == [1, 0, 0], "the day after it is missed"
    half_a_year_on = date(2026, 9, 26)
    assert [tell(db, half_a_year_on + timedelta(days=n)) for n in (-1, 0, 1)] == [0, 1, 0]
    assert [each["past_due_minor"] for each in told(db, line)] == [12_000, 16_000, 16_000]
    assert len(told(db, chinese)) == 1
    assert len(told(db, line)[1]["schedule"]) == 2


def report_death(db: Database, line: UUID) -> None:
    with db.transaction() as tx:
        estates.report(tx, OFFICE, line, Channel.DESK, ANN, at(TOLD))


def find_insolvent(db: Database, line: UUID) -> None:
    for actor in (ANN, BEN):
        place(db, line, actor, Order.INSOLVENCY)


@pytest.mark.parametrize("befalls", [report_death, find_insolvent])
def test_who_died_or_is_insolvent_is_not_written_to_about_it(
    db: Database, befalls: Callable[[Database, UUID], None]
):
    line, other = owing(db), owing(db)
    befalls(db, line)
    assert tell(db, TOLD) == 1
    assert (told(db, line), len(told(db, other))) == ([], 1)


def test_who_has_no_name_here_or_was_told_by_the_lender_before_is_not_written_to(db: Database):
    nameless, taken_over = open_line(db), owing(db)
    buy(db, nameless, 12_000, day=BILLED)
    night(db, date(2026, 3, 5))
    with db.transaction() as tx:
        arrears.told_elsewhere(tx, [taken_over, nameless], DUE + timedelta(days=1))
    late = date(2026, 3, 25) + timedelta(days=3)
    assert [tell(db, day) for day in (TOLD, late)] == [0, 0]
    named(db, nameless)
    assert tell(db, late) == 1, "once there is a name there is a letter"
    pay(db, taken_over, 12_000, late)
    buy(db, taken_over, 4_000, day=date(2026, 4, 1))
    night(db, date(2026, 4, 5))
    assert tell(db, date(2026, 4, 28)) == 1, "what is late since is told here"


def test_letters_are_written_in_batches_and_none_twice(db: Database):
    lines = open_lines(db, 5)
    named(db, *lines)
    for line in lines:
        buy(db, line, 1_000)
    night(db, BILLED)
    assert [tell(db, TOLD, batch=2) for _ in range(4)] == [2, 2, 1, 0]
    assert [len(told(db, line)) for line in lines] == [1] * 5
