"""A line's agreement, lifecycle and locks hold, in the acts and in the database."""

from __future__ import annotations

import itertools
import threading
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
import worlds
from worlds import DAY, at

from whiteslip import billing, ledger, lines, packs
from whiteslip.base import Refusal, new_id
from whiteslip.lines import Customer, Line
from whiteslip.lines.acts import (
    change_limit,
    customers_by_reference,
    page_of_customers,
    page_of_lines,
)
from whiteslip.lines.locks import standing
from whiteslip.lines.model import (
    ROADS,
    Agreement,
    Lifecycle,
    LockGround,
    LockKind,
    NewLine,
    Party,
    Product,
    Terms,
)
from whiteslip.store import Database
from whiteslip.store.database import journal_of

NOW = at(DAY)


def lock(db: Database, line: UUID, kind: LockKind, party: Party) -> None:
    with db.transaction() as tx:
        lines.set_lock(tx, line, kind, party, "test", "test", NOW)


def lift(db: Database, line: UUID, kind: LockKind, party: Party) -> Refusal | None:
    with db.transaction() as tx:
        return lines.lift_lock(tx, line, kind, party, "test", NOW)


def move(db: Database, line: UUID, *states: Lifecycle) -> None:
    for state in states:
        with db.transaction() as tx:
            lines.move(tx, worlds.locked(tx, line), state, "test", "test", NOW)


def kinds(db: Database, line: UUID) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, [line])]


def run(db: Database, statement: str, *values: object) -> None:
    with db.transaction() as tx:
        tx.conn.execute(statement, values)  # type: ignore[arg-type]


# Opening and looking up


def test_a_new_line_is_active_and_all_of_its_limit_is_available(db: Database):
    line = worlds.line_of(db, worlds.open_line(db, 800_000))
    assert (line.lifecycle, line.locks, line.drawing_stopped) == (Lifecycle.ACTIVE, frozenset(), False)
    assert (line.available_minor, line.owed_minor, line.held_minor) == (800_000, 0, 0)
    assert line.terms == worlds.TERMS
    assert kinds(db, line.id) == ["line.opened"]


def test_a_line_that_nobody_opened_is_refused(db: Database):
    with db.transaction() as tx:
        assert lines.get_line(tx, uuid4()) == Refusal("line.not_found")
        assert lines.get_customer(tx, uuid4()) == Refusal("customer.not_found")
        assert lines.get_lines(tx, [uuid4()], lock=True) == {}


def test_a_customer_may_have_several_lines(db: Database):
    customer = Customer(new_id(NOW), "C-1", "zh-CN", NOW)
    opened = [NewLine(new_id(NOW), customer.id, 100 * n, 5, DAY + timedelta(days=n)) for n in range(3)]
    with db.transaction() as tx:
        lines.open_house(tx, "CNY")
        lines.open_customers(tx, [customer], NOW)
        lines.open_lines(tx, Agreement("cn", "CNY", worlds.TIMEZONE, worlds.TERMS), opened, "test", NOW)
        assert [line.limit_minor for line in lines.lines_of(tx, customer.id)] == [0, 100, 200]
        assert lines.get_customer(tx, customer.id) == customer
        assert customers_by_reference(tx, ["C-1", "C-2"]) == {"C-1": customer.id}


def test_a_lenders_reference_is_given_once(db: Database):
    with pytest.raises(psycopg.errors.UniqueViolation), db.transaction() as tx:
        lines.open_customers(
            tx, [Customer(uuid4(), "C-1", "en", NOW), Customer(uuid4(), "C-1", "en", NOW)], NOW
        )


def test_pages_go_on_where_they_ended(db: Database):
    opened = sorted(worlds.open_lines(db, 5))
    with db.transaction() as tx:
        first = page_of_lines(tx, None, 3)
        rest = page_of_lines(tx, first[-1].id, 3)
        people = page_of_customers(tx, None, 10)
    assert [line.id for line in [*first, *rest]] == opened
    assert [person.id for person in people] == sorted(line.customer for line in [*first, *rest])


def test_the_houses_accounts_are_opened_once_per_currency(db: Database):
    with db.transaction() as tx:
        yuan, euro = lines.open_house(tx, "CNY"), lines.open_house(tx, "EUR")
        assert lines.open_house(tx, "CNY") == yuan != euro
        assert set(ledger.accounts(tx, [*astuple(yuan), *astuple(euro)])) == {*astuple(yuan), *astuple(euro)}


