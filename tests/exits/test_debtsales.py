"""A leaver's debt is sold: they are told whom they owe, and let go."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from exits.test_restrictions import NOON, OFFICE, known
from worlds import DAY, at, buy, line_of, night, offences

from whiteslip import exits, notices
from whiteslip.base import Refusal
from whiteslip.billing import mandates, sales
from whiteslip.billing.mandates import Mandate, Scheme
from whiteslip.billing.sales import Buyer, Sale, State
from whiteslip.exits import debtsales, estates
from whiteslip.exits.model import Channel, Exit, Identity
from whiteslip.exits.model import State as Case
from whiteslip.lines.model import Lifecycle, LockKind
from whiteslip.notices import compose
from whiteslip.store import Database

SOLD_ON = date(2026, 3, 1)


def leaver(db: Database) -> tuple[UUID, UUID]:
    line = known(db)
    buy(db, line, 60_000, 6)
    with db.transaction() as tx:
        mandate = mandates.sign(tx, line, Scheme.CN_AGREED, "M-1", DAY, "test", NOON)
        assert isinstance(mandate, Mandate)
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", NOON, Identity.VERIFIED)
    assert isinstance(case, Exit)
    assert case.state is Case.RUN_OFF
    night(db, date(2026, 2, 5))
    return line, case.id


def sell(db: Database, line: UUID, buyer: Buyer, actor: str) -> Sale | Refusal:
    with db.transaction() as tx:
        return debtsales.sell(tx, OFFICE, line, buyer.id, 30_000, actor, at(SOLD_ON))


def buyer_of(db: Database) -> Buyer:
    with db.transaction() as tx:
        made = sales.add_buyer(tx, "Example Debt Buyer", "IBAN XX00 0000", "CNY", "test", NOON)
    assert isinstance(made, Buyer)
    return made


def letters_of(db: Database, subject: UUID) -> dict[str, str]:
    """Letters about a line or a case in words, by kind."""
    with db.transaction() as tx:
        found = notices.of_subject(tx, subject)
    written: dict[str, str] = {}
    for one in found:
        facts = compose.facts_of(one.kind, one.facts)
        written[one.kind] = compose.body(compose.compose(one.kind, "en", facts, "X", one.queued_at))
    return written


def test_who_is_leaving_is_told_whom_they_owe_and_is_let_go(db: Database):
    line, case = leaver(db)
    buyer = buyer_of(db)
    assert isinstance(sell(db, line, buyer, "ann"), Sale)
    assert "debt.sold" not in letters_of(db, line)
    done = sell(db, line, buyer, "ben")
    assert isinstance(done, Sale)
    assert done.state is State.SOLD
    found = line_of(db, line)
    assert (found.lifecycle, found.owed_minor) == (Lifecycle.CLOSED, 0), "nothing is owed here any more"
    assert LockKind.ISSUER in found.locks
    with db.transaction() as tx:
        (mandate,) = mandates.mandates_of(tx, line)
        assert mandate.ended_why == "debt_sold"
    told = letters_of(db, line)["debt.sold"]
    assert "Example Debt Buyer" in told
    assert "IBAN XX00 0000" in told
    assert "Civil Code, articles 548" in told, "what the pack's law leaves to the customer"
    assert told.count("2026") >= 6, "the days of all instalments"
    closed = letters_of(db, case)["exit.closed"]
    assert "On 1 March 2026 we sold the debt on this line" in closed
    assert "owed to Example Debt Buyer, not to us" in closed
    assert offences(db) == []


def test_heirs_who_were_told_what_settles_it_are_not_handed_on(db: Database):
    line, _ = leaver(db)
    buyer = buyer_of(db)
    with db.transaction() as tx:
        reported = estates.report(tx, OFFICE, line, Channel.DESK, "desk", at(SOLD_ON))
    assert isinstance(reported, Exit)
    assert sell(db, line, buyer, "ann") == Refusal("sale.estate")
    assert offences(db) == []
