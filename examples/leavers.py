"""Three hundred customers of a real portfolio leave; the clock runs two years.

The public "default of credit card clients" data set (or the sample that ships) is taken over onto
the ledger. Customers from every debt state ask to leave; some prove who they are, some cannot, a
court freezes a few. Most pay what they are billed, some never do. Every night is sealed, which
checks the books; shops keep trying to sell to those who left.

    python examples/leavers.py [FILE] [--leavers 300] [--months 24] [--customers N]

What it prints depends on nothing but the file and the seed: see ``leavers.txt``.
"""

from __future__ import annotations

import argparse
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
from whiteslip.exits import Exit, Office
from whiteslip.exits import store as exits_store
from whiteslip.exits.model import Channel, Identity, State
from whiteslip.identity import Vault
from whiteslip.lines.acts import page_of_customers, page_of_lines
from whiteslip.lines.model import LockKind, Party
from whiteslip.notices import DemoPhone
from whiteslip.purchases import Declined, Purchase, Request
from whiteslip.store import Database, embedded
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
    """The run: a database, the people who leave, and what was seen."""

    db: Database
    ports: day.Ports
    dice: Random
    cases: dict[UUID, Exit] = field(default_factory=dict[UUID, Exit])
    bucket: dict[UUID, str] = field(default_factory=dict[UUID, str])
    payers: set[UUID] = field(default_factory=set[UUID])
    declined: int = 0
    sold: int = 0
    nights: int = 0

    def at(self, on: date, hour: int) -> datetime:
        """An hour of a day in the contract's timezone."""
        return datetime.combine(on, time(hour), ZoneInfo(ZONE))


def main(arguments: list[str]) -> int:
    """Run and print; 1 when anything is not as promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--mapping")
    parser.add_argument("--leavers", type=int, default=300)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--customers", type=int, help="take over the first N customers only")
    given = parser.parse_args(arguments)
    mapping = given.mapping or ("whiteslip-sample" if given.file == SAMPLE else "uci-credit-card")
    with tempfile.TemporaryDirectory(prefix="whiteslip-example-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = embedded.start(home)
        try:
            with psycopg.connect(server.url(), autocommit=True) as conn:
                conn.execute("CREATE DATABASE example")
            migrate_all(server.url("example"))
            db = Database(server.url("example"), durable=False)
            try:
                return story(db, given.file, mapping, given.leavers, given.months, given.customers)
            finally:
                db.close()
        finally:
            embedded.remove(home)


def story(db: Database, file: Path, mapping: str, leavers: int, months: int, customers: int | None) -> int:
    """Take over, leave, wait, count."""
    vault = Vault(bytes(range(32)))
    run = Run(db, day.Ports(Office(Tables.load(), "Example Lender"), vault, DemoPhone(db)), Random(SEED))
    first = FIRST[mapping]
    options = intake.Options(at_most=customers)
    report = intake.run(db, vault, mapping, file, options, run.at(first, 8))
    print(f"{report.customers_loaded} customers taken over, {report.customers_rejected} rejected")
    print(f"{report.bills} bills, {report.payments} payments, {report.purchases} purchases booked")
    seal(run, first)
    chosen = choose(run, leavers, first)
    ask(run, chosen, first + timedelta(days=1))
    wait(run, first + timedelta(days=1), add_months(first, months))
    return tell(run)


def seal(run: Run, on: date) -> None:
    """Close a day; an invariant that is broken raises."""
    done = day.seal(run.db, run.ports, on, ZONE, end_of_day(on, ZONE))
    assert not isinstance(done, Refusal), done
    run.nights += 1


def choose(run: Run, leavers: int, on: date) -> list[lines.Line]:
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
    chosen: list[lines.Line] = []
    while len(chosen) < min(leavers, len(found)):
        for bucket in sorted(by_bucket):
            if by_bucket[bucket] and len(chosen) < leavers:
                line = by_bucket[bucket].pop()
                run.bucket[line.id] = bucket
                chosen.append(line)
    return chosen


def ask(run: Run, chosen: list[lines.Line], on: date) -> None:
    """Everybody asks on one day: nine in ten prove who they are, some cannot, some are frozen."""
    now = run.at(on, 10)
    for number, line in enumerate(chosen):
        roll = run.dice.randrange(100)
        who = Identity.DOUBTED if roll >= 95 else Identity.VERIFIED
        with run.db.transaction() as tx:
            if isinstance(identity.peek(tx, run.ports.vault, line.customer), Refusal):
                somebody = person(run.dice, number)
                identity.enrol_many(tx, run.ports.vault, [(line.customer, somebody)], "example", now)
            if roll < 3:
                lines.set_lock(tx, line.id, LockKind.LEGAL, Party.AUTHORITY, "court order", "court", now)
            case = exits.request(tx, run.ports.office, line.id, Channel.PORTAL, "customer", now, who)
            assert not isinstance(case, Refusal), case
        run.cases[line.id] = case
        if run.dice.randrange(100) < 80:
            run.payers.add(line.id)


def wait(run: Run, first: date, last: date) -> None:
    """Nights go by; on the 25th those who pay do, on the 1st shops try to sell to all who left."""
    today = first
    while today <= last:
        if today.day == 25:
            pay(run, today)
        if today.day == 1:
            sell(run, today)
        seal(run, today)
        today += timedelta(days=1)


def pay(run: Run, on: date) -> None:
    """Pay what is billed and not more."""
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
    """A shop tries to sell something small to everybody who asked to leave."""
    with run.db.transaction() as tx:
        batch = [Request(line, "shop", 100) for line in run.cases]
        answers = purchases.authorise(tx, run.ports.office.tables, batch, "shop", run.at(on, 12))
    run.declined += sum(isinstance(answer, Declined) for answer in answers)
    run.sold += sum(isinstance(answer, Purchase) for answer in answers)


def tell(run: Run) -> int:
    """Count what became of everybody, and what should not have happened."""
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    letters: Counter[int] = Counter()
    with run.db.transaction() as tx:
        for line, asked in run.cases.items():
            case = exits_store.find(tx, asked.id)
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
    print(f"{len(run.cases)} asked to leave, from every debt state; {run.nights} nights were sealed\n")
    for bucket in sorted(outcomes):
        print(f"{bucket} ({sum(outcomes[bucket].values())})")
        for outcome, count in sorted(outcomes[bucket].items()):
            print(f"  {count:4}  {outcome}")
    whole = set(letters) <= {1}
    print(f"\npurchases after the stop: {run.sold} authorised, {run.declined} declined")
    print(f"closing letters per closed case: {dict(letters)}")
    print(f"trial balance: {'zero' if balanced else 'NOT ZERO'}, sealed every night")
    print(f"broken invariants: {len(offences)} (schedules, stops and books among them)")
    print(f"journal: {len(broken)} faults; decisions: {replayed.differing} differ when decided again")
    good = balanced and whole and not (offences or broken or run.sold or replayed.differing)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
