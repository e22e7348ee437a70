"""Purchases on a real database: authorise, capture in parts, release, expire, refund."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from worlds import DAY, at, buy, items, line_of, night, offences, open_line, open_lines, pay

from whiteslip import decisions, lines, purchases
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.lines.model import LockKind, Party
from whiteslip.purchases import Capture, Declined, Purchase, Request, rules, store
from whiteslip.purchases.model import State
from whiteslip.store import Database
from whiteslip.store.database import journal_of

TABLES = Tables.load()
NOW = at(DAY)


def authorise(db: Database, *batch: Request) -> list[Purchase | Declined | Refusal]:
    with db.transaction() as tx:
        return purchases.authorise(tx, TABLES, batch, "shop", NOW)


def granted(db: Database, line: UUID, amount_minor: int = 10_000, instalments: int = 1) -> Purchase:
    (answer,) = authorise(db, Request(line, "bookshop", amount_minor, instalments))
    assert isinstance(answer, Purchase), answer
    return answer


def capture(db: Database, *batch: Capture, now: datetime = NOW) -> list[Purchase | Refusal]:
    with db.transaction() as tx:
        return purchases.capture(tx, batch, "shop", now)


def test_an_authorisation_holds_and_a_capture_becomes_a_plan(db: Database):
    line = open_line(db, limit_minor=50_000)
    held = granted(db, line, 30_000, 3)
    assert (line_of(db, line).held_minor, line_of(db, line).available_minor) == (30_000, 20_000)
    (done,) = capture(db, Capture(held.id, 30_000))
    assert isinstance(done, Purchase)
    assert (done.state, done.captured_minor, done.held_minor) == (State.CAPTURED, 30_000, 0)
    after = line_of(db, line)
    assert (after.principal_minor, after.held_minor) == (30_000, 0)
    assert [item.principal_minor for item in items(db, line)] == [10_000] * 3
    assert offences(db) == []


def test_a_capture_in_parts_keeps_holding_the_rest(db: Database):
    line = open_line(db)
    held = granted(db, line, 10_000)
    (first,) = capture(db, Capture(held.id, 6_000, final=False))
    assert isinstance(first, Purchase)
    assert (first.state, first.held_minor, first.amount_minor) == (State.AUTHORISED, 4_000, 10_000)
    (second,) = capture(db, Capture(held.id, 3_000))
    assert isinstance(second, Purchase)
    assert (second.state, second.captured_minor, second.held_minor) == (State.CAPTURED, 9_000, 0)
    assert second.amount_minor == 9_000, "the shop asked for more than it sent"
    after = line_of(db, line)
    assert (after.principal_minor, after.held_minor) == (9_000, 0)
    assert offences(db) == []


@pytest.mark.parametrize(
    ("amount", "code"),
    [(10_001, "purchase.over_held"), (0, "purchase.amount_invalid"), (-5, "purchase.amount_invalid")],
)
def test_a_capture_stays_within_the_hold(db: Database, amount: int, code: str):
    held = granted(db, open_line(db), 10_000)
    (answer,) = capture(db, Capture(held.id, amount))
    assert isinstance(answer, Refusal)
    assert answer.code == code


def test_one_bad_capture_of_a_batch_does_not_spoil_the_others(db: Database):
    first, second = (granted(db, line) for line in open_lines(db, 2))
    answers = capture(
        db,
        Capture(first.id, 10_000),
        Capture(uuid4(), 1),
        Capture(first.id, 1),
        Capture(second.id, 10_000),
    )
    told = [a.code if isinstance(a, Refusal) else a.state.value for a in answers]
    assert told == ["captured", "purchase.not_found", "purchase.twice_in_batch", "captured"]
    assert capture(db, Capture(first.id, 1)) == [Refusal("purchase.nothing_held")]


def test_two_purchases_in_one_batch_never_share_the_same_room(db: Database):
    line = open_line(db, limit_minor=15_000)
    answers = authorise(db, *(Request(line, "shop", 10_000) for _ in range(3)))
    assert [isinstance(answer, Purchase) for answer in answers] == [True, False, False]
    assert line_of(db, line).held_minor == 10_000


def test_authorisations_at_once_never_exceed_the_limit(db: Database):
    line = open_line(db, limit_minor=50_000)
    results: list[bool] = []

    def buyer() -> None:
        for _ in range(4):
            (answer,) = authorise(db, Request(line, "shop", 10_000))
            results.append(isinstance(answer, Purchase))

    threads = [threading.Thread(target=buyer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(results) == 5
    assert line_of(db, line).held_minor == 50_000


def test_a_decline_is_a_value_with_its_reason_and_its_decision(db: Database):
    line = open_line(db, limit_minor=5_000)
    (answer,) = authorise(db, Request(line, "shop", 10_000))
    assert isinstance(answer, Declined)
    assert (answer.code, answer.reasons) == ("purchase.over_cap", ("purchase.over_cap",))
    with db.transaction() as tx:
        assert "purchase.declined" in [row["kind"] for row in journal_of(tx, [line])]
        assert decisions.replay(tx).decisions == 1


@pytest.mark.parametrize(
    ("kind", "party", "code"),
    [
        (LockKind.CUSTOMER, Party.CUSTOMER, "line.locked"),
        (LockKind.ISSUER, Party.ISSUER, "line.restricted"),
        (LockKind.LEGAL, Party.AUTHORITY, "line.locked"),
        (LockKind.EXIT, Party.CUSTOMER, "line.stopped"),
    ],
)
def test_each_lock_declines_under_its_own_name(db: Database, kind: LockKind, party: Party, code: str):
    line = open_line(db)
    with db.transaction() as tx:
        lines.set_lock(tx, line, kind, party, "test", "test", NOW)
    (answer,) = authorise(db, Request(line, "shop", 100))
    assert isinstance(answer, Declined)
    assert answer.code == code


def test_impossible_requests_are_refused_before_any_policy(db: Database):
    line = open_line(db)
    answers = authorise(
        db, Request(uuid4(), "s", 5), Request(line, "s", 0), Request(line, "s", 5, instalments=7)
    )
    assert [answer.code for answer in answers if isinstance(answer, Refusal)] == [
        "line.not_found",
        "purchase.amount_invalid",
        "purchase.product_unknown",
    ]
    with db.transaction() as tx:
        assert decisions.replay(tx).decisions == 0


def test_no_purchase_is_stored_at_a_shop_that_nobody_opened(db: Database):
    held = granted(db, open_line(db))
    strange = [replace(held, id=uuid4()), replace(held, id=uuid4(), merchant=uuid4())]
    with db.transaction() as tx:
        with pytest.raises(LookupError, match="never opened"):
            store.add(tx, strange, NOW, NOW)
        assert tx.conn.execute("SELECT count(*) AS n FROM purchases.purchase").fetchone() == {"n": 1}


def test_a_release_gives_the_room_back_and_twice_is_once(db: Database):
    line = open_line(db)
    held = granted(db, line)
    for _ in range(2):
        with db.transaction() as tx:
            done = purchases.release(tx, held.id, "shop", NOW)
        assert isinstance(done, Purchase)
        assert done.state is State.RELEASED
    assert line_of(db, line).held_minor == 0
    with db.transaction() as tx:
        told = [row["kind"] for row in journal_of(tx, [line])]
    assert told.count("purchase.released") == 1


def test_a_hold_ends_at_its_instant_whether_or_not_the_night_has_booked_it(db: Database):
    held = granted(db, open_line(db), 10_000)
    last = held.expires_at - timedelta(microseconds=1)
    (part,) = capture(db, Capture(held.id, 4_000, final=False), now=last)
    assert isinstance(part, Purchase)
    assert capture(db, Capture(held.id, 6_000), now=held.expires_at) == [Refusal("purchase.nothing_held")]
    with db.transaction() as tx:
        assert purchases.expire(tx, held.expires_at) == 1
    assert offences(db) == []


def test_holds_expire_after_seven_days_and_captured_parts_stay(db: Database):
    line = open_line(db)
    part, whole = granted(db, line, 10_000), granted(db, line, 5_000)
    capture(db, Capture(part.id, 4_000, final=False))
    with db.transaction() as tx:
        assert purchases.expire(tx, NOW + timedelta(days=7, seconds=-1)) == 0
    with db.transaction() as tx:
        assert purchases.expire(tx, NOW + timedelta(days=7)) == 2
        assert purchases.expire(tx, NOW + timedelta(days=8)) == 0
    after = line_of(db, line)
    assert (after.principal_minor, after.held_minor) == (4_000, 0)
    assert capture(db, Capture(whole.id, 1)) == [Refusal("purchase.nothing_held")]
    assert offences(db) == []


def test_the_books_tell_a_hold_that_ran_out_from_one_that_the_shop_gave_up(db: Database):
    line = open_line(db)
    given_up, ran_out = granted(db, line, 1_000), granted(db, line, 2_000)
    with db.transaction() as tx:
        purchases.release(tx, given_up.id, "shop", NOW)
        assert purchases.expire(tx, NOW + timedelta(days=7)) == 1
        rows = tx.conn.execute(
            "SELECT event, recipe, phase, amount FROM ledger.transfer WHERE pending_id IS NOT NULL"
        ).fetchall()
    booked = {row["event"]: (row["recipe"], row["phase"], row["amount"]) for row in rows}
    assert booked == {
        given_up.id: ("purchase.release", "void", 1_000),
        ran_out.id: ("purchase.expire", "expire", 2_000),
    }
    assert (line_of(db, line).held_minor, offences(db)) == (0, [])


def test_a_refund_settles_its_own_purchase_from_the_last_instalment_back(db: Database):
    line = open_line(db)
    held = granted(db, line, 30_000, 3)
    capture(db, Capture(held.id, 30_000))
    with db.transaction() as tx:
        done = purchases.refund(tx, held.id, 12_000, "shop", NOW)
    assert isinstance(done, Purchase)
    assert [item.principal_minor for item in items(db, line)] == [10_000, 8_000]
    with db.transaction() as tx:
        over = purchases.refund(tx, held.id, 18_001, "shop", NOW)
    assert over == Refusal("purchase.over_captured", {"refundable_minor": 18_000})


def test_a_refund_of_what_was_paid_pays_other_bills_and_then_is_credit(db: Database):
    line = open_line(db)
    held = granted(db, line, 10_000)
    capture(db, Capture(held.id, 10_000))
    pay(db, line, 10_000, DAY)
    buy(db, line, 3_000)
    night(db, DAY.replace(month=2, day=5))
    with db.transaction() as tx:
        purchases.refund(tx, held.id, 10_000, "shop", at(DAY.replace(month=2, day=6)))
    after = line_of(db, line)
    assert (after.owed_minor, after.credit_minor) == (0, 7_000)
    assert offences(db) == []


@given(st.integers(-10, 10**9), st.integers(0, 10**9), st.booleans(), st.booleans(), st.integers(-1, 1))
def test_a_capture_is_faulty_exactly_when_it_does_not_fit_its_hold(
    amount: int, held: int, again: bool, known: bool, after: int
):
    purchase = Purchase(
        UUID(int=1), UUID(int=2), UUID(int=3), 1, held, 0, 0, UUID(int=4) if held else None, held,
        State.AUTHORISED, NOW, NOW,
    )  # fmt: skip
    now = purchase.expires_at + timedelta(microseconds=after)
    fault = rules.capture_fault(Capture(purchase.id, amount), purchase if known else None, again, now)
    assert (fault is None) == (known and not again and 0 < amount <= held and after < 0)


def test_what_goes_beyond_deferred_payment_credit_is_refused_in_britain_alone(db: Database):
    british = open_line(db, currency="GBP", timezone="Europe/London", pack="uk")
    chinese = open_line(db)
    (refused, let) = authorise(db, Request(british, "shop", 9_000, 12), Request(chinese, "shop", 9_000, 12))
    assert refused == Refusal("purchase.beyond_deferral", {"instalments": 12})
    assert isinstance(let, Purchase)
    (within,) = authorise(db, Request(british, "shop", 9_000, 6))
    assert isinstance(within, Purchase)
