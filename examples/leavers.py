"""Three hundred customers of a real portfolio leave; the clock runs two years.

The public "default of credit card clients" data set (or the sample that ships) is taken over onto
the ledger. Customers from every debt state ask to leave; some prove who they are, some cannot, a
court freezes a few. Most pay what they are billed, some never do. Every night is sealed, which
checks the books; shops keep trying to sell to those who left.

    python examples/leavers.py [FILE] [--leavers 300] [--months 24] [--customers N] [--home FOLDER]

What it prints depends on nothing but the file and the seed: see ``leavers.txt``. With a home of its
own it commits durably, says on stderr how far it is, and goes on where it was cut off, be it by
kill -9: ``make bench BENCH=kill`` does that to it fifty times.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from whiteslip import billing, day, decisions, exits, identity, intake, ledger, lines, notices, purchases
from whiteslip.app.schema import migrate_all
from whiteslip.base import Refusal, add_months, end_of_day
from whiteslip.billing import rules as billing_rules
from whiteslip.decisions import Tables
from whiteslip.exits import Office
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, State
from whiteslip.identity import Vault
from whiteslip.ledger.acts import last_sealed_day
from whiteslip.lines.acts import page_of_customers, page_of_lines
from whiteslip.lines.model import LockKind, Party
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Request
from whiteslip.store import Database, Tx, embedded
from whiteslip.store.database import verify_journal
from whiteslip.world.population import person

SAMPLE = Path(intake.__file__).parent / "samples" / "portfolio.csv"
ZONE = "Asia/Shanghai"
# The morning after the file's last statement.
FIRST = {"uci-credit-card": date(2005, 10, 1), "whiteslip-sample": date(2025, 7, 1)}
SEED = 20051001
CLEARING_DAYS = 10


@dataclass
class Run:
    """The run: a database, the people who leave, and what cannot be asked of the database later."""

    db: Database
    ports: day.Ports
    home: Path
    dice: Random
    told: list[str] = field(default_factory=list[str])
    bucket: dict[UUID, str] = field(default_factory=dict[UUID, str])
    cases: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    payers: set[UUID] = field(default_factory=set[UUID])

    def at(self, on: date, hour: int) -> datetime:
        """An hour of a day in the contract's timezone."""
        return datetime.combine(on, time(hour), ZoneInfo(ZONE))

    def keep(self) -> None:
        """Write down what was taken over and who leaves, before anybody has asked to."""
        version, state, gauss = self.dice.getstate()
        kept = {
            "told": self.told,
            "bucket": {str(line): bucket for line, bucket in self.bucket.items()},
            "dice": [version, list(state), gauss],
        }
        new = self.home / "run.json.new"
        new.write_text(json.dumps(kept))
        new.rename(self.home / "run.json")

    def find(self) -> bool:
        """Whether an earlier process came as far as that; then its choice is ours."""
        try:
            kept = json.loads((self.home / "run.json").read_text())
        except FileNotFoundError:
            return False
        version, state, gauss = kept["dice"]
        self.dice.setstate((version, tuple(state), gauss))
        self.told = kept["told"]
        self.bucket = {UUID(line): bucket for line, bucket in kept["bucket"].items()}
        return True


