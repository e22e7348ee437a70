"""Chinese agreements that end: told once, shown again as they were told, called off if need be."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec
from bureaus import OFFICE, ask, exit_of, open_us_line, step
from worlds import DAY, at, buy, night, open_line, pay

from whiteslip import bureau, exits
from whiteslip.base.ids import public
from whiteslip.bureau import cn, store
from whiteslip.exits.model import Identity, State
from whiteslip.store import Database
from whiteslip.store.database import journal_of

NEXT = date(2026, 1, 16)


def tell(db: Database, since: date, day: date) -> list[cn.Event]:
    with db.transaction() as tx:
        return bureau.events_due(tx, since, "test", at(day))


def test_the_end_of_an_agreement_is_told_with_what_runs_off_and_is_due_the_next_day(db: Database):
    line = open_line(db, limit_minor=500_000)
    buy(db, line, 30_000, 3)
    ask(db, line, DAY)
    (event,) = tell(db, DAY, DAY)
    assert msgspec.json.decode(cn.json_line(event)) == {
        "event": "agreement_closed",
        "agreement": public("line", line),
        "opened_on": "2026-01-15",
        "limit_minor": 500_000,
        "currency": "CNY",
        "closed_on": "2026-01-15",
        "reason": "consumer_request",
        "balance_to_run_off_minor": 30_000,
        "deceased": False,
        "report_by": "2026-01-16",
        "verified": False,
    }


def test_an_event_is_kept_once_and_comes_out_as_it_was_told(db: Database):
    line = open_line(db)
    buy(db, line, 30_000, 3)
    ask(db, line, DAY)
    first = tell(db, DAY, DAY)
    night(db, date(2026, 2, 5))
    pay(db, line, 10_000, date(2026, 2, 10))
    assert tell(db, DAY, date(2026, 2, 11)) == first
    with db.transaction() as tx:
        assert [row["kind"] for row in journal_of(tx, [line])].count("bureau.reported") == 1
    assert tell(db, NEXT, NEXT) == [], "since is the day of the event"


def test_only_closings_to_which_something_has_happened_are_looked_at_again(db: Database):
    quiet, paying = open_line(db), open_line(db)
    for line in (quiet, paying):
        buy(db, line, 30_000, 3)
        ask(db, line, DAY)
    tell(db, DAY, DAY)

    def followed() -> list[UUID]:
        with db.transaction() as tx:
            return [happened.line for happened, _, _ in store.closings_to_follow(tx)]

    assert set(followed()) == {quiet, paying}, "they were told since"
    assert followed() == []
    pay(db, paying, 10_000, date(2026, 1, 20), value_on=DAY)
    (_, _, corrected) = tell(db, DAY, date(2026, 1, 20))
    assert isinstance(corrected, cn.Correction)
    assert (corrected.agreement, corrected.balance_to_run_off_minor) == (public("line", paying), 20_000)
    assert followed() == [paying], "the correction was told since"
    assert followed() == []


def test_a_request_that_nobody_proved_ends_no_agreement(db: Database):
    line = open_line(db)
    case = ask(db, line, DAY, Identity.PENDING)
    assert tell(db, DAY, DAY) == []
    assert step(db, case, date(2026, 1, 29)).state is State.LAPSED
    assert tell(db, DAY, date(2026, 1, 30)) == []


def test_a_closing_that_was_told_is_called_off_and_one_that_was_not_is_never_told(db: Database):
    told, untold = open_line(db), open_line(db)
    for line in (told, untold):
        buy(db, line, 30_000, 3)
    ask(db, told, DAY)
    tell(db, DAY, DAY)
    ask(db, untold, NEXT)
    for line in (told, untold):
        with db.transaction() as tx:
            exits.cancel(tx, OFFICE, exit_of(db, line).id, "customer", at(date(2026, 1, 18)))
    events = tell(db, DAY, date(2026, 1, 19))
    ends = [event for event in events if isinstance(event, cn.AgreementEvent)]
    assert ends == events
    assert [(event.event, event.agreement, event.closed_on) for event in ends] == [
        (cn.Kind.CLOSED, public("line", told), DAY),
        (cn.Kind.CALLED_OFF, public("line", told), date(2026, 1, 18)),
    ]


def test_only_chinese_agreements_are_told_of(db: Database):
    ask(db, open_us_line(db), DAY)
    assert tell(db, DAY, DAY) == []
