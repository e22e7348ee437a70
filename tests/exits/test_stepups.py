"""A step-up is asked of a line: small purchases pass, a proof ends it, and so does time."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from exits.test_restrictions import NOON, OFFICE, VAULT, known, letters, time_goes_by
from worlds import DAY, line_of, open_line

from whiteslip import exits, identity, packs, purchases
from whiteslip.base import Refusal, end_of_day
from whiteslip.exits import stepups
from whiteslip.exits.model import Channel, Identity
from whiteslip.lines import Line, lift_lock, set_lock
from whiteslip.lines.model import Feature, LockKind, Part, Party
from whiteslip.purchases import Declined, Purchase, Request
from whiteslip.store import Database

DAYS = packs.load("cn").days("identity.step_up_asked_days")


def ask(db: Database, line: UUID, now: datetime = NOON) -> Line | Refusal:
    with db.transaction() as tx:
        return stepups.ask(tx, OFFICE, line, "desk", now)


def buys(db: Database, line: UUID, amount_minor: int, now: datetime = NOON) -> str | None:
    """Why a purchase is declined; None when it is not."""
    with db.transaction() as tx:
        (done,) = purchases.authorise(tx, OFFICE.tables, [Request(line, "shop", amount_minor)], "shop", now)
    assert isinstance(done, Purchase | Declined), done
    return done.code if isinstance(done, Declined) else None


def test_small_purchases_pass_until_the_customer_confirms_and_all_do_afterwards(db: Database):
    line, other = known(db), open_line(db)
    asked = ask(db, line)
    assert isinstance(asked, Line)
    assert (asked.locks, asked.drawing_stopped) == (frozenset(), False), "nothing is stopped"
    twentieth = asked.limit_minor // 20
    assert buys(db, line, twentieth + 1) == "line.unconfirmed"
    assert [buys(db, line, twentieth) for _ in range(4)] == [None, None, None, "line.unconfirmed"]
    assert buys(db, other, twentieth + 1) is None, "it is asked of one line"
    assert letters(db, line) == ["line.step_up_asked"]
    with db.transaction() as tx:
        stepups.confirmed(tx, asked.customer, "customer", NOON)
        stepups.confirmed(tx, asked.customer, "customer", NOON)
    with db.transaction() as tx:
        told = tx.conn.execute(
            "SELECT kind FROM store.journal WHERE kind LIKE 'step_up.%' ORDER BY seq"
        ).fetchall()
    assert buys(db, line, twentieth + 1) is None
    assert [row["kind"] for row in told] == ["step_up.asked", "step_up.confirmed"]


def test_nobody_is_asked_for_longer_than_the_packs_days(db: Database):
    line = known(db)
    ask(db, line)
    ask(db, line, NOON + timedelta(days=DAYS - 1))
    ends = end_of_day(DAY + timedelta(days=DAYS), "Asia/Shanghai")
    time_goes_by(db, ends - timedelta(seconds=1))
    assert buys(db, line, 100_000, ends) == "line.unconfirmed"
    time_goes_by(db, ends)
    assert buys(db, line, 100_000, ends) is None
    assert letters(db, line) == ["line.step_up_asked"], "asked again while it stands is asked once"


@pytest.mark.parametrize(("changed_days_ago", "letters_sent"), [(1, 2), (30, 1)])
def test_it_is_told_where_the_customer_was_reached_before_if_that_changed_lately(
    db: Database, changed_days_ago: int, letters_sent: int
):
    line = known(db)
    changed = NOON + timedelta(days=40 - changed_days_ago)
    with db.transaction() as tx:
        identity.change_contact(
            tx, VAULT, line_of(db, line).customer, "+8613900000099", None, "customer", changed
        )
    ask(db, line, NOON + timedelta(days=40))
    with db.transaction() as tx:
        sent = tx.conn.execute("SELECT to_former FROM notices.notice ORDER BY to_former").fetchall()
    assert [row["to_former"] for row in sent] == [False, True][:letters_sent]


def test_who_is_asked_leaves_like_anybody_and_who_leaves_is_not_asked(db: Database):
    line = known(db)
    ask(db, line)
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", NOON, Identity.VERIFIED)
    assert not isinstance(case, Refusal)
    assert ask(db, line) == Refusal("line.not_active", {"lifecycle": "closed"})


def test_a_lock_of_anybody_is_named_before_it_and_the_customer_cannot_lift_it_as_theirs(db: Database):
    line = known(db)
    ask(db, line)
    unconfirmed = Part(Feature.UNCONFIRMED)
    with db.transaction() as tx:
        refused = lift_lock(tx, line, LockKind.ISSUER, Party.CUSTOMER, "customer", NOON, unconfirmed)
        set_lock(tx, line, LockKind.CUSTOMER, Party.CUSTOMER, "x", "customer", NOON)
    assert isinstance(refused, Refusal)
    assert buys(db, line, 100_000) == "line.locked"