def main(arguments: list[str]) -> int:
    """Run and print; 1 when anything is not as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--mapping")
    parser.add_argument("--leavers", type=int, default=300)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--customers", type=int, help="take over the first N customers only")
    parser.add_argument("--home", type=Path, help="keep the database here, and go on with what is there")
    given = parser.parse_args(arguments)
    if given.home:
        return housed(given, given.home)
    with tempfile.TemporaryDirectory(prefix="whiteslip-example-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        try:
            return housed(given, home)
        finally:
            embedded.remove(home)


def housed(given: argparse.Namespace, home: Path) -> int:
    """Run on a database in ``home``, which is made if need be."""
    server = embedded.start(home)
    with psycopg.connect(server.url(), autocommit=True) as conn:
        if conn.execute("SELECT 1 FROM pg_database WHERE datname = 'example'").fetchone() is None:
            conn.execute("CREATE DATABASE example")
    migrate_all(server.url("example"))
    db = Database(server.url("example"), durable=given.home is not None)
    try:
        return story(db, home, given)
    finally:
        db.close()


def story(db: Database, home: Path, given: argparse.Namespace) -> int:
    """Take over, leave, wait, count. Each step asks first whether it was done."""
    mapping = given.mapping or ("whiteslip-sample" if given.file == SAMPLE else "uci-credit-card")
    vault = Vault(bytes(range(32)))
    run = Run(
        db, day.Ports(Office(Tables.load(), "Example Lender"), vault, DemoPhone(db)), home, Random(SEED)
    )
    first = FIRST[mapping]
    if not run.find():
        take_over(run, given.file, mapping, given.customers, first)
        seal(run, first)
        choose(run, given.leavers, first)
        run.keep()
    print("\n".join(run.told))
    ask(run, first + timedelta(days=1))
    wait(run, first + timedelta(days=1), add_months(first, given.months))
    return tell(run)


def take_over(run: Run, file: Path, mapping: str, customers: int | None, first: date) -> None:
    """Import, and count what is there before any night adds to it."""
    options = intake.Options(at_most=customers)

    def progress(done: int) -> None:
        print(f"{done} bytes taken over", file=sys.stderr, flush=True)

    report = intake.run(run.db, run.ports.vault, mapping, file, options, run.at(first, 8), progress)
    with run.db.transaction() as tx:
        row = tx.conn.execute(
            """SELECT (SELECT count(*) FROM lines.customer) AS customers,
                (SELECT count(*) FROM billing.bill WHERE statement_on < %(first)s) AS bills,
                (SELECT count(*) FROM billing.payment) AS payments,
                (SELECT count(*) FROM purchases.purchase) AS purchases""",
            {"first": first},
        ).fetchone()
    assert row
    run.told = [
        f"{row['customers']} customers taken over, {report.customers_rejected} rejected",
        f"{row['bills']} bills, {row['payments']} payments, {row['purchases']} purchases booked",
    ]


def seal(run: Run, on: date) -> None:
    """Close a day; an invariant that is broken raises."""
    done = day.seal(run.db, run.ports, on, ZONE, end_of_day(on, ZONE))
    assert not isinstance(done, Refusal), done
    print(f"{on} is sealed", file=sys.stderr, flush=True)


def choose(run: Run, leavers: int, on: date) -> None:
    """Lines from every debt state, as evenly as the portfolio allows, by the dice."""
    with run.db.transaction() as tx:
        found: list[lines.Line] = []
        while page := page_of_lines(tx, found[-1].id if found else None, 2_000):
            found += page
        names: dict[UUID, str] = {}
        after: UUID | None = None
        while some := page_of_customers(tx, after, 2_000):
            names |= {customer.id: customer.reference or "" for customer in some}
            after = some[-1].id
        debts = billing.debts(tx, [line.id for line in found], on)
    by_bucket: defaultdict[str, list[lines.Line]] = defaultdict(list)
    for line in sorted(found, key=lambda line: names[line.customer]):
        by_bucket[billing_rules.bucket(debts.get(line.id))].append(line)
    for group in by_bucket.values():
        run.dice.shuffle(group)
    while len(run.bucket) < min(leavers, len(found)):
        for bucket in sorted(by_bucket):
            if by_bucket[bucket] and len(run.bucket) < leavers:
                run.bucket[by_bucket[bucket].pop().id] = bucket


def ask(run: Run, on: date) -> None:
    """Everybody asks on one day: nine in ten prove who they are, some cannot, some are frozen."""
    now = run.at(on, 10)
    for number, line_id in enumerate(run.bucket):
        roll, somebody = run.dice.randrange(100), person(run.dice, number)
        who = Identity.DOUBTED if roll >= 95 else Identity.VERIFIED
        if run.dice.randrange(100) < 80:
            run.payers.add(line_id)
        with run.db.transaction() as tx:
            if known := exits_store.of_line(tx, line_id):
                run.cases[line_id] = known[0].id
                continue
            line = lines.get_line(tx, line_id)
            assert not isinstance(line, Refusal), line
            customer = line.customer
            if isinstance(identity.peek(tx, run.ports.vault, customer), Refusal):
                identity.enrol_many(tx, run.ports.vault, [(customer, somebody)], "example", now)
            if roll < 3:
                lines.set_lock(tx, line_id, LockKind.LEGAL, Party.AUTHORITY, "court order", "court", now)
            case = exits.request(tx, run.ports.office, line_id, Channel.PORTAL, "customer", now, who)
            assert not isinstance(case, Refusal), case
            run.cases[line_id] = case.id


def wait(run: Run, first: date, last: date) -> None:
    """Nights go by; on the 25th those who pay do, on the 1st shops try to sell to all who left."""
    with run.db.transaction() as tx:
        sealed = last_sealed_day(tx)
    today = max(first, sealed + timedelta(days=1)) if sealed else first
    while today <= last:
        if today.day == 25:
            pay(run, today)
        if today.day == 1:
            sell(run, today)
        seal(run, today)
        today += timedelta(days=1)
    seal(run, last)  # what came after the seal of a last night that was cut off


def pay(run: Run, on: date) -> None:
    """Pay what is billed and not more, all in one: who goes on after it finds nothing billed."""
    now = run.at(on, 9)
    with run.db.transaction() as tx:
        debts = billing.debts(tx, list(run.payers), on)
        for line in run.cases:
            debt = debts.get(line)
            if debt and debt.billed_minor:
                reference, amount = f"P{on:%Y%m}", debt.billed_minor
                paid = billing.receive(
                    tx, line, reference, amount, on, "transfer", CLEARING_DAYS, "example", now
                )
                assert not isinstance(paid, Refusal), paid


def sell(run: Run, on: date) -> None:
    """A shop tries, once, to sell something small to everybody who asked to leave."""
    now = run.at(on, 12)
    with run.db.transaction() as tx:
        if not any(tries(tx, run, now)):
            batch = [Request(line, "shop", 100) for line in run.cases]
            purchases.authorise(tx, run.ports.office.tables, batch, "shop", now)


def tries(tx: Tx, run: Run, at: datetime | None = None) -> tuple[int, int]:
    """How many purchases shops were granted and refused since people left, or at one moment."""
    row = tx.conn.execute(
        """SELECT count(*) FILTER (WHERE kind = 'purchase.authorised') AS sold,
            count(*) FILTER (WHERE kind = 'purchase.declined') AS declined
        FROM store.journal WHERE subject = ANY(%(lines)s::uuid[]) AND actor = 'shop'
            AND (%(at)s::timestamptz IS NULL OR at = %(at)s)""",
        {"lines": list(run.cases), "at": at},
    ).fetchone()
    assert row
    return row["sold"], row["declined"]


def tell(run: Run) -> int:
    """Count what became of everybody, and what should not have happened."""
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    letters: Counter[int] = Counter()
    with run.db.transaction() as tx:
        for line, asked in run.cases.items():
            case = exits_store.find(tx, asked)
            assert case
            ground = f" ({case.ground})" if case.ground else ""
            outcomes[run.bucket[line]][f"{case.state}{ground}, {case.why}"] += 1
            sent = [n for n in notices.of_subject(tx, case.id) if n.kind == "exit.closed"]
            if case.state is State.CLOSED:
                letters[len(sent)] += 1
        offences = day.every_violation(tx)
        balanced = ledger.is_balanced(ledger.trial_balance(tx))
        broken = verify_journal(tx)
        replayed = decisions.replay(tx)
        sold, declined = tries(tx, run)
        nights = tx.conn.execute("SELECT count(*) AS nights FROM ledger.sealed_day").fetchone()
    assert nights
    print(f"{len(run.cases)} asked to leave, from every debt state; {nights['nights']} nights were sealed\n")
    for bucket in sorted(outcomes):
        print(f"{bucket} ({sum(outcomes[bucket].values())})")
        for outcome, count in sorted(outcomes[bucket].items()):
            print(f"  {count:4}  {outcome}")
    whole = set(letters) <= {1}
    print(f"\npurchases after the stop: {sold} authorised, {declined} declined")
    print(f"closing letters per closed case: {dict(letters)}")
    print(f"trial balance: {'zero' if balanced else 'NOT ZERO'}, sealed every night")
    print(f"broken invariants: {len(offences)} (schedules, stops and books among them)")
    print(f"journal: {len(broken)} faults; decisions: {replayed.differing} differ when decided again")
    good = balanced and whole and not (offences or broken or sold or replayed.differing)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
