"""Who keeps a hardship plan buys as before; who is late with it does not until it is paid."""

from __future__ import annotations

from datetime import date

from worlds import at, buy, locked, night, open_line, pay

from whiteslip import billing, purchases
from whiteslip.base import Refusal
from whiteslip.billing import hardship
from whiteslip.billing.model import Relief
from whiteslip.decisions import Tables
from whiteslip.purchases import Declined, Request
from whiteslip.store import Database

TABLES = Tables.load()
AGREED_ON, PLAN_DUE = date(2026, 3, 1), date(2026, 3, 25)


def test_days_that_a_plan_holds_still_keep_nobody_from_buying_and_a_late_instalment_does(db: Database):
    line = open_line(db)
    buy(db, line, 60_000)
    night(db, date(2026, 2, 5))  # due on 25 February

    def answer(day: date) -> str:
        with db.dry_run() as tx:
            asked = [Request(line, "shop", 1_000)]
            (told,) = purchases.authorise(tx, TABLES, asked, "shop", at(day))
        return told.code if isinstance(told, Declined | Refusal) else "granted"

    def days(day: date) -> int:
        with db.transaction() as tx:
            return billing.debt(tx, line, day).days_past_due

    assert (answer(AGREED_ON), days(AGREED_ON)) == ("line.past_due", 4)
    with db.transaction() as tx:
        made = hardship.agree(tx, locked(tx, line), Relief.LONGER, "customer", at(AGREED_ON))
    assert not isinstance(made, Refusal)
    assert (answer(AGREED_ON), days(AGREED_ON)) == ("granted", 4), "as the page of the plan promises"
    night(db, date(2026, 3, 5))
    assert (answer(PLAN_DUE), days(PLAN_DUE)) == ("granted", 4)
    late = date(2026, 3, 26)
    assert (answer(late), days(late)) == ("line.past_due", 5)
    with db.transaction() as tx:
        owed = billing.debt(tx, line, late).past_due_minor
    pay(db, line, owed, late)
    assert (answer(late), days(late)) == ("granted", 4)
