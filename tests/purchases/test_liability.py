"""Whose loss a purchase is that the customer did not make: the shop's, or the lender's."""

from __future__ import annotations

from uuid import UUID

import pytest
from worlds import DAY, at, line_of, offences, open_line, pay

from whiteslip import ledger, purchases
from whiteslip.decisions import Tables
from whiteslip.ledger.recipes import House
from whiteslip.purchases import Capture, Purchase, Request, disputes, store
from whiteslip.purchases.model import Dispute, Ground
from whiteslip.store import Database
from whiteslip.store.database import journal_of

TABLES = Tables.load()


def resolved(db: Database, strong: bool, ground: Ground, paid_minor: int, won: bool = True) -> Dispute:
    """A purchase of 80.00 that is disputed whole, and decided."""
    line, now = open_line(db), at(DAY)
    with db.transaction() as tx:
        (bought,) = purchases.authorise(tx, TABLES, [Request(line, "shop", 8_000, strong=strong)], "s", now)
        assert isinstance(bought, Purchase)
        purchases.capture(tx, [Capture(bought.id, 8_000)], "s", now)
    if paid_minor:
        pay(db, line, paid_minor, DAY)
    with db.transaction() as tx:
        opened = disputes.dispute(tx, bought.id, 8_000, ground, "customer", now)
        assert isinstance(opened, Dispute)
        done = disputes.resolve(tx, opened.id, won, "staff:a", now)
        assert isinstance(done, Dispute)
        assert store.dispute(tx, done.id) == done
        (told,) = [row["data"] for row in journal_of(tx, [line]) if row["kind"] == "dispute.resolved"]
    assert told.get("bears") == done.bears
    assert offences(db) == []
    return done


def balances(db: Database, merchant: UUID) -> tuple[int, int]:
    """What the shop is owed, and what the lender has lost, in minor units."""
    with db.transaction() as tx:
        payable, losses = store.payable_of(tx, merchant), House.of("CNY").fraud_losses
        found = ledger.accounts(tx, [payable, losses])
    return -found[payable].net_debit, found[losses].net_debit


@pytest.mark.parametrize("paid_minor", [0, 3_000, 8_000])
@pytest.mark.parametrize(
    ("strong", "ground", "bears"),
    [
        (False, Ground.NOT_MINE, "shop"),
        (True, Ground.NOT_MINE, "lender"),
        (True, Ground.NOT_RECEIVED, "shop"),
    ],
)
def test_who_did_not_buy_pays_nothing_and_the_shop_answers_only_for_what_it_did_not_check(
    db: Database, strong: bool, ground: Ground, bears: str, paid_minor: int
):
    done = resolved(db, strong, ground, paid_minor)
    line = line_of(db, done.line)
    assert (done.bears, line.owed_minor, line.credit_minor) == (bears, 0, paid_minor)
    assert balances(db, done.merchant) == ((8_000, 8_000) if bears == "lender" else (0, 0))


def test_a_lost_dispute_is_nobodys_loss(db: Database):
    done = resolved(db, True, Ground.NOT_MINE, 0, won=False)
    assert (done.bears, line_of(db, done.line).owed_minor) == (None, 8_000)
    assert balances(db, done.merchant) == (8_000, 0)