def test_each_pack_offers_terms_that_a_line_can_be_opened_under(db: Database):
    for name in packs.names():
        agreement = Agreement.of(packs.load(name))
        assert agreement.terms.products
        assert agreement.today(datetime(2026, 1, 1, 12, tzinfo=UTC)) in (date(2026, 1, 1), date(2026, 1, 2))


@pytest.mark.parametrize("statement_day", [0, 29, 31])
def test_a_statement_day_exists_in_every_month(db: Database, statement_day: int):
    with pytest.raises(psycopg.errors.CheckViolation):
        worlds.open_line(db, statement_day=statement_day)


# Terms


def test_the_version_of_terms_is_their_content():
    same, other = msgspec.convert(msgspec.to_builtins(worlds.TERMS), Terms), Terms(21)
    assert same.version == worlds.TERMS.version != other.version
    assert len(other.version) == 12


def test_terms_know_their_products():
    assert worlds.TERMS.product(12) == Product(12, apr_bps=1_800)
    assert worlds.TERMS.product(7) is None


@pytest.mark.parametrize(
    ("instalments", "fee", "apr"), [(0, 0, 0), (61, 0, 0), (3, 10, 10), (3, -1, 0), (3, 0, -1)]
)
def test_a_product_has_one_price_and_a_sane_length(instalments: int, fee: int, apr: int):
    with pytest.raises(ValueError, match="product"):
        Product(instalments, fee, apr)


def test_terms_that_contradict_themselves_are_refused():
    with pytest.raises(ValueError, match="from zero"):
        Terms(-1)
    with pytest.raises(ValueError, match="one product per number"):
        Terms(20, products=(Product(3), Product(3, 60)))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"due_days": 20, "products": [{"instalments": 99}]}, Terms)


@pytest.mark.parametrize(
    "change",
    [
        "terms_version = 'other'",
        "currency = 'EUR'",
        "opened_on = '2020-01-01'",
        "customer = gen_random_uuid()",
        "principal = gen_random_uuid()",
    ],
)
def test_what_was_agreed_is_fixed(db: Database, change: str):
    line = worlds.open_line(db)
    with pytest.raises(psycopg.Error, match="is fixed"):
        run(db, f"UPDATE lines.line SET {change} WHERE id = %s", line)


# Locks


@pytest.mark.parametrize("kind", list(LockKind))
def test_any_lock_stops_drawing(db: Database, kind: LockKind):
    line = worlds.open_line(db)
    lock(db, line, kind, Party.ISSUER)
    found = worlds.line_of(db, line)
    assert (found.drawing_stopped, found.available_minor, found.room_minor) == (True, 0, 1_000_000)


def test_only_the_party_that_set_a_lock_lifts_it(db: Database):
    line = worlds.open_line(db)
    lock(db, line, LockKind.CUSTOMER, Party.CUSTOMER)
    assert lift(db, line, LockKind.CUSTOMER, Party.ISSUER) == Refusal(
        "lock.not_yours", {"kind": "customer", "party": "customer"}
    )
    assert worlds.line_of(db, line).drawing_stopped
    assert lift(db, line, LockKind.CUSTOMER, Party.CUSTOMER) is None
    assert not worlds.line_of(db, line).drawing_stopped
    assert kinds(db, line) == ["line.opened", "line.locked", "line.unlocked"]


def test_two_parties_locks_for_one_cause_stand_apart(db: Database):
    line = worlds.open_line(db)
    lock(db, line, LockKind.LEGAL, Party.ISSUER)
    lock(db, line, LockKind.LEGAL, Party.AUTHORITY)
    assert lift(db, line, LockKind.LEGAL, Party.ISSUER) is None
    assert worlds.line_of(db, line).locks == {LockKind.LEGAL}
    assert lift(db, line, LockKind.LEGAL, Party.AUTHORITY) is None
    assert worlds.line_of(db, line).locks == frozenset()


def test_a_lock_that_stands_is_not_set_twice_and_one_that_does_not_is_not_lifted(db: Database):
    line = worlds.open_line(db)
    assert lift(db, line, LockKind.EXIT, Party.CUSTOMER) is None
    lock(db, line, LockKind.EXIT, Party.CUSTOMER)
    lock(db, line, LockKind.EXIT, Party.CUSTOMER)
    lift(db, line, LockKind.EXIT, Party.CUSTOMER)
    assert worlds.line_of(db, line).locks == frozenset()
    assert kinds(db, line) == ["line.opened", "line.locked", "line.unlocked"]


