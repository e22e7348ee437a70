"""The night: resumable, harmless to repeat, and it does not seal books that disagree."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from worlds import DAY, TIMEZONE, at, buy, line_of, open_line

from whiteslip import day, exits, identity, lines, notices, purchases
from whiteslip.base import Refusal, end_of_day
from whiteslip.day import clock, runner, stages
from whiteslip.day.model import Batch, Night, Stage
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, State
from whiteslip.identity import Vault
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.ledger.model import SealedError
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Purchase, Request
from whiteslip.store.timers import StoredClock
from whiteslip.world.population import person

if TYPE_CHECKING:
    from whiteslip.store import Database


@pytest.fixture
def ports(db: Database) -> day.Ports:
    return day.Ports(Office(Tables.load(), "Test"), Vault(bytes(32)), DemoPhone(db))


def seal(db: Database, ports: day.Ports, on: date) -> day.Sealed:
    done = day.seal(db, ports, on, TIMEZONE, end_of_day(on, TIMEZONE))
    assert not isinstance(done, Refusal), done
    return done


def test_a_day_that_is_not_over_is_not_sealed(db: Database, ports: day.Ports):
    early = end_of_day(DAY, TIMEZONE) - timedelta(seconds=1)
    assert day.seal(db, ports, DAY, TIMEZONE, early) == Refusal("day.not_over", {"day": DAY.isoformat()})


def test_the_night_bills_what_falls_in_and_releases_what_ran_out(db: Database, ports: day.Ports):
    line = open_line(db, statement_day=20)
    buy(db, line, 5_000)
    with db.transaction() as tx:
        (held,) = purchases.authorise(tx, ports.office.tables, [Request(line, "shop", 700)], "shop", at(DAY))
    assert isinstance(held, Purchase)
    done = seal(db, ports, date(2026, 1, 21))
    assert done.day == date(2026, 1, 21)
    assert line_of(db, line).held_minor == 700
    done = seal(db, ports, date(2026, 1, 22))
    assert done.stages["expire_holds"] == 1
    assert line_of(db, line).held_minor == 0


def test_days_that_were_left_out_are_sealed_first(db: Database, ports: day.Ports):
    line = open_line(db, statement_day=20)
    buy(db, line, 5_000)
    seal(db, ports, DAY)
    seal(db, ports, date(2026, 1, 25))
    with db.transaction() as tx:
        days = [
            row["day"] for row in tx.conn.execute("SELECT day FROM ledger.sealed_day ORDER BY day").fetchall()
        ]
        assert last_sealed_day(tx) == date(2026, 1, 25)
    assert days == [DAY + timedelta(days=n) for n in range(11)]


def test_sealing_a_sealed_day_changes_nothing(db: Database, ports: day.Ports):
    open_line(db)
    seal(db, ports, DAY)
    assert seal(db, ports, DAY).already


def test_two_who_seal_a_night_at_once_seal_it_once(
    db: Database, ports: day.Ports, monkeypatch: pytest.MonkeyPatch
):
    for _ in range(3):
        buy(db, open_line(db, statement_day=16), 5_000)
    holds, bills, *others = stages.STAGES
    runs: list[date] = []

    def slow(night: Night) -> Batch:
        runs.append(night.day)
        time.sleep(0.3)
        return bills.run(night)

    monkeypatch.setattr(runner, "STAGES", [holds, replace(bills, run=slow), *others])
    with ThreadPoolExecutor(2) as both:
        done = [both.submit(seal, db, ports, DAY + timedelta(days=1)) for _ in range(2)]
        sealed = [one.result() for one in done]
    assert sorted(one.already for one in sealed) == [False, True]
    assert len(runs) == 1
    with db.transaction() as tx:
        assert day.every_violation(tx) == []


def test_nothing_is_booked_on_a_sealed_day(db: Database, ports: day.Ports):
    line = open_line(db)
    seal(db, ports, DAY)
    with pytest.raises(SealedError, match="is sealed"):
        buy(db, line, 5_000)


class PowerError(Exception):
    """The lights go out."""


def test_a_night_that_was_cut_off_goes_on_where_it_stopped(
    db: Database, ports: day.Ports, monkeypatch: pytest.MonkeyPatch
):
    for _ in range(3):
        buy(db, open_line(db, statement_day=16), 5_000)
    runs: list[str] = []

    def counted(stage: Stage, cut: bool) -> Stage:
        def run(night: Night) -> Batch:
            runs.append(stage.name)
            if cut and stage.name == "run_timers":
                raise PowerError
            return stage.run(night)

        return replace(stage, run=run)

    monkeypatch.setattr(runner, "_LARGE", 3)
    monkeypatch.setattr(runner, "STAGES", [counted(stage, cut=True) for stage in stages.STAGES])
    with pytest.raises(PowerError):
        seal(db, ports, DAY + timedelta(days=1))
    done_before, runs[:] = list(runs), []
    monkeypatch.setattr(runner, "STAGES", [counted(stage, cut=False) for stage in stages.STAGES])
    done = seal(db, ports, DAY + timedelta(days=1))
    # The batch that did so much was committed, and what came before it; it is not done again.
    assert set(runs) & {"expire_holds", "issue_bills"} == set()
    assert {"review_exits", "seal"} <= set(runs)
    assert "issue_bills" in done_before
    assert done.stages["issue_bills"] == 3
    with db.transaction() as tx:
        assert day.every_violation(tx) == []


def test_books_that_disagree_are_not_sealed(db: Database, ports: day.Ports):
    line = open_line(db)
    buy(db, line, 5_000)
    with db.transaction() as tx:
        tx.conn.execute("RESET ROLE")
        tx.conn.execute(
            "UPDATE ledger.account SET debits_posted = debits_posted + 1 WHERE code = 'line.principal'"
        )
    with pytest.raises(day.InvariantError, match="invariants are broken"):
        seal(db, ports, DAY)
    with db.transaction() as tx:
        assert last_sealed_day(tx) is None


def test_a_deadline_is_a_timer_that_a_test_clock_drives(db: Database, ports: day.Ports):
    line = open_line(db)
    with db.transaction() as tx:
        customer = lines.get_line(tx, line)
        assert not isinstance(customer, Refusal)
        identity.enrol_many(tx, ports.vault, [(customer.customer, person(Random(1), 1))], "test", at(DAY))
        case = exits.request(tx, ports.office, line, Channel.FORM, "customer", at(DAY), Identity.PENDING)
    assert not isinstance(case, Refusal)
    assert day.run_letters(db, ports, lambda _: at(DAY)) == 1  # the acknowledgement goes out
    assert day.run_due(db, ports, at(DAY + timedelta(days=13))) == 0
    assert day.run_due(db, ports, at(DAY + timedelta(days=14))) == 1  # it lapses
    assert day.run_letters(db, ports, lambda _: at(DAY + timedelta(days=14))) == 1  # and that is told
    with db.transaction() as tx:
        after = exits_store.find(tx, case.id)
        sent = [notice.state for notice in notices.of_subject(tx, case.id)]
    assert after
    assert after.state is State.LAPSED
    assert sent == ["sent", "sent"]


def asked(db: Database, ports: day.Ports) -> UUID:
    """The case of somebody the vault knows, who asked to leave at noon and is written to."""
    line = open_line(db)
    with db.transaction() as tx:
        found = lines.get_line(tx, line)
        assert not isinstance(found, Refusal)
        identity.enrol_many(tx, ports.vault, [(found.customer, person(Random(1), 1))], "test", at(DAY))
        case = exits.request(tx, ports.office, line, Channel.FORM, "customer", at(DAY), Identity.PENDING)
    assert not isinstance(case, Refusal)
    return case.id


def sent(db: Database, case: UUID) -> list[datetime | None]:
    with db.transaction() as tx:
        return [notice.sent_at for notice in notices.of_subject(tx, case)]


def test_a_night_sends_no_letter(db: Database, ports: day.Ports):
    case = asked(db, ports)
    assert "send_letters" not in seal(db, ports, DAY + timedelta(days=15)).stages
    assert sent(db, case) == [None, None]
    assert day.run_letters(db, ports, lambda _: at(DAY + timedelta(days=16))) == 2


def test_where_a_clock_is_stepped_each_nights_letters_go_out_before_the_next(db: Database, ports: day.Ports):
    case, last = asked(db, ports), DAY + timedelta(days=15)
    for night in (DAY, last):
        done = day.seal(db, ports, night, TIMEZONE, end_of_day(night, TIMEZONE), with_letters=True)
        assert not isinstance(done, Refusal)
    # It lapses after a fortnight, in the night after that noon, and that is told.
    nights = [end_of_day(DAY + timedelta(days=n), TIMEZONE) for n in (0, 14)]
    assert sent(db, case) == nights


def test_letters_of_a_night_that_was_cut_off_go_out_with_its_instant_when_time_goes_on(
    db: Database, ports: day.Ports, monkeypatch: pytest.MonkeyPatch
):
    case = asked(db, ports)
    with db.transaction() as tx:
        StoredClock(tx).set(at(DAY))

    def cut_off(*_: object) -> int:
        raise PowerError

    with monkeypatch.context() as dark:
        dark.setattr(stages, "run_letters", cut_off)
        with pytest.raises(PowerError):
            clock.advance(db, ports, TIMEZONE, at(DAY + timedelta(days=1)))
    with db.transaction() as tx:
        assert last_sealed_day(tx) == DAY, "what is sealed stays sealed"
    assert sent(db, case) == [None]
    assert not isinstance(clock.advance(db, ports, TIMEZONE, at(DAY + timedelta(days=2))), Refusal)
    assert sent(db, case) == [end_of_day(DAY, TIMEZONE)]
