"""A notice of default, under the British pack: days to put a breach right before anything follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from worlds import at, buy, night, open_line, pay

from whiteslip.base.ids import public
from whiteslip.billing import chargeoff
from whiteslip.decisions import Tables
from whiteslip.exits import Office, defaultnotices
from whiteslip.notices import of_subject
from whiteslip.store import Database
from whiteslip.store.timers import StoredClock

from .conftest import Api

LATE = date(2027, 4, 1)


@pytest.fixture
def british(db: Database) -> UUID:
    """A line under the pack uk on which a purchase of 120.00 was never paid."""
    line = open_line(db, pack="uk", currency="GBP")
    buy(db, line, 12_000)
    night(db, date(2026, 2, 5))
    return line


def on(api: Api, day: date) -> None:
    with api.db.transaction() as tx:
        StoredClock(tx).set(at(day))


def told(db: Database, line: UUID) -> list[dict[str, Any]]:
    with db.transaction() as tx:
        return [dict(each.facts) for each in of_subject(tx, line) if each.kind == "debt.default_notice"]


def test_a_british_debt_is_lost_only_after_a_notice_and_its_days(
    api: Api, key: Callable[..., str], british: UUID
):
    line, other = f"/v1/lines/{public('line', british)}", replace(api, secret=key())
    on(api, LATE)
    assert api.post(f"{line}/charge-off", {}, 409)["code"] == "default_notice.not_given"
    ending = {"kind": "termination", "reasons": ["past_due"]}
    assert api.post(f"{line}/terminate", ending, 409)["code"] == "default_notice.not_given"
    given = api.post(f"{line}/default-notice", {})
    assert given["remedy_by"] == (LATE + timedelta(days=14)).isoformat(), "section 88: fourteen days"
    assert given == api.post(f"{line}/default-notice", {}), "while it stands it is the same"
    (letter,) = told(api.db, british)
    assert (letter["past_due_minor"], letter["remedy_by"]) == (given["past_due_minor"], given["remedy_by"])
    on(api, LATE + timedelta(days=14))
    assert api.post(f"{line}/charge-off", {}, 409)["code"] == "default_notice.runs"
    on(api, LATE + timedelta(days=15))
    assert api.post(f"{line}/charge-off", {}, 200)["state"] == "proposed"
    assert other.post(f"{line}/charge-off", {}, 200)["state"] == "charged_off"


def test_who_pays_in_time_has_broken_nothing_and_another_breach_needs_another_notice(api: Api, british: UUID):
    line = f"/v1/lines/{public('line', british)}"
    on(api, LATE)
    given = api.post(f"{line}/default-notice", {})
    pay(api.db, british, given["past_due_minor"], LATE + timedelta(days=3))
    buy(api.db, british, 5_000, day=LATE + timedelta(days=4))
    night(api.db, date(2027, 5, 5))
    on(api, date(2028, 7, 1))
    assert api.get(line)["days_past_due"] > 180
    assert api.post(f"{line}/charge-off", {}, 409)["code"] == "default_notice.not_given"
    again = api.post(f"{line}/default-notice", {})
    assert (again["given_on"], len(told(api.db, british))) == ("2028-07-01", 2)


def test_no_other_pack_knows_it_and_its_debts_are_lost_as_before(api: Api):
    line = open_line(api.db)
    buy(api.db, line, 12_000)
    night(api.db, date(2026, 2, 5))
    on(api, LATE)
    at_line = f"/v1/lines/{public('line', line)}"
    assert api.post(f"{at_line}/default-notice", {}, 409)["code"] == "default_notice.not_due"
    assert api.post(f"{at_line}/charge-off", {}, 200)["state"] == "proposed"


def test_the_night_that_proposes_a_loss_gives_the_notice_with_it(db: Database, british: UUID):
    now = at(LATE)
    with db.transaction() as tx:
        assert chargeoff.propose_due(tx, LATE, now) == 1
        office = Office(Tables.load(), "Test")
        assert defaultnotices.give_proposed(tx, office, now) == 1
        assert defaultnotices.give_proposed(tx, office, now + timedelta(days=1)) == 0
    assert len(told(db, british)) == 1
