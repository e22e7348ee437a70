"""Every end of a dispute is told to whoever disputed: once, and with the sums that it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from worlds import DAY, at, line_of, open_line, pay

from whiteslip import notices, purchases
from whiteslip.base import Refusal
from whiteslip.decisions import Tables
from whiteslip.exits import Office, owed
from whiteslip.purchases import Capture, Purchase, Request
from whiteslip.purchases.model import Dispute, Ground
from whiteslip.store import Database

OFFICE = Office(Tables.load(), "Test Lender")
BOUGHT, DISPUTED = 30_000, 12_000


def disputed(db: Database, line: UUID, paid_minor: int) -> Dispute:
    """A part of the one purchase, of which so much had been paid."""
    with db.transaction() as tx:
        (held,) = purchases.authorise(tx, OFFICE.tables, [Request(line, "shop", BOUGHT, 1)], "shop", at(DAY))
        assert isinstance(held, Purchase)
        purchases.capture(tx, [Capture(held.id, BOUGHT)], "shop", at(DAY))
    if paid_minor:
        pay(db, line, paid_minor, DAY)
    with db.transaction() as tx:
        opened = owed.dispute(tx, OFFICE, held.id, DISPUTED, Ground.NOT_RECEIVED, "customer", at(DAY))
    assert isinstance(opened, Dispute)
    return opened


def resolve(db: Database, opened: Dispute, won: bool) -> None:
    for hour in (12, 13):
        with db.transaction() as tx:
            done = owed.resolve_dispute(tx, OFFICE, opened.id, won, "desk", at(DAY + timedelta(days=1), hour))
        assert not isinstance(done, Refusal)


def told(db: Database, line: UUID) -> list[tuple[str, Mapping[str, Any]]]:
    """Letters about the line since the receipt."""
    with db.transaction() as tx:
        found = notices.of_subject(tx, line)
    return [(letter.kind, letter.facts) for letter in found if letter.kind != "dispute.received"]


@pytest.mark.parametrize("paid_minor", [0, BOUGHT])
def test_a_dispute_that_is_won_is_told_once_with_what_is_given_back(db: Database, paid_minor: int):
    line = open_line(db)
    resolve(db, disputed(db, line, paid_minor), won=True)
    ((kind, facts),) = told(db, line)
    given_back = DISPUTED if paid_minor else 0
    assert (kind, facts["disputed_minor"], facts["given_back_minor"]) == ("dispute.won", DISPUTED, given_back)
    after = line_of(db, line)
    assert (after.owed_minor, after.credit_minor) == (0 if paid_minor else BOUGHT - DISPUTED, given_back)


def test_a_dispute_that_is_lost_is_told_once_whether_or_not_something_is_owed_anew(db: Database):
    owing, paid = open_line(db), open_line(db)
    resolve(db, disputed(db, owing, 0), won=False)
    resolve(db, disputed(db, paid, BOUGHT), won=False)
    ((kind, facts),) = told(db, owing)
    assert (kind, facts["owed_anew_minor"]) == ("debt.owed_anew", DISPUTED)
    ((kind, facts),) = told(db, paid)
    assert (kind, facts["disputed_minor"]) == ("dispute.turned_down", DISPUTED)
    assert line_of(db, paid).owed_minor == 0


@pytest.mark.parametrize("won", [True, False])
def test_what_a_shop_posts_is_told_at_once_and_so_is_who_was_right(db: Database, won: bool):
    line = open_line(db)
    with db.transaction() as tx:
        posted = owed.force_post(tx, OFFICE, line, "subscription", 990, "shop", at(DAY))
    assert isinstance(posted, Dispute)
    resolve(db, posted, won)
    found = dict(told(db, line))
    assert sorted(found) == sorted(["dispute.posted", "dispute.won" if won else "debt.owed_anew"])
    assert found["dispute.posted"]["disputed_minor"] == 990
    assert line_of(db, line).owed_minor == (0 if won else 990)
