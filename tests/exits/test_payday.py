"""The day on which bills fall due moves at the customer's wish, leaving or not."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from exits.test_restrictions import OFFICE, known, letters
from worlds import DAY, at, buy, items, line_of, nights, offences, pay, quote

from whiteslip import exits, packs
from whiteslip.base import Refusal, add_months
from whiteslip.billing.model import OpenItem
from whiteslip.exits import payday
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, Kind
from whiteslip.lines import Line
from whiteslip.lines.model import Lifecycle
from whiteslip.store import Database

MONTHS = packs.load("cn").months("payday.once_in_months")
LATER = date(2026, 2, 10)


def move(db: Database, line: UUID, day: int, now: datetime) -> Line | Refusal:
    with db.transaction() as tx:
        return payday.move(tx, OFFICE, line, day, "customer", now)


def days(found: list[OpenItem]) -> list[date]:
    return sorted(item.due_on for item in found)


def whole(db: Database, line: UUID) -> tuple[int, int, int]:
    """Principal, interest and fee of everything that was ever scheduled for a line."""
    with db.transaction() as tx:
        row = tx.conn.execute(
            "SELECT sum(principal_minor) AS p, sum(interest_minor) AS i, sum(fee_minor) AS f"
            " FROM billing.v_instalment WHERE line = %s",
            (line,),
        ).fetchone()
    assert row
    return int(row["p"]), int(row["i"]), int(row["f"])


def test_what_is_billed_keeps_its_day_and_the_rest_is_billed_on_the_new_one_at_the_same_price(db: Database):
    line = known(db)
    buy(db, line, 120_000, 12)
    nights(db, date(2026, 2, 4), date(2026, 2, 5))
    cost = whole(db, line)
    with db.transaction() as tx:
        told = payday.foreseen(tx, line_of(db, line), 18)
    done = move(db, line, 18, at(LATER))
    assert isinstance(done, Line)
    assert done.statement_day == 18
    after = days(items(db, line))
    assert after[:3] == [date(2026, 2, 25), date(2026, 4, 7), date(2026, 5, 8)]
    assert after[1:] == [row.due_on for row in told], "what was shown is what came"
    assert (whole(db, line), letters(db, line)) == (cost, ["line.payday_moved"])
    pay(db, line, sum(item.total_minor for item in items(db, line) if item.billed), date(2026, 2, 20))
    nights(db, date(2026, 2, 25), date(2026, 3, 18))
    with db.transaction() as tx:
        bills = tx.conn.execute(
            "SELECT statement_on, due_on FROM billing.v_bill WHERE line = %s ORDER BY statement_on", (line,)
        ).fetchall()
    assert [tuple(row.values()) for row in bills] == [
        (date(2026, 2, 5), date(2026, 2, 25)),
        (date(2026, 3, 18), date(2026, 4, 7)),
    ]
    buy(db, line, 1_000, 1, date(2026, 3, 20))
    assert days(items(db, line)).count(date(2026, 5, 8)) == 2, "what is bought later is billed with it"
    assert whole(db, line)[1:] == cost[1:], "no month costs more for having become longer"
    assert offences(db) == []


def test_a_longer_month_earns_no_interest_in_its_extra_days(db: Database):
    moved, stays = known(db), known(db)
    for line in (moved, stays):
        buy(db, line, 120_000, 12)
    move(db, moved, 28, at(DAY + timedelta(days=1)))
    for ahead in (5, 20, 40, 60):
        on = DAY + timedelta(days=ahead)
        later, sooner = (quote(db, line, on).total_minor for line in (moved, stays))
        assert 120_000 < later <= sooner, ahead


def test_the_day_moves_again_only_after_the_packs_months(db: Database):
    line = known(db)
    move(db, line, 18, at(DAY))
    free_on = add_months(DAY, MONTHS)
    refused = move(db, line, 7, at(free_on - timedelta(days=1)))
    assert refused == Refusal("payday.too_soon", {"on": free_on.isoformat()})
    assert isinstance(move(db, line, 7, at(free_on)), Line)


@pytest.mark.parametrize(("day", "code"), [(0, "day_invalid"), (29, "day_invalid"), (5, "same_day")])
def test_a_day_that_not_every_month_has_or_that_is_the_same_is_refused(db: Database, day: int, code: str):
    refused = move(db, known(db), day, at(DAY))
    assert isinstance(refused, Refusal)
    assert refused.code == f"payday.{code}"


def test_who_is_leaving_may_move_it_too_and_no_promise_of_leaving_is_broken(db: Database):
    line = known(db)
    buy(db, line, 30_000, 3)
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", at(DAY), Identity.VERIFIED)
    assert not isinstance(case, Refusal)
    assert line_of(db, line).lifecycle is Lifecycle.RUN_OFF
    assert isinstance(move(db, line, 18, at(LATER)), Line)
    with db.transaction() as tx:
        assert exits_store.violations(tx) == []
    nights(db, date(2026, 2, 18), date(2026, 2, 18))
    assert [item.due_on for item in items(db, line) if item.billed] == [date(2026, 3, 10)]


def test_who_withdraws_repays_by_the_laws_day(db: Database):
    line = known(db)
    buy(db, line, 30_000, 3)
    with db.transaction() as tx:
        case = exits.request(
            tx, OFFICE, line, Channel.PORTAL, "customer", at(DAY), Identity.VERIFIED, kind=Kind.WITHDRAW
        )
    assert not isinstance(case, Refusal)
    assert move(db, line, 18, at(DAY)) == Refusal("payday.days_fixed")