def test_lifting_one_lock_leaves_the_others(db: Database):
    line = worlds.open_line(db)
    lock(db, line, LockKind.CUSTOMER, Party.CUSTOMER)
    lock(db, line, LockKind.ISSUER, Party.ISSUER)
    lift(db, line, LockKind.CUSTOMER, Party.CUSTOMER)
    assert worlds.line_of(db, line).locks == {LockKind.ISSUER}


# Lifecycle


@pytest.mark.parametrize(
    "road",
    [
        (Lifecycle.CLOSING, Lifecycle.CLOSED),
        (Lifecycle.CLOSING, Lifecycle.RUN_OFF, Lifecycle.CLOSED),
        (Lifecycle.CLOSING, Lifecycle.ACTIVE, Lifecycle.CLOSING),
        (Lifecycle.CLOSING, Lifecycle.RUN_OFF, Lifecycle.ACTIVE),
    ],
)
def test_a_line_goes_the_ways_there_are(db: Database, road: tuple[Lifecycle, ...]):
    line = worlds.open_line(db)
    move(db, line, *road)
    found = worlds.line_of(db, line)
    assert found.lifecycle is road[-1]
    assert found.closed_on == (DAY if road[-1] is Lifecycle.CLOSED else None)
    assert found.drawing_stopped is (road[-1] is not Lifecycle.ACTIVE)


@pytest.mark.parametrize(
    ("start", "to"),
    [(start, to) for start, to in itertools.product(Lifecycle, Lifecycle) if to not in ROADS[start]],
)
def test_a_line_goes_no_other_way(db: Database, start: Lifecycle, to: Lifecycle):
    line = worlds.open_line(db)
    roads = {
        Lifecycle.ACTIVE: (),
        Lifecycle.CLOSING: (Lifecycle.CLOSING,),
        Lifecycle.RUN_OFF: (Lifecycle.CLOSING, Lifecycle.RUN_OFF),
        Lifecycle.CLOSED: (Lifecycle.CLOSING, Lifecycle.CLOSED),
    }
    move(db, line, *roads[start])
    with pytest.raises(ValueError, match="no line goes from"):
        move(db, line, to)


def test_a_line_that_moved_since_it_was_read_is_not_moved_again(db: Database):
    stale = worlds.line_of(db, worlds.open_line(db))
    move(db, stale.id, Lifecycle.CLOSING)
    with pytest.raises(ValueError, match="is not active any more"), db.transaction() as tx:
        lines.move(tx, stale, Lifecycle.CLOSING, "test", "test", NOW)


def test_a_line_closes_only_when_nothing_is_owed_or_held(db: Database):
    owing, holding = worlds.open_line(db), worlds.open_line(db)
    worlds.buy(db, owing, 5_000)
    worlds.hold(db, holding, 5_000)
    for line in (owing, holding):
        move(db, line, Lifecycle.CLOSING)
        with pytest.raises(ValueError, match="nothing is owed or held"):
            move(db, line, Lifecycle.CLOSED)
        with pytest.raises(psycopg.Error, match="still owes or holds"):
            run(db, "UPDATE lines.line SET lifecycle = 'closed', closed_on = %s WHERE id = %s", DAY, line)


def test_the_database_keeps_a_closed_line_closed(db: Database):
    line = worlds.open_line(db)
    move(db, line, Lifecycle.CLOSING, Lifecycle.CLOSED)
    with pytest.raises(psycopg.Error, match="stays closed"):
        run(db, "UPDATE lines.line SET lifecycle = 'active', closed_on = NULL WHERE id = %s", line)


def test_a_day_of_closing_is_the_customers_day(db: Database):
    """At 17:30 in London it is the next day in Shanghai."""
    line = worlds.open_line(db)
    now = datetime(2026, 1, 20, 17, 30, tzinfo=UTC)
    for state in (Lifecycle.CLOSING, Lifecycle.CLOSED):
        with db.transaction() as tx:
            lines.move(tx, worlds.locked(tx, line), state, "test", "test", now)
    assert worlds.line_of(db, line).closed_on == date(2026, 1, 21)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 3, 29, 22, 30, tzinfo=UTC), date(2026, 3, 30)),
        (datetime(2026, 3, 28, 22, 30, tzinfo=UTC), date(2026, 3, 28)),
        (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 22, 30, tzinfo=UTC), date(2026, 10, 25)),
    ],
)
def test_a_day_ends_at_local_midnight_on_both_sides_of_summer_time(db: Database, now: datetime, day: date):
    line = worlds.line_of(db, worlds.open_line(db, currency="EUR", timezone="Europe/Berlin"))
    assert line.today(now) == day


