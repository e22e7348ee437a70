"""A debt sold is owed to somebody else: nothing of it is asked for here, and what reaches us is theirs."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from billing.test_chargeoff import LATE, lost
from worlds import (
    DAY,
    at,
    buy,
    give_back,
    hold,
    items,
    line_of,
    locked,
    night,
    nights,
    offences,
    open_line,
    pay,
    payable,
    refund,
)

from whiteslip import billing, ledger, lines
from whiteslip.base import Refusal, new_id
from whiteslip.billing import disputed, hardship, pledges, sales
from whiteslip.billing.model import Bucket, Hardship, Relief
from whiteslip.billing.rules import bucket
from whiteslip.billing.sales import Buyer, Sale, State
from whiteslip.ledger import recipes
from whiteslip.ledger.recipes import House
from whiteslip.lines.model import Lifecycle, LockKind, Party
from whiteslip.store import Database
from whiteslip.store.database import journal_of

SOLD_ON = date(2026, 3, 1)


def buyer_of(db: Database, name: str = "Example Debt Buyer", currency: str = "CNY") -> Buyer:
    with db.transaction() as tx:
        made = sales.add_buyer(tx, name, "IBAN XX00 0000", currency, "test", at(DAY))
    assert isinstance(made, Buyer)
    return made


def running_off(db: Database, amount_minor: int = 60_000, instalments: int = 6) -> tuple[UUID, UUID]:
    """A line that is being left, with a purchase of which one instalment is billed."""
    line = open_line(db)
    purchase = buy(db, line, amount_minor, instalments)
    nights(db, date(2026, 2, 5), date(2026, 2, 5))
    with db.transaction() as tx:
        lines.set_lock(tx, line, LockKind.EXIT, Party.CUSTOMER, "left", "test", at(DAY))
        for to in (Lifecycle.CLOSING, Lifecycle.RUN_OFF):
            lines.move(tx, locked(tx, line), to, "test", "test", at(DAY))
    return line, purchase


def sell(
    db: Database, line: UUID, to: Buyer, price_minor: int, actor: str, day: date = SOLD_ON
) -> Sale | Refusal:
    with db.transaction() as tx:
        return sales.sell(tx, locked(tx, line), to.id, price_minor, actor, at(day))


def sold(db: Database, line: UUID, to: Buyer, price_minor: int = 10_000, day: date = SOLD_ON) -> Sale:
    sell(db, line, to, price_minor, "ann", day)
    done = sell(db, line, to, price_minor, "ben", day)
    assert isinstance(done, Sale), done
    assert done.state is State.SOLD
    return done


def balances(db: Database) -> dict[str, int]:
    """Net debits by account code, in minor units."""
    with db.transaction() as tx:
        rows = ledger.trial_balance(tx)
        assert ledger.is_balanced(rows)
    return {row.code: row.debits - row.credits for row in rows}


def due_to(db: Database) -> int:
    with db.transaction() as tx:
        return sum(one.due_minor for one in sales.buyers(tx))


def kinds(db: Database, line: UUID) -> list[str]:
    with db.transaction() as tx:
        return [row["kind"] for row in journal_of(tx, [line])]


def test_two_people_sell_a_debt_and_it_is_owed_here_no_more(db: Database):
    line, _ = running_off(db)
    to, cash = buyer_of(db), balances(db)["house.cash"]
    owed, scheduled = line_of(db, line).owed_minor, items(db, line)
    proposed = sell(db, line, to, 40_000, "ann")
    assert isinstance(proposed, Sale)
    assert (proposed.state, proposed.face_minor) == (State.PROPOSED, None)
    assert sell(db, line, to, 40_000, "ann") == Refusal("desk.own_proposal")
    assert isinstance(sell(db, line, to, 35_000, "ben"), Sale), "other terms are another proposal"
    assert sell(db, line, to, 35_000, "ben") == Refusal("desk.own_proposal")
    assert line_of(db, line).owed_minor == owed, "one person sells nothing"
    done = sell(db, line, to, 35_000, "ann")
    assert isinstance(done, Sale)
    assert done.state is State.SOLD
    assert done.face_minor is not None
    assert owed <= done.face_minor <= sum(item.total_minor for item in scheduled), "with what is earned"
    assert sell(db, line, to, 1, "cid") == done, "again changes nothing"
    books = balances(db)
    assert books["house.cash"] - cash == 35_000
    assert books["house.sold"] == done.face_minor - 35_000
    assert (line_of(db, line).owed_minor, items(db, line)) == (0, [])
    with db.transaction() as tx:
        assert bucket(billing.debt(tx, line, SOLD_ON)) is Bucket.NONE
        told = sales.schedule(tx, done.id)
    assert sum(minor for _, minor in told) == done.face_minor
    assert [on for on, _ in told] == [item.due_on for item in scheduled]
    nights(db, SOLD_ON, SOLD_ON + timedelta(days=40))
    assert line_of(db, line).owed_minor == 0, "no bill, no late fee"
    assert kinds(db, line).count("debt.sold") == 1
    assert offences(db) == []


def test_the_price_of_a_debt_taken_as_lost_is_a_recovery_and_its_loss_stays(db: Database):
    line = lost(db)
    to, before = buyer_of(db), balances(db)
    face = line_of(db, line).owed_minor
    sold(db, line, to, 700, LATE + timedelta(days=1))
    after = balances(db)
    moved = {code: after[code] - before.get(code, 0) for code in after}
    assert moved["house.charged_off"] == face
    assert (moved["house.recoveries"], moved["house.cash"], moved["house.sold"]) == (-700, 700, 0)
    assert moved["house.credit_losses"] == 0
    assert LockKind.ISSUER in line_of(db, line).locks
    assert offences(db) == []


def test_what_still_reaches_us_is_the_buyers_and_what_comes_back_is_taken_back(db: Database):
    line, _ = running_off(db)
    early = pay(db, line, 5_000, date(2026, 2, 10))
    to = buyer_of(db)
    face = sold(db, line, to).face_minor or 0
    paid = pay(db, line, 8_000, SOLD_ON + timedelta(days=1), value_on=SOLD_ON - timedelta(days=2))
    assert due_to(db) == 8_000
    assert (line_of(db, line).credit_minor, line_of(db, line).owed_minor) == (0, 0)
    with db.transaction() as tx:
        assert sales.remit_all(tx, SOLD_ON + timedelta(days=1), at(SOLD_ON + timedelta(days=1))) == 1
        assert sales.remit_all(tx, SOLD_ON + timedelta(days=1), at(SOLD_ON + timedelta(days=1))) == 0
    assert due_to(db) == 0
    give_back(db, paid, SOLD_ON + timedelta(days=3))
    assert due_to(db) == -8_000, "the buyer has it and owes it back"
    assert line_of(db, line).owed_minor == 0, "and the customer owes them, not us"
    pay(db, line, face + 1_234, SOLD_ON + timedelta(days=4))
    assert due_to(db) == face - 8_000, "never more than was sold"
    assert line_of(db, line).credit_minor == 1_234, "the rest is the customer's"
    # A payment from before the sale was not in what was sold: it is ours to ask for, with a fresh day.
    give_back(db, early, SOLD_ON + timedelta(days=5))
    (residual,) = items(db, line)
    assert (residual.kind, residual.total_minor) == ("residual", 5_000)
    assert residual.due_on >= SOLD_ON + timedelta(days=19)
    assert line_of(db, line).lifecycle is Lifecycle.RUN_OFF
    night(db, SOLD_ON + timedelta(days=5))
    assert line_of(db, line).owed_minor == 5_000 - 1_234, "the credit pays for what is asked here"
    pay(db, line, 3_766, SOLD_ON + timedelta(days=6))
    assert (line_of(db, line).owed_minor, due_to(db)) == (0, face - 8_000), "ours comes first"
    assert offences(db) == []


def test_a_refund_or_a_dispute_after_the_sale_costs_the_buyer_and_not_the_customer(db: Database):
    line, purchase = running_off(db)
    paid_off = buy_before(db, line)
    to = buyer_of(db)
    sold(db, line, to)
    before = balances(db)
    refund(db, line, purchase, 20_000, SOLD_ON + timedelta(days=1))
    assert due_to(db) == 20_000, "as if the customer had paid the buyer"
    assert line_of(db, line).credit_minor == 0
    dispute = new_id(at(SOLD_ON))
    with db.transaction() as tx:
        on = at(SOLD_ON + timedelta(days=2))
        taken = disputed.suspend(tx, locked(tx, line), dispute, purchase, 30_000, on)
    assert taken == 30_000
    assert due_to(db) == 50_000
    assert balances(db)["house.disputed"] - before["house.disputed"] == 30_000
    with db.transaction() as tx:
        disputed.demand(tx, locked(tx, line), dispute, 30_000, "test", at(SOLD_ON + timedelta(days=9)))
    (owed,) = items(db, line)
    assert (owed.kind, owed.total_minor) == ("residual", 30_000), "bought back, so it is owed to us"
    refund(db, line, purchase, 10_000, SOLD_ON + timedelta(days=10))
    refund(db, line, paid_off, 4_000, SOLD_ON + timedelta(days=10))
    assert due_to(db) == 60_000, "no more than the purchase had in it; what was paid here is not the buyer's"
    assert line_of(db, line).credit_minor == 4_000
    assert {"debt.deemed_collected", "debt.bought_back"} <= set(kinds(db, line))
    assert offences(db) == []


def buy_before(db: Database, line: UUID) -> UUID:
    """A purchase of 4,000 that was captured before and is paid: the credit comes from elsewhere."""
    with db.transaction() as tx:
        found = locked(tx, line)
        key = new_id(at(DAY))
        held = recipes.hold(new_id(at(DAY)), key, found.principal, payable(tx), 4_000)
        ledger.post(tx, [held], DAY, at(DAY))
        ledger.post(tx, [recipes.capture(key, held.id, 4_000, at(DAY))], DAY, at(DAY))
        paid = {"principal": 4_000}
        ledger.post(tx, recipes.receive(key, found.book, House.of("CNY"), paid, at(DAY), DAY), DAY, at(DAY))
    return key


def test_what_cannot_be_sold_says_why_and_stays(db: Database):
    to, line = buyer_of(db), open_line(db)
    assert sell(db, line, to, 0, "ann") == Refusal("sale.nothing_owed")
    buy(db, line, 12_000, 12)
    assert sell(db, line, to, 0, "ann") == Refusal("sale.not_for_sale"), "who pays and buys is not sold"
    leaver, _ = running_off(db)
    other = buyer_of(db, "Southern", "EUR")
    assert sell(db, leaver, other, 0, "ann") == Refusal("sale.currency_differs", {"currency": "EUR"})
    assert isinstance(sell(db, leaver, to, 90_001, "ann"), Refusal)
    with db.transaction() as tx:
        assert isinstance(sales.add_buyer(tx, to.name, "x", "CNY", "ann", at(DAY)), Refusal)
        assert sales.remit(tx, UUID(int=9), DAY, "ann", at(DAY)) == Refusal("buyer.not_found")
        plans = list({item.plan for item in items(db, leaver)})
        pledges.pledge(tx, plans, UUID(int=5), "ann", at(DAY))
    assert sell(db, leaver, to, 0, "ann") == Refusal("sale.pledged", {"plans": 1})
    with db.transaction() as tx:
        pledges.release(tx, plans, UUID(int=5), "ann", at(SOLD_ON))
        lines.set_lock(tx, leaver, LockKind.LEGAL, Party.AUTHORITY, "order", "ann", at(SOLD_ON))
    assert sell(db, leaver, to, 0, "ann") == Refusal("sale.legal_freeze")
    helped, _ = running_off(db)
    with db.transaction() as tx:
        made = hardship.agree(tx, locked(tx, helped), Relief.LONGER, "x", at(SOLD_ON), foreseen=True)
    assert isinstance(made, Hardship)
    assert sell(db, helped, to, 0, "ann") == Refusal("sale.hardship_kept")
    waiting = lost(db)
    hold(db, waiting, 100, LATE)
    assert sell(db, waiting, to, 0, "ann", LATE) == Refusal("sale.purchases_held")
    assert offences(db) == []


def test_what_was_bought_back_and_lost_is_sold_again_and_each_sale_stands_by_itself(db: Database):
    line, purchase = running_off(db, 60_000, 3)  # 200.00 a month for nothing
    with db.transaction() as tx:
        first = sales.add_buyer(tx, "First", "IBAN 1", "CNY", "test", at(DAY))
        second = sales.add_buyer(tx, "Second", "IBAN 2", "CNY", "test", at(DAY))
    assert isinstance(first, Buyer)
    assert isinstance(second, Buyer)
    assert sold(db, line, first, 12_000).face_minor == 60_000
    dispute, on = new_id(at(SOLD_ON)), SOLD_ON + timedelta(days=5)
    with db.transaction() as tx:
        assert disputed.suspend(tx, locked(tx, line), dispute, purchase, 25_000, at(on)) == 25_000
        disputed.demand(tx, locked(tx, line), dispute, 25_000, "test", at(on))
    assert line_of(db, line).owed_minor == 25_000, "owed to us again"
    again = sold(db, line, second, 5_000, on)
    assert (again.face_minor, again.left_minor) == (25_000, 25_000)
    assert sell(db, line, second, 1, "cid", on) == again, "everything is sold"
    owed = {"First": 25_000, "Second": 0}  # of the first sale 250.00 were bought back at face value
    assert due(db) == owed
    # 400.00 reach us: 350.00 are left of the first sale, the rest is of the second.
    paid = pay(db, line, 40_000, on + timedelta(days=1))
    assert due(db) == {"First": 60_000, "Second": 5_000}
    assert [sale.left_minor for sale in done(db, line)] == [0, 20_000]
    give_back(db, paid, on + timedelta(days=2))
    assert due(db) == owed
    # The shop gives 500.00 back: 350.00 of them were in the first sale still, 150.00 in the second.
    refund(db, line, purchase, 50_000, on + timedelta(days=3))
    assert due(db) == {"First": 60_000, "Second": 15_000}
    pay(db, line, 12_000, on + timedelta(days=4))
    assert due(db) == {"First": 60_000, "Second": 25_000}, "never more than was sold"
    assert line_of(db, line).credit_minor == 2_000
    assert balances(db)["house.sold"] == (60_000 - 12_000) + (25_000 - 5_000)
    assert offences(db) == []


def due(db: Database) -> dict[str, int]:
    with db.transaction() as tx:
        return {one.name: one.due_minor for one in sales.buyers(tx)}


def done(db: Database, line: UUID) -> list[Sale]:
    with db.transaction() as tx:
        return sales.done(tx, line)


def test_a_price_above_what_is_owed_is_refused(db: Database):
    line, _ = running_off(db, 60_000, 3)
    to = buyer_of(db)
    assert sell(db, line, to, 60_001, "ann") == Refusal("sale.price_invalid", {"most_minor": 60_000})
    proposed = sell(db, line, to, 60_000, "ann")
    assert isinstance(proposed, Sale)
    pay(db, line, 100, SOLD_ON)
    # Paid meanwhile, so the price that was agreed is too high now.
    assert sell(db, line, to, 60_000, "ben") == Refusal("sale.price_invalid", {"most_minor": 59_900})
    assert balances(db)["house.sold"] == 0
