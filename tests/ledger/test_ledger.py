"""The ledger refuses what would break it, inside the database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from whiteslip import ledger
from whiteslip.ledger import Account, Transfer
from whiteslip.ledger.acts import unpinned
from whiteslip.ledger.model import Phase, SealedError
from whiteslip.store import Database, Entry
from whiteslip.store.database import verify_journal

DAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def open_account(db: Database, currency: str = "CNY", debit_limit: int | None = None) -> UUID:
    account = Account(uuid4(), "test", uuid4(), currency, debit_limit=debit_limit)
    with db.transaction() as tx:
        ledger.open_accounts(tx, [account])
    return account.id


def move(
    debit: UUID | None,
    credit: UUID | None,
    amount: int | None,
    phase: Phase = Phase.SINGLE,
    pending: UUID | None = None,
) -> Transfer:
    return Transfer(uuid4(), uuid4(), "test", debit, credit, amount, phase, pending)


def post(db: Database, *transfers: Transfer, day: date = DAY) -> None:
    with db.transaction() as tx:
        ledger.post(tx, transfers, day, NOW)


def read(db: Database, account: UUID) -> Account:
    with db.transaction() as tx:
        return ledger.accounts(tx, [account])[account]


def test_a_hold_posted_in_part_releases_the_rest(db: Database):
    line, shop = open_account(db, debit_limit=100), open_account(db)
    hold = move(line, shop, 80, Phase.PENDING)
    post(db, hold)
    assert read(db, line).room == 20
    post(db, move(None, None, 50, Phase.POST, hold.id))
    assert (read(db, line).net_debit, read(db, line).room) == (50, 50)


@pytest.mark.parametrize("phase", [Phase.VOID, Phase.EXPIRE])
def test_a_hold_that_was_voided_or_has_expired_leaves_nothing(db: Database, phase: Phase):
    line, shop = open_account(db, debit_limit=100), open_account(db)
    hold = move(line, shop, 80, Phase.PENDING)
    post(db, hold)
    post(db, move(None, None, None, phase, hold.id))
    assert read(db, line).room == 100
    with db.transaction() as tx:
        assert tx.conn.execute("SELECT FROM ledger.v_violation").fetchall() == []


def test_a_hold_is_resolved_once(db: Database):
    line, shop = open_account(db), open_account(db)
    hold = move(line, shop, 80, Phase.PENDING)
    post(
        db,
        hold,
    )
    post(db, move(None, None, None, Phase.VOID, hold.id))
    with pytest.raises(psycopg.errors.UniqueViolation):
        post(db, move(None, None, 80, Phase.POST, hold.id))


@pytest.mark.parametrize(("amount", "phase"), [(81, Phase.POST), (79, Phase.VOID), (79, Phase.EXPIRE)])
def test_a_resolution_fits_its_hold(db: Database, amount: int, phase: Phase):
    line, shop = open_account(db), open_account(db)
    hold = move(line, shop, 80, Phase.PENDING)
    post(db, hold)
    with pytest.raises(psycopg.Error, match="not a pending transfer of that amount"):
        post(db, move(None, None, amount, phase, hold.id))


def test_a_resolution_names_the_accounts_of_its_hold_or_none(db: Database):
    line, shop, other = open_account(db), open_account(db), open_account(db)
    hold = move(line, shop, 80, Phase.PENDING)
    post(db, hold)
    for debit, credit in ((other, shop), (line, other), (shop, line)):
        with pytest.raises(psycopg.Error, match="not a pending transfer"):
            post(db, move(debit, credit, 80, Phase.POST, hold.id))
    post(db, move(line, None, 80, Phase.POST, hold.id))
    assert read(db, line).net_debit == 80


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_is_above_zero(db: Database, amount: int):
    with pytest.raises(psycopg.errors.CheckViolation):
        post(db, move(open_account(db), open_account(db), amount))


def test_a_sum_that_does_not_fit_is_refused_whole(db: Database):
    line, shop, most = open_account(db), open_account(db), 2**63 - 1
    post(db, move(line, shop, most))
    for batch in ([move(line, shop, 1)], [move(shop, line, most), move(shop, line, 1)]):
        with pytest.raises(psycopg.errors.NumericValueOutOfRange):
            post(db, *batch)
    assert read(db, line).net_debit == most
    with db.transaction() as tx:
        assert ledger.violations(tx) == []


def test_an_unknown_account_gets_no_limit(db: Database):
    with pytest.raises(psycopg.Error, match="does not exist"), db.transaction() as tx:
        ledger.set_debit_limit(tx, uuid4(), 5)


def test_a_batch_over_the_limit_is_refused_whole(db: Database):
    line, shop = open_account(db, debit_limit=100), open_account(db)
    with pytest.raises(psycopg.Error, match="account limit exceeded"):
        post(db, move(line, shop, 60), move(line, shop, 41))
    assert read(db, line).net_debit == 0


def test_a_limit_cut_below_use_stops_drawing_but_takes_repayments(db: Database):
    line, shop = open_account(db, debit_limit=100), open_account(db)
    post(db, move(line, shop, 90))
    with db.transaction() as tx:
        ledger.set_debit_limit(tx, line, 10)
    post(db, move(shop, line, 30))
    with pytest.raises(psycopg.Error, match="account limit exceeded"):
        post(db, move(line, shop, 1))


def test_currencies_do_not_mix(db: Database):
    with pytest.raises(psycopg.Error, match="mixes currencies"):
        post(db, move(open_account(db, "CNY"), open_account(db, "EUR"), 5))


def test_an_unknown_account_is_refused(db: Database):
    with pytest.raises(psycopg.Error, match="does not exist"):
        post(db, move(uuid4(), open_account(db), 5))


def test_a_sealed_day_takes_no_more_bookings(db: Database):
    line, shop = open_account(db), open_account(db)
    with db.transaction() as tx:
        ledger.seal(tx, DAY, NOW)
        ledger.seal(tx, DAY, NOW)
    with pytest.raises(SealedError, match="is sealed"):
        post(db, move(line, shop, 5))
    post(db, move(line, shop, 5), day=DAY + timedelta(days=1))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.transfer SET amount = 1",
        "DELETE FROM ledger.transfer",
        "UPDATE ledger.account SET debits_posted = 0",
        "INSERT INTO ledger.transfer SELECT * FROM ledger.transfer",
        "COPY ledger.transfer FROM STDIN",
        "TRUNCATE ledger.transfer",
        "MERGE INTO ledger.transfer AS t USING ledger.account AS a ON t.id = a.id WHEN MATCHED THEN DELETE",
        "UPDATE ledger.v_balance SET code = 'x'",
        "INSERT INTO ledger.account (code, currency, debits_posted) VALUES ('x', 'CNY', 1)",
    ],
)
def test_the_application_can_only_post(db: Database, statement: str):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction() as tx:
        tx.conn.execute(statement)  # type: ignore[arg-type]


def test_batches_that_cross_each_other_do_not_deadlock(db: Database):
    accounts = [open_account(db) for _ in range(6)]
    failures: list[Exception] = []

    def shuffle(step: int) -> None:
        try:
            for turn in range(30):
                pairs = [
                    (accounts[(turn * step + i) % 6], accounts[(turn * step + i + step) % 6])
                    for i in range(6)
                ]
                post(db, *(move(debit, credit, 1) for debit, credit in pairs if debit != credit))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=shuffle, args=(step,)) for step in (1, 2, 3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with db.transaction() as tx:
        assert ledger.violations(tx) == []


def at_once(db: Database, *batches: list[Transfer]) -> list[type[Exception] | None]:
    """Post each batch on a connection of its own at the same moment; what became of them."""
    start, said = threading.Barrier(len(batches)), list[type[Exception] | None]()

    def one(batch: list[Transfer]) -> None:
        start.wait()
        try:
            post(db, *batch)
            said.append(None)
        except psycopg.Error as error:
            said.append(type(error))

    threads = [threading.Thread(target=one, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def test_of_two_who_resolve_the_same_holds_at_once_one_does(db: Database):
    line, shop = open_account(db), open_account(db)
    for _ in range(20):
        holds = [move(line, shop, 10, Phase.PENDING) for _ in range(20)]
        post(db, *holds)
        voids = [move(None, None, None, Phase.VOID, hold.id) for hold in holds]
        posts = [move(None, None, None, Phase.POST, hold.id) for hold in reversed(holds)]
        assert sorted(at_once(db, voids, posts), key=str) == [psycopg.errors.UniqueViolation, None]
    assert read(db, line).debits_pending == 0
    with db.transaction() as tx:
        assert ledger.violations(tx) == []


def test_a_seal_waits_for_who_books_on_its_day_and_counts_it(db: Database):
    line, shop, others = open_account(db), open_account(db), (open_account(db), open_account(db))
    sealed = threading.Event()

    def seal() -> None:
        with db.transaction() as tx:
            ledger.seal(tx, DAY, NOW)
        sealed.set()

    night = threading.Thread(target=seal)
    with db.transaction() as tx:
        ledger.post(tx, [move(line, shop, 5)], DAY, NOW)
        night.start()
        assert not sealed.wait(0.3)
        post(db, move(*others, 7), day=DAY + timedelta(days=1))  # the next day waits for nobody
    night.join()
    with db.transaction() as tx:
        totals = tx.conn.execute("SELECT totals FROM ledger.sealed_day").fetchone()
    assert totals == {"totals": {"CNY/test": [12, 12]}}


def test_a_journal_that_was_written_anew_is_not_the_one_that_was_sealed(fresh_url: Callable[[], str]):
    url = fresh_url()
    db = Database(url, size=1)
    with db.transaction() as tx:
        tx.record(Entry(NOW, "line.opened", "line", uuid4(), "system"))
        ledger.seal(tx, DAY, NOW)
    with db.transaction() as tx:
        assert unpinned(tx) == []
    with psycopg.connect(url) as owner:
        owner.execute("ALTER TABLE store.journal DISABLE TRIGGER append_only")
        owner.execute("DELETE FROM store.journal")
        owner.execute("UPDATE store.journal_head SET seq = 0, hash = sha256('whiteslip journal')")
    with db.transaction() as tx:
        tx.record(Entry(NOW, "line.closed", "line", uuid4(), "system"))
        assert verify_journal(tx) == []  # the chain alone is whole
    with db.transaction() as tx:
        assert unpinned(tx) == ["row 1: it is not what 2026-03-01 was sealed with"]
        assert ledger.violations(tx) == ["the journal is as it was sealed: 2026-03-01, row 1"]
    db.close()


class LedgerMachine(RuleBasedStateMachine):
    """Random postings against a plain model in memory."""

    db: Database

    @initialize()
    def start(self) -> None:
        self.limit = 1_000
        self.line, self.shop = open_account(self.db, debit_limit=self.limit), open_account(self.db)
        self.holds: dict[UUID, int] = {}
        self.posted = 0

    @rule(amount=st.integers(1, 600), pending=st.booleans())
    def debit(self, amount: int, pending: bool) -> None:
        transfer = move(self.line, self.shop, amount, Phase.PENDING if pending else Phase.SINGLE)
        if self.posted + sum(self.holds.values()) + amount > self.limit:
            with pytest.raises(psycopg.Error, match="account limit exceeded"):
                post(self.db, transfer)
            return
        post(self.db, transfer)
        if pending:
            self.holds[transfer.id] = amount
        else:
            self.posted += amount

    @rule(share=st.integers(0, 100))
    def resolve(self, share: int) -> None:
        if not self.holds:
            return
        hold, amount = self.holds.popitem()
        part = amount * share // 100
        if part:
            post(self.db, move(None, None, part, Phase.POST, hold))
            self.posted += part
        else:
            post(self.db, move(None, None, None, Phase.EXPIRE if share else Phase.VOID, hold))

    @rule(amount=st.integers(1, 600))
    def repay(self, amount: int) -> None:
        post(self.db, move(self.shop, self.line, amount))
        self.posted -= amount

    @invariant()
    def sums_match_the_model_and_the_books_balance(self) -> None:
        if not hasattr(self, "line"):
            return
        account = read(self.db, self.line)
        assert account.net_debit == self.posted
        assert account.debits_pending == sum(self.holds.values())
        with self.db.transaction() as tx:
            assert ledger.violations(tx) == []
            assert ledger.is_balanced(ledger.trial_balance(tx))


def test_any_order_of_postings_keeps_the_invariants(db: Database):
    LedgerMachine.db = db
    machine = LedgerMachine.TestCase
    machine.settings = settings(
        max_examples=15,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    machine("runTest").runTest()
