"""Lines in every state that the matrix of operations knows, made by the acts."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from unittest.mock import patch
from uuid import UUID, uuid4

from worlds import DAY, at, line_of, night, open_line

from whiteslip import billing, exits, identity, lines, purchases
from whiteslip.base import Refusal
from whiteslip.billing import chargeoff, sales
from whiteslip.billing.model import Payment, Relief
from whiteslip.decisions import Tables
from whiteslip.exits import Office, chargeoffs, debtsales, hardship, restrictions, softer, terminations
from whiteslip.exits.model import Cause, Channel, Identity, Kind, Termination
from whiteslip.exits.operations import Debt, Lifecycle, Lock, Sum
from whiteslip.exits.restrictions import Limits, Measure
from whiteslip.identity import Person, Vault
from whiteslip.lines.model import Feature, LockKind, Part, Party
from whiteslip.purchases import Capture, Purchase, Request, disputes
from whiteslip.purchases.model import Dispute, Ground
from whiteslip.store import Database, Tx

OFFICE = Office(Tables.load(), "Test Lender")
VAULT = Vault(bytes(32))
OWED = 20_000
BILLED_ON = date(2026, 2, 5)
# Billed on 5 February, due on the 25th, and on the 28th out of grace.
LATER = date(2026, 2, 28)
BEFORE_DUE = date(2026, 2, 24)
# Later than the days after which a debt may be taken as lost.
MUCH_LATER = date(2027, 3, 31)
# A plan of three instalments agreed on that day asks for the first on 5 March, due on the 25th.
PLAN_LATE_ON, PLAN_BILLED_ON = date(2026, 3, 26), date(2026, 3, 5)
NOW = {
    **dict.fromkeys((Debt.NONE, Debt.CURRENT, Debt.RESIDUAL), DAY),
    Debt.LONG_PAST_DUE: MUCH_LATER,
    Debt.PLAN_LATE: PLAN_LATE_ON,
}
HELPED = (Debt.PLAN_KEPT, Debt.PLAN_LATE)
# What the room of lines calls the states that leaving tells apart.
AS_LINE = {Lifecycle.NOTICE: Lifecycle.ACTIVE, Lifecycle.CLEARING: Lifecycle.RUN_OFF}
ENDED = (Debt.SETTLED, Debt.SOLD)
SMALLER = (Lock.FIRM, Lock.PART, Lock.ISSUER_PART, Lock.CAP)
AFTER_CLOSING = (Debt.NONE, Debt.SOLD, Debt.RESIDUAL)


@dataclass
class Scene:
    """A line in one state, with something to operate on."""

    line: UUID
    bought: Purchase
    held: Purchase
    paid: Payment
    now: datetime
    disputed: UUID


class Draft(Database):
    """Transactions inside one that is rolled back: what many states share is made once."""

    def __init__(self, tx: Tx) -> None:
        self.conn = tx.conn

    @contextmanager
    def transaction(self) -> Generator[Tx]:
        with self.conn.transaction():
            tx = Tx(self.conn)
            yield tx
            tx.flush()

    @contextmanager
    def dry_run(self) -> Generator[Tx]:
        with self.conn.transaction(force_rollback=True):
            yield Tx(self.conn)


def shop(tx: Tx, line: UUID, amount_minor: int, now: datetime) -> Purchase:
    (held,) = purchases.authorise(tx, OFFICE.tables, [Request(line, "shop", amount_minor)], "shop", now)
    assert isinstance(held, Purchase), held
    return held


def payment(tx: Tx, line: UUID, amount_minor: int, now: datetime, clearing_days: int = 0) -> Payment:
    on, reference = now.date(), uuid4().hex
    paid = billing.receive(tx, line, reference, amount_minor, on, "transfer", clearing_days, "test", now)
    assert not isinstance(paid, Refusal), paid
    return paid


def with_debt(db: Database, debt: Debt) -> Scene:
    """An active line without a lock that has come into that debt, by the acts."""
    line = open_line(db)
    start, now = at(DAY), at(NOW.get(debt, LATER))
    with db.transaction() as tx:
        person = Person("欧阳明远", "11010119900307803X", "+8613900000021", "a@example.com")
        identity.enrol(tx, VAULT, line_of(db, line).customer, person, "test", start)
        bought = shop(tx, line, OWED, start)
        (captured,) = purchases.capture(tx, [Capture(bought.id, OWED)], "shop", start)
        assert isinstance(captured, Purchase)
        paid = payment(tx, line, OWED, start)
        if debt not in (Debt.NONE, Debt.RESIDUAL):
            more = shop(tx, line, OWED, start)
            (owed,) = purchases.capture(tx, [Capture(more.id, OWED)], "shop", start)
            assert isinstance(owed, Purchase)
            captured = owed
    made = Scene(line, captured, captured, paid, now, uuid4())
    if now == at(DAY):
        if debt is not Debt.RESIDUAL:
            with db.transaction() as tx:
                made.held = shop(tx, line, 100, now)
        return made
    night(db, BILLED_ON)
    match debt:
        case Debt.LONG_PAST_DUE:
            night(db, LATER)
        case Debt.CHARGED_OFF | Debt.SETTLED | Debt.SOLD:
            _charge_off(db, line, debt, now)
        case _:
            with db.transaction() as tx:
                made.held = shop(tx, line, 100, at(BEFORE_DUE))
                if debt in HELPED:
                    hardship.agree(tx, OFFICE, line, Relief.LONGER, "customer", at(LATER))
    if debt is Debt.PLAN_LATE:
        night(db, PLAN_BILLED_ON)
        with db.transaction() as tx:  # while the plan was kept; what was held before has run out
            made.held = shop(tx, line, 100, at(PLAN_LATE_ON - timedelta(days=2)))
    return made


def _charge_off(db: Database, line: UUID, debt: Debt, now: datetime) -> None:
    """By two people, a year before its time, with a part paid since; then settled for it, or sold."""
    with db.transaction() as tx, patch.object(chargeoff, "_is_due", return_value=True):
        for actor in ("ann", "ben"):
            chargeoffs.charge_off(tx, OFFICE, line, actor, now)
        payment(tx, line, 100, now)
        if debt is Debt.SETTLED:
            for actor in ("ann", "ben"):
                chargeoffs.settle(tx, OFFICE, line, actor, now)
        if debt is Debt.SOLD:
            _sell(tx, line, now)


def _sell(tx: Tx, line: UUID, now: datetime) -> None:
    buyer = sales.add_buyer(tx, "Example Debt Buyer", "IBAN XX00 0000", "CNY", "test", now)
    assert isinstance(buyer, sales.Buyer)
    for actor in ("ann", "ben"):
        sale = debtsales.sell(tx, OFFICE, line, buyer.id, 100, actor, now)
        assert isinstance(sale, sales.Sale), sale
    assert sale.state is sales.State.SOLD


def enter(tx: Tx, at_hand: Scene, lifecycle: Lifecycle, lock: Lock, debt: Debt, total: Sum) -> None:
    """From an active line in debt to a state of all regions."""
    if lifecycle in (Lifecycle.CLEARING, Lifecycle.CLOSED) and at_hand.held.hold:
        purchases.release(tx, at_hand.held.id, "shop", at_hand.now)
        at_hand.held = at_hand.bought
    if total is Sum.UNCLEARED:
        at_hand.paid = payment(tx, at_hand.line, 100, at_hand.now, clearing_days=10)
    # A case waits where a freeze stands, and at the desk where a dispute is open; later ones find it run off.
    if lock is not Lock.LEGAL:
        _lock(tx, at_hand.line, lock, at_hand.now)
    match lifecycle:
        case Lifecycle.ACTIVE:
            pass
        case Lifecycle.NOTICE:
            causes = [Cause.PRODUCT_ENDED]
            asked = terminations.propose(tx, at_hand.line, Kind.TERMINATION, causes, "ann", at_hand.now)
            assert isinstance(asked, Termination), asked
            terminations.decide(tx, OFFICE, asked.id, True, "ben", at_hand.now)
        case _:
            who = Identity.PENDING if lifecycle is Lifecycle.CLOSING else Identity.VERIFIED
            case = exits.request(tx, OFFICE, at_hand.line, Channel.API, "customer", at_hand.now, who)
            assert not isinstance(case, Refusal), case
    if debt is Debt.RESIDUAL:
        billing.return_payment(tx, at_hand.paid.id, "bank", at_hand.now)
        at_hand.paid = payment(tx, at_hand.line, 100, at_hand.now)
    if total is Sum.DISPUTED:
        # Less than an instalment of a plan, so that what is late stays late.
        ground, part = Ground.NOT_RECEIVED, OWED // 40
        found = disputes.dispute(tx, at_hand.bought.id, part, ground, "customer", at_hand.now)
        assert isinstance(found, Dispute), found
        at_hand.disputed = found.id
    if lock is Lock.LEGAL:
        _lock(tx, at_hand.line, lock, at_hand.now)


def _lock(tx: Tx, line: UUID, lock: Lock, now: datetime) -> None:
    match lock:
        case Lock.CUSTOMER:
            softer.pause(tx, line, "customer", now)
        case Lock.FIRM:
            softer.pause(tx, line, "customer", now, days=30, firm=True)
        case Lock.PART:
            softer.pause(tx, line, "customer", now, part=Part(Feature.CASH))
        case Lock.ISSUER_PART:
            limits = Limits(Measure.PAUSE_FEATURE, feature=Feature.CASH)
            restrictions.restrict(tx, OFFICE, line, [Cause.CONTACT_LOST], "desk", now, limits)
        case Lock.CAP:
            softer.reduce(tx, line, 50, "customer", now)
        case Lock.ISSUER:
            restrictions.restrict(tx, OFFICE, line, [Cause.CONTACT_LOST], "desk", now)
        case Lock.LEGAL:
            lines.set_lock(tx, line, LockKind.LEGAL, Party.AUTHORITY, "order", "court", now)
        case Lock.NONE:
            pass