# Limits


def test_a_limit_below_what_is_drawn_makes_nothing_due_and_stops_drawing(db: Database):
    line = worlds.open_line(db, 100_000)
    worlds.buy(db, line, 90_000, 3)
    with db.transaction() as tx:
        before = worlds.locked(tx, line)
        change_limit(tx, before, 10_000, "test", NOW)
        debt = billing.debt(tx, line, DAY)
        after = worlds.locked(tx, line)
    assert (debt.past_due_minor, debt.billed_minor, debt.days_past_due) == (0, 0, 0)
    assert (after.limit_minor, after.available_minor, after.room_minor) == (10_000, 0, -80_000)
    with pytest.raises(psycopg.Error, match="account limit exceeded"):
        worlds.hold(db, line, 1)
    worlds.pay(db, line, 85_000, DAY)
    assert worlds.line_of(db, line).available_minor == 5_000
    assert worlds.offences(db) == []


def test_a_raised_limit_can_be_drawn(db: Database):
    line = worlds.open_line(db, 1_000)
    with db.transaction() as tx:
        change_limit(tx, worlds.locked(tx, line), 50_000, "test", NOW)
    worlds.hold(db, line, 50_000)
    assert worlds.line_of(db, line).available_minor == 0
    assert kinds(db, line) == ["line.opened", "line.limit_changed"]


def test_a_negative_limit_is_refused(db: Database):
    line = worlds.open_line(db)
    with pytest.raises(psycopg.errors.CheckViolation), db.transaction() as tx:
        change_limit(tx, worlds.locked(tx, line), -1, "test", NOW)


def test_two_who_draw_at_once_never_draw_more_than_the_limit(db: Database):
    line = worlds.open_line(db, 100_000)
    outcomes: list[str] = []

    def draw() -> None:
        try:
            worlds.hold(db, line, 30_000)
            outcomes.append("held")
        except psycopg.Error:
            outcomes.append("refused")

    threads = [threading.Thread(target=draw) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["held"] * 3 + ["refused"] * 3


def test_a_line_speaks_its_own_currency(db: Database):
    line: Line = worlds.line_of(db, worlds.open_line(db, currency="EUR"))
    assert str(line.money(1_050)) == "EUR 10.50"
    with db.transaction() as tx:
        found = ledger.accounts(tx, [line.principal, line.interest, line.fee, line.credit])
    assert {account.currency for account in found.values()} == {"EUR"}
    assert {account.owner for account in found.values()} == {line.id}


LOCKS = [
    (LockKind.CUSTOMER, Party.CUSTOMER, LockGround.GENERAL),
    (LockKind.EXIT, Party.CUSTOMER, LockGround.GENERAL),
    (LockKind.LEGAL, Party.AUTHORITY, LockGround.GENERAL),
    (LockKind.ISSUER, Party.ISSUER, LockGround.RESTRICTION),
    (LockKind.ISSUER, Party.ISSUER, LockGround.CHARGE_OFF),
    (LockKind.ISSUER, Party.ISSUER, LockGround.SALE),
]


def test_of_any_two_locks_each_is_lifted_by_itself(db: Database):
    pairs = list(itertools.permutations(LOCKS, 2))
    opened = worlds.open_lines(db, len(pairs))
    with db.transaction() as tx:
        for line, (first, second) in zip(opened, pairs, strict=True):
            for kind, party, ground in (first, second):
                lines.set_lock(tx, line, kind, party, "why", "test", NOW, ground=ground)
            left: list[int] = []
            for kind, party, ground in (first, second):
                assert lines.lift_lock(tx, line, kind, party, "test", NOW, ground=ground) is None
                left.append(len(standing(tx, line)))
                found = lines.get_line(tx, line)
                assert not isinstance(found, Refusal)
                assert found.drawing_stopped is bool(left[-1]), (first, second)
            assert left == [1, 0], (first, second)
