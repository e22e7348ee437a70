"""A small book in which everything happens that a portfolio's figures tell apart."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from bureaus import OFFICE
from scored import CARD, TREES, score_night, serve
from worlds import DAY, at, buy, give_back, locked, night, open_line, pay, quote, refund

from whiteslip import exits
from whiteslip.base import Refusal
from whiteslip.billing import chargeoff, hardship, sales
from whiteslip.billing.model import Hardship, Relief
from whiteslip.exits import Exit
from whiteslip.exits.model import Channel, Identity
from whiteslip.lines.locks import lift_lock, set_lock
from whiteslip.lines.model import LockKind, Party
from whiteslip.purchases import disputes
from whiteslip.store import Database

END: Final = date(2027, 3, 15)
_OWN: Final = (LockKind.CUSTOMER, Party.CUSTOMER)
# Bills are issued on the fifth and due on the 25th; three days later a late fee is charged.
_NIGHTS: Final = (5, 26, 27, 28, 29)


def varied(db: Database) -> None:
    """Twelve lines from January 2026 to March 2027: paid, late and cured, bad, charged off, sold,
    restructured, refunded, left and paid off, left and still owing; payments early, late and returned;
    three months of opening and three limits. In the end every stage has a line, and two have just left. One
    paused for a while, another is locked. Of one something is disputed, of another it was. A behaviour model
    scores them in the last two months, and has not seen the newest.
    """
    good, cured, bad, sold, given_back, paid_off, owing = (open_line(db) for _ in range(7))
    buy(db, good, 240_001, 12)
    buy(db, cured, 90_000, 3)
    buy(db, bad, 60_001, 6)
    buy(db, sold, 40_000, 3)
    returned = buy(db, given_back, 50_000, 3)
    buy(db, paid_off, 30_000, 3)
    buy(db, owing, 120_000, 12)
    _until(db, DAY, date(2026, 2, 10))
    refund(db, given_back, returned, 20_000, date(2026, 2, 11))
    pay(db, good, 22_000, date(2026, 2, 20))
    late = open_line(db, limit_minor=90_000, day=date(2026, 2, 12))
    buy(db, late, 60_000, 12, date(2026, 2, 12))
    helped = open_line(db, limit_minor=300_000, day=date(2026, 2, 13))
    buy(db, helped, 120_000, 12, date(2026, 2, 13))
    _until(db, date(2026, 2, 11), date(2026, 3, 20))
    give_back(db, pay(db, given_back, 9_000, date(2026, 3, 21)), date(2026, 3, 24))
    good_again = quote(db, good, date(2026, 3, 22)).total_minor // 2
    pay(db, good, good_again, date(2026, 3, 22))
    _leave(db, owing, date(2026, 3, 25))
    _lock(db, good, date(2026, 3, 25))
    _until(db, date(2026, 3, 21), date(2026, 5, 10))
    with db.transaction() as tx:
        assert not lift_lock(tx, good, *_OWN, "customer", at(date(2026, 5, 10)))
    pay(db, cured, quote(db, cured, date(2026, 5, 11)).total_minor, date(2026, 5, 11))
    _help(db, helped, date(2026, 5, 12))
    case = _leave(db, paid_off, date(2026, 5, 13))
    pay(db, paid_off, quote(db, paid_off, date(2026, 5, 14)).total_minor, date(2026, 5, 14))
    with db.transaction() as tx:
        exits.advance(tx, OFFICE, case.id, at(date(2026, 5, 15)))
    _until(db, date(2026, 5, 11), date(2026, 12, 20))
    pay(db, good, quote(db, good, date(2026, 12, 21)).total_minor, date(2026, 12, 21))
    with db.transaction() as tx:
        exits.advance(tx, OFFICE, case.id, at(date(2026, 12, 21)))
    newest, unused = open_line(db, day=date(2026, 12, 22)), open_line(db, day=date(2026, 12, 22))
    buy(db, newest, 45_000, 1, date(2027, 1, 20))
    buy(db, cured, 80_000, 1, date(2027, 1, 2))
    with db.transaction() as tx:
        serve(tx, CARD, TREES, at(date(2027, 2, 9)))
    _until(db, date(2026, 12, 21), date(2027, 2, 27))
    score_night(db, date(2027, 2, 10))
    lost = date(2027, 2, 28)
    _charge_off_and_settle(db, bad, lost)
    _sell(db, sold, lost)
    buy(db, good, 70_000, 3, date(2027, 3, 1))
    _forced(db, good, date(2027, 3, 2))
    _forced(db, cured, date(2027, 3, 2), settled=date(2027, 3, 9))
    _leave(db, unused, date(2027, 3, 2))
    _leave(db, newest, date(2027, 3, 3))
    _lock(db, late, date(2027, 3, 4))
    _until(db, lost, END)
    score_night(db, END - timedelta(days=1))
    buy(db, open_line(db, day=END), 30_000, 3, END)


def _forced(db: Database, line: UUID, day: date, settled: date | None = None) -> None:
    """A shop posts what nobody authorised: it is disputed until that is settled."""
    with db.transaction() as tx:
        opened = disputes.force_post(tx, line, "shop", 5_000, "test", at(day))
        assert not isinstance(opened, Refusal), opened
        if settled:
            done = disputes.resolve(tx, opened.id, True, "test", at(settled))
            assert not isinstance(done, Refusal), done


def _help(db: Database, line: UUID, day: date) -> None:
    with db.transaction() as tx:
        plan = hardship.agree(tx, locked(tx, line), Relief.LONGER, "test", at(day), foreseen=True)
    assert isinstance(plan, Hardship), plan


def _charge_off_and_settle(db: Database, line: UUID, day: date) -> None:
    for act in (chargeoff.charge_off, chargeoff.settle):
        if act is chargeoff.settle:
            pay(db, line, 20_000, day)
        for who in ("ann", "ben"):
            with db.transaction() as tx:
                done = act(tx, locked(tx, line), who, at(day))
            assert not isinstance(done, Refusal), done


def _lock(db: Database, line: UUID, day: date) -> None:
    with db.transaction() as tx:
        set_lock(tx, line, *_OWN, "customer_request", "customer", at(day))


def _leave(db: Database, line: UUID, day: date) -> Exit:
    with db.transaction() as tx:
        case = exits.request(tx, OFFICE, line, Channel.PORTAL, "customer", at(day), Identity.VERIFIED)
    assert not isinstance(case, Refusal), case
    return case


def _sell(db: Database, line: UUID, day: date) -> None:
    """Charge a debt off and hand it to a buyer."""
    with db.transaction() as tx:
        buyer = sales.add_buyer(tx, "Asset company", "62220000", "CNY", "ann", at(day))
    assert not isinstance(buyer, Refusal), buyer
    for who in ("ann", "ben"):
        with db.transaction() as tx:
            done = chargeoff.charge_off(tx, locked(tx, line), who, at(day))
        assert not isinstance(done, Refusal), done
    for who in ("ann", "ben"):
        with db.transaction() as tx:
            done = sales.sell(tx, locked(tx, line), buyer.id, 4_000, who, at(day))
        assert not isinstance(done, Refusal), done


def _until(db: Database, first: date, last: date) -> None:
    """The nights on which something may be billed."""
    for step in range((last - first).days + 1):
        day = first + timedelta(days=step)
        if day.day in _NIGHTS:
            night(db, day)
